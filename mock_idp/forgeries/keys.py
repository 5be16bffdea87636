"""Forgeries of the key: who signs, what the header says of the key, and keys that travel with the token."""

from collections.abc import Callable, Mapping
from typing import Any

from mock_idp.certificates import certificate, x5c
from mock_idp.draft import Draft
from mock_idp.forgeries.arguments import choice, text
from mock_idp.forgeries.registry import ForgeContext, ForgeryError, forgery
from mock_idp.keys import SigningKey

_ATTACKER_SUBJECT = "CN=Attacker"


def _by_attacker(draft: Draft, context: ForgeContext) -> Draft:
    # The attacker signs with an algorithm that his key has, and says so.
    forged = draft.signed_by(context.attacker)
    return forged if forged.alg == draft.alg else forged.with_header({"alg": forged.alg})


@forgery("foreign_key", rules=("SIG-003", "KEY-001"))
def foreign_key(draft: Draft, _arg: Any, context: ForgeContext) -> Draft:
    """Signed by the attacker's key under the kid of the true one."""
    return _by_attacker(draft, context)


@forgery("foreign_key_own_kid", rules=("KEY-004",))
def foreign_key_own_kid(draft: Draft, _arg: Any, context: ForgeContext) -> Draft:
    """Signed by the attacker's key under the attacker's kid."""
    return _by_attacker(draft, context).with_header({"kid": context.attacker.kid})


@forgery("unknown_kid", rules=("KEY-004", "KEY-005", "KEY-006", "SIG-027"), advisories=("CVE-2026-48524",))
def unknown_kid(draft: Draft, arg: Any, context: ForgeContext) -> Draft:
    """Honestly signed under a kid that nobody published; the argument is the kid, a seeded one by default."""
    kid = (
        f"unknown-{context.random('unknown_kid').randbytes(8).hex()}" if arg is None else text(arg, "the kid")
    )
    if kid in {key.kid for key in (context.trusted, *context.others)}:
        raise ForgeryError(f"unknown_kid: kid {kid!r} is published")
    return draft.with_header({"kid": kid})


def _other(context: ForgeContext) -> SigningKey:
    if not context.others:
        raise ForgeryError("needs a second published key")
    return context.others[0]


@forgery("other_key_same_kid", rules=("KEY-001",))
def other_key_same_kid(draft: Draft, _arg: Any, context: ForgeContext) -> Draft:
    """Signed by another published key under the kid of the true one."""
    return draft.signed_by(_other(context))


@forgery("kid_of_other_key", rules=("KEY-001", "SIG-019"))
def kid_of_other_key(draft: Draft, _arg: Any, context: ForgeContext) -> Draft:
    """Honestly signed under the kid of another published key."""
    return draft.with_header({"kid": _other(context).kid})


_KIDS: Mapping[str, Callable[[Draft, ForgeContext], Any]] = {
    "own_kid": lambda _draft, context: context.attacker.kid,
    "known_kid": lambda draft, _context: draft.header.get("kid"),
}


@forgery("embedded_jwk", rules=("SIG-020",), advisories=("CVE-2018-0114",))
def embedded_jwk(draft: Draft, arg: Any, context: ForgeContext) -> Draft:
    """Signed by the attacker, whose public key travels in the header as jwk.

    Argument: `own_kid` (default) or `known_kid`, the kid in header and jwk.
    """
    kid = choice(arg, _KIDS, "own_kid")(draft, context)
    jwk = {**context.attacker.public_jwk(), "kid": kid}
    return _by_attacker(draft, context).with_header({"kid": kid, "jwk": jwk})


def _attackers_certificate(context: ForgeContext) -> str:
    return x5c(certificate(context.attacker, subject=_ATTACKER_SUBJECT))


_CHAINS: Mapping[str, Callable[[ForgeContext], list[str]]] = {
    "attacker": lambda context: [_attackers_certificate(context)],
    "attacker_then_true": lambda context: [_attackers_certificate(context), x5c(context.certificate)],
    "true_then_attacker": lambda context: [x5c(context.certificate), _attackers_certificate(context)],
}


@forgery("embedded_x5c", rules=("SIG-022",))
def embedded_x5c(draft: Draft, arg: Any, context: ForgeContext) -> Draft:
    """Signed by the attacker, whose certificate travels in the header as x5c, under the true kid.

    Argument: the chain, `attacker` (default), `attacker_then_true` or `true_then_attacker`.
    """
    return _by_attacker(draft, context).with_header({"x5c": choice(arg, _CHAINS, "attacker")(context)})


def _at_url(member: str) -> Callable[[Draft, Any, ForgeContext], Draft]:
    def point(draft: Draft, arg: Any, context: ForgeContext) -> Draft:
        url = text(arg, f"{member}, the address of the attacker's keys,")
        return _by_attacker(draft, context).with_header({"kid": context.attacker.kid, member: url})

    return point


@forgery("jku", rules=("SIG-021",))
def jku(draft: Draft, arg: Any, context: ForgeContext) -> Draft:
    """Signed by the attacker, with the given URL in jku as the place of his keys."""
    return _at_url("jku")(draft, arg, context)


@forgery("x5u", rules=("SIG-021",))
def x5u(draft: Draft, arg: Any, context: ForgeContext) -> Draft:
    """Signed by the attacker, with the given URL in x5u as the place of his certificate."""
    return _at_url("x5u")(draft, arg, context)
