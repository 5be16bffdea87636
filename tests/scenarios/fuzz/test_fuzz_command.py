"""The command: its options, its exit status, and what it says when it cannot work."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from scenarios.cli import _status
from scenarios.cli.fuzz_command import command
from scenarios.tables.load import load, tables_at

VERIFIER = """
import jwt

def verify(token, integration):
    keys = jwt.PyJWKSet.from_dict(integration["jwks"])
    header = jwt.get_unverified_header(token)
    return jwt.decode(token, keys[header["kid"]], algorithms=integration["algorithms"], issuer=integration["issuer"],
                      options={"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False})
"""
TARGET = """
adapter: in-process
python: my_verifier.py:verify
rejects: [jwt.PyJWTError, KeyError, TypeError]
profile: {scope: library, keys: [jwks], algorithms: [ES256]}
"""


@pytest.fixture
def target(tmp_path: Path) -> str:
    (tmp_path / "my_verifier.py").write_text(VERIFIER)
    (tmp_path / "target.yaml").write_text(TARGET)
    return str(tmp_path / "target.yaml")


def fuzz(*options: str) -> int:
    return _status(["fuzz", "--plain", *options])


def test_findings_are_told_and_written_as_tables_and_json(
    target: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tables, found = tmp_path / "tables", tmp_path / "found.json"

    status = fuzz("--target", target, "--max-examples", "120", "--tables", str(tables), "--json", str(found))

    account: dict[str, Any] = json.loads(found.read_bytes())
    said = capfd.readouterr().out
    assert status == 1
    assert account["cases"] == 120
    assert account["findings"]
    assert all(finding["name"] in said for finding in account["findings"])
    assert len(load(tables_at([tables]))) >= len(account["findings"])
    assert f"touchstone run --target {target} --only-catalog {tables}" in said


def test_nothing_found_is_status_0(capfd: pytest.CaptureFixture[str]) -> None:
    assert fuzz("--max-examples", "40") == 0
    assert "0 findings" in capfd.readouterr().out


@pytest.mark.parametrize(
    "options, says",
    [
        (["--time", "leeway_s"], "no duration"),
        (["--time", "-5s"], "no duration"),
        (["--max-examples", "0"], "range"),
        (["--target", "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    options: list[str], says: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert fuzz(*options) == 2
    error = capfd.readouterr().err
    assert says in error
    assert error.count("\n") == 1


def test_a_damaged_corpus_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.case.json").write_text("[")

    assert fuzz("--max-examples", "5", "--corpus", str(tmp_path)) == 2
    assert "x.case.json:1:1: it is no JSON" in capfd.readouterr().err


def test_without_hypothesis_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "hypothesis", None)

    assert fuzz() == 2
    assert "pip install 'oidc-touchstone[fuzz]'" in capfd.readouterr().err


def test_the_guide_names_every_option() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "fuzzing.md").read_text(encoding="utf-8")
    options = {name for option in command.params for name in option.opts if name != "--plain"}

    assert set(re.findall(r"^\| `(--[\w-]+)", guide, re.MULTILINE)) == options
