"""A plan: what it may say, what is wrong with one and where, and what it makes of each moment."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import msgspec
import pytest

import scenarios.load
from mock_idp.http import Request
from mock_idp.keyring import KeyState
from scenarios.files.problems import TableErrors
from scenarios.load.plan import Mix, Plan, read_plan
from scenarios.load.run_file import Run, RunFileError, read_run, write_run
from scenarios.load.timeline import Timeline
from scenarios.targets.target_file import load_target

SHIPPED = Path(scenarios.load.__file__).parent
GOOD = "duration_s: 60\nmix: {good: 1}\n"


def problems(folder: Path, text: str) -> list[str]:
    path = folder / "plan.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TableErrors) as caught:
        read_plan(path)
    return [str(problem).removeprefix(f"{folder}/") for problem in caught.value.problems]


@pytest.mark.parametrize(
    "text, said",
    [
        ("duration_s: 60\nmix: {god: 1}\n", "plan.yaml:2:7: unknown field 'god' (did you mean 'good'?)"),
        (GOOD + "rate: -1\n", "plan.yaml:3:1: 'rate':"),
        ("duration_s: 60\nmix: {}\n", "plan.yaml:2:1: nothing has a share"),
        (
            "duration_s: 60\nmix: {good: 1, retired: 1}\nrotation: {every_s: 10}\n",
            "plan.yaml:2:1: 'retired' and 'replayed' need limits.forget_s",
        ),
        (
            "duration_s: 60\nlimits: {forget_s: 3}\nmix: {good: 1, retired: 1}\n",
            "plan.yaml:3:16: no key ever retires without a rotation",
        ),
        (
            "duration_s: 60\nmix: {forged: {none_algo: 1}}\n",
            "plan.yaml:2:16: 'none_algo' is no forgery (did you mean 'none_alg'?)",
        ),
        (
            "duration_s: 60\nmix: {forged: {layout: {share: 1, argument: spaces}}}\n",
            "plan.yaml:2:16: layout makes a token that is true",
        ),
        ("duration_s: 60\nmix: {forged: {signature: 1}}\n", "plan.yaml:2:16: signature: needs an argument"),
        (
            "duration_s: 60\nmix: {forged: {wrapped: 1}}\n",
            "plan.yaml:2:16: wrapped makes what no header line",
        ),
        (
            "duration_s: 60\nmix: {forged: {rsa_signature: {share: 1, argument: zero}}}\n",
            "plan.yaml:2:16: rsa_signature needs an RSA key",
        ),
        (GOOD + "rotation: {every_s: 5, ahead_s: 6}\n", "plan.yaml:3:1: staged ahead: from 0 s to the time"),
        (GOOD + "rotation: {every_s: 0.5}\n", "plan.yaml:3:1: keys rotate every second at most"),
        (
            GOOD + "events:\n- {at_s: 50, for_s: 20, rate: 5}\n",
            "plan.yaml:4:14: ends after 70 s, when the run",
        ),
        (GOOD + "events:\n- {at_s: 5, for_s: 2}\n", "plan.yaml:4:3: an event says what is otherwise"),
        (GOOD + "events:\n- {at_s: 5, for_s: 2, jwks: hangs}\n", "plan.yaml:4:23: unknown fault 'hangs'"),
        (
            GOOD + "events:\n- {at_s: 5, for_s: 9, rate: 1}\n- {at_s: 9, for_s: 9, rate: 2}\n",
            "plan.yaml:5:3: another event with 'rate' lasts until 14 s",
        ),
    ],
)
def test_a_mistake_is_named_where_it_stands(tmp_path: Path, text: str, said: str) -> None:
    (problem,) = problems(tmp_path, text)

    assert problem.startswith(said)


def test_what_ships_is_a_plan_and_a_target_that_takes_its_keys() -> None:
    plan, spec = read_plan(SHIPPED / "plan.yaml"), load_target(SHIPPED / "api.yaml")

    assert plan.rotation is not None
    assert (plan.duration_s, plan.rotation.every_s) == (600, 30)
    assert plan.alg in spec.profile.algorithms
    assert set(Mix.__struct_fields__) - {"forged"} <= plan.mix.shares().keys()


def test_the_idp_of_a_run_shows_each_key_when_the_plan_says(lab: Any) -> None:
    seen = {}
    for at in (0, 6.9, 7, 9.9, 10, 12.9, 13, 17):
        lab.now = lab.run.since + at
        numbers = [lab.run.keys.issuers[""].keys.index(key) for key in _saved(lab, lab.kids())]
        seen[at] = (numbers, [str(entry.state) for entry in lab.idp.issuers[""].ring.snapshot.entries])
    staged, active, retiring = KeyState.STAGED.value, KeyState.ACTIVE.value, KeyState.RETIRING.value

    assert seen == {
        0: ([0], [active]),
        6.9: ([0], [active]),
        7: ([0, 1], [active, staged]),
        9.9: ([0, 1], [active, staged]),
        10: ([0, 1], [retiring, active]),
        12.9: ([0, 1], [retiring, active]),
        13: ([1], [active]),
        17: ([1, 2], [active, staged]),
    }


def _saved(lab: Any, kids: list[str]) -> list[Any]:
    by_kid = {key.kid: key for key in lab.run.keys.issuers[""].keys}
    return [by_kid[kid] for kid in kids]


def test_the_idp_of_a_run_keeps_its_word_when_nobody_asked_for_periods(lab: Any) -> None:
    lab.kids()
    lab.now = lab.run.since + 35

    assert _saved(lab, lab.kids()) == [lab.run.keys.issuers[""].keys[3]]


def test_a_jwks_may_be_cached_until_a_key_that_it_lacks_signs(lab: Any) -> None:
    ages = {}
    for at in (0, 5, 8, 59):
        lab.now = lab.run.since + at
        headers = dict(lab.idp.handle(Request("GET", "/jwks")).headers)
        ages[at] = headers["cache-control"].rpartition("=")[2]

    assert ages == {0: "10", 5: "5", 8: "12", 59: "300"}  # after which no key is lacking


def test_the_endpoint_fails_and_recovers_when_the_plan_says(lab: Any) -> None:
    statuses = {}
    for at in (24.9, 25, 26.9, 27):
        lab.now = lab.run.since + at
        statuses[at] = lab.idp.handle(Request("GET", "/jwks")).status

    assert statuses == {24.9: 200, 25: 503, 26.9: 503, 27: 200}
    assert lab.idp.fetches == [lab.run.since + at for at in statuses]


def test_a_moment_is_what_the_plan_makes_of_it(plan: Plan) -> None:
    line = Timeline(plan, 100.0)

    assert [line.period(when) for when in (0, 100, 109.9, 110, 160, 1e9)] == [0, 0, 0, 1, 6, 6]
    assert [line.forgotten(100 + at) for at in (0, 16.9, 17, 27)] == [0, 0, 1, 2]
    assert line.learnable_s(0, 100) == math.inf
    assert line.learnable_s(3, 130) == pytest.approx(3)  # published at 27, when the endpoint works again
    assert line.learnable_s(2, 126) == pytest.approx(8)  # published at 17, and a second of it was lost
    assert [line.chances(100 + at).kinds for at in (40, 44.9)] == [("good", "unknown_kid")] * 2
    assert len(line.chances(145).kinds) > 2


def test_the_file_of_a_run_is_private_and_says_all(lab: Any, tmp_path: Path) -> None:
    path = tmp_path / "run.json"

    write_run(lab.run, path)

    assert read_run(path) == lab.run
    assert path.stat().st_mode & 0o777 == 0o600
    assert [key.kid for key in read_run(path).signing_keys()] == [key.kid for key in lab.run.signing_keys()]


@pytest.mark.parametrize(
    "change, said",
    [
        ({"format": "touchstone-load-run-9"}, "its format is 'touchstone-load-run-9'"),
        ({"since": "soon"}, "this is no file of a load run: Expected `float`"),
        ({"keys": {"format": "x", "issuers": {}}}, "its keys: the state: its format is 'x'"),
    ],
)
def test_a_file_that_is_no_run_is_refused_in_words(
    lab: Any, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(msgspec.json.encode({**msgspec.to_builtins(lab.run), **change}))

    with pytest.raises(RunFileError) as refused:
        read_run(path).signing_keys()

    assert str(refused.value).startswith(said)


def test_a_run_travels_with_everything_that_its_target_file_says(lab: Any, tmp_path: Path) -> None:
    http = load_target(SHIPPED / "api.yaml").http
    assert http is not None
    run = msgspec.structs.replace(lab.run, target=msgspec.structs.replace(lab.run.target, http=http))
    path = tmp_path / "run.json"

    write_run(run, path)

    read: Run = read_run(path)
    assert read.target.http == http
