"""Target files: the YAML that says how to reach a target and what it declares about itself.

Reading one runs nothing; `open_target` does. A mistake is named with file, line, column and the nearest valid
word.
"""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from scenarios import rulebook
from scenarios.files import yaml12
from scenarios.files.convert import convert
from scenarios.files.problems import Problem, TableErrors, nearest
from scenarios.rulebook import KnobType
from scenarios.targets.http import settings
from scenarios.targets.json_lines import JsonLines
from scenarios.targets.profile import DECLARED, Profile, TargetError
from scenarios.targets.protocol import (
    ALGORITHMS,
    CAPABILITIES,
    CHECKS,
    HTTPS_ONLY,
    KEY_FORMS,
    REASONS,
    SCOPES,
)
from scenarios.targets.python_target import python_channel
from scenarios.targets.session import Session, Timeouts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from scenarios.files.yaml12 import Document
    from scenarios.files.yaml12 import Path as Where
    from scenarios.rulebook import Knob
    from scenarios.targets.channel import Channel

MAX_TIMEOUT_S: Final = 600
MAX_RESTARTS: Final = 10_000


class _TimeoutTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    start_s: float = Timeouts().start_s
    answer_s: float = Timeouts().answer_s


class _ProfileTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    scope: str = Profile().scope
    keys: tuple[str, ...] = Profile().keys
    algorithms: tuple[str, ...] = Profile().algorithms
    capabilities: tuple[str, ...] = Profile().capabilities
    knobs: dict[str, Any] = {}
    checks: tuple[str, ...] = Profile().checks
    notes: str = ""


class _TargetTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    adapter: str
    name: str = ""
    python: str = ""
    rejects: tuple[str, ...] = ()
    reasons: dict[str, str] = {}
    command: tuple[str, ...] = ()
    env: dict[str, str] = {}
    http: settings.Http | None = None
    timeouts: _TimeoutTable = _TimeoutTable()
    restarts: int = 200
    profile: _ProfileTable = _ProfileTable()


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSpec:
    """A target file, read: how to reach the target (`adapter` and its fields) and what it declares."""

    path: Path
    name: str
    adapter: str
    python: str
    rejects: tuple[str, ...]
    reasons: Mapping[str, str]
    command: tuple[str, ...]
    env: Mapping[str, str]
    http: settings.Http | None
    timeouts: Timeouts
    restarts: int
    profile: Profile
    document: Document | None = dataclasses.field(default=None, compare=False, repr=False)
    """The file as it was read, for the places of its words."""

    @property
    def folder(self) -> Path:
        """The folder that what the file names is relative to."""
        return self.path.resolve().parent


def load_target(path: Path | str) -> TargetSpec:
    """Read a target file.

    Raises `TargetError` (`configuration`) when there is no such file, `TableErrors` with all its mistakes.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            text = file.read(yaml12.MAX_BYTES + 1)
    except OSError as error:
        raise TargetError(
            "configuration",
            f"the target file '{path}' cannot be read: {error.strerror}; touchstone init DIR writes one",
        ) from None
    document = yaml12.load(text, str(path))
    table = convert(document, _TargetTable)
    if problems := [Problem(document.place(where), message) for where, message in _mistakes(table)]:
        raise TableErrors(problems)
    return _spec(path, table, document)


def open_target(spec: TargetSpec, *, through: Callable[[Channel], Channel] | None = None) -> Session:
    """Return a session that is not yet started; raises `TargetError` when its code cannot be loaded.

    `through` wraps the channel, for who wants to hear what goes over it.
    """
    channel = open_channel(spec)
    channel = channel if through is None else through(channel)
    return Session(channel, profile=spec.profile, timeouts=spec.timeouts, restarts=spec.restarts)


def open_channel(spec: TargetSpec) -> Channel:
    """Return the bare channel of a target, not yet opened; raises as `open_target` does.

    A message about a word of the file begins with its place.
    """
    try:
        return _ADAPTERS[spec.adapter].open(spec)
    except TargetError as error:
        if spec.document is None or not error.where:
            raise
        place = spec.document.place(error.where)
        raise TargetError(error.kind, f"{place}: {error.message}", error.where) from error


def schema_bytes() -> bytes:
    """Return the JSON Schema (draft 2020-12) of a target file."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A target file",
        **msgspec.json.schema(_TargetTable),
    }
    return msgspec.json.format(msgspec.json.encode(schema, order="sorted"), indent=1) + b"\n"


@dataclass(frozen=True, slots=True)
class _Adapter:
    """One way to reach a target: the field that it needs, those it may have, and what makes its channel."""

    needs: str | None
    takes: frozenset[str]
    open: Callable[[TargetSpec], Channel]


def _in_process(spec: TargetSpec) -> Channel:
    return python_channel(
        spec.python, spec.folder, rejects=spec.rejects, reasons=spec.reasons, name=spec.name
    )


def _json_lines(spec: TargetSpec) -> Channel:
    first, *rest = spec.command
    command = (sys.executable if first == "python" else first, *rest)
    return JsonLines(command, cwd=spec.folder, env=spec.env)


def _http(spec: TargetSpec) -> Channel:
    from scenarios.targets.http.channel import HttpChannel

    if spec.http is None:
        raise TargetError("configuration", "the adapter 'http' needs 'http'")
    return HttpChannel(
        spec.http,
        folder=spec.folder,
        name=spec.name,
        algorithms=spec.profile.algorithms,
        start_s=spec.timeouts.start_s,
    )


def _reference(spec: TargetSpec) -> Channel:
    from scenarios.targets.reference import reference_channel

    return reference_channel(spec.profile)


_ADAPTERS: Final[Mapping[str, _Adapter]] = {
    "in-process": _Adapter("python", frozenset({"rejects", "reasons"}), _in_process),
    "json-lines": _Adapter("command", frozenset({"env"}), _json_lines),
    "http": _Adapter("http", frozenset(), _http),
    "reference": _Adapter(None, frozenset(), _reference),
}
_REACHING: Final = ("python", "rejects", "reasons", "command", "env", "http")


def _spec(path: Path, table: _TargetTable, document: Document) -> TargetSpec:
    said = document.value.get("profile") or {}
    profile = _profile(table.profile, said)
    if table.http is not None:
        profile = _over_http(profile, table.http)
    return TargetSpec(
        path=path,
        name=table.name or path.stem,
        timeouts=Timeouts(table.timeouts.start_s, table.timeouts.answer_s),
        restarts=table.restarts,
        adapter=table.adapter,
        **{name: getattr(table, name) for name in _REACHING},
        profile=profile,
        document=document,
    )


def _over_http(profile: Profile, http: settings.Http) -> Profile:
    """Return the profile with what follows from being asked over HTTP: it need not be said."""
    follows = ["http", "concurrent", *(["endpoints"] if len(http.endpoints) > 1 else [])]
    scope = profile.scope if "scope" in profile.stated else "service"
    return replace(
        profile,
        scope=scope,
        capabilities=tuple(dict.fromkeys([*profile.capabilities, *follows])),
        stated=profile.stated | {"scope", "capabilities"},
    )


def _profile(table: _ProfileTable, said: Iterable[str]) -> Profile:
    return Profile(
        scope=table.scope,
        keys=table.keys,
        algorithms=table.algorithms,
        capabilities=table.capabilities,
        knobs={name: _knob_value(name, value) for name, value in table.knobs.items()},
        checks=table.checks,
        notes=table.notes,
        stated=frozenset(DECLARED) & frozenset(said),
    )


def profile_of(values: Mapping[str, Any]) -> Profile:
    """Return the profile that plain values declare, as the `profile` of a target file would.

    Raises `TargetError` (`configuration`) with every mistake.
    """
    try:
        table = msgspec.convert(dict(values), _ProfileTable)
    except msgspec.ValidationError as error:
        raise TargetError("configuration", f"the profile cannot be read: {error}") from None
    if mistakes := [message for _, message in _mistakes_of_profile(table)]:
        raise TargetError("configuration", "; ".join(mistakes))
    return _profile(table, values)


def _mistakes(table: _TargetTable) -> Iterator[tuple[Where, str]]:
    yield from _mistakes_of_reach(table)
    yield from _mistakes_of_bounds(table)
    if table.http is not None:
        yield from ((("http", *where), message) for where, message in settings.mistakes(table.http))
        yield from _mistakes_over_http(table)
    for where, message in _mistakes_of_profile(table.profile):
        yield ("profile", *where), message


def _mistakes_of_profile(profile: _ProfileTable) -> Iterator[tuple[Where, str]]:
    if profile.scope not in SCOPES:
        yield ("scope",), f"'{profile.scope}' is no scope{nearest(profile.scope, SCOPES)}"
    words: dict[str, tuple[str, Iterable[str]]] = {
        "keys": ("key form", (*KEY_FORMS, HTTPS_ONLY)),
        "algorithms": ("signature algorithm", ALGORITHMS),
        "capabilities": ("capability", CAPABILITIES),
        "checks": ("claim that a target checks", CHECKS),
    }
    for field, (what, known) in words.items():
        for index, word in enumerate(getattr(profile, field)):
            if word not in known:
                yield (field, index), f"'{word}' is no {what}{nearest(word, known)}"
    if not profile.algorithms:
        yield ("algorithms",), "a target that lists no algorithm is asked nothing"
    if HTTPS_ONLY in profile.keys and "jwks_uri" not in profile.keys:
        yield ("keys",), f"'{HTTPS_ONLY}' says something of 'jwks_uri', which is not there"
    for name, value in profile.knobs.items():
        if mistake := _mistake_of_knob(name, value, profile.scope):
            yield ("knobs", name), mistake


def _mistakes_of_reach(table: _TargetTable) -> Iterator[tuple[Where, str]]:
    adapter = _ADAPTERS.get(table.adapter)
    if adapter is None:
        yield ("adapter",), f"'{table.adapter}' is no adapter{nearest(table.adapter, _ADAPTERS)}"
        return
    if adapter.needs and not getattr(table, adapter.needs):
        yield ("adapter",), f"the adapter '{table.adapter}' needs '{adapter.needs}'"
    for field in _REACHING:
        if getattr(table, field) and field not in {adapter.needs, *adapter.takes}:
            yield (field,), f"the adapter '{table.adapter}' does not use '{field}'"
    if table.python and not all(table.python.rpartition(":")):
        yield ("python",), f"'{table.python}' is neither 'file.py:attribute' nor 'package.module:attribute'"
    for name, reason in table.reasons.items():
        if reason not in REASONS:
            yield ("reasons", name), f"'{reason}' is no reason of the protocol{nearest(reason, REASONS)}"


def _mistakes_over_http(table: _TargetTable) -> Iterator[tuple[Where, str]]:
    """Yield what a profile promises of a target over HTTP and its `http` part does not back."""
    http, said = table.http, table.profile.capabilities
    if http is None:
        return
    unlike = {
        "clock": (False, "nobody can tell the time to a running API; leave 'clock' out"),
        "users": (http.user is not None, "'users' promises that an accept names the user: say http.user"),
        "audit": (
            http.mapped_by is not None and http.fallback is not None,
            "'audit' promises mapped_by and fallback: say http.mapped_by and http.fallback",
        ),
        "onboarding": (
            http.admin is not None and http.admin.refused is not None,
            "'onboarding' promises that records are judged: say http.admin.refused",
        ),
        "purge": (http.admin is not None and bool(http.admin.purge), "'purge' needs http.admin.purge"),
        "reset": (
            http.admin is not None and bool(http.admin.reset),
            "'reset' needs http.admin.reset; without it each integration is offboarded",
        ),
        "endpoints": (len(http.endpoints) > 1, "'endpoints' needs a second address under http.endpoints"),
    }
    for index, word in enumerate(said):
        backed, message = unlike.get(word, (True, ""))
        if not backed:
            yield ("profile", "capabilities", index), message
    if http.admin is not None and not http.admin.offboard and not http.admin.reset:
        yield ("http", "admin"), "say offboard or reset: else what one scenario onboards stays for the next"


def _mistakes_of_bounds(table: _TargetTable) -> Iterator[tuple[Where, str]]:
    for field in ("start_s", "answer_s"):
        if not 0 < getattr(table.timeouts, field) <= MAX_TIMEOUT_S:
            yield ("timeouts", field), f"'{field}' is more than 0 and at most {MAX_TIMEOUT_S} seconds"
    if not 0 <= table.restarts <= MAX_RESTARTS:
        yield ("restarts",), f"'restarts' is from 0 to {MAX_RESTARTS:,}"


def _mistake_of_knob(name: str, value: Any, scope: str) -> str | None:
    knob = rulebook.knobs().get(name)
    if knob is None:
        known = nearest(name, rulebook.knobs()) or " (touchstone list --knobs shows them)"
        return f"'{name}' is no knob{known}"
    also = knob.library_also if scope == rulebook.Scope.LIBRARY else ()
    if knob.type is KnobType.CHOICE or value in also:
        words = (*knob.values, *also)
        word = _knob_value(name, value)
        return None if word in words else f"'{word}' is no value of '{name}'{nearest(word, words)}"
    if knob.type is KnobType.LIST:
        good = isinstance(value, list) and all(isinstance(item, str) for item in value)
        return None if good else f"'{name}' is a list of words"
    return _mistake_of_number(knob, value)


def _mistake_of_number(knob: Knob, value: Any) -> str | None:
    if type(value) is not int or value < 0:
        return f"'{knob.name}' is a whole number of {knob.type.value}"
    return None  # one below its floor is no mistake of the file: it is a finding (`floors.py`)


def _knob_value(name: str, value: Any) -> Any:
    """Return a knob's value as the rulebook writes it: in a choice, true and 401 are words."""
    if rulebook.knobs()[name].type is not KnobType.CHOICE:
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)
