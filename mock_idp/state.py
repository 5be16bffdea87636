"""The keys of a mock IdP in a file, so that they outlive a process and several processes serve the same ones.

The file holds private keys, readable by its owner alone, and is replaced as a whole. A `SharedIdP` reads it before
each request and writes it after each change, under a lock next to it, so a rotation in one process is served by all.
Only keys and rotation are shared: people, clients, codes, faults and clocks are each process's own.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from mock_idp.http import Request, Response
from mock_idp.idp import MockIdP
from mock_idp.keyring import KeyRing, KeyState, RingEntry, RingSnapshot
from mock_idp.keys import SigningKey
from mock_idp.schedule import Progress, ScheduledRing

FORMAT = "touchstone-idp-keys/1"
MAX_BYTES = 16 * 1024 * 1024


class StateError(ValueError):
    """A state file that cannot be used, with the reason."""


class SavedKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One key of a ring."""

    kid: str
    alg: str
    state: KeyState
    private_key: str
    """Unencrypted PKCS#8 in PEM."""


class SavedRing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The keys of one issuer, in their order."""

    keys: list[SavedKey]
    progress: Progress | None = None
    """How far its schedule has come, if it has one."""


class SavedState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The keys of a whole mock IdP: what a state file holds."""

    format: str
    """`touchstone-idp-keys/1`"""
    issuers: dict[str, SavedRing] = {}
    """By path."""


class KeyFile:
    """One state file; `StateError` when it holds something else, `OSError` when it cannot be read or written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int, int] | None = None
        self._known: SavedState = SavedState(FORMAT)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep the other processes out."""
        lock = os.open(self.path.with_name(self.path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def load(self, idp: MockIdP) -> bool:
        """Put the keys of the file into the rings of an IdP, if it has changed; tell whether there is a file."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return False
        seen = (found.st_ino, found.st_mtime_ns, found.st_size)
        if seen == self._seen:
            return True
        self._known, self._seen = self._read(found.st_size), seen
        for path, issuer in idp.issuers.items():
            if path in self._known.issuers:
                ring = self._known.issuers[path]
                _put(issuer.ring, _snapshot(ring, f"{self.path}: issuer {path!r}"), ring.progress)
        return True

    def _read(self, size: int) -> SavedState:
        if size > MAX_BYTES:
            raise StateError(f"{self.path}: longer than {MAX_BYTES:,} bytes")
        try:
            state = msgspec.json.decode(self.path.read_bytes(), type=SavedState)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise StateError(f"{self.path}: this is no state file: {error}") from None
        _check_format(state, str(self.path))
        return state

    def lacks(self, idp: MockIdP) -> bool:
        """Whether an issuer of the IdP was not in the file when it was last read or written."""
        return not idp.issuers.keys() <= self._known.issuers.keys()

    def save(self, idp: MockIdP) -> None:
        """Write the rings of an IdP, in one step; issuers of the file that it has not are kept."""
        self._known = SavedState(FORMAT, {**self._known.issuers, **saved(idp).issuers})
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=self.path.name)  # its mode is 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(self._known), indent=1))
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        found = self.path.stat()
        self._seen = (found.st_ino, found.st_mtime_ns, found.st_size)


def _saved(ring: KeyRing) -> SavedRing:
    keys = [SavedKey(e.key.kid, e.key.alg, e.state, _pem(e.key)) for e in ring.snapshot.entries]
    return SavedRing(keys, ring.progress if isinstance(ring, ScheduledRing) else None)


def _pem(key: SigningKey) -> str:
    return key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def saved(idp: MockIdP) -> SavedState:
    """Give the keys of all issuers of an IdP."""
    return SavedState(FORMAT, {path: _saved(issuer.ring) for path, issuer in idp.issuers.items()})


def restore(idp: MockIdP, state: SavedState) -> None:
    """Put saved keys from anywhere into the rings of an IdP, all or none.

    `StateError` for a key or a ring that cannot be. Every key is checked, which takes 40 ms for an RSA one.
    """
    _check_format(state, "the state")
    rings = {path: issuer.ring for path, issuer in idp.issuers.items() if path in state.issuers}
    read = {path: _snapshot(state.issuers[path], f"issuer {path!r}", checked=True) for path in rings}
    for path, ring in rings.items():
        _put(ring, read[path], state.issuers[path].progress)


def _check_format(state: SavedState, where: str) -> None:
    if state.format != FORMAT:
        raise StateError(f"{where}: its format is {state.format[:40]!r}, not {FORMAT!r}")


def _snapshot(ring: SavedRing, where: str, *, checked: bool = False) -> RingSnapshot:
    try:
        return RingSnapshot(tuple(RingEntry(_key(key, checked=checked), key.state) for key in ring.keys))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise StateError(f"{where}: {error}") from None


def _put(ring: KeyRing, snapshot: RingSnapshot, progress: Progress | None) -> None:
    ring.restore(snapshot)
    if isinstance(ring, ScheduledRing) and progress is not None:
        ring.resume(progress)


def _key(saved: SavedKey, *, checked: bool) -> SigningKey:
    # The check that is skipped costs 42 ms an RSA key, and the keys of a file were written by this module.
    private = load_pem_private_key(
        saved.private_key.encode(), None, unsafe_skip_rsa_key_validation=not checked
    )
    key = SigningKey(saved.kid, saved.alg, private)  # type: ignore[arg-type]  # it refuses a key of another kind
    if checked:
        key.check_usable()
    return key


class SharedIdP(MockIdP):
    """A mock IdP whose keys are those of a file, before and after every request."""

    def __init__(self, file: KeyFile) -> None:
        super().__init__()
        self._file = file
        self._saved: tuple[int, ...] = ()

    def share(self) -> None:
        """Take the keys of the file over, or write it when it lacks some; the issuers have to be there by then."""
        with self._file.locked():
            self._file.load(self)
            if self._file.lacks(self):
                self._file.save(self)
            self._saved = self._rings()

    def handle(self, request: Request) -> Response:
        """Answer a request with the keys that all processes share."""
        with self._file.locked():
            if self._rings() == self._saved:
                self._file.load(self)
                self._saved = self._rings()
            response = super().handle(request)
            if self._rings() != self._saved:
                self._file.save(self)
                self._saved = self._rings()
        return response

    def _rings(self) -> tuple[int, ...]:
        return tuple(issuer.ring.version for issuer in self.issuers.values())
