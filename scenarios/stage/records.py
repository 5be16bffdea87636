"""Onboarding records: what a customer sends, in the form of keys that the target takes."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from mock_idp.certificate_files import certificate_file
from scenarios.files.yaml12 import ABSENT
from scenarios.stage.keys import staged_key
from scenarios.stage.tokens import token
from scenarios.tables import model, times
from scenarios.targets import near

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_idp.loopback_tls import TlsFlaw
    from scenarios.stage.scene import Party, Scene
    from scenarios.tables.model import CertificateSpec


def record(scene: Scene, party: Party) -> dict[str, Any]:
    """Return the record of an integration, as `onboard` sends it. Raises `ValueError` for what cannot be made."""
    spec, issuer = party.spec, party.issuer
    made: dict[str, Any] = {
        "id": party.id,
        "entity_id": _given(spec.entity_id, f"{issuer.base_url}/entity"),
        "idp_name": _given(spec.idp_name, "Example IdP"),
        "issuer": _given(spec.issuer, issuer.issuer),
        "audience": _given(spec.audience, issuer.audience),
        "sample_token": _sample(scene, party),
        "algorithms": spec.algorithms or [party.alg],
        "custom_claim": _given(spec.custom_claim, None),
        "leeway_s": int(scene.knob("leeway_s")) if spec.leeway_s is None else spec.leeway_s,
        "ca_file": None,
    }
    made |= {form: _FORMS[form](scene, party) for form in _forms(scene, party)}
    if "certificates" in made:
        kids = [entry["kid"] for entry in made["certificates"]]
        made["selected"] = kids if spec.selected is UNSET else spec.selected
    if "jwks_uri" in made and _over_https(scene, party):
        made["ca_file"] = scene.lab.ca_file(_flaw(party))
    return {member: value for member, value in made.items() if value is not ABSENT}


def directory(scene: Scene, party: str) -> list[dict[str, Any]]:
    """Return the users of an integration, as `onboard` sends them."""
    return [
        {
            "name": user,
            "external_id": scene.external_id(user),
            "active": scene.users[user].active,
            "claim": scene.claim_of(user),
            # A target is told of what it knows alone: most know users who are active or not, and no more.
            **({} if scene.users[user].api_access else {"api_access": False}),
        }
        for user in scene.users_of(party)
    ]


def _sample(scene: Scene, party: Party) -> str | bytes | None:
    sample = party.spec.sample_token
    return token(scene, sample, party) if isinstance(sample, model.TokenSpec) else sample


def _forms(scene: Scene, party: Party) -> list[str]:
    """Return the forms in which the keys are handed over: as the scenario says, else as the target takes them."""
    spec, takes = party.spec, [form for form in scene.profile.keys if form in _FORMS]
    said = [form for form in ("jwks_uri", "certificates") if _said(getattr(spec, form))]
    if spec.keys is not None and spec.keys not in said:
        # A target that only fetches is handed a set by URL: `not_applicable` lets it be asked.
        said.append("jwks_uri" if spec.keys == "jwks" and "jwks" not in takes else spec.keys)
    if said:
        return said
    if isinstance(spec.jwks, str) or spec.tls is not None:
        return ["jwks_uri"]
    if spec.jwks is not None:  # what a hand-made set says, no certificate and no bare key can say
        takes = [form for form in takes if form.startswith("jwks")]
    # A target that judges records takes a record with two sources of keys for what it is: a contradiction.
    return takes[:1] if scene.profile.can("onboarding") else takes


def _jwks_uri(scene: Scene, party: Party) -> Any:
    path = f"{party.path}/jwks"
    url = scene.lab.url(path, https=_over_https(scene, party), flaw=_flaw(party))
    if not scene.of_fetching:
        near.offer(url, path, scene.lab.idp.handle)
        near.publish(url, party.issuer.jwks_bytes)
        scene.near.add(url)
    given = party.spec.jwks_uri
    if isinstance(given, str):
        return given.replace("{jwks_uri}", url)
    return url if given is UNSET else given


def _over_https(scene: Scene, party: Party) -> bool:
    return party.spec.tls is not None or "https_only" in scene.profile.keys


def _flaw(party: Party) -> TlsFlaw | None:
    return None if party.spec.tls == "good" else party.spec.tls


def _jwks(_scene: Scene, party: Party) -> Any:
    return json.loads(party.issuer.jwks_bytes())


def _certificates(scene: Scene, party: Party) -> list[dict[str, Any]]:
    files: list[str | CertificateSpec] = list(party.spec.certificates or ())
    if not files and not _said(party.spec.certificates):
        files = [key.kid for key in party.issuer.ring.published()]
    return [_certificate(scene, party, item) for item in files]


def _certificate(scene: Scene, party: Party, item: str | CertificateSpec) -> dict[str, Any]:
    spec = model.CertificateSpec(key=item) if isinstance(item, str) else item
    content: str | bytes | None = spec.text
    if content is None:
        keys = [_certified(party, name) for name in spec.bundle or [spec.key or "a"]]
        limits = [_date(scene, limit) for limit in (spec.not_before, spec.not_after)]
        content = certificate_file(keys, spec.form, party.issuer.persona.certificate, *limits)
    kid = spec.kid
    if kid is UNSET:
        kid = party.issuer.kid(_certified(party, spec.key)) if spec.key else None
    return {"kid": kid, "name": spec.name or f"{spec.key or 'signing'}.pem", "pem": content}


def _certified(party: Party, name: str) -> Any:
    return staged_key(name, "RS256" if name == "weak" else party.alg)


def _date(scene: Scene, text: str | None) -> datetime | None:
    if text is None:
        return None
    return datetime.fromtimestamp(math.floor(scene.now() + times.parse(text).of(scene.knob)), UTC)


def _public_keys(_scene: Scene, party: Party) -> list[dict[str, Any]]:
    published = party.issuer.ring.published()
    return [{"kid": party.issuer.kid(key), "pem": key.spki_pem().decode("ascii")} for key in published]


_FORMS: dict[str, Callable[[Scene, Party], Any]] = {
    "jwks_uri": _jwks_uri,
    "jwks": _jwks,
    "certificates": _certificates,
    "public_keys": _public_keys,
}


def _said(value: Any) -> bool:
    return value is not UNSET and value is not None


def _given(value: Any, otherwise: Any) -> Any:
    return otherwise if value is UNSET else value
