"""The named ways for the IdP's HTTP side to misbehave.

`registry` holds them and how one is read; the other modules each hold one kind. Importing the package
registers all of them.
"""

from mock_idp.faults import answers, caching, delivery, key_sets, redirects  # noqa: F401 - each registers its faults
from mock_idp.faults.registry import (
    FAULTS,
    Fault,
    FaultContext,
    FaultError,
    FaultSpec,
    Misbehaviour,
    parse_fault,
)

__all__ = ["FAULTS", "Fault", "FaultContext", "FaultError", "FaultSpec", "Misbehaviour", "parse_fault"]
