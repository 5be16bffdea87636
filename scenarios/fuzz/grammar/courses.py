"""What may happen over time: keys come and go, the endpoint fails, records change, and tokens are sent in between.

Each is a step as a table writes it. What nobody could be held to is left out: a target that fetches keys is held to
the rules of fetching as a service, and one that is handed its keys learns of each change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scenarios.fuzz.case import OTHER, STEP, Part

if TYPE_CHECKING:
    from scenarios.fuzz.grammar.ability import Ability

LONG: Final = Part("claim", "exp", "+30d")
"""The tokens of a course outlive it, but for those that are about their end."""


def _steps(*named: tuple[str, Any]) -> tuple[Part, ...]:
    return tuple(Part(STEP, name, value) for name, value in named)


def _token(**spec: Any) -> Part:
    return Part(STEP, "authenticate", {"token": spec} if spec else {})


def _again(name: str) -> Part:
    """Send a token that was kept."""
    return Part(STEP, "authenticate", {"token": name})


FIRST: Final = Part(STEP, "authenticate", {"as": "first"})
"""The token that is kept for later."""
_SHORT: Final = Part(STEP, "authenticate", {"as": "short", "token": {"claims": {"exp": "+5m"}}})
_PUBLISH: Final = _steps(("publish", "b"))
_FAIL: Final = _steps(("fault", {"at": "jwks", "is": {"status": 503}}))
_PAGE: Final = _steps(("fault", {"at": "jwks", "is": "html_page"}))
_HEAL: Final = _steps(("heal", True))
_ROTATIONS: Final = (
    _steps(("rotate", {"keep": "old"})),
    _steps(("rotate", {"keep": "none"})),
    _steps(("rotate", {"keep": "old"}), ("retire", "old")),
    _steps(("rotate", {"keep": "old"}), ("rotate", {"keep": "none"})),
    _PUBLISH,
    _steps(("revoke", "old")),
    _steps(("replace", {"kid": "a", "by": "c"})),
    _steps(("publish", "b"), ("replace", {"kid": "b", "by": "c"})),
)
_OUTAGES: Final = (_FAIL, _PAGE, *((*_FAIL, *one) for one in _ROTATIONS[:5]), _HEAL)
_WAITS: Final = (
    *("10s", "10m", "refetch_min_s + 1s", "jwks_period_s + 1s", "jwks_staleness_s + 1s"),
    "jwks_staleness_s + jwks_period_s + 1s",
)
_HELD: Final = "propagation_s + 1s"
"""A change of a record holds after this."""
_RECORDS: Final = (
    {"custom_claim": "upn"},
    {"audience": "api://inventory"},
    {"issuer": "https://idp.example.com/"},
    {"leeway_s": 0},
)
_USERS: Final = (
    {"users": {"ann": {"external_id": "ann-sub", "active": False}}},
    {"users": {"ann": "nobody", "bob": "ann-sub"}},
    {"without": ["ann"]},
)


def changes(ability: Ability) -> tuple[tuple[Part, ...], ...]:
    """Return what may change, each as its steps."""
    made: tuple[tuple[Part, ...], ...] = ()
    if ability.jwks and not (ability.fetches and ability.library):
        made += _ROTATIONS
        if ability.fetches:
            made += _OUTAGES
    if ability.clock:
        specs = (*_RECORDS, *(_USERS if ability.users else ()))
        made += tuple((*_steps(("onboard", spec), ("advance", _HELD)),) for spec in specs)
        made += (_steps(("advance", "-1h")),)
    return made


def waits(ability: Ability) -> tuple[tuple[Part, ...], ...]:
    """Return how much time may pass: none, for those who obey no clock."""
    return ((), *(_steps(("advance", span)) for span in _WAITS)) if ability.clock else ((),)


def asks(ability: Ability) -> tuple[Part, ...]:
    """Return the tokens that are sent: of the key that signs now, of others, kept ones, and false ones."""
    made = [
        *(_token(), _again("first"), _token(key="b"), _token(key="c"), _token(user="bob")),
        *(_token(forge=name) for name in ("foreign_key", "foreign_key_own_kid", {"signature": "zero"}, "none_alg")),
    ]  # fmt: skip
    if ability.strict_kids:
        made.append(_token(forge="unknown_kid"))
    if "exp" in ability.checks:
        made.append(_token(claims={"iat": "-2h", "nbf": "-2h", "exp": "-1h"}))
        if ability.clock:
            made.append(_again("short"))
    if ability.users:
        made.append(_token(claims={"upn": "bob-sub"}))
    if not ability.library:
        made += [_token(of=OTHER, user="eve"), _token(of=OTHER, user="eve-too", key="c", header={"kid": "a"})]
    return tuple(made)


def begins(ability: Ability) -> tuple[tuple[Part, ...], ...]:
    """Return how a course begins: with all the tokens that are kept, with the plain one, or with none."""
    short = (_SHORT,) if ability.clock and "exp" in ability.checks else ()
    return ((FIRST, *short), (FIRST,), ())
