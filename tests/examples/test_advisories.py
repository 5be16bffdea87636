"""The replay of published advisories: its table, its page, and the judgement, on releases of a library made up here."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from scenarios.tables.load import shipped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenarios.tables.scenario import Scenario

ROOT = Path(__file__).parents[2]
ADVISORIES = ROOT / "examples" / "advisories"
PAGE = (ROOT / "docs" / "advisories.md").read_text(encoding="utf-8")
ENTRIES: list[dict[str, Any]] = yaml.safe_load((ADVISORIES / "advisories.yaml").read_text(encoding="utf-8"))

LEAKY = """
__version__ = "{version}"


def accepts(token):
    return {accepts}
"""
TARGET = """
import base64, json
import leaky
from line_protocol import NotThis, serve


def verify(token, record, _now):
    header, payload, signature = token.split(".")
    if not leaky.accepts(token):
        raise NotThis("no")
    return json.loads(base64.urlsafe_b64decode(payload + "=="))


serve("leaky", leaky.__version__, verify, ())
"""
VERSIONS = {
    "1.0": "True",
    "2.0": 'not token.endswith(".")',
    "3.0": "False",
}


@pytest.fixture(scope="module")
def catalogue() -> Mapping[str, Scenario]:
    return shipped()


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three releases: one takes unsecured tokens, one does not, and one takes none at all."""
    folder = tmp_path_factory.mktemp("wheels")
    for version, accepts in VERSIONS.items():
        info = f"leaky-{version}.dist-info"
        with zipfile.ZipFile(folder / f"leaky-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr("leaky.py", LEAKY.format(version=version, accepts=accepts))
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: leaky\nVersion: {version}\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
    return folder


def replayed(folder: Path, wheels: Path, vulnerable: str, fixed: str) -> subprocess.CompletedProcess[str]:
    """Replay one advisory about the made-up library, with nothing but the folder of its wheels to install from."""
    entry = {
        "id": "CVE-0000-0000",
        "library": "leaky",
        "ecosystem": "pypi",
        "package": "leaky",
        "vulnerable": vulnerable,
        "fixed": fixed,
        "target": "leaky_target.py",
        "profile": {"keys": ["jwks"], "algorithms": ["RS256"]},
        "says": "takes an unsecured token",
        "shape": "accepts(token)",
        "scenarios": ["signature/none/empty-signature"],
    }
    (folder / "targets").mkdir()
    (folder / "targets" / "leaky_target.py").write_text(TARGET, encoding="utf-8")
    (folder / "table.yaml").write_text(yaml.safe_dump([entry]), encoding="utf-8")
    command = [sys.executable, str(ADVISORIES / "replay.py"), "--table", str(folder / "table.yaml")]
    return subprocess.run(
        [*command, "--folder", str(folder / "rooms"), "--page", str(folder / "page.md")],
        env={**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_CONFIG_FILE": os.devnull},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_advisory_is_reproduced_by_the_releases_that_have_the_flaw_and_have_it_no_more(
    tmp_path: Path, wheels: Path
) -> None:
    done = replayed(tmp_path, wheels, "1.0", "2.0")

    assert (done.returncode, done.stdout.strip()) == (0, "CVE-0000-0000   leaky 1.0 -> 2.0: reproduced")
    assert "1 of 1 reproduced." in (tmp_path / "page.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "vulnerable, fixed, outcomes",
    [
        ("2.0", "2.0", "pass then pass"),
        ("1.0", "1.0", "fail then fail"),
        ("1.0", "3.0", "fail then unproven"),
    ],
)
def test_an_advisory_is_not_reproduced_when_the_releases_do_not_differ_or_the_second_takes_nothing(
    tmp_path: Path, wheels: Path, vulnerable: str, fixed: str, outcomes: str
) -> None:
    done = replayed(tmp_path, wheels, vulnerable, fixed)

    assert done.returncode == 1
    assert f"signature/none/empty-signature: {outcomes}" in done.stdout


def test_a_release_that_cannot_be_installed_is_said_to_be_missing(tmp_path: Path, wheels: Path) -> None:
    done = replayed(tmp_path, wheels, "1.0", "9.0")

    assert done.returncode == 1
    assert "leaky 1.0 -> 9.0: missing" in done.stdout
    assert "leaky==9.0" in done.stdout
    assert "0 of 1 reproduced." in (tmp_path / "page.md").read_text(encoding="utf-8")


def test_an_advisory_that_the_table_does_not_have_is_wrong_usage(tmp_path: Path) -> None:
    command = [sys.executable, str(ADVISORIES / "replay.py"), "--folder", str(tmp_path), "CVE-1999-0001"]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "no advisory is called CVE-1999-0001" in done.stderr


def test_each_advisory_is_named_by_the_scenarios_that_are_to_find_it(
    catalogue: Mapping[str, Scenario],
) -> None:
    others = [
        (entry["id"], name)
        for entry in ENTRIES
        for name in entry["scenarios"]
        if name not in catalogue or entry["id"] not in catalogue[name].advisories
    ]

    assert others == []
    assert all(entry["scenarios"] for entry in ENTRIES)


def test_each_advisory_of_the_catalogue_is_replayed_or_said_to_be_left_out(
    catalogue: Mapping[str, Scenario],
) -> None:
    named = {name for scenario in catalogue.values() for name in scenario.advisories}
    left_out = PAGE.partition("Left out:")[2]

    missing = {name for name in named - {entry["id"] for entry in ENTRIES} if name not in left_out}
    assert missing == set()


def test_the_page_is_of_the_whole_table_and_everything_on_it_is_reproduced() -> None:
    assert f"{len(ENTRIES)} of {len(ENTRIES)} reproduced." in PAGE
    for entry in ENTRIES:
        (row,) = [
            line
            for line in PAGE.splitlines()
            if f"[{entry['id']}]" in line and f"| {entry['vulnerable']} | {entry['fixed']} |" in line
        ]
        assert row.endswith("| reproduced |")


def test_no_verifier_of_an_advisory_knows_touchstone() -> None:
    for path in (ADVISORIES / "targets").iterdir():
        text = path.read_text(encoding="utf-8")
        assert not any(f"import {name}" in text for name in ("scenarios", "mock_idp", "verifier"))
