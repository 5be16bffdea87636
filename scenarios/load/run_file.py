"""The file of one run, which all its processes share: the plan, when it begins, the keys, and how the target is asked.

It holds private keys, and its owner alone may read it. Nothing is asked of anybody while the run is on.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from mock_idp.idp import MockIdP
from mock_idp.issuer import Issuer
from mock_idp.key_supply import KeySupply
from mock_idp.keyring import KeyRing
from mock_idp.keys import SigningKey
from mock_idp.people import Person
from mock_idp.personas import persona
from mock_idp.state import MAX_BYTES, SavedState, StateError, restore, saved
from scenarios.load.plan import Plan  # noqa: TC001 - msgspec reads it
from scenarios.load.timeline import periods
from scenarios.targets.http.settings import Http  # noqa: TC001 - as above

FORMAT: Final = "touchstone-load-run-1"
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
"""Hosts that a run may load without being told so by `--host`."""
ENVIRONMENT: Final = "TOUCHSTONE_LOAD"
"""The variable that names the file to Locust's processes."""


class RunFileError(ValueError):
    """A file that is no run, with the reason."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """How the target is asked."""

    name: str
    url: str
    named: bool = False
    """Whether the user named the address: nothing else leads away from this machine."""
    ca_file: str | None = None
    """The CA to trust for https: the text of a PEM file."""
    http: Http


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run."""

    format: str = FORMAT
    plan: Plan
    since: float
    """When it begins, in seconds since the epoch."""
    issuer: str
    audience: str
    keys: SavedState
    """All keys, in the order in which they sign; no state of theirs counts but the order."""
    target: Target

    def signing_keys(self) -> tuple[SigningKey, ...]:
        """Return the keys in their order. Raises `RunFileError`."""
        idp = MockIdP()
        # Whoever restores needs a ring to put the keys into.
        idp.add_issuer("", issuer_of(self, KeyRing([SigningKey.generate("ES256", kid="none")])))
        try:
            restore(idp, self.keys)
        except StateError as error:
            raise RunFileError(f"its keys: {error}") from None
        return tuple(entry.key for entry in idp.issuers[""].ring.snapshot.entries)


def make_keys(plan: Plan) -> SavedState:
    """Make the keys of a run, each kid the key's thumbprint."""
    supply, count = KeySupply(), periods(plan)
    supply.order([(plan.alg, 2048)] * min(count, 8))  # in threads: RSA keys take long
    keys = [supply.take(plan.alg) for _ in range(count)]
    idp = MockIdP()
    idp.add_issuer("", Issuer(persona("generic"), KeyRing(keys)))
    return saved(idp)


def people(plan: Plan) -> tuple[Person, ...]:
    """Return the users whom the tokens are of, the same in every process."""
    return tuple(Person.named(f"load-{number}") for number in range(plan.people))


def issuer_of(run: Run, ring: KeyRing) -> Issuer:
    """Return the issuer of a run with its keys in a ring."""
    return Issuer(persona("generic"), ring, issuer=run.issuer, audience=run.audience)


def write_run(run: Run, path: Path) -> None:
    """Write the file in one step, readable by its owner alone. Raises OSError."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # its mode is 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(run))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def tally_file(path: Path) -> Path:
    """Return where the tally of a run is written: beside the file of the run."""
    return path.with_name(path.name + ".tally")


def read_run(path: Path) -> Run:
    """Read the file. Raises `RunFileError` for one that is no run, OSError."""
    with path.open("rb") as file:
        text = file.read(MAX_BYTES + 1)
    if len(text) > MAX_BYTES:
        raise RunFileError(f"longer than {MAX_BYTES:,} bytes")
    try:
        run = msgspec.json.decode(text, type=Run)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RunFileError(f"this is no file of a load run: {error}") from None
    if run.format != FORMAT:
        raise RunFileError(f"its format is {run.format[:40]!r}, not {FORMAT!r}")
    return run
