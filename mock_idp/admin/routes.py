"""The operations of the admin API as one table: requests are dispatched by it, and the OpenAPI document is made of it.

A handler must never do more than call `Control`: what an operation does is the same from Python.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import msgspec

from mock_idp.admin import bodies
from mock_idp.control import (
    CanaryView,
    ClockView,
    Control,
    FaultView,
    IssuerView,
    KeyView,
    Minted,
    RequestView,
)
from mock_idp.decoding import DecodedToken
from mock_idp.oauth.queued import QueuedError
from mock_idp.people import Person

if TYPE_CHECKING:
    from mock_idp.issuer import TokenOptions

API: Final = "/_admin/api"

Params: TypeAlias = Mapping[str, str]
Handler: TypeAlias = Callable[[Control, Params, Any], Any]

PARAMETERS: Final[Mapping[str, str]] = {
    "issuer": "The issuer's path without its first slash, percent-encoded; `%2F` for the issuer at the root.",
    "kid": "The key's published kid, or its name in the key ring.",
    "endpoint": "The name of an endpoint, such as `jwks` or `metadata`.",
    "username": "A user name of the directory.",
    "canary": "The name of a canary.",
}
"""What may stand in braces in a template; each is one segment of the path."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address."""

    method: str
    template: str
    """The address below `API`, with its parameters in braces."""
    name: str
    says: str
    handler: Handler
    """Takes the control, the parameters, and the body or the query, read."""
    answers: Any = None
    """The type of what the handler gives; None for an answer without a body."""
    status: int = 200
    body: type[bodies.Body] | None = None
    query: type[bodies.Body] | None = None

    @property
    def needs_body(self) -> bool:
        """Whether the body cannot be left out."""
        return self.body is not None and any(f.required for f in msgspec.structs.fields(self.body))


def _path(params: Params) -> str:
    # No path of an issuer ends with a slash, so that this one can stand for the root.
    path = "/" + params["issuer"]
    return "" if path == "//" else path


def _add_issuer(control: Control, _params: Params, body: bodies.NewIssuer) -> IssuerView:
    return control.add_issuer(
        body.path,
        persona=body.persona,
        issuer=body.issuer,
        audience=body.audience,
        tenant=body.tenant,
        alg=body.alg,
    )


def _mint(control: Control, params: Params, body: bodies.NewToken) -> Minted:
    said = {
        name: getattr(body, name) for name in ("kind", "audience", "client", "scopes", "lifetime_s", "now")
    }
    asked = cast("TokenOptions", {name: value for name, value in said.items() if value is not None})
    return control.mint(
        _path(params), body.person, claims=body.claims, forgery=body.forgery, argument=body.argument, **asked
    )


def _line_up(control: Control, params: Params, body: bodies.NextAnswers) -> None:
    control.line_up(
        _path(params),
        users=body.users,
        codes=body.codes,
        token_errors=map(_queued, body.token_errors),
        authorization_errors=map(_queued, body.authorization_errors),
    )


def _queued(error: bodies.NextError) -> QueuedError:
    return QueuedError(error.error, error.description, error.status)


_CLOCKS: Final[Mapping[str, Callable[[Control, str, float | None], ClockView]]] = {
    "real": lambda control, path, _now: control.real_clock(path),
    "frozen": lambda control, path, now: control.freeze_clock(path, now),
    "shifted": lambda control, path, now: control.run_clock(path, now),
}


def _set_clock(control: Control, params: Params, body: bodies.ClockSetting) -> ClockView:
    return _CLOCKS[body.mode](control, _path(params), body.now)


OPERATIONS: Final = (
    Operation(
        "GET",
        "/issuers",
        "listIssuers",
        "List the issuers with their keys",
        lambda control, _params, _body: control.issuers(),
        tuple[IssuerView, ...],
    ),
    Operation(
        "POST",
        "/issuers",
        "addIssuer",
        "Serve a new issuer with one fresh key",
        _add_issuer,
        IssuerView,
        201,
        body=bodies.NewIssuer,
    ),
    Operation(
        "GET",
        "/issuers/{issuer}",
        "showIssuer",
        "Show one issuer",
        lambda control, params, _body: control.issuer(_path(params)),
        IssuerView,
    ),
    Operation(
        "DELETE",
        "/issuers/{issuer}",
        "removeIssuer",
        "Serve an issuer no longer",
        lambda control, params, _body: control.remove_issuer(_path(params)),
        status=204,
    ),
    Operation(
        "GET",
        "/issuers/{issuer}/keys",
        "listKeys",
        "List the keys, retired and revoked ones included",
        lambda control, params, _body: control.keys(_path(params)),
        tuple[KeyView, ...],
    ),
    Operation(
        "POST",
        "/issuers/{issuer}/keys",
        "stageKey",
        "Publish a fresh key that does not sign yet",
        lambda control, params, body: control.stage(_path(params), alg=body.alg, kid=body.kid),
        KeyView,
        201,
        body=bodies.NewKey,
    ),
    Operation(
        "POST",
        "/issuers/{issuer}/rotate",
        "rotateKeys",
        "Let another key sign: the one staged longest, else a fresh one",
        lambda control, params, body: control.rotate(
            _path(params), alg=body.alg, kid=body.kid, keep_old=body.keep_old
        ),
        KeyView,
        body=bodies.Rotation,
    ),
    Operation(
        "POST",
        "/issuers/{issuer}/keys/{kid}/retire",
        "retireKey",
        "Take a staged or retiring key out of the JWKS in good order",
        lambda control, params, _body: control.retire(_path(params), params["kid"]),
        KeyView,
    ),
    Operation(
        "POST",
        "/issuers/{issuer}/keys/{kid}/revoke",
        "revokeKey",
        "Take a key out of the JWKS at once; if it was the active one, another takes over",
        lambda control, params, _body: control.revoke(_path(params), params["kid"]),
        KeyView,
    ),
    Operation(
        "POST",
        "/issuers/{issuer}/keys/{kid}/replace",
        "replaceKey",
        "Put a fresh key under the kid of a published one",
        lambda control, params, _body: control.replace(_path(params), params["kid"]),
        KeyView,
    ),
    Operation(
        "POST",
        "/issuers/{issuer}/tokens",
        "mintToken",
        "Make a token, honest or false by the name of a forgery",
        _mint,
        Minted,
        201,
        body=bodies.NewToken,
    ),
    Operation(
        "POST",
        "/decode",
        "decodeToken",
        "Take a token apart; its signature is not checked",
        lambda control, _params, body: control.decode(body.token),
        DecodedToken,
        body=bodies.TokenText,
    ),
    Operation(
        "GET",
        "/issuers/{issuer}/clock",
        "readClock",
        "Read an issuer's clock",
        lambda control, params, _body: control.clock(_path(params)),
        ClockView,
    ),
    Operation(
        "PUT",
        "/issuers/{issuer}/clock",
        "setClock",
        "Set an issuer's clock, stop it, or let it go",
        _set_clock,
        ClockView,
        body=bodies.ClockSetting,
    ),
    Operation(
        "POST",
        "/issuers/{issuer}/clock/move",
        "moveClock",
        "Move an issuer's clock forward, or back",
        lambda control, params, body: control.move_clock(_path(params), body.seconds),
        ClockView,
        body=bodies.ClockMove,
    ),
    Operation(
        "POST",
        "/issuers/{issuer}/next",
        "lineUp",
        "Line up who signs in next, the next codes and the next errors",
        _line_up,
        status=204,
        body=bodies.NextAnswers,
    ),
    Operation(
        "DELETE",
        "/issuers/{issuer}/next",
        "clearLine",
        "Drop what was lined up",
        lambda control, params, _body: control.clear_line(_path(params)),
        status=204,
    ),
    Operation(
        "GET",
        "/faults",
        "listFaults",
        "List the faults in force",
        lambda control, _params, _body: control.faults(),
        tuple[FaultView, ...],
    ),
    Operation(
        "DELETE",
        "/faults",
        "clearFaults",
        "Behave again everywhere",
        lambda control, _params, _body: control.clear_faults(),
        status=204,
    ),
    Operation(
        "PUT",
        "/issuers/{issuer}/faults/{endpoint}",
        "setFault",
        "Let an endpoint misbehave",
        lambda control, params, body: control.set_fault(
            _path(params), params["endpoint"], body.fault, body.times
        ),
        FaultView,
        body=bodies.NewFault,
    ),
    Operation(
        "DELETE",
        "/issuers/{issuer}/faults/{endpoint}",
        "clearFault",
        "Behave again at one endpoint",
        lambda control, params, _body: control.clear_fault(_path(params), params["endpoint"]),
        status=204,
    ),
    Operation(
        "GET",
        "/people",
        "listPeople",
        "List the people of the directory",
        lambda control, _params, _body: control.people(),
        tuple[Person, ...],
    ),
    Operation(
        "POST",
        "/people",
        "addPerson",
        "Take a person into the directory",
        lambda control, _params, body: control.add_person(body.username, name=body.name, domain=body.domain),
        Person,
        201,
        body=bodies.NewPerson,
    ),
    Operation(
        "DELETE",
        "/people/{username}",
        "removePerson",
        "Forget a person",
        lambda control, params, _body: control.remove_person(params["username"]),
        status=204,
    ),
    Operation(
        "GET",
        "/requests",
        "listRequests",
        "Read the recorded requests, oldest first; those below /_admin are not recorded",
        lambda control, _params, query: control.requests(
            path=query.path, since=query.since, limit=query.limit
        ),
        tuple[RequestView, ...],
        query=bodies.RequestFilter,
    ),
    Operation(
        "DELETE",
        "/requests",
        "clearRequests",
        "Forget the recorded requests and the counts",
        lambda control, _params, _body: control.clear_requests(),
        status=204,
    ),
    Operation(
        "GET",
        "/canaries",
        "listCanaries",
        "List the canaries with their hits",
        lambda control, _params, _body: control.canaries(),
        tuple[CanaryView, ...],
    ),
    Operation(
        "POST",
        "/canaries",
        "addCanary",
        "Set a trap that counts whoever asks its URL",
        lambda control, _params, body: control.add_canary(body.name),
        CanaryView,
        201,
        body=bodies.NewCanary,
    ),
    Operation(
        "GET",
        "/canaries/{canary}",
        "showCanary",
        "Show a canary with its hits",
        lambda control, params, _body: control.canary(params["canary"]),
        CanaryView,
    ),
    Operation(
        "POST",
        "/reset",
        "reset",
        "Behave: no faults, real clocks, nothing lined up, no records; issuers, keys and people stay",
        lambda control, _params, _body: control.reset(),
        status=204,
    ),
)
"""Every operation; addresses that are more special than others need not come first, because none overlap."""
