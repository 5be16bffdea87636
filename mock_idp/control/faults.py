"""How endpoints misbehave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_idp.control.errors import Code, ControlError, refusing
from mock_idp.control.steered import Steered
from mock_idp.control.views import FaultView
from mock_idp.oauth.endpoints import ENDPOINTS

if TYPE_CHECKING:
    from mock_idp.faults import FaultSpec


class Faults(Steered):
    """Set, listed, cleared."""

    def faults(self) -> tuple[FaultView, ...]:
        """List the faults in force."""
        return tuple(
            FaultView(f.path, f.endpoint, f.fault if isinstance(f.fault, str) else dict(f.fault), f.left)
            for f in self._idp.faults
        )

    def set_fault(self, path: str, endpoint: str, fault: FaultSpec, times: int | None = None) -> FaultView:
        """Let an endpoint misbehave, for a number of requests or until the fault is cleared."""
        self._endpoint(path, endpoint)
        with refusing(Code.INVALID):
            self._idp.set_fault(path, endpoint, fault, times)
        return FaultView(path, endpoint, fault if isinstance(fault, str) else dict(fault), times)

    def clear_fault(self, path: str, endpoint: str) -> None:
        """Behave again at one endpoint, whether or not it had a fault."""
        self._endpoint(path, endpoint)
        self._idp.clear_fault(path, endpoint)

    def clear_faults(self) -> None:
        """Behave again everywhere."""
        self._idp.clear_faults()

    def _endpoint(self, path: str, endpoint: str) -> None:
        self._issuer(path)
        if endpoint not in ENDPOINTS:
            raise ControlError(Code.NOT_FOUND, f"no endpoint {endpoint!r}: there are {', '.join(ENDPOINTS)}")
