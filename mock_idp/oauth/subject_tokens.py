"""Tokens of the issuer that come back to it: at userinfo, introspection, exchange and on behalf of somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_idp.oauth import accounts, jws
from mock_idp.oauth.issue import digest, subject_key
from mock_idp.people import Person

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_idp.issuer import Issuer
    from mock_idp.oauth.endpoint import Context

_CLIENT_CLAIMS = ("client_id", "azp", "appid", "cid")
"""Where the personas' access tokens name the client."""
_NAMES = ("preferred_username", "username", "upn", "unique_name", "email", "cognito:username", "Username")


class NotOursError(ValueError):
    """Not a live token of this issuer; the message says why."""


def read_subject(issuer: Issuer, token: str) -> Mapping[str, Any]:
    """Give the claims of a live token of the issuer, JWT or opaque; `NotOursError` when it is none."""
    now, name = issuer.clock(), digest(token)
    opaque = issuer.granted.opaque.get(name, now)
    if issuer.granted.revoked.get(name, now):
        raise NotOursError("the token was revoked")
    if opaque is not None:
        return opaque.claims
    try:
        claims = jws.own_claims(issuer, token)
    except jws.NotSignedError as error:
        raise NotOursError(str(error)) from None
    # PingFederate's access tokens name no issuer (IDP-012); the signature is this issuer's in any case.
    if claims.get("iss", issuer.issuer) not in (issuer.issuer, issuer.id_issuer):
        raise NotOursError("the token is another issuer's")
    exp, nbf = claims.get("exp"), claims.get("nbf", 0)
    if not isinstance(exp, int | float) or now >= exp:
        raise NotOursError("the token has expired")
    if isinstance(nbf, int | float) and now < nbf:
        raise NotOursError("the token is not valid yet")
    return claims


def scopes_of(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the scopes of a token, wherever and however its persona writes them."""
    scope = claims.get("scope", claims.get("scp"))
    if isinstance(scope, str):
        return tuple(scope.split())
    return tuple(one for one in scope if isinstance(one, str)) if isinstance(scope, list) else ()


def is_id_token(claims: Mapping[str, Any]) -> bool:
    """Whether it is an ID token, which is nobody's key to anything (`at_hash` is in all that are issued here)."""
    return "at_hash" in claims or "nonce" in claims


def client_of(claims: Mapping[str, Any]) -> str:
    """Give the client that a token was issued to; of an ID token that is its audience."""
    named = (claims[name] for name in _CLIENT_CLAIMS if isinstance(claims.get(name), str))
    audience = claims.get("aud")
    return next(named, audience if isinstance(audience, str) else "")


def subject_of(issuer: Issuer, context: Context, claims: Mapping[str, Any]) -> Person | None:
    """Give the person that a token is about, nobody for a client's own token."""
    sub, known_as = claims.get("sub"), subject_key(claims)
    known = None if known_as is None else issuer.granted.subjects.get(known_as, issuer.clock())
    if known is not None:
        return known
    for person in accounts.people(issuer, context):
        if claims.get("oid") == person.oid or sub in (person.subject, person.oid, person.email):
            return person
    named = [claims[name] for name in _NAMES if isinstance(claims.get(name), str)]
    for name in named:
        found = accounts.find(issuer, context, name)
        if found is not None:
            return found
    if named:
        return _described(claims, named[0])
    return None


def _described(claims: Mapping[str, Any], name: str) -> Person:
    # Somebody for whom a token was minted without their being in a directory.
    username, _, domain = name.partition("@")
    known = Person.named(username, domain) if domain else Person.named(username)
    return Person(
        name=str(claims.get("name", known.name)),
        email=str(claims.get("email", known.email)),
        username=username,
        oid=str(claims.get("oid", known.oid)),
        subject=str(claims.get("sub", known.subject)),
    )
