"""The words of the token itself, and one good example of each fault that a token can have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scenarios.files.yaml12 import ABSENT, Json
from scenarios.fuzz.case import OTHER, Part
from scenarios.fuzz.grammar.pools import OTHER_ISSUER, Pool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenarios.fuzz.grammar.ability import Ability

_SIGNERS: Final[Mapping[str, Pool]] = {
    "key": ("b", "attacker"),
    "user": ("bob", "capital", "off", "unset", "mail", "one"),
}
_OF_SERVICES: Final[Mapping[str, Pool]] = {"of": (OTHER,), "kind": ("id", "machine")}


def tokens(ability: Ability) -> Mapping[str, Pool]:
    """Return the words of the token: who signs it, and for whom it is."""
    return _SIGNERS if ability.library else {**_SIGNERS, **_OF_SERVICES}


_FAULTS: Final[Mapping[str, Mapping[str, tuple[Part, ...]]]] = {
    "": {
        "unknown kid": (Part("header", "kid", "b"),),
        "forged": (Part("forge", "foreign_key", None),),
        "tampered": (Part("forge", "flip_bit", "payload"),),
        "unsigned": (Part("forge", "none_alg", None),),
        "cut": (Part("forge", "signature", "drop_last_byte"),),
        "critical": (Part("header", "crit", ["x"]), Part("header", "x", 1)),
        "not base64url": (Part("forge", "padding", "signature"),),
        "twice": (Part("forge", "duplicate_claim", {"member": "sub", "value": "bob-sub"}),),
        "no JSON": (Part("claim", "x", Json("NaN")),),
    },
    "exp": {
        # An expired token is one that was good once: it is issued before it ends.
        "expired": (Part("claim", "iat", "-2h"), Part("claim", "nbf", "-2h"), Part("claim", "exp", "-1h")),
        "without end": (Part("claim", "exp", ABSENT),),
        "end of another type": (Part("claim", "exp", Json('"x"')),),
    },
    "nbf": {"of tomorrow": (Part("claim", "nbf", "+1d"), Part("claim", "exp", "+2d"))},
    "iat": {"issued tomorrow": (Part("claim", "iat", "+1d"), Part("claim", "exp", "+2d"))},
    "iss": {
        "of another issuer": (Part("claim", "iss", OTHER_ISSUER),),
        "without issuer": (Part("claim", "iss", ABSENT),),
    },
    "aud": {
        "for others": (Part("claim", "aud", "x"),),
        "for several others": (Part("claim", "aud", ["x", "y", "z"]),),
        "for nobody": (Part("claim", "aud", ABSENT),),
    },
    "service": {
        "of another kind": (Part("header", "typ", "logout+jwt"),),
        "bound": (Part("claim", "cnf", {"jkt": "x"}),),
        "an event": (Part("claim", "events", {}),),
    },
    "users": {
        "of nobody": (Part("claim", "sub", "nobody"),),
        "of somebody who left": (Part("claim", "sub", "off-sub"),),
        "of somebody else": (Part("claim", "sub", "bob-sub"),),
    },
}
"""By what a target must judge to see it: a claim, who it is (a service), its users; then by name."""


def faults(ability: Ability) -> list[tuple[Part, ...]]:
    """Return one good example of each fault of a token."""
    judged = {"", *ability.checks}
    judged |= set() if ability.library else {"service"}
    judged |= {"users"} if ability.users else set()
    return [
        parts for by_name in (_FAULTS[one] for one in _FAULTS if one in judged) for parts in by_name.values()
    ]
