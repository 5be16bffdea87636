"""The rulebook as data: what a token verifier must do, and the choices that it may declare.

`scenarios/rules/` holds one YAML file for each group of rules, the knobs of a profile, and the texts that
explain a rule's source and basis. This module reads them, once, and hands them out typed. It must never
judge, and never read a rule from anywhere but the installed package: an expectation comes from here or it has
no authority.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final, TypeVar

import msgspec
import yaml

GROUPS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ONB": "Onboarding",
        "KEY": "Keys and JWKS",
        "SIG": "Signature",
        "FMT": "Token format",
        "CLM": "Claims",
        "MAP": "External ID mapping",
        "AZR": "Azure-style tokens",
        "IDP": "Other IdP shapes",
        "HTTP": "HTTP",
        "OPS": "Operations",
    }
)
"""The groups of rules by the first part of a rule's id, in the order of the rulebook, with their titles."""


class Level(StrEnum):
    """How strongly a rule binds."""

    MUST = "MUST"
    """Breaking it is a failure."""
    SHOULD = "SHOULD"
    """Breaking it is a warning."""
    MAY = "MAY"
    """Not doing it is a warning at most."""
    POLICY = "policy"
    """The sources leave a choice: the verifier declares one and is held to it."""


class Basis(StrEnum):
    """By what authority a rule binds; `basis_text` says it for the reader of a report."""

    RFC = "rfc"
    """A normative statement of an RFC or an OpenID specification."""
    BCP = "bcp"
    """A best current practice or a security consideration."""
    IDP = "idp"
    """A documented property of an IdP's tokens, keys or rotation."""
    SEED = "seed"
    """What the system under test says of itself."""
    SYSTEM = "system"
    """The rulebook's resolution where the seed documents are ambiguous or silent."""
    HARDENING = "hardening"
    """Good engineering, with no binding text."""


class Scope(StrEnum):
    """The smallest kind of target that can be asked a rule."""

    LIBRARY = "library"
    """A function that verifies a token against keys."""
    SERVICE = "service"
    """A running API with its HTTP, caches and key fetching, or a verifier with several integrations."""
    SYSTEM = "system"
    """A service with onboarding and users."""

    def includes(self, other: "Scope") -> bool:
        """Whether a target of this scope is asked the rules of `other`: its own and the smaller ones."""
        return SCOPE_ORDER.index(other) <= SCOPE_ORDER.index(self)


SCOPE_ORDER: Final = (Scope.LIBRARY, Scope.SERVICE, Scope.SYSTEM)
"""The scopes, smallest first."""


class Mark(StrEnum):
    """Where a rule was read, if it was not a public standard or an IdP's documents."""

    SEED = "S"
    """Straight from the two seed documents."""
    VENDOR = "V"
    """From other public pages of the same vendor."""


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One requirement of the rulebook."""

    id: str
    """Group and number, such as `MAP-014`; never reused."""
    level: Level
    basis: Basis
    scope: Scope
    mark: Mark | None = None
    statement: str
    source: str
    """The texts it rests on; short keys such as `S2.6` are explained by `sources`."""
    note: str = ""
    """Why the level is what it is, where the source alone does not say."""
    bug: str
    """A mistake in a verifier that the rule would catch."""


class KnobType(StrEnum):
    """What a knob is set to."""

    CHOICE = "choice"
    """One of `Knob.values`."""
    SECONDS = "seconds"
    """A whole number of seconds."""
    BYTES = "bytes"
    """A whole number of bytes."""
    LIST = "list"
    """Strings of the verifier's own."""


class LibraryDefault(StrEnum):
    """What a target of scope `library` is held to when it declares nothing about a knob."""

    ANY = "any"
    """Every listed value, within `min` and `max`, and `Knob.library_also`, passes."""
    DEFAULT = "default"
    """The knob's default."""
    CALLER = "caller"
    """The list that its caller passes in."""
    NONE = "none"
    """Nothing: no rule of scope `library` uses the knob."""


class Knob(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One choice that a target's profile may declare."""

    name: str
    type: KnobType = KnobType.CHOICE
    values: tuple[str, ...] = ()
    """What a `choice` may be, the default first; booleans are the words `true` and `false`."""
    default: str | int | tuple[str, ...] | None = None
    """What a service or system that declares nothing is held to; None is no limit."""
    min: int | None = None
    max: int | None = None
    """The bounds of a number of seconds or bytes, where the floor names them."""
    library: LibraryDefault
    library_also: tuple[str, ...] = ()
    """Behaviour that only a library may show, beside `values`."""
    about: str
    """The situation that the knob decides."""
    floor: str = ""
    """What no declaration takes away."""
    system: str | None = None
    """The one value that a system may have, where the floor says so."""
    never: tuple[str, ...] = ()
    """What a list may never hold, in lower case, where the floor says so."""
    always: tuple[str, ...] = ()
    """What a list always holds, where the floor says so."""
    uniform: bool = False
    """Whether the floor asks one behaviour of every target, whichever it is and whether declared or not."""
    rules: tuple[str, ...]
    """Ids of the rules whose verdict depends on it."""


_Entry = TypeVar("_Entry", Rule, Knob)


@cache
def rules() -> Mapping[str, Rule]:
    """Every rule by its id, in the order of the rulebook.

    Raises ValueError when a shipped file is damaged (`msgspec.ValidationError` is one).
    """
    raw = [entry for group in GROUPS for entry in _read(group.lower())]
    return _by_key([(rule.id, rule) for rule in msgspec.convert(raw, list[Rule])])


@cache
def knobs() -> Mapping[str, Knob]:
    """Every knob of a profile by its name, in the order of the rulebook's section 2.

    Raises ValueError when the shipped file is damaged.
    """
    declared = msgspec.convert(_read("knobs"), list[Knob])
    return _by_key([(knob.name, _with_default(knob)) for knob in declared])


@cache
def sources() -> Mapping[str, str]:
    """Explain the short keys (`S1.4`, `V2`, `8725bis`) that `Rule.source` uses: key to gist.

    Raises ValueError when the shipped file is damaged.
    """
    return MappingProxyType(msgspec.convert(_read("sources"), dict[str, str]))


def source_gists(source: str) -> list[tuple[str, str]]:
    """Return the short keys that a rule's `source` names, in its order and once each, with their gists.

    `[("S1.6", "Audience and issuer are …")]`; a source that needs no explanation (an RFC) gives no entry.
    """
    return [(key, sources()[key]) for key in dict.fromkeys(_source_keys().findall(source))]


@cache
def _source_keys() -> re.Pattern[str]:
    longest_first = sorted(sources(), key=len, reverse=True)
    return re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, longest_first))})(?!\w|\.\d)")


def basis_text(basis: Basis) -> str:
    """Tell the reader of a report, in one sentence, by what authority a finding is one."""
    return _basis_texts()[basis]


@cache
def _basis_texts() -> Mapping[Basis, str]:
    return msgspec.convert(_read("basis"), dict[Basis, str])


def _with_default(knob: Knob) -> Knob:
    return msgspec.structs.replace(knob, default=knob.values[0]) if knob.values else knob


def _by_key(pairs: list[tuple[str, _Entry]]) -> Mapping[str, _Entry]:
    """Index `pairs`; a key that comes twice is an error, because the first entry would vanish."""
    index = dict(pairs)
    if len(index) < len(pairs):
        raise ValueError("the rulebook names a rule or a knob twice")
    return MappingProxyType(index)


def _read(name: str) -> Any:
    """Parse one file of the package; libyaml is ten times faster than PyYAML's own parser, but optional."""
    text = files("scenarios").joinpath("rules", f"{name}.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(text, Loader=loader)  # noqa: S506 - both loaders are safe ones
