"""What no file of the project may hold, and what every table must."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scenarios.tables.load import load, tables_at
from scenarios.tables.model import schema_bytes

ROOT = Path(__file__).parents[1]
FOLDERS = ("mock_idp", "verifier", "scenarios", "tests", "docs", "examples", "bench", ".ci")
TEXTS = sorted(
    path
    for where in (*(ROOT / name for name in FOLDERS), ROOT)
    for path in (where.rglob("*") if where != ROOT else where.glob("*"))
    if path.suffix in {".py", ".md", ".yaml", ".toml", ".ini", ".json", ".sh", ".html", ""} and path.is_file()
)
TABLES = sorted((ROOT / "scenarios" / "catalog").rglob("*.yaml"))

# The words are put together here, so that this file does not hold them itself.
LEFT_UNDONE = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"]) + r")\b")
SKIPPED = re.compile(r"mark\.(?:skip|xfail)\b")
HOSTS = re.compile(
    "|".join(["pypi" + r"\.org", "python" + "hosted", "npm" + r"js\.(?:org|com)", "registry" + r"\.npm"])
)
PATHS = re.compile(r"(?<![\w./])/(?:work|farm|root)/")


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_holds_nothing_undone_skipped_or_of_one_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert not LEFT_UNDONE.search(text)
    assert not SKIPPED.search(text)
    assert not HOSTS.search(text)
    assert not PATHS.search(text)


def test_the_files_looked_at_are_all_there_are() -> None:
    assert len(TEXTS) > 150
    assert ROOT / "README.md" in TEXTS


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_a_table_names_its_schema_and_its_group_is_its_place(path: Path) -> None:
    place = path.relative_to(ROOT / "scenarios" / "catalog").with_suffix("").as_posix()
    up = "../" * (place.count("/") + 1)

    first, second = path.read_text(encoding="utf-8").splitlines()[:2]

    assert first == f"# yaml-language-server: $schema={up}scenario.schema.json"
    assert (path.parent / f"{up}scenario.schema.json").is_file()
    assert second == f"group: {place}"


def test_the_schema_that_ships_is_the_one_of_the_model() -> None:
    assert (ROOT / "scenarios" / "scenario.schema.json").read_bytes() == schema_bytes()


def test_the_catalogue_loads_whole_and_every_no_has_its_control() -> None:
    scenarios = load(tables_at([ROOT / "scenarios" / "catalog"]))

    assert len(scenarios) > 1000
    assert [name for name, scenario in scenarios.items() if scenario.negative and not scenario.control] == []
