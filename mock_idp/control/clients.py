"""The OAuth clients that an issuer knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from mock_idp.control.errors import Code, ControlError, refusing
from mock_idp.control.steered import Steered
from mock_idp.control.views import ClientView
from mock_idp.oauth.clients import Client

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mock_idp.issuer import Issuer

MAX_CLIENTS = 1_000
"""Of one issuer."""


class ClientOptions(TypedDict, total=False):
    """What a client is registered with; see `mock_idp.oauth.clients.Client`."""

    secret: str | None
    redirect_uris: Sequence[str]
    post_logout_redirect_uris: Sequence[str]
    grants: Sequence[str]
    auth_method: str | None
    claims: Mapping[str, Any]
    audience: str | None
    jwks: Mapping[str, Any] | None
    opaque_access_tokens: bool | None


class Clients(Steered):
    """Listed, registered, changed, removed. While none is registered, any client id is taken (see `Client`)."""

    def clients(self, path: str) -> tuple[ClientView, ...]:
        """List the registered clients of an issuer."""
        return client_views(self._issuer(path))

    def client(self, path: str, client_id: str) -> ClientView:
        """Show a registered client."""
        return _client_view(_known(self._issuer(path), client_id))

    def register_client(self, path: str, client_id: str, **asked: Unpack[ClientOptions]) -> ClientView:
        """Register a client; an id that is taken is a conflict."""
        issuer = self._issuer(path)
        if client_id in issuer.clients:
            raise ControlError(Code.CONFLICT, f"there is a client {client_id!r} already")
        return _put(issuer, client_id, asked)

    def put_client(self, path: str, client_id: str, **asked: Unpack[ClientOptions]) -> ClientView:
        """Register a client, in place of the one of this id: whatever is left out is not restricted any more.

        Codes and tokens that it was given stay good.
        """
        return _put(self._issuer(path), client_id, asked)

    def remove_client(self, path: str, client_id: str) -> None:
        """Forget a client; once the last has gone, any client id is taken again."""
        issuer = self._issuer(path)
        _known(issuer, client_id)
        issuer.clients.pop(client_id, None)


def client_views(issuer: Issuer) -> tuple[ClientView, ...]:
    """Show the registered clients of an issuer."""
    return tuple(map(_client_view, tuple(issuer.clients.values())))


def _client_view(client: Client) -> ClientView:
    return ClientView(
        id=client.id,
        secret=client.secret,
        redirect_uris=client.redirect_uris,
        post_logout_redirect_uris=client.post_logout_redirect_uris,
        grants=client.grants,
        auth_method=client.auth_method,
        claims=dict(client.claims),
        audience=client.audience,
        jwks=None if client.jwks is None else dict(client.jwks),
        opaque_access_tokens=client.opaque_access_tokens,
    )


def _known(issuer: Issuer, client_id: str) -> Client:
    client = issuer.clients.get(client_id)
    if client is None:
        raise ControlError(Code.NOT_FOUND, f"no client {client_id!r} is registered")
    return client


def _put(issuer: Issuer, client_id: str, asked: ClientOptions) -> ClientView:
    if client_id not in issuer.clients and len(issuer.clients) >= MAX_CLIENTS:
        raise ControlError(Code.CONFLICT, f"an issuer knows at most {MAX_CLIENTS} clients")
    with refusing(Code.INVALID):
        client = Client(
            id=client_id,
            secret=asked.get("secret"),
            redirect_uris=tuple(asked.get("redirect_uris", ())),
            post_logout_redirect_uris=tuple(asked.get("post_logout_redirect_uris", ())),
            grants=tuple(asked.get("grants", ())),
            claims=dict(asked.get("claims", {})),
            audience=asked.get("audience"),
            jwks=asked.get("jwks"),
            opaque_access_tokens=asked.get("opaque_access_tokens"),
            auth_method=asked.get("auth_method"),
        )
    issuer.clients[client_id] = client
    return _client_view(client)
