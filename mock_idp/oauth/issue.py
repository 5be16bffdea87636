"""Makes the tokens of a grant and the answer that carries them (RFC 6749 section 5.1)."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any, Final

from mock_idp.draft import json_bytes
from mock_idp.http import Response
from mock_idp.keys import b64url
from mock_idp.oauth.errors import NO_STORE
from mock_idp.oauth.granted import REFRESH_LIFETIME_S, Opaque, Refresh

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_idp.issuer import Issuer
    from mock_idp.oauth.clients import Client
    from mock_idp.oauth.granted import Family, Granted
    from mock_idp.personas import Kind

NOT_CUSTOM: Final = frozenset({"iss", "aud", "exp", "nbf", "iat"})
"""What no account and no client sets: the issuer's own statements."""


def digest(token: str) -> str:
    """Give the name under which a token is remembered."""
    return hashlib.sha256(token.encode()).hexdigest()


def token_response(body: Mapping[str, Any]) -> Response:
    """Answer with tokens; nothing on the way may keep it."""
    return Response(200, NO_STORE, json_bytes(body))


def answer(
    issuer: Issuer,
    client: Client,
    granted: Granted,
    family: Family | None = None,
    *,
    refresh: str | None = None,
    members: Mapping[str, Any] | None = None,
) -> Response:
    """Issue what a grant is worth: an access token, and an ID token for the scope `openid`.

    `refresh` is the refresh token to send along, `members` what the grant type adds to the answer.
    """
    body: dict[str, Any] = {
        "access_token": access_token(issuer, client, granted, family),
        "token_type": "Bearer",
        "expires_in": issuer.token_lifetime_s,
    }
    if granted.scopes:
        body["scope"] = " ".join(granted.scopes)
    if granted.person is not None and "openid" in granted.scopes and "id" in issuer.persona.claims:
        body["id_token"] = id_token(issuer, granted, body["access_token"])
    if refresh is not None:
        body["refresh_token"] = refresh
    return token_response({**body, **members} if members else body)


def start(issuer: Issuer, client: Client, granted: Granted, family: Family) -> Response:
    """Answer with the first tokens of an authorization, a refresh token among them if the client may use it."""
    may_refresh = not client.grants or "refresh_token" in client.grants
    refresh = refresh_token(issuer, granted, family) if may_refresh else None
    return answer(issuer, client, granted, family, refresh=refresh)


def access_token(issuer: Issuer, client: Client, granted: Granted, family: Family | None) -> str:
    """Issue an access token, a JWT in the persona's dialect or an opaque one, and remember what has to be."""
    kind: Kind = "machine" if granted.person is None else "access"
    opaque = client.opaque_access_tokens
    if kind not in issuer.persona.claims or (issuer.opaque_access_tokens if opaque is None else opaque):
        token = _opaque_token(issuer, granted)
    else:
        claims = issuer.claims(
            granted.person,
            kind=kind,
            client=granted.client,
            audience=granted.audience,
            scopes=granted.scopes,
            serial=issuer.granted.new_serial(),
        )
        _know_subject(issuer, granted, claims)
        claims.update(_extra(issuer, client, granted))
        token = issuer.sign(claims, kind, issuer.ring.active)
    if family is not None:
        family.remember(digest(token), issuer.clock() + issuer.token_lifetime_s)
    return token


def _know_subject(issuer: Issuer, granted: Granted, claims: Mapping[str, Any]) -> None:
    if granted.person is None:
        return
    known_as = subject_key(claims)
    if known_as is not None:
        issuer.granted.subjects.put(known_as, granted.person, issuer.clock() + REFRESH_LIFETIME_S)


def subject_key(claims: Mapping[str, Any]) -> str | None:
    """Give what tells the person of a token apart: `sub` may be missing, or one text for everybody (AZR-026)."""
    return next((claims[name] for name in ("oid", "sub", "sid") if isinstance(claims.get(name), str)), None)


def _extra(issuer: Issuer, client: Client, granted: Granted) -> dict[str, Any]:
    person = granted.person
    known = client.claims if person is None else issuer.account(person.username).claims
    extra = dict(known) if known else {}
    if granted.actor is not None:
        extra["act"] = granted.actor
    return settable(issuer, extra) if extra else extra


def settable(issuer: Issuer, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Give those of the claims of an account or a client that the issuer lets them set."""
    fixed = NOT_CUSTOM | {"sub"} if issuer.persona.fixed_sub else NOT_CUSTOM
    return {name: value for name, value in extra.items() if name not in fixed}


def _opaque_token(issuer: Issuer, granted: Granted) -> str:
    token = issuer.granted.new_secret()
    now = math.floor(issuer.clock())
    person = granted.person
    claims: dict[str, Any] = {
        "iss": issuer.issuer,
        "sub": granted.client if person is None else subject(issuer, granted),
        "aud": granted.audience,
        "iat": now,
        "exp": now + issuer.token_lifetime_s,
        "client_id": granted.client,
        "scope": " ".join(granted.scopes),
    }
    if person is not None:
        claims["username"] = person.username
    issuer.granted.opaque.put(digest(token), Opaque(granted, claims), claims["exp"])
    return token


def subject(issuer: Issuer, granted: Granted) -> str:
    """Give the `sub` that the client sees for the person of a grant, the same as in its ID tokens."""
    sub: str = identity_claims(issuer, granted).get("sub", "")
    return sub


def identity_claims(issuer: Issuer, granted: Granted) -> dict[str, Any]:
    """Give what an ID token of this grant says."""
    kind: Kind = "id" if "id" in issuer.persona.claims else "access"
    claims = issuer.claims(granted.person, kind=kind, client=granted.client, scopes=granted.scopes)
    return {**claims, **_known(issuer, granted)}


def _known(issuer: Issuer, granted: Granted) -> dict[str, Any]:
    return {} if granted.person is None else settable(issuer, issuer.account(granted.person.username).claims)


def id_token(issuer: Issuer, granted: Granted, access: str) -> str:
    """Issue an ID token (OpenID Connect Core sections 2 and 3.1.3.6)."""
    claims = issuer.claims(
        granted.person,
        kind="id",
        client=granted.client,
        scopes=granted.scopes,
        serial=issuer.granted.new_serial(),
    )
    more = _known(issuer, granted)
    if granted.nonce is not None:
        more["nonce"] = granted.nonce
    if granted.auth_time is not None:
        more["auth_time"] = granted.auth_time
    _know_subject(issuer, granted, claims)
    key = issuer.ring.active
    more["at_hash"] = _half_hash(access, key.alg)
    return issuer.sign({**claims, **more}, "id", key)


def _half_hash(token: str, alg: str) -> str:
    # EdDSA over Ed25519 hashes with SHA-512 inside; that is what OpenID implementations use for at_hash too.
    size = alg[2:] if alg[2:] in {"256", "384", "512"} else "512"
    whole = hashlib.new(f"sha{size}", token.encode()).digest()
    return b64url(whole[: len(whole) // 2])


def refresh_token(issuer: Issuer, granted: Granted, family: Family) -> str:
    """Issue a refresh token of a family."""
    token = issuer.granted.new_secret()
    expires = issuer.clock() + REFRESH_LIFETIME_S
    issuer.granted.refresh.put(digest(token), Refresh(granted, family, expires), expires)
    return token
