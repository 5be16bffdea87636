"""Issuers and their clocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import msgspec

from mock_idp.admin import bodies
from mock_idp.admin.errors import ApiError
from mock_idp.admin.routes.operation import Operation, issuer_path
from mock_idp.control import ClockView, Control, IssuerSettings, IssuerView
from mock_idp.schedule import Rotation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mock_idp.admin.routes.operation import Params


def _set_clock(control: Control, params: Params, body: bodies.ClockSetting) -> ClockView:
    return _CLOCKS[body.mode](control, issuer_path(params), body.now)


def _add_issuer(control: Control, _params: Params, body: bodies.NewIssuer) -> IssuerView:
    return control.add_issuer(
        body.path,
        persona=body.persona,
        issuer=body.issuer,
        audience=body.audience,
        tenant=body.tenant,
        alg=body.alg,
        rotation=None if body.rotation is None else _rotation(body.rotation),
    )


def _rotation(asked: bodies.Schedule) -> Rotation:
    try:
        return Rotation(asked.every, asked.overlap, asked.ahead)
    except ValueError as error:
        raise ApiError(400, "bad_body", f"{error} - at `$.rotation`") from error


def _change_issuer(control: Control, params: Params, body: bodies.IssuerChange) -> IssuerView:
    said = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not msgspec.UNSET}
    return control.change_issuer(issuer_path(params), **cast("IssuerSettings", said))


_CLOCKS: Final[Mapping[str, Callable[[Control, str, float | None], ClockView]]] = {
    "real": lambda control, path, _now: control.real_clock(path),
    "frozen": lambda control, path, now: control.freeze_clock(path, now),
    "shifted": lambda control, path, now: control.run_clock(path, now),
}


ISSUERS: Final = (
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
        lambda control, params, _body: control.issuer(issuer_path(params)),
        IssuerView,
    ),
    Operation(
        "PATCH",
        "/issuers/{issuer}",
        "changeIssuer",
        "Change how an issuer answers",
        _change_issuer,
        IssuerView,
        body=bodies.IssuerChange,
    ),
    Operation(
        "DELETE",
        "/issuers/{issuer}",
        "removeIssuer",
        "Serve an issuer no longer",
        lambda control, params, _body: control.remove_issuer(issuer_path(params)),
        status=204,
    ),
    Operation(
        "GET",
        "/issuers/{issuer}/clock",
        "readClock",
        "Read an issuer's clock",
        lambda control, params, _body: control.clock(issuer_path(params)),
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
        lambda control, params, body: control.move_clock(issuer_path(params), body.seconds),
        ClockView,
        body=bodies.ClockMove,
    ),
)
