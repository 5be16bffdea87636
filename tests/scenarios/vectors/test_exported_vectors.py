"""The exported files: whole, valid, the same everywhere, and true, as readers without Touchstone see them."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from werkzeug import Response

from scenarios.stage import START
from scenarios.tables.load import shipped
from scenarios.targets.reference import ALGORITHMS, ReferenceTarget
from scenarios.vectors.build import HTTP, TOGETHER, why_not
from scenarios.vectors.model import schemas

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_httpserver import HTTPServer

ROOT = Path(__file__).parents[3]
READER = ROOT / "examples" / "vectors" / "run.py"
KNOWN = ROOT / "examples" / "targets" / "joserfc.baseline.yaml"


@cache
def catalogue() -> dict[str, Any]:
    return shipped()


def read(folder: Path, path: str) -> Any:
    return json.loads((folder / path).read_text(encoding="utf-8"))


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def vectors(folder: Path) -> Iterator[dict[str, Any]]:
    for file in dict.fromkeys(entry["file"] for entry in read(folder, "index.json")["vectors"]):
        yield from read(folder, file)["vectors"]


def test_an_export_is_the_same_under_another_hash_seed_time_zone_and_locale(
    exported: Path, tmp_path: Path
) -> None:
    # The fixture's export was made with hash seed 1, in Nepal, without UTF-8.
    other = {"PYTHONHASHSEED": "77", "TZ": "America/St_Johns", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "scenarios", "export", "again"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, env=other, check=False)

    assert (done.returncode, done.stderr) == (0, b"")
    one, two = files(exported), files(tmp_path / "again")
    assert one.keys() == two.keys()
    assert [name for name in one if one[name] != two[name]] == []


def test_every_file_is_in_the_checksums_and_has_its_own(exported: Path) -> None:
    written = files(exported)
    lines = written.pop("SHA256SUMS").decode().splitlines()

    assert lines == [f"{hashlib.sha256(written[name]).hexdigest()}  {name}" for name in sorted(written)]


def test_every_file_is_valid_by_the_schema_that_it_names(exported: Path) -> None:
    seen: Counter[str] = Counter()
    for name in files(exported):
        if name == "index.json" or name.startswith("vectors/"):
            content = read(exported, name)
            schema = content.pop("$schema")
            where = exported.joinpath(name).parent.joinpath(schema).resolve()
            assert where.parent == exported.resolve()
            jsonschema.Draft202012Validator(json.loads(where.read_text())).validate(content)
            seen[where.name] += 1

    assert seen["index.schema.json"] == 1
    assert seen["vectors.schema.json"] > 50


def test_the_schema_refuses_what_is_no_vector(exported: Path) -> None:
    content = read(exported, "vectors/claims/issuer.json")
    validator = jsonschema.Draft202012Validator(schemas()["vectors.schema.json"])

    spoils: list[Callable[[Any], Any]] = [
        lambda vector: vector.pop("says"),
        lambda vector: vector["steps"][0].update(do="dance"),
        lambda vector: vector["steps"][1]["expect"].update(any_of=[]),
        lambda vector: vector["rules"][0].update(level="OUGHT"),
    ]
    for spoil in spoils:
        spoiled = json.loads(json.dumps(content))
        spoil(spoiled["vectors"][0])
        assert not validator.is_valid(spoiled)
    assert validator.is_valid(content)


@pytest.mark.parametrize("name", schemas())
def test_the_schemas_say_what_every_member_is(name: str) -> None:
    schema = schemas()[name]

    jsonschema.Draft202012Validator.check_schema(schema)
    for title, part in schema["$defs"].items():
        assert part["description"], title
        for member, of in part["properties"].items():
            assert "const" in of or "enum" in of or of.get("description"), f"{title}.{member}"


def test_every_scenario_is_exported_or_left_out_for_a_reason(exported: Path) -> None:
    index = read(exported, "index.json")
    exported_ids = [entry["id"] for entry in index["vectors"]]
    left = {name: entry["reason"] for entry in index["left_out"] for name in entry["ids"]}

    assert sorted([*exported_ids, *left]) == sorted(catalogue())
    assert left == {name: why_not(s) for name, s in catalogue().items() if why_not(s)}
    assert (index["count"], index["left_out_count"]) == (len(exported_ids), len(left))
    assert [entry["count"] for entry in index["left_out"]] == [len(e["ids"]) for e in index["left_out"]]
    over_http = [name for name, reason in left.items() if reason in (HTTP, TOGETHER)]
    assert len(exported_ids) > 0.9 * (len(catalogue()) - len(over_http))


def test_a_vector_says_what_its_table_says(exported: Path) -> None:
    for vector in vectors(exported):
        scenario = catalogue()[vector["id"]]
        expected = [step["expect"] for step in vector["steps"] if "expect" in step][-1]
        assert vector["says"] == scenario.says
        assert [rule["id"] for rule in vector["rules"]] == list(scenario.rules)
        assert vector["rules"][0]["level"] == scenario.rule.level
        assert vector.get("control") == scenario.control
        assert vector.get("note") == scenario.note
        assert vector.get("advisories", []) == list(scenario.advisories)
        assert vector.get("requires", []) == sorted(scenario.requires)
        assert expected.get("knob") == scenario.expected.knob
        if scenario.expected.knob is not None:
            assert expected["by_value"].keys() == scenario.expected.cases.keys()


def test_the_index_explains_every_word_of_the_vectors(exported: Path) -> None:
    index = read(exported, "index.json")
    text = [json.dumps(vector) for vector in vectors(exported)]

    assert index["rules"].keys() == {
        name for line in text for name in re.findall(r'"id": "([A-Z]{3,4}-\d{3})"', line)
    }
    assert index["knobs"].keys() == {name for line in text for name in re.findall(r'"knob": "(\w+)"', line)}
    for vector in vectors(exported):
        for step in vector["steps"]:
            for answer in step.get("expect", {}).get("any_of", ()):
                assert (
                    answer.get("reasons", ()) == []
                    or "asked" in answer["kind"]
                    or all(reason in index["reasons"] for reason in answer.get("reasons", ()))
                )


def test_time_stands_still_and_tokens_are_text_or_base64(exported: Path) -> None:
    binary = 0
    for vector in vectors(exported):
        for step in vector["steps"]:
            assert step["now"] == START or "clock" in vector["requires"], vector["id"]
            if step["do"] == "authenticate":
                assert ("token" in step) != ("token_base64" in step)
            if "token_base64" in step:
                binary += 1
                with pytest.raises(UnicodeDecodeError):
                    base64.b64decode(step["token_base64"], validate=True).decode()
    assert binary >= 3


def answer_of(target: ReferenceTarget, step: dict[str, Any], integration: dict[str, Any]) -> dict[str, Any]:
    match step["do"]:
        case "onboard":
            return target.onboard({**step, "integration": integration})
        case "offboard":
            return target.offboard(step)
    answers = [target.authenticate(step) for _ in range(step.get("times", 1))]
    assert all(answer == answers[0] for answer in answers)
    return answers[0]


def is_right(answer: dict[str, Any], expect: dict[str, Any]) -> bool:
    said = answer["verdict"]
    if answer.get("warnings"):
        said = "warned"
    why = answer.get("reason", answer.get("about"))
    for right in expect["any_of"]:
        kind = "onboarded" if right["kind"] == "unwarned" else right["kind"]
        kinds = {kind} | ({"warned"} if right["kind"] == "onboarded" else set())
        reasons = right.get("reasons", ())
        if said in kinds and answer.get("user") == right.get("user") and (not reasons or why in reasons):
            return True
    return False


def test_the_reference_verifier_gives_the_right_answer_to_every_vector(
    exported: Path, httpserver: HTTPServer
) -> None:
    """It takes no JWKS by value: one that no certificate can stand for is served to it."""
    sets: list[bytes] = []
    httpserver.expect_request(re.compile("/")).respond_with_handler(
        lambda request: Response(sets[int(request.path[1:])], content_type="application/json")
    )
    known = {f"alg:{alg}" for alg in ALGORITHMS}
    asked = [v for v in vectors(exported) if known >= {n for n in v["requires"] if n.startswith("alg:")}]
    assert len(asked) > 0.95 * read(exported, "index.json")["count"]
    for vector in asked:
        target = ReferenceTarget()
        for step in vector["steps"]:
            record = dict(step.get("integration", {}))
            if "jwks" in record and "certificates" in record:
                del record["jwks"], record["public_keys"]
            elif "jwks" in record:
                record.pop("public_keys", None)
                sets.append(json.dumps(record.pop("jwks")).encode())
                record["jwks_uri"] = httpserver.url_for(f"/{len(sets) - 1}")
            answer = answer_of(target, step, record)
            assert "expect" not in step or is_right(answer, step["expect"]), (vector["id"], answer)


def test_a_reader_that_knows_no_touchstone_finds_what_the_harness_finds(exported: Path) -> None:
    known = set(re.findall(r"^- id: (\S+)$", KNOWN.read_text(encoding="utf-8"), re.MULTILINE))
    text = READER.read_text(encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-I", "-W", "ignore", str(READER), str(exported)],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert not re.search(r"^\s*(?:from|import) (?:scenarios|mock_idp|verifier)", text, re.MULTILINE)
    assert (done.returncode, done.stderr) == (0, "")
    out = json.loads(done.stdout)
    ids = {entry["id"] for entry in read(exported, "index.json")["vectors"]}
    assert {*out["fail"], *out["warn"]} == known & ids
    assert sum(out["counts"].values()) == len(ids)
    assert out["counts"]["pass"] > 25 * out["counts"]["fail"]
