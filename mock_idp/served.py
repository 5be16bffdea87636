"""One issuer of a running mock IdP, with what a test wants at hand: its URLs, tokens, keys and requests.

It adds nothing to what `MockIdP` and `Issuer` do, and must never keep state of its own.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Unpack

from mock_idp.faults import FaultSpec
from mock_idp.fixed_keys import fixed_key
from mock_idp.forgeries import ForgeContext, finish, forge
from mock_idp.idp import MockIdP
from mock_idp.issuer import Issuer, TokenOptions
from mock_idp.keyring import KeyRing
from mock_idp.keys import SigningKey
from mock_idp.people import Person


@dataclass(frozen=True, slots=True)
class ServedIssuer:
    """An issuer under a path of a mock IdP that answers over HTTP."""

    idp: MockIdP
    path: str
    issuer: Issuer

    @property
    def url(self) -> str:
        """Where the issuer is reached, without a final slash."""
        return self.idp.base_url + self.path

    @property
    def jwks_uri(self) -> str:
        """Where its keys are."""
        return f"{self.url}/jwks"

    @property
    def iss(self) -> str:
        """The `iss` of its tokens."""
        return self.issuer.issuer

    @property
    def audience(self) -> str:
        """The `aud` of its tokens, unless another is asked for."""
        return self.issuer.audience

    @property
    def ring(self) -> KeyRing:
        """Its keys."""
        return self.issuer.ring

    def mint(
        self,
        person: Person | str = "ann",
        *,
        claims: dict[str, Any] | None = None,
        **asked: Unpack[TokenOptions],
    ) -> str:
        """Issue an honest token for a person, or for the one of this user name. Raises as `Issuer.mint` does."""
        return self.issuer.mint(_person(person), claims=claims, **asked)

    def forge(
        self, name: str, argument: Any = None, *, person: Person | str = "ann", **asked: Unpack[TokenOptions]
    ) -> str | bytes:
        """Make a false token by the name of the forgery. Raises `ForgeryError`."""
        draft = self.issuer.draft(_person(person), **asked)
        return finish(forge(draft, name, argument, context=ForgeContext.of(self.issuer)))

    def rotate(self, new: SigningKey | None = None, *, keep_old: bool = True) -> SigningKey:
        """Let another key sign, the next of the shipped ones unless given, and return it (KEY-022)."""
        snapshot = self.ring.snapshot
        if new is None and snapshot.oldest_staged() is None:
            name = next((letter for letter in "abcdef" if not snapshot.holds(letter)), None)
            active = snapshot.active
            # When the shipped keys are used up there are always fresh ones.
            new = (
                SigningKey.generate(active.alg, kid=f"{active.kid}-next")
                if name is None
                else fixed_key(name, active.alg)
            )
        return self.ring.rotate(new, keep_old=keep_old)

    def requests(self, endpoint: str = "jwks") -> int:
        """How many requests an endpoint has seen."""
        return self.idp.requests(self.path, endpoint)

    def set_fault(self, fault: FaultSpec, *, endpoint: str = "jwks", times: int | None = None) -> None:
        """Let an endpoint misbehave until `MockIdP.clear_faults`, or so many times."""
        self.idp.set_fault(self.path, endpoint, fault, times)


def _person(person: Person | str) -> Person:
    return _named(person) if isinstance(person, str) else person


@lru_cache(maxsize=1024)
def _named(username: str) -> Person:
    return Person.named(username)  # whose ids are hashes of the name, and the same every time
