"""Tokens made and taken apart, and what is answered next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from mock_idp.admin import bodies
from mock_idp.admin.routes.operation import Operation, issuer_path
from mock_idp.control import Control, LineView, Minted
from mock_idp.decoding import DecodedToken
from mock_idp.oauth.queued import QueuedError

if TYPE_CHECKING:
    from mock_idp.admin.routes.operation import Params
    from mock_idp.issuer import TokenOptions


def _mint(control: Control, params: Params, body: bodies.NewToken) -> Minted:
    said = {
        name: getattr(body, name) for name in ("kind", "audience", "client", "scopes", "lifetime_s", "now")
    }
    asked = cast("TokenOptions", {name: value for name, value in said.items() if value is not None})
    return control.mint(
        issuer_path(params),
        body.person,
        claims=body.claims,
        forgery=body.forgery,
        argument=body.argument,
        kid=body.kid,
        **asked,
    )


def _line_up(control: Control, params: Params, body: bodies.NextAnswers) -> None:
    control.line_up(
        issuer_path(params),
        users=body.users,
        codes=body.codes,
        token_errors=map(_queued, body.token_errors),
        authorization_errors=map(_queued, body.authorization_errors),
    )


def _queued(error: bodies.NextError) -> QueuedError:
    return QueuedError(error.error, error.description, error.status)


TOKENS: Final = (
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
        "/issuers/{issuer}/next",
        "showLine",
        "Show what is lined up and not used yet",
        lambda control, params, _body: control.line(issuer_path(params)),
        LineView,
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
        lambda control, params, _body: control.clear_line(issuer_path(params)),
        status=204,
    ),
)
