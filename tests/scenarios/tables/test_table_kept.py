"""The catalogue that ships is read once, and again whenever anything about what was kept is odd."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest

from scenarios.files.yaml12 import ABSENT
from scenarios.tables import kept
from scenarios.tables.load import load
from scenarios.tables.model import TokenSpec
from scenarios.tables.scenario import Authenticate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TABLE = """
group: one
title: One
given: {users: {ann: x}}
scenarios: [{id: a, says: A, rules: [FMT-001], expect: ann, claim: {jti: !absent , n: !json 1e400}}]
"""


class Reader:
    """Reads tables and counts how often it had to."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, tables: Sequence[tuple[str, str]]) -> dict[str, Any]:
        self.times += 1
        return load(tables)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "touchstone"


def test_what_was_read_once_is_not_read_again(folder: Path) -> None:
    read = Reader()

    first = kept.shipped([("one", TABLE)], read)
    second = kept.shipped([("one", TABLE)], read)

    assert first == second == load([("one", TABLE)])
    (token,) = (action.token for action in second["one/a"].actions if isinstance(action, Authenticate))
    assert isinstance(token, TokenSpec)
    assert token.claims["jti"] is ABSENT
    assert read.times == 1
    assert len(list(folder.iterdir())) == 1


def test_other_tables_are_read(folder: Path) -> None:
    read = Reader()
    for number in range(8):
        kept.shipped([("one", TABLE.replace("title: One", f"title: Number {number}"))], read)

    assert read.times == 8
    assert len(list(folder.iterdir())) <= 4


@pytest.mark.parametrize("damage", [b"", b"no pickle", pickle.dumps({"a": 1})[:-1]])
def test_a_damaged_file_is_read_over(folder: Path, damage: bytes) -> None:
    read = Reader()
    first = kept.shipped([("one", TABLE)], read)
    (file,) = folder.iterdir()
    file.write_bytes(damage)

    assert kept.shipped([("one", TABLE)], read) == first
    assert kept.shipped([("one", TABLE)], read) == first
    assert read.times == 2


class Trap:
    """What a stranger might leave in the place of a catalogue."""

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return dict, ()


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_others_could_have_written_is_not_trusted(folder: Path, what: str) -> None:
    kept.shipped([("one", TABLE)], load)
    (file,) = folder.iterdir()
    file.write_bytes(pickle.dumps(Trap()))
    (file if what == "file" else folder).chmod(0o777)

    assert list(kept.shipped([("one", TABLE)], load)) == ["one/a"]


def test_without_a_place_the_tables_are_read_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "below"))
    (tmp_path / "file").touch()
    read = Reader()

    for _ in range(2):
        assert list(kept.shipped([("one", TABLE)], read)) == ["one/a"]
    assert read.times == 2
