"""Tokens: an honest draft of the IdP, changed as the table says, and forged by name."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from mock_idp import Issuer, Person, RawJSON
from mock_idp.forgeries import ForgeContext, ForgeryError, finish, forge
from mock_idp.personas import persona
from scenarios.files.yaml12 import ABSENT, Json
from scenarios.stage.keys import staged_key
from scenarios.tables import times, words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_idp import Draft, SigningKey
    from scenarios.stage.scene import Party, Scene
    from scenarios.tables.model import TokenSpec

LIFETIME_S: Final = 300
"""How long an honest token lives (seconds)."""


def token(
    scene: Scene, spec: TokenSpec, party: Party, *, key: str | None = None, seed: int = 0
) -> str | bytes:
    """Return a credential of a party's IdP, signed by `key` when given; the same each time but for the clock.

    Raises `ValueError` for what cannot be made.
    """
    if isinstance(spec.text, bytes):
        return spec.text
    if spec.text is not None and not isinstance(spec.text, str):
        raise ValueError(f"the text of a token is text or !base64, not {type(spec.text).__name__}")
    if spec.text is not None and "{token}" not in spec.text:
        return spec.text
    credential: Draft | str | bytes = _draft(scene, spec, party, key or spec.key)
    if spec.forge is not None:
        context = ForgeContext.of(party.issuer, seed=seed)
        for name, argument in words.forge_steps(spec.forge):
            asked = filled(_with_hmac(name, argument, spec.hmac), scene.canary_url)
            credential = _forged(credential, name, asked, context)
    made = finish(credential)
    scene.lab.tokens += 1
    return made if spec.text is None else spec.text.replace("{token}", str(made))


def _draft(scene: Scene, spec: TokenSpec, party: Party, key: str | None) -> Draft:
    issuer: Issuer = party.issuer
    user = _user(scene, spec, party)
    dialect = issuer.persona if spec.persona is None else persona(spec.persona)
    if dialect is not issuer.persona:
        # Another kind of token of the same IdP, such as Entra's v1 beside v2.
        issuer = Issuer(
            dialect,
            issuer.ring,
            audience=issuer.audience,
            tenant=issuer.tenant,
            base_url=issuer.base_url,
            clock=scene.now,
        )
    draft = issuer.draft(Person.named(spec.person or user or "ann"), **_options(scene, spec, party, key))
    external_id = None if user is None else scene.external_id(user)
    if not dialect.fixed_sub and external_id is not None:
        draft = draft.with_claims({"sub": external_id})
    claims, header = _members(scene, spec.claims), _members(scene, spec.header)
    if claims:
        draft = draft.with_claims(claims).without_claims(*_absent(claims))
    if header:
        draft = draft.with_header(header).without_header(*_absent(header))
    return draft


def _user(scene: Scene, spec: TokenSpec, party: Party) -> str | None:
    """Return the user whose External ID is `sub`; nobody where the IdP's own `sub` is wanted."""
    if spec.user is None and (spec.person is not None or spec.kind == "machine"):
        return None
    return spec.user or next(iter(scene.users_of(party.name)), None)


def _options(scene: Scene, spec: TokenSpec, party: Party, key: str | None) -> Any:
    options: dict[str, Any] = {"now": scene.now(), "lifetime_s": LIFETIME_S}
    if spec.scopes is not None:
        options["scopes"] = tuple(spec.scopes)
    options |= {name: value for name in ("kind", "client") if (value := getattr(spec, name)) is not None}
    if key is not None:
        options["key"] = _key(party, key, spec.alg)
    elif spec.alg is not None:
        options["key"] = party.issuer.ring.active.with_alg(spec.alg)
    return options


def _key(party: Party, name: str, alg: str | None) -> SigningKey:
    if name == "weak":
        return staged_key(name, "RS256")
    snapshot = party.issuer.ring.snapshot
    if alg is None and snapshot.holds(name):
        return snapshot.entry(name).key
    return staged_key(name, alg or party.alg)


def _members(scene: Scene, changes: Mapping[str, Any]) -> dict[str, Any]:
    made = {}
    for name, value in changes.items():
        if times.is_time_claim(name) and isinstance(value, str):
            made[name] = math.floor(scene.now() + times.parse(value).of(scene.knob))
        else:
            made[name] = filled(value, scene.canary_url)
    return made


def _absent(members: Mapping[str, Any]) -> list[str]:
    return [name for name, value in members.items() if value is ABSENT]


def filled(value: Any, canary_url: str) -> Any:
    """Return a value of a table with `{canary}` filled in and `!json` made raw JSON."""
    match value:
        case Json():
            return RawJSON(value.text)
        case str():
            return value.replace("{canary}", canary_url) if canary_url else value
        case dict():
            return {key: filled(item, canary_url) for key, item in value.items()}
        case list():
            return [filled(item, canary_url) for item in value]
    return value


def _forged(
    credential: Draft | str | bytes, name: str, argument: Any, context: ForgeContext
) -> Draft | str | bytes:
    """Apply a forgery. Raises `ForgeryError` that names it: a token may have several."""
    try:
        return forge(credential, name, argument, context=context)
    except ForgeryError as error:
        reason = str(error).removeprefix(f"{name}: ")
        raise ForgeryError(f"forgery {name}: {reason}") from error


def _with_hmac(name: str, argument: Any, alg: str | None) -> Any:
    """Return the argument of an HMAC forgery with the algorithm of the cell."""
    if alg is None or not name.startswith("hmac_"):
        return argument
    member = "secret" if name == "hmac_with_secret" else "key"
    return {**argument, "alg": alg} if isinstance(argument, dict) else {member: argument, "alg": alg}
