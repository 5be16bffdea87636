"""Integrations and their users in one SQLite file, which several processes may share.

What a change has returned from survives the end of the process and of the machine; a change is there as a
whole or not at all.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from verifier.api.store import ChangedMeanwhile, Stored
from verifier.errors import OnboardingRefused, VerifierError
from verifier.mapping import User

SCHEMA_VERSION: Final = 1
BUSY_S: Final = 5.0
"""So long (seconds) a process waits for another one that is writing."""

_APPLICATION_ID: Final = 0x70C57A1E
_SCHEMA: Final = """
CREATE TABLE integration (
    id TEXT PRIMARY KEY,
    entity_id TEXT NOT NULL UNIQUE,
    record TEXT NOT NULL,
    active INTEGER NOT NULL,
    revision INTEGER NOT NULL
) STRICT;
CREATE TABLE pair (
    issuer TEXT NOT NULL,
    audience TEXT NOT NULL,
    integration TEXT NOT NULL REFERENCES integration (id) ON DELETE CASCADE,
    PRIMARY KEY (issuer, audience)
) STRICT, WITHOUT ROWID;
CREATE TABLE user (
    integration TEXT NOT NULL REFERENCES integration (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    external_id TEXT,
    active INTEGER NOT NULL,
    claim TEXT NOT NULL,
    enrolled INTEGER NOT NULL,
    api_access INTEGER NOT NULL,
    PRIMARY KEY (integration, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE purged (
    integration TEXT NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (integration, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE revision (only_one INTEGER PRIMARY KEY CHECK (only_one = 1), latest INTEGER NOT NULL) STRICT;
INSERT INTO revision VALUES (1, 0);
"""
_PUT: Final = """
INSERT INTO integration (entity_id, record, active, revision, id) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET entity_id = excluded.entity_id, record = excluded.record, active = excluded.active,
    revision = excluded.revision
"""


class StateError(VerifierError):
    """The state file cannot be used; the message is one line for whoever named the file."""


class StateFile:
    """The file behind a registry; safe to use by many threads. StateError if it cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        with self._explained():
            existed = path.exists() and path.stat().st_size > 0
            if not existed:
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            # Autocommit: every transaction below begins and ends by its own statements.
            self._db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            with self._explained():
                self._open()
        except StateError:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def version(self) -> int:
        """See `Store`."""
        with self._lock, self._explained():
            return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def revisions(self) -> dict[str, int]:
        """See `Store`."""
        with self._lock, self._explained():
            return dict(self._db.execute("SELECT id, revision FROM integration"))

    def get(self, identifier: str) -> tuple[Stored, int] | None:
        """See `Store`."""
        with self._transaction("DEFERRED"):
            row = self._db.execute(
                "SELECT id, entity_id, record, active, revision FROM integration WHERE id = ?", (identifier,)
            ).fetchone()
            if row is None:
                return None
            pairs = self._db.execute(
                "SELECT issuer, audience FROM pair WHERE integration = ?", (identifier,)
            ).fetchall()
            users = self._db.execute(
                "SELECT name, external_id, active, claim, enrolled, api_access FROM user WHERE integration = ?",
                (identifier,),
            ).fetchall()
            purged = self._db.execute(
                "SELECT key FROM purged WHERE integration = ?", (identifier,)
            ).fetchall()
        stored = Stored(
            id=row[0],
            entity_id=row[1],
            pairs=tuple(pairs),
            record=json.loads(row[2]),
            active=bool(row[3]),
            users=tuple(
                User(name, external_id, bool(active), claim, bool(enrolled), bool(api_access))
                for name, external_id, active, claim, enrolled, api_access in users
            ),
            purged=frozenset(key for (key,) in purged),
        )
        return stored, row[4]

    def put(self, stored: Stored, *, users: bool) -> int:
        """See `Store`; another process may have been first (ONB-003, ONB-040)."""
        values = (stored.entity_id, json.dumps(stored.record), stored.active)
        with self._transaction("IMMEDIATE"):
            revision = self._next_revision()
            try:
                self._db.execute(_PUT, (*values, revision, stored.id))
                self._db.execute("DELETE FROM pair WHERE integration = ?", (stored.id,))
                pairs = ((*pair, stored.id) for pair in stored.pairs)
                self._db.executemany("INSERT INTO pair VALUES (?, ?, ?)", pairs)
            except sqlite3.IntegrityError as conflict:
                if "entity_id" in str(conflict):
                    raise OnboardingRefused(
                        "entity_id_taken", "this Entity ID is in use", "entity_id"
                    ) from None
                detail = "this issuer with this audience is in use"
                raise OnboardingRefused("issuer_taken", detail, "issuer") from None
            if users:
                self._replace_users(stored.id, stored.users)
        return revision

    def put_users(self, identifier: str, users: Iterable[User], expected: int | None) -> int:
        """See `Store`."""
        with self._transaction("IMMEDIATE"):
            row = self._db.execute("SELECT revision FROM integration WHERE id = ?", (identifier,)).fetchone()
            if row and expected not in (None, row[0]):
                raise ChangedMeanwhile
            revision = self._touch(identifier)
            self._replace_users(identifier, users)
        return revision

    def set_active(self, identifier: str, *, active: bool) -> int:
        """See `Store`."""
        with self._transaction("IMMEDIATE"):
            revision = self._touch(identifier)
            self._db.execute("UPDATE integration SET active = ? WHERE id = ?", (active, identifier))
        return revision

    def set_purged(self, identifier: str, purged: frozenset[str]) -> int:
        """See `Store`."""
        with self._transaction("IMMEDIATE"):
            revision = self._touch(identifier)
            self._db.execute("DELETE FROM purged WHERE integration = ?", (identifier,))
            self._db.executemany("INSERT INTO purged VALUES (?, ?)", ((identifier, key) for key in purged))
        return revision

    def drop(self, identifier: str) -> None:
        """See `Store`."""
        with self._transaction("IMMEDIATE"):
            self._db.execute("DELETE FROM integration WHERE id = ?", (identifier,))

    def _touch(self, identifier: str) -> int:
        revision = self._next_revision()
        found = self._db.execute("UPDATE integration SET revision = ? WHERE id = ?", (revision, identifier))
        if not found.rowcount:
            raise KeyError(identifier)
        return revision

    def _replace_users(self, identifier: str, users: Iterable[User]) -> None:
        self._db.execute("DELETE FROM user WHERE integration = ?", (identifier,))
        self._db.executemany(
            "INSERT INTO user VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    identifier,
                    one.name,
                    one.external_id,
                    one.active,
                    one.claim,
                    one.enrolled,
                    one.api_access,
                )
                for one in users
            ),
        )

    def _next_revision(self) -> int:
        row = self._db.execute("UPDATE revision SET latest = latest + 1 RETURNING latest").fetchone()
        return int(row[0])

    def _open(self) -> None:
        execute = self._db.execute
        execute("PRAGMA foreign_keys = ON")
        self._check_kind()
        if execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
            raise StateError(f"{self.path}: this file system cannot hold a shared state file")
        execute("PRAGMA synchronous = FULL")
        with self._transaction("IMMEDIATE"):  # of two that start at once, one makes the tables
            if execute("PRAGMA user_version").fetchone()[0] == 0:
                for statement in filter(str.strip, _SCHEMA.split(";\n")):
                    execute(statement)
                execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        if execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise StateError(f"{self.path}: the state file is damaged; restore it from a copy")

    def _check_kind(self) -> None:
        kind, version, tables = (
            self._db.execute(question).fetchone()[0]
            for question in (
                "PRAGMA application_id",
                "PRAGMA user_version",
                "SELECT count(*) FROM sqlite_master",
            )
        )
        if kind != _APPLICATION_ID and (kind or version or tables):
            raise StateError(f"{self.path}: this is another program's database; name a file of its own")
        if version > SCHEMA_VERSION:
            raise StateError(f"{self.path}: a newer Touchstone has written this file; use that one")

    @contextmanager
    def _transaction(self, kind: str) -> Iterator[None]:
        with self._lock, self._explained():
            self._db.execute(f"BEGIN {kind}")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as problem:
            raise StateError(f"{self.path}: {_in_words(problem)}") from None
        except OSError as problem:
            raise StateError(f"{self.path}: {problem.strerror or problem}") from None


def _in_words(problem: sqlite3.Error) -> str:
    code = getattr(problem, "sqlite_errorcode", 0) & 0xFF
    return {
        sqlite3.SQLITE_NOTADB: "this is no state file",
        sqlite3.SQLITE_CORRUPT: "the state file is damaged; restore it from a copy",
        sqlite3.SQLITE_BUSY: f"another process has locked it for more than {BUSY_S:g} seconds",
        sqlite3.SQLITE_READONLY: "it cannot be written",
        sqlite3.SQLITE_CANTOPEN: "it cannot be opened: its folder must exist and be writable",
        sqlite3.SQLITE_FULL: "the disk is full",
    }.get(code, f"it cannot be used ({problem})")
