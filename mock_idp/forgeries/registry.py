"""The registry of forgeries, what they may use, and how one is applied.

A forgery is one named way to make a token false. It must change what its sentence says and nothing else, and
must be the same on every run: whatever is random comes from `ForgeContext.random`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from random import Random
from typing import Any, Self, TypeAlias, TypeVar

from cryptography import x509

from mock_idp.draft import Draft, DraftError
from mock_idp.fixed_keys import fixed_key
from mock_idp.issuer import Issuer
from mock_idp.keys import SigningKey

Credential: TypeAlias = Draft | str | bytes
"""A draft that can still be changed, or the finished text or bytes."""


class ForgeryError(ValueError):
    """An unknown forgery, an argument that it does not take, or a token that it cannot be made from."""


@dataclass(frozen=True, slots=True)
class ForgeContext:
    """What a forger knows: the keys and the certificate of the IdP, and a key of his own."""

    trusted: SigningKey
    """The key that the IdP signs with, under its published kid."""
    attacker: SigningKey
    """A key of the same family that nobody trusts."""
    certificate: x509.Certificate
    """The published certificate of the trusted key."""
    jwk: Mapping[str, Any]
    """The published JWKS entry of the trusted key."""
    others: tuple[SigningKey, ...] = ()
    """The other published keys, under their published kids."""
    seed: int = 0

    @classmethod
    def of(cls, issuer: Issuer, *, attacker: SigningKey | None = None, seed: int = 0) -> Self:
        """Take everything from an issuer; the attacker's key is the shipped one unless given."""
        persona, snapshot = issuer.persona, issuer.ring.snapshot
        active = snapshot.active
        return cls(
            trusted=active.with_kid(persona.kid(active)),
            attacker=attacker or fixed_key("attacker", active.alg),
            certificate=persona.certificate(active),
            jwk=persona.published(active, issuer.issuer),
            others=tuple(k.with_kid(persona.kid(k)) for k in snapshot.published if k is not active),
            seed=seed,
        )

    def random(self, purpose: str) -> Random:
        """Give a generator that depends on the seed and the purpose alone, not on what was drawn before."""
        return Random(f"{self.seed}/{purpose}")  # noqa: S311 - a forgery must be the same on every run


@dataclass(frozen=True, slots=True)
class Forgery:
    """One entry of the registry."""

    name: str
    says: str
    """One sentence: what is false about the token."""
    takes: str
    """What its argument may be; empty where the sentence says it, or it takes none."""
    rules: tuple[str, ...]
    """The rulebook's rules that the token breaks, or for a harmless variation those that have it accepted."""
    advisories: tuple[str, ...]
    apply: Callable[[Credential, Any, ForgeContext], Credential]


FORGERIES: dict[str, Forgery] = {}
"""All forgeries by name."""

DraftForger: TypeAlias = Callable[[Draft, Any, ForgeContext], Credential]
TextForger: TypeAlias = Callable[[str, Any, ForgeContext], str | bytes]
DraftForgerT = TypeVar("DraftForgerT", bound=DraftForger)
TextForgerT = TypeVar("TextForgerT", bound=TextForger)


def forgery(
    name: str, *, rules: tuple[str, ...], advisories: tuple[str, ...] = ()
) -> Callable[[DraftForgerT], DraftForgerT]:
    """Register a forgery that changes a draft before it is signed, or finishes it in its own way."""

    def register(function: DraftForgerT) -> DraftForgerT:
        def apply(credential: Credential, arg: Any, context: ForgeContext) -> Credential:
            if not isinstance(credential, Draft):
                raise ForgeryError(f"{name} changes a token before it is signed: put it first")
            return function(credential, arg, context)

        _register(Forgery(name, *_paragraphs(function), rules, advisories, apply))
        return function

    return register


def text_forgery(
    name: str, *, rules: tuple[str, ...], advisories: tuple[str, ...] = ()
) -> Callable[[TextForgerT], TextForgerT]:
    """Register a forgery that changes the finished token; a draft is signed first."""

    def register(function: TextForgerT) -> TextForgerT:
        def apply(credential: Credential, arg: Any, context: ForgeContext) -> Credential:
            text = finish(credential)
            if isinstance(text, bytes):
                raise ForgeryError(f"{name} changes text, and the credential is bytes by now: put it first")
            return function(text, arg, context)

        _register(Forgery(name, *_paragraphs(function), rules, advisories, apply))
        return function

    return register


def _register(new: Forgery) -> None:
    if new.name in FORGERIES:
        raise ValueError(f"forgery {new.name!r} exists already")
    FORGERIES[new.name] = new


def _paragraphs(function: Callable[..., Any]) -> tuple[str, str]:
    """Return a docstring's sentence, and what follows it."""
    says, _, takes = (function.__doc__ or "").partition("\n\n")
    return " ".join(says.split()), " ".join(takes.split()).removeprefix("Argument: ")


def forge(credential: Credential, name: str, arg: Any = None, *, context: ForgeContext) -> Credential:
    """Apply one forgery to a draft, or to what an earlier forgery made of it.

    `arg` is a JSON value, or None for the forgery's default. `ForgeryError` for a name that is not in
    `FORGERIES` (with the nearest), for an argument that it does not take (with what it takes), and for
    forgeries in an order that cannot be.
    """
    found = FORGERIES.get(name)
    if found is None:
        raise ForgeryError(f"unknown forgery {name!r}{nearest(name, FORGERIES)}")
    try:
        return found.apply(credential, arg, context)
    except DraftError as error:
        raise ForgeryError(f"{name}: {error}") from error


def finish(credential: Credential) -> str | bytes:
    """Sign a draft; give anything else back as it is."""
    return credential.token() if isinstance(credential, Draft) else credential


def nearest(wrong: object, names: Mapping[str, Any] | tuple[str, ...]) -> str:
    """Say for an error message which name is near, or else which there are."""
    close = get_close_matches(str(wrong), list(names), n=1)
    return f"; did you mean {close[0]!r}?" if close else f" (there are {', '.join(names)})"
