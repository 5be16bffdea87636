"""What concerns the whole server: faults, recorded requests, canaries, saved keys."""

from __future__ import annotations

from typing import Final

from mock_idp.admin import bodies
from mock_idp.admin.routes.operation import Operation, issuer_path
from mock_idp.control import CanaryView, FaultView, RequestView
from mock_idp.state import SavedState

MAX_STATE: Final = 1024 * 1024
"""Bytes of a saved state; the server takes no longer body either."""


SERVER: Final = (
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
            issuer_path(params), params["endpoint"], body.fault, body.times
        ),
        FaultView,
        body=bodies.NewFault,
    ),
    Operation(
        "DELETE",
        "/issuers/{issuer}/faults/{endpoint}",
        "clearFault",
        "Behave again at one endpoint",
        lambda control, params, _body: control.clear_fault(issuer_path(params), params["endpoint"]),
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
        "GET",
        "/state",
        "saveState",
        "Save the keys of all issuers, private halves included, as `touchstone idp --state` does",
        lambda control, _params, _body: control.state(),
        SavedState,
    ),
    Operation(
        "PUT",
        "/state",
        "loadState",
        "Put saved keys in the place of those that there are",
        lambda control, _params, body: control.load_state(body),
        status=204,
        body=SavedState,
        max_body=MAX_STATE,
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
