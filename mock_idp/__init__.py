"""The mock IdP: it issues tokens, honest or forged by name, and publishes keys.

It knows nothing of verifiers and scenarios. The servers lie apart in `mock_idp.serve`. Every name below is imported
when it is first asked for: a server has to answer soon, and needs neither forgeries nor Faker for that.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mock_idp.certificates import bundle_pem, certificate, certificate_der, certificate_pem, x5t, x5t_s256
    from mock_idp.draft import Draft, RawJSON, compact
    from mock_idp.faults import FAULTS, FaultError
    from mock_idp.fixed_keys import FIXED_KEYS, fixed_key
    from mock_idp.forgeries import FORGERIES, ForgeContext, ForgeryError, finish, forge
    from mock_idp.http import Request, Response
    from mock_idp.idp import MockIdP
    from mock_idp.issuer import Issuer, TokenOptions
    from mock_idp.keyring import KeyRing, KeyRingError, KeyState
    from mock_idp.keys import ALGORITHMS, SigningKey, b64url
    from mock_idp.people import Person, make_people
    from mock_idp.personas import PERSONAS, Persona, PersonaError, pairwise_sub, persona

__all__ = [
    "ALGORITHMS",
    "FAULTS",
    "FIXED_KEYS",
    "FORGERIES",
    "PERSONAS",
    "Draft",
    "FaultError",
    "ForgeContext",
    "ForgeryError",
    "Issuer",
    "KeyRing",
    "KeyRingError",
    "KeyState",
    "MockIdP",
    "Person",
    "Persona",
    "PersonaError",
    "RawJSON",
    "Request",
    "Response",
    "SigningKey",
    "TokenOptions",
    "b64url",
    "bundle_pem",
    "certificate",
    "certificate_der",
    "certificate_pem",
    "compact",
    "finish",
    "fixed_key",
    "forge",
    "make_people",
    "pairwise_sub",
    "persona",
    "x5t",
    "x5t_s256",
]

_PLACES: Final = {
    "certificates": (
        "bundle_pem",
        "certificate",
        "certificate_der",
        "certificate_pem",
        "x5t",
        "x5t_s256",
    ),
    "draft": (
        "Draft",
        "RawJSON",
        "compact",
    ),
    "faults": (
        "FAULTS",
        "FaultError",
    ),
    "fixed_keys": (
        "FIXED_KEYS",
        "fixed_key",
    ),
    "forgeries": (
        "FORGERIES",
        "ForgeContext",
        "ForgeryError",
        "finish",
        "forge",
    ),
    "http": (
        "Request",
        "Response",
    ),
    "idp": ("MockIdP",),
    "issuer": (
        "Issuer",
        "TokenOptions",
    ),
    "keyring": (
        "KeyRing",
        "KeyRingError",
        "KeyState",
    ),
    "keys": (
        "ALGORITHMS",
        "SigningKey",
        "b64url",
    ),
    "people": (
        "Person",
        "make_people",
    ),
    "personas": (
        "PERSONAS",
        "Persona",
        "PersonaError",
        "pairwise_sub",
        "persona",
    ),
}
_MODULES: Final = {name: module for module, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
