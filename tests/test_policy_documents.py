"""What docs/api.md says of the policy, and its walk on one machine; the example of docs/vectors.md."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

import pytest
import urllib3

from scenarios import rulebook
from verifier import Policy

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).parents[1] / "docs"
API = (DOCS / "api.md").read_text(encoding="utf-8")
WALK = API.partition("## Try it on one machine")[2].partition("\n## ")[0]
TABLE = [
    [cell.strip() for cell in row.split("|")[1:-1]]
    for row in API.partition("| field | default |")[2].partition("\n\n")[0].splitlines()[2:]
]
HINTS = get_type_hints(Policy)


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", WALK, re.DOTALL | re.MULTILINE)
    assert found
    return found[1]


def statements() -> list[str]:
    """Return the commands of the walk, each in one text: one goes on in the next lines until its quote ends."""
    made: list[str] = []
    open_text = ""
    for line in block("sh").splitlines():
        open_text = f"{open_text}\n{line}" if open_text else line
        if open_text.count("'") % 2 == 0:
            made += [open_text] if open_text else []
            open_text = ""
    return made


@contextmanager
def running(command: str, folder: Path) -> Iterator[str]:
    """Start a server that the walk shows, on a free port, and yield where it is ready."""
    arguments = shlex.split(re.sub(r"--port \d+", "--port 0", command.removesuffix("&")))
    process = subprocess.Popen(
        [sys.executable, "-m", "scenarios", *arguments[1:]],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stdout
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.communicate(timeout=30)


def curl(command: str) -> Any:
    """Ask what a curl of the walk asks, and return the JSON answered."""
    parts = iter(shlex.split(command)[1:])
    method, headers, body, url = "GET", {}, None, ""
    for part in parts:
        if part == "-X":
            method = next(parts)
        elif part == "-H":
            name, _, value = next(parts).partition(": ")
            headers[name] = value
        elif part == "-d":
            body = next(parts)
        else:
            url = part
    with urllib3.PoolManager() as pool:
        answer = pool.request(method, url, headers=headers, body=body)
    assert answer.status == 200, answer.data
    return answer.json()


def test_the_walk_on_one_machine_ends_as_it_is_shown(tmp_path: Path) -> None:
    (tmp_path / "try.yaml").write_text(block("yaml"), encoding="utf-8")
    idp, api, onboard, mint, call = statements()
    with ExitStack() as servers:
        ready = {
            "http://127.0.0.1:8090": servers.enter_context(running(idp, tmp_path)),
            "http://127.0.0.1:8080": servers.enter_context(running(api, tmp_path)),
        }
        for shown, real in ready.items():
            onboard, mint, call = (text.replace(shown, real) for text in (onboard, mint, call))
        onboarded = curl(onboard)
        minting = shlex.split(mint.removeprefix("TOKEN=$(").removesuffix(")"))
        minted = subprocess.run(
            [sys.executable, "-m", "scenarios", *minting[1:]], capture_output=True, text=True, check=True
        )
        found = curl(call.replace("$TOKEN", minted.stdout.strip()))

    assert onboarded["verdict"] == "onboarded"
    assert found == json.loads(block("json"))


def test_the_table_of_the_policy_has_every_field_with_its_default() -> None:
    shown = {name.strip("`"): json.loads(default.strip("`")) for name, default, _ in TABLE}
    defaults = {one.name: one.default for one in fields(Policy)}

    assert MISSING not in defaults.values()
    assert list(shown) == list(defaults)
    assert shown == {
        name: list(value) if isinstance(value, tuple) else value for name, value in defaults.items()
    }


def test_the_table_of_the_policy_has_every_choice() -> None:
    for name, _, floor in TABLE:
        choices = get_args(HINTS[name.strip("`")])
        if get_origin(HINTS[name.strip("`")]) is not None and all(isinstance(one, str) for one in choices):
            assert re.findall(r"`(\w+)`", floor) == list(choices), name


BOUNDS = [
    (name.strip("`"), side, int(number))
    for name, _, floor in TABLE
    for side, number in re.findall(r"(at least|at most|above|from|to) (\d+)\b", floor)
]


def test_the_table_of_the_policy_has_bounds() -> None:
    assert len(BOUNDS) == 9


@pytest.mark.parametrize("name,side,number", BOUNDS)
def test_the_bounds_of_the_table_are_those_of_the_policy(name: str, side: str, number: int) -> None:
    within = {"above": number + 1}.get(side, number)
    beyond = {"above": number, "at most": number + 1, "to": number + 1}.get(side, number - 1)
    besides = {"jwks_staleness_s": {"jwks_period_s": 1}}.get(name, {})
    given: dict[str, Any] = {**besides, name: within}

    Policy(**given)
    with pytest.raises(ValueError, match=name):
        Policy(**{**given, name: beyond})


def test_the_rules_that_the_example_of_a_vector_names_are_the_rulebook_s() -> None:
    text = (DOCS / "vectors.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```json\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)

    for shown in json.loads(example)["rules"]:
        rule = rulebook.rules()[shown["id"]]
        assert shown == {"id": rule.id, "level": rule.level, "basis": rule.basis, "source": rule.source}
        assert "`exp`" in rule.statement
