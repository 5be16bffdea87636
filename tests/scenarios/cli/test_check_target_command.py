"""`touchstone check-target`: what it says of targets that fit, and of each way not to."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples" / "targets"
LIARS = ROOT / "tests" / "scenarios" / "targets" / "liars"

PYTHON = """\
import jwt


def right(token, integration):
    keys = jwt.PyJWKSet.from_dict(integration["jwks"])
    key = keys[jwt.get_unverified_header(token)["kid"]]
    return jwt.decode(token, key, algorithms=["RS256"], audience=integration["audience"], issuer=integration["issuer"])


def unsigned(token, integration):
    return jwt.decode(token, options={"verify_signature": False})


def nobody(token, integration):
    raise jwt.PyJWTError


def everybody(token, integration):
    return "eve"


def crash(token, integration):
    return 1 / 0
"""
TARGET = """\
adapter: in-process
python: mine.py:{name}
rejects: [jwt.PyJWTError, KeyError]
profile: {{keys: [jwks], algorithms: [RS256]}}
"""
ONE_RECORD = """\
import json, sys
import jwt

record = None
for line in sys.stdin:
    request = json.loads(line)
    answer = {"ok": True}
    if request["cmd"] == "onboard":
        record, answer = request["integration"], {"verdict": "onboarded"}
    elif request["cmd"] == "authenticate":
        try:
            key = jwt.PyJWKSet.from_dict(record["jwks"])[jwt.get_unverified_header(request["token"])["kid"]]
            claims = jwt.decode(request["token"], key, ["RS256"], audience=record["audience"], issuer=record["issuer"])
            answer = {"verdict": "accept", "claims": {name: claims[name] for name in ("iss", "sub")}}
        except (jwt.PyJWTError, KeyError):
            answer = {"verdict": "reject"}
    print(json.dumps({"seq": request["seq"], **answer}), flush=True)
"""


def check(target: Path, *more: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "scenarios", "check-target", str(target), *more]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def in_python(folder: Path, name: str) -> Path:
    (folder / "mine.py").write_text(PYTHON)
    (folder / "target.yaml").write_text(TARGET.format(name=name))
    return folder / "target.yaml"


def over_lines(folder: Path, *words: str) -> Path:
    command = ", ".join(f'"{word}"' for word in ("python", str(LIARS / words[0]), *words[1:]))
    text = f"adapter: json-lines\ncommand: [{command}]\ntimeouts: {{answer_s: 1}}\n"
    (folder / "target.yaml").write_text(text)
    return folder / "target.yaml"


@pytest.mark.parametrize("name", ["touchstone-api", "joserfc", "pyjwt"])
def test_an_example_target_can_be_asked_whatever_its_adapter(name: str) -> None:
    status, said = check(EXAMPLES / f"{name}.yaml")

    assert status == 0, said
    assert f"it can be asked: touchstone run --target {EXAMPLES / name}.yaml" in said
    assert " NO " not in said
    assert "ok forged A token that a foreign key has signed is rejected" in said


@pytest.mark.parametrize(
    "name, says, change",
    [
        ("unsigned", "NO forged A token that a foreign key has signed is rejected", "check the signature"),
        ("nobody", "NO honest An honest token is accepted as its user", "goes by the issuer, audience"),
        ("everybody", "NO honest An honest token is accepted as its user", "answer the `name` of the user"),
        ("crash", "ZeroDivisionError", "a rejection is an answer too"),
    ],
)
def test_a_target_that_is_wrong_is_told_what_to_change(
    tmp_path: Path, name: str, says: str, change: str
) -> None:
    status, said = check(in_python(tmp_path, name))

    assert status == 1
    assert says in said
    assert change in said


def test_a_program_that_has_one_record_and_never_forgets_it_is_told_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(ONE_RECORD)
    (tmp_path / "target.yaml").write_text(
        "adapter: json-lines\ncommand: [python, one.py]\nprofile: {keys: [jwks], algorithms: [RS256]}\n"
    )

    status, said = check(tmp_path / "target.yaml")

    assert status == 1
    assert "NO beside A second integration beside the first leaves that one in place" in said
    assert '"several_integrations"' in said
    assert "NO taken-away After its integration is gone a token is rejected" in said
    assert "forget the integration on `offboard`" in said
    assert said.count(" NO ") == 2


def test_what_fails_for_want_of_an_honest_yes_is_one_line(tmp_path: Path) -> None:
    status, said = check(in_python(tmp_path, "nobody"))

    assert status == 1
    assert said.count(" NO ") == 1
    assert "more rows cannot pass before 'honest' does: honest-again, other-user, forged, expired" in said
    assert "1 thing to change" in said


def test_each_message_and_its_answer_can_be_seen_and_fed_to_the_program_by_hand(tmp_path: Path) -> None:
    target = over_lines(tmp_path, "liar.py", "always_rejects")

    heard = subprocess.run(
        [sys.executable, "-m", "scenarios", "check-target", str(target), "--verbose"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    ).stderr.splitlines()
    asked = [line.removeprefix("> ") for line in heard if line.startswith("> ")]
    answered = [json.loads(line.removeprefix("< ")) for line in heard if line.startswith("< ")]
    by_hand = subprocess.run(
        [sys.executable, str(LIARS / "liar.py"), "always_rejects"],
        input="\n".join([*asked[:3], '{"seq": 9, "cmd": "stop"}', ""]),
        capture_output=True,
        encoding="utf-8",
        check=False,
    ).stdout.splitlines()

    assert [json.loads(line)["cmd"] for line in asked[:3]] == ["start", "onboard", "authenticate"]
    assert [json.loads(line) for line in by_hand[:3]] == answered[:3]


@pytest.mark.parametrize(
    "way, says",
    [
        ("answers_start_only", "NO time"),
        ("answers_twice", "NO answers"),
        ("exits_at_start", "NO start"),
    ],
)
def test_a_program_that_breaks_the_protocol_is_told_where(tmp_path: Path, way: str, says: str) -> None:
    status, said = check(over_lines(tmp_path, "liar.py", way))

    assert status in (1, 3)
    assert says in said


def test_a_mistake_in_the_file_is_no_line_of_the_check(tmp_path: Path) -> None:
    (tmp_path / "target.yaml").write_text("adapter: htp\n")

    status, said = check(tmp_path / "target.yaml")

    assert (status, said) == (2, f"{tmp_path}/target.yaml:1:1: 'htp' is no adapter (did you mean 'http'?)")


def test_without_a_file_it_says_what_to_name() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scenarios", "check-target"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert "name the target file" in done.stderr
