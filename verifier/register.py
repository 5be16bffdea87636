"""The integrations that were onboarded, and the choice of the one that a token is for.

Must never let an unverified claim do more than that choice (SIG-030), and never let a token see half of a
change (ONB-043): a change puts whole integrations in the place of others. Changes come one at a time, which is
the caller's business; choosing takes no lock.
"""

from collections.abc import Mapping
from typing import Any

from verifier.errors import OnboardingRefused, TokenRejected, quoted
from verifier.integration import Integration

_Pair = tuple[str, str]
"""Issuer and audience."""


class Register:
    """Integrations by id, and by each pair of issuer and audience that is theirs alone (ONB-040)."""

    def __init__(self) -> None:
        self._by_id: dict[str, tuple[Integration, ...]] = {}  # one for each pair of issuer and audience
        self._by_entity: dict[str, str] = {}
        self._owners: dict[_Pair, str] = {}  # pairs that are taken, active or not
        self._by_pair: dict[_Pair, Integration] = {}  # active integrations alone (ONB-042)
        self._by_client: dict[_Pair, Integration] = {}
        self._issuers: dict[str, int] = {}  # how many pairs an issuer has, to tell `issuer` from `audience`

    def choose(self, claims: Mapping[str, Any]) -> Integration:
        """Choose by the unverified issuer and audience, exactly and as a pair (CLM-001 to CLM-009, CLM-033).

        No IdP has a form of its own here: versions, tenants, clouds, realms and hosts are other texts (AZR-001
        to AZR-004, AZR-013, AZR-023, IDP-008, IDP-010), and no claim but `aud` says for whom a token is, unless
        an integration says so (IDP-006, IDP-011, IDP-014).
        """
        try:
            return self._by_pair[claims["iss"], claims["aud"]]
        except (KeyError, TypeError):  # several audiences, or none that is known
            return self._otherwise(claims)

    def _otherwise(self, claims: Mapping[str, Any]) -> Integration:
        issuer = _present(claims, "iss")
        if not isinstance(issuer, str):  # CLM-003
            raise TokenRejected("claim_type", "iss is no string", "iss")
        if "aud" not in claims and (by_client := self._of_client(issuer, claims)):
            return by_client
        audiences = _present(claims, "aud")
        if isinstance(audiences, str):
            return self._not_found(issuer, [audiences])
        if not isinstance(audiences, list) or not all(isinstance(one, str) for one in audiences):  # CLM-006
            raise TokenRejected("claim_type", "aud is neither a string nor a list of strings", "aud")
        several = {one.id: one for value in audiences if (one := self._by_pair.get((issuer, value)))}
        if len(several) > 1:
            raise TokenRejected("audience", "meant for several integrations at once", "aud")
        return several.popitem()[1] if several else self._not_found(issuer, audiences)

    def get(self, identifier: object) -> tuple[Integration, ...]:
        """Return the integrations of one record, one for each of its pairs; none if there is no such id."""
        return self._by_id.get(identifier, ()) if isinstance(identifier, str) else ()

    def all(self) -> tuple[Integration, ...]:
        """Return every integration, one for each pair, in the order in which they came."""
        return tuple(one for made in list(self._by_id.values()) for one in made)

    def check_free(self, new: tuple[Integration, ...]) -> None:
        """Refuse what belongs to another integration, without telling whose it is (ONB-003, ONB-040)."""
        if self._by_entity.get(new[0].entity_id, new[0].id) != new[0].id:
            detail = "this Entity ID is in use by another integration; send the one of your own IdP"
            raise OnboardingRefused("entity_id_taken", detail, "entity_id")
        for one in new:
            if self._owners.get(_pair(one), one.id) != one.id:
                detail = "this issuer with this audience is in use by another integration; use an audience of your own"
                raise OnboardingRefused("issuer_taken", detail, "issuer")

    def put(self, new: tuple[Integration, ...]) -> None:
        """Let the new integrations of a record stand before its old ones go: a token sees one of them."""
        old = self._by_id.get(new[0].id, ())
        for one in new:
            self._owners[_pair(one)] = one.id
            if one.state == "active":
                if _pair(one) not in self._by_pair:
                    self._issuers[one.issuer] = self._issuers.get(one.issuer, 0) + 1
                self._by_pair[_pair(one)] = one
            if one.state == "active" and one.by_client:
                self._by_client[_pair(one)] = one
        self._by_id[new[0].id] = new
        kept = {_pair(one): one for one in new}
        for one in old:
            successor = kept.get(_pair(one))
            if successor is None:
                self._drop(one)
            elif successor.state != "active":
                self._close(one)
            elif not successor.by_client:
                self._by_client.pop(_pair(one), None)
            if one.entity_id != new[0].entity_id:
                self._by_entity.pop(one.entity_id, None)
        self._by_entity[new[0].entity_id] = new[0].id

    def remove(self, identifier: str) -> None:
        """Let the integrations of a record go."""
        for one in self._by_id.pop(identifier, ()):
            self._drop(one)
            self._by_entity.pop(one.entity_id, None)

    def clear(self) -> None:
        """Let all go."""
        for index in (self._by_pair, self._by_client, self._by_id, self._by_entity, self._owners):
            index.clear()
        self._issuers.clear()

    def _of_client(self, issuer: str, claims: Mapping[str, Any]) -> Integration | None:
        """Choose by issuer and `client_id`, where an integration says that this is its audience (IDP-014)."""
        client = claims.get("client_id")
        return self._by_client.get((issuer, client)) if isinstance(client, str) else None

    def _not_found(self, issuer: str, audiences: list[str]) -> Integration:
        if any((issuer, audience) in self._owners for audience in audiences):  # ONB-042
            raise TokenRejected("issuer", "the integration is not active", "iss")
        if issuer not in self._issuers:
            raise TokenRejected("issuer", f"iss {quoted(issuer)} is not configured", "iss")
        raise TokenRejected("audience", "not meant for this API", "aud")

    def _drop(self, old: Integration) -> None:
        """Let a pair go to whoever asks for it next."""
        self._close(old)
        del self._owners[_pair(old)]

    def _close(self, old: Integration) -> None:
        """Let no token come to a pair any more."""
        self._by_client.pop(_pair(old), None)
        if self._by_pair.pop(_pair(old), None):
            self._issuers[old.issuer] -= 1
            if not self._issuers[old.issuer]:
                del self._issuers[old.issuer]


def _pair(one: Integration) -> _Pair:
    return one.issuer, one.audience


def _present(claims: Mapping[str, Any], name: str) -> object:
    if name not in claims:
        raise TokenRejected("claim_missing", f"no {name}", name)
    return claims[name]
