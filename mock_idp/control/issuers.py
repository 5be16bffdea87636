"""The issuers of a server: listed, added, changed, removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict, Unpack
from urllib.parse import quote

from mock_idp.clock import SettableClock
from mock_idp.control.clients import client_views
from mock_idp.control.clocks import clock_view
from mock_idp.control.errors import Code, ControlError, refusing
from mock_idp.control.keys import key_views
from mock_idp.control.line import line_view
from mock_idp.control.people import people_views
from mock_idp.control.steered import Steered
from mock_idp.control.views import IssuerView, RotationView
from mock_idp.issuer import Issuer
from mock_idp.keyring import KeyRing
from mock_idp.oauth.accounts import check_known
from mock_idp.oauth.endpoints import ENDPOINTS
from mock_idp.personas import persona as persona_named
from mock_idp.schedule import ScheduledRing

if TYPE_CHECKING:
    from mock_idp.schedule import Rotation

MAX_ISSUERS = 1_000


class IssuerOptions(TypedDict, total=False):
    """What an issuer is; whatever is left out is the persona's default."""

    persona: str
    """`generic` by default."""
    issuer: str | None
    """Used exactly as given; by default the persona's own form, built from where it is served and the tenant."""
    audience: str | None
    tenant: str | None
    alg: str
    """Of the first key; `RS256` by default."""
    rotation: Rotation | None
    """When keys come and go by the issuer's clock; by default on demand alone."""


class IssuerSettings(TypedDict, total=False):
    """What can be changed of an issuer that is served."""

    audience: str
    auto_login: str | None
    """The user name of the person who is signed in without a page; None for the page."""
    opaque_access_tokens: bool
    token_lifetime_s: int
    """Seconds that a token lives unless asked otherwise."""


class Issuers(Steered):
    """Listed, added, changed, removed."""

    def issuers(self) -> tuple[IssuerView, ...]:
        """List the issuers in the order in which they came."""
        return tuple(self._view(path, issuer) for path, issuer in self._idp.issuers.items())

    def issuer(self, path: str) -> IssuerView:
        """Show one issuer."""
        return self._view(path, self._issuer(path))

    def add_issuer(self, path: str, **asked: Unpack[IssuerOptions]) -> IssuerView:
        """Serve a new issuer with one fresh key; a path that is taken is a conflict."""
        if path in self._idp.issuers:
            raise ControlError(Code.CONFLICT, f"there is an issuer under {path!r} already: remove it first")
        if len(self._idp.issuers) >= MAX_ISSUERS:
            raise ControlError(Code.CONFLICT, f"one server has at most {MAX_ISSUERS} issuers")
        clock = SettableClock()
        with refusing(Code.INVALID):
            persona = persona_named(asked.get("persona", "generic"))
            made = Issuer(
                persona,
                self._ring(asked.get("alg", "RS256"), asked.get("rotation"), clock),
                issuer=asked.get("issuer"),
                audience=asked.get("audience"),
                tenant=asked.get("tenant"),
                base_url=self._idp.base_url + path,
                clock=clock,
            )
            self._idp.add_issuer(path, made)
        return self._view(path, made)

    def change_issuer(self, path: str, **asked: Unpack[IssuerSettings]) -> IssuerView:
        """Change how an issuer answers from now on; whatever is left out stays as it is."""
        issuer = self._issuer(path)
        lifetime = asked.get("token_lifetime_s", issuer.token_lifetime_s)
        if lifetime < 1:
            raise ControlError(Code.INVALID, "a token lives for at least a second")
        auto_login = asked.get("auto_login", issuer.auto_login)
        if "auto_login" in asked and auto_login is not None:
            with refusing(Code.INVALID):
                check_known(issuer, auto_login)
        issuer.token_lifetime_s = lifetime
        issuer.audience = asked.get("audience", issuer.audience)
        issuer.auto_login = auto_login
        issuer.opaque_access_tokens = asked.get("opaque_access_tokens", issuer.opaque_access_tokens)
        return self._view(path, issuer)

    def remove_issuer(self, path: str) -> None:
        """Serve an issuer no longer."""
        self._issuer(path)
        self._idp.remove_issuer(path)

    def _ring(self, alg: str, rotation: Rotation | None, clock: SettableClock) -> KeyRing:
        first = self._new_key(alg)
        if rotation is None:
            return KeyRing([first])
        return ScheduledRing([first], rotation, clock=clock, make_key=lambda _period: self._new_key(alg))

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
            tenant=issuer.tenant,
            auto_login=issuer.auto_login,
            opaque_access_tokens=issuer.opaque_access_tokens,
            token_lifetime_s=issuer.token_lifetime_s,
            rotation=_rotation_view(issuer.ring),
            keys=key_views(issuer),
            people=people_views(issuer.people),
            clients=client_views(issuer),
            next=line_view(issuer),
            requests={endpoint: self._idp.requests(path, endpoint) for endpoint in ENDPOINTS},
        )


def issuer_id(path: str) -> str:
    """Write an issuer's path as one segment of an address."""
    return quote(path[1:], safe="") if path else "%2F"


def _rotation_view(ring: KeyRing) -> RotationView | None:
    if not isinstance(ring, ScheduledRing):
        return None
    plan = ring.rotation
    return RotationView(plan.every_s, plan.overlap_s, plan.ahead_s, ring.next_rotation)
