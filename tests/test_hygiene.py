"""What must not be in the repository, and what every file of a kind must have."""

from __future__ import annotations

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from scenarios.files import yaml12
from scenarios.tables import model
from scenarios.tables.load import load_table

REPOSITORY = Path(__file__).parents[1]
CATALOG = REPOSITORY / "scenarios" / "catalog"
SCHEMA = REPOSITORY / "scenarios" / "scenario.schema.json"


def word(*parts: str) -> str:
    """Join a word that this file must not hold itself."""
    return "".join(parts)


@cache
def tracked() -> dict[str, str]:
    """Return the text of every file under version control; outside a work tree, of every file of the sources."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 - whichever git the developer has
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0 and listed.stdout:
        names = listed.stdout.rstrip("\0").split("\0")
    else:
        folders = ("mock_idp", "verifier", "scenarios", "tests", "docs", "examples", "bench")
        names = [
            str(p.relative_to(REPOSITORY))
            for f in folders
            for p in (REPOSITORY / f).rglob("*")
            if p.is_file()
        ]
        names = [name for name in names if "__pycache__" not in name]
    texts = {}
    for name in names:
        path = REPOSITORY / name
        if path.is_file():  # one that somebody has just moved is listed still
            texts[name] = path.read_bytes().decode("utf-8", "replace")
    return texts


def holding(pattern: str, *suffixes: str, flags: re.RegexFlag = re.NOFLAG) -> list[str]:
    """Return `file:line: text` wherever a pattern is found in tracked files with one of the suffixes (any)."""
    wanted = re.compile(pattern, flags)
    return [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in tracked().items()
        if not suffixes or name.endswith(suffixes)
        for number, line in enumerate(text.splitlines(), 1)
        if wanted.search(line)
    ]


PYTHON = sorted(name for name in tracked() if name.endswith(".py"))
TABLES = sorted(str(path.relative_to(REPOSITORY)) for path in CATALOG.rglob("*.yaml"))


def test_nothing_is_left_to_be_done() -> None:
    marks = "|".join((word("TO", "DO"), word("FIX", "ME"), word("X", "XX")))

    assert holding(rf"\b(?:{marks})\b", ".py", ".yaml", ".md", ".toml", ".ini") == []


def test_no_test_is_skipped_or_expected_to_fail() -> None:
    marks = [
        rf"mark\.{word('sk', 'ip')}",
        rf"mark\.{word('xf', 'ail')}",
        rf"pytest\.(?:{word('sk', 'ip|xf', 'ail')})\(",
    ]

    assert [line for line in holding("|".join(marks), ".py") if line.startswith("tests/")] == []


def test_no_file_holds_a_path_of_a_machine() -> None:
    places = (
        word("/ho", "me/"),
        word("/ro", "ot/"),
        word("/work", "/"),
        word("/Us", "ers/"),
        word("/t", "mp/"),
    )

    assert holding("|".join(rf"(?<![\w.:/-]){place}\w" for place in places)) == []


def test_no_file_names_a_package_registry() -> None:
    hosts = (
        word("pypi", ".org"),
        word("python", "hosted.org"),
        word("registry.", "npmjs"),
        word("proxy.", "golang"),
    )

    assert holding("|".join(map(re.escape, hosts)), flags=re.IGNORECASE) == []


@pytest.mark.parametrize("name", PYTHON)
def test_a_module_says_what_it_is_for(name: str) -> None:
    assert ast.get_docstring(ast.parse(tracked()[name])), name


@pytest.mark.parametrize("name", PYTHON)
def test_no_module_is_called_after_what_has_no_idea(name: str) -> None:
    assert not {"utils", "util", "helpers", "common", "manager", "misc"} & set(
        Path(name).with_suffix("").parts
    )


def test_there_are_tables_to_check() -> None:
    assert len(TABLES) > 10


@pytest.mark.parametrize("name", TABLES)
def test_a_table_names_its_schema_and_stands_where_its_group_says(name: str) -> None:
    path = REPOSITORY / name
    text = path.read_text(encoding="utf-8")

    first = text.partition("\n")[0]
    found = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    group = yaml12.load(text, name).value["group"]

    assert found, "the first line names the schema"
    assert (path.parent / found[1]).resolve() == SCHEMA
    assert group == str(path.relative_to(CATALOG).with_suffix(""))
    assert load_table(text, name)


def test_the_shipped_schema_is_the_one_of_the_model() -> None:
    assert SCHEMA.read_bytes() == model.schema_bytes()
