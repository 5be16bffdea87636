"""The issuers of a server: listed, added, removed."""

from __future__ import annotations

from urllib.parse import quote

from mock_idp.clock import SettableClock
from mock_idp.control.clocks import clock_view
from mock_idp.control.errors import Code, ControlError, refusing
from mock_idp.control.keys import key_views
from mock_idp.control.steered import Steered
from mock_idp.control.views import IssuerView
from mock_idp.issuer import Issuer
from mock_idp.keyring import KeyRing
from mock_idp.oauth.endpoints import ENDPOINTS
from mock_idp.personas import persona as persona_named

MAX_ISSUERS = 1_000


class Issuers(Steered):
    """Listed, added, removed."""

    def issuers(self) -> tuple[IssuerView, ...]:
        """List the issuers in the order in which they came."""
        return tuple(self._view(path, issuer) for path, issuer in self._idp.issuers.items())

    def issuer(self, path: str) -> IssuerView:
        """Show one issuer."""
        return self._view(path, self._issuer(path))

    def add_issuer(
        self,
        path: str,
        *,
        persona: str = "generic",
        issuer: str | None = None,
        audience: str | None = None,
        tenant: str | None = None,
        alg: str = "RS256",
    ) -> IssuerView:
        """Serve a new issuer with one fresh key; a path that is taken is a conflict.

        `issuer` is used exactly as given; without it the persona's own form is built from where it is served
        and the tenant. What else is left out is the persona's default.
        """
        if path in self._idp.issuers:
            raise ControlError(Code.CONFLICT, f"there is an issuer under {path!r} already: remove it first")
        if len(self._idp.issuers) >= MAX_ISSUERS:
            raise ControlError(Code.CONFLICT, f"one server has at most {MAX_ISSUERS} issuers")
        with refusing(Code.INVALID):
            self._idp.add_issuer(
                path,
                Issuer(
                    persona_named(persona),
                    KeyRing([self._new_key(alg)]),
                    issuer=issuer,
                    audience=audience,
                    tenant=tenant,
                    base_url=self._idp.base_url + path,
                    clock=SettableClock(),
                ),
            )
        return self.issuer(path)

    def remove_issuer(self, path: str) -> None:
        """Serve an issuer no longer."""
        self._issuer(path)
        self._idp.remove_issuer(path)

    def _view(self, path: str, issuer: Issuer) -> IssuerView:
        served = self._idp.base_url + path
        return IssuerView(
            id=issuer_id(path),
            path=path,
            persona=issuer.persona.name,
            issuer=issuer.issuer,
            audience=issuer.audience,
            jwks_uri=served + issuer.path("jwks", ENDPOINTS["jwks"].path) + issuer.persona.jwks_query,
            metadata_url=served + issuer.path("metadata", ENDPOINTS["metadata"].path),
            clock=clock_view(issuer),
            keys=key_views(issuer),
            people=tuple(issuer.people),
            clients=tuple(issuer.clients),
            requests={endpoint: self._idp.requests(path, endpoint) for endpoint in ENDPOINTS},
        )


def issuer_id(path: str) -> str:
    """Write an issuer's path as one segment of an address."""
    return quote(path[1:], safe="") if path else "%2F"
