"""Steering a running mock IdP: one set of operations for Python, for the admin API and for the console page.

    control = Control(idp)
    control.add_issuer("/tenant-a", persona="entra-v2")
    control.rotate("/tenant-a")
    token = control.mint("/tenant-a", "ann", claims={"groups": ["qa"]}).token

Every result is frozen, and every refusal is a `ControlError` with a stable code. It must keep no state of its own:
what it changes belongs to the `MockIdP`. It must never check a signature, because whoever does that has to come by
another route.
"""

from __future__ import annotations

from mock_idp.clock import SettableClock
from mock_idp.control.clients import ClientOptions, Clients
from mock_idp.control.clocks import Clocks
from mock_idp.control.errors import Code, ControlError
from mock_idp.control.exports import CertificateOptions, Exports
from mock_idp.control.faults import Faults
from mock_idp.control.issuers import IssuerOptions, Issuers, IssuerSettings, issuer_id
from mock_idp.control.keys import Keys
from mock_idp.control.line import Line
from mock_idp.control.people import People, PersonOptions
from mock_idp.control.records import MAX_READ, Records
from mock_idp.control.saved import Saved
from mock_idp.control.steered import fresh_key
from mock_idp.control.tokens import Tokens
from mock_idp.control.views import (
    CanaryView,
    ClientView,
    ClockView,
    FaultView,
    IssuerView,
    KeyView,
    LineView,
    Minted,
    PersonView,
    RequestView,
    RotationView,
)

__all__ = [
    "MAX_READ",
    "CanaryView",
    "CertificateOptions",
    "ClientOptions",
    "ClientView",
    "ClockView",
    "Code",
    "Control",
    "ControlError",
    "FaultView",
    "IssuerOptions",
    "IssuerSettings",
    "IssuerView",
    "KeyView",
    "LineView",
    "Minted",
    "PersonOptions",
    "PersonView",
    "RequestView",
    "RotationView",
    "fresh_key",
    "issuer_id",
]


class Control(Issuers, Keys, Exports, People, Clients, Tokens, Faults, Clocks, Line, Records, Saved):
    """The operations on one `MockIdP`.

    Issuers are named by their path (`/tenant-a`, empty for the root), keys by the kid that is published or by their
    name in the ring, people by user name. `make_key` makes the keys that nobody hands in, from an algorithm.
    """

    def reset(self) -> None:
        """Behave: no faults, real clocks, nothing lined up or granted, no canaries, no recorded requests.

        Issuers, keys and people stay; `MockIdP.reset` forgets them as well.
        """
        self._idp.clear_faults()
        self._idp.clear_journal()
        self._idp.clear_canaries()
        for issuer in self._idp.issuers.values():
            issuer.queue.clear()
            issuer.granted.clear()
            if isinstance(issuer.clock, SettableClock):
                issuer.clock.real()
