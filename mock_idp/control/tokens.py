"""Tokens made and taken apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from mock_idp.control.errors import Code, refusing
from mock_idp.control.keys import ring_name
from mock_idp.control.steered import Steered
from mock_idp.control.views import Minted
from mock_idp.decoding import DecodedToken, decode_token
from mock_idp.forgeries import ForgeContext, finish, forge
from mock_idp.keys import b64url
from mock_idp.oauth.issue import settable
from mock_idp.people import Person

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_idp.issuer import Issuer, TokenOptions


class Tokens(Steered):
    """Minted, forged, decoded."""

    def mint(
        self,
        path: str,
        person: str | None,
        *,
        claims: Mapping[str, Any] | None = None,
        forgery: str | None = None,
        argument: Any = None,
        kid: str | None = None,
        **asked: Unpack[TokenOptions],
    ) -> Minted:
        """Make a token, honest or false by the name of a forgery, with `claims` set on top.

        `person` is a user name of the issuer or of the directory; any other names the person whom `Person.named`
        makes of it, and None has the token speak of the client itself. `kid` names the key of the ring that signs, in
        whatever state, so that a staged, retired or revoked one can: by default the active one does. `asked` are the
        `TokenOptions`.
        """
        issuer = self._issuer(path)
        if kid is not None:
            asked["key"] = issuer.ring.key(ring_name(issuer, kid))
        who = None if person is None else self._person(issuer, person)
        known = {} if person is None else settable(issuer, issuer.account(person).claims)
        claims = {**known, **(claims or {})}
        with refusing(Code.INVALID):
            if forgery is None:
                return Minted(issuer.mint(who, claims=claims, **asked), "text", person, None)
            draft = issuer.draft(who, **asked).with_claims(claims)
            made = finish(forge(draft, forgery, argument, context=ForgeContext.of(issuer)))
        return _minted(made, person, forgery)

    def decode(self, token: str) -> DecodedToken:
        """Show what a token says, without judging it and without checking its signature."""
        return decode_token(token)

    def _person(self, issuer: Issuer, username: str) -> Person:
        known = issuer.people.find(username) or self._idp.people.find(username)
        return known or Person.named(username)


def _minted(made: str | bytes, person: str | None, forgery: str) -> Minted:
    if isinstance(made, bytes):
        return Minted(b64url(made), "base64url", person, forgery)
    return Minted(made, "text", person, forgery)
