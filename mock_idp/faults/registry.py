"""The registry of faults, what they may know, and how one is read.

A fault is a pure function from the honest answer to a false one. It is written as a name (`html_page`) or as
a mapping of names to arguments (`{status: 503, retry_after: 30}`), whose members are applied in their order.
A fault must keep to its sentence: a test of one fault must not meet a second. None of them rolls dice.
"""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, TypeAlias

import msgspec

from mock_idp.http import Request, Response

FaultSpec: TypeAlias = str | Mapping[str, Any]


class FaultError(ValueError):
    """An unknown fault, or an argument that it does not take."""


class FaultContext(msgspec.Struct, frozen=True):
    """What a fault may know besides the honest answer."""

    request: Request
    base_url: str
    """Where the server is reached, without a final slash; empty when no server runs."""
    nth: int
    """How many requests the fault has met before this one."""
    stale_jwks: Callable[[], bytes]
    """Gives the issuer's JWKS as it was before its last change."""


Misbehave: TypeAlias = Callable[[Response, Any, FaultContext], Response]
Misbehaviour: TypeAlias = Callable[[Response, FaultContext], Response]


class Fault(msgspec.Struct, frozen=True):
    """One entry of the registry."""

    name: str
    says: str
    """One sentence: what is false about the answer."""
    rules: tuple[str, ...]
    takes: str
    """What the argument is, empty for a fault that takes none."""
    apply: Misbehave


FAULTS: dict[str, Fault] = {}
"""All faults by name."""

_TRIAL = FaultContext(Request("GET", "/jwks"), "http://127.0.0.1:1", 0, lambda: b'{"keys":[]}')


def fault(name: str, *, rules: tuple[str, ...], takes: str = "") -> Callable[[Misbehave], Misbehave]:
    """Register a fault; the first line of its docstring is its sentence."""

    def register(function: Misbehave) -> Misbehave:
        if name in FAULTS:
            raise ValueError(f"fault {name!r} exists already")
        FAULTS[name] = Fault(name, (function.__doc__ or "").split("\n")[0], rules, takes, function)
        return function

    return register


def parse_fault(spec: FaultSpec) -> Misbehaviour:
    """Read a fault; `FaultError` for an unknown name (with the nearest) or a wrong argument."""
    parts = {spec: None} if isinstance(spec, str) else dict(spec)
    if not parts:
        raise FaultError("a fault needs a name")
    for name, arg in parts.items():
        _check(name, arg)

    def misbehave(response: Response, context: FaultContext) -> Response:
        for name, arg in parts.items():
            response = FAULTS[name].apply(response, arg, context)
        return response

    # A wrong argument has to be found when the fault is set, not when a client asks.
    misbehave(Response(200, (("content-type", "application/json"),), b'{"keys":[]}'), _TRIAL)
    return misbehave


def _check(name: str, arg: Any) -> None:
    found = FAULTS.get(name)
    if found is None:
        close = get_close_matches(str(name), FAULTS, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise FaultError(f"unknown fault {name!r}: {hint}there are {', '.join(FAULTS)}")
    if not found.takes and arg is not None and arg is not True:
        raise FaultError(f"{name} takes no argument, not {arg!r}")


def whole(arg: Any, least: int, most: int, what: str) -> int:
    """Read a whole number; `FaultError` outside the bounds."""
    if not isinstance(arg, int) or isinstance(arg, bool) or not least <= arg <= most:
        raise FaultError(f"{what} is a whole number from {least} to {most}, not {arg!r}")
    return arg


def seconds(arg: Any, most: float, what: str) -> float:
    """Read a duration in seconds, from zero up; `FaultError` outside the bounds."""
    if not isinstance(arg, int | float) or isinstance(arg, bool) or not 0 <= arg <= most:
        raise FaultError(f"{what} is a number of seconds from 0 to {most:g}, not {arg!r}")
    return float(arg)


def text(arg: Any, what: str) -> str:
    """Read one line of ASCII text, fit for a header; `FaultError` for anything else."""
    if not isinstance(arg, str) or not arg.isascii() or not arg.isprintable():
        raise FaultError(f"{what} is one line of ASCII text, not {arg!r}")
    return arg


def members(arg: Any, what: str, short: str, *others: str) -> Mapping[str, Any]:
    """Read an argument that is one value or a mapping in which that value is the member `short`."""
    if arg is None or arg is True:
        return {}
    if not isinstance(arg, Mapping):
        return {short: arg}
    for name in arg:
        if name not in (short, *others):
            raise FaultError(f"{what} takes no {name!r}: there are {', '.join((short, *others))}")
    return arg
