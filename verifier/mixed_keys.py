"""Keys of two sources at one integration: certificates beside a JWKS URL, where the policy lets both count."""

from verifier.errors import TokenRejected
from verifier.key_source import FixedKeys, JwksSource
from verifier.keys import KeySet, VerificationKey

_NONE = KeySet(())


class MixedKeys:
    """The keys of selected certificates and those behind a URL (ONB-006, `cert_plus_jwks=union`).

    A kid that comes to name two keys names none (KEY-010). While the URL has nothing to give, the
    certificates go on.
    """

    def __init__(self, fixed: FixedKeys, jwks: JwksSource) -> None:
        self.jwks = jwks
        self._fixed = fixed
        self._mixed = _NONE, _NONE, _NONE  # the two sets that the third was made of

    def current(self) -> KeySet:
        """Return the keys of both, as they are now."""
        try:
            return self._with(self.jwks.current())
        except TokenRejected:
            return self._fixed.current()

    def refreshed(self, seen: KeySet, *, wait: bool) -> KeySet:
        """Return the set to judge by after `seen` failed: `seen` itself if no newer may be had."""
        _, published, mixed = self._mixed
        if mixed is not seen:
            return self.current()
        newer = self.jwks.refreshed(published, wait=wait)
        return seen if newer is published else self._with(newer)

    def at_hand(self, seen: KeySet | None = None) -> KeySet | None:
        """Return a set without ever waiting; None where one has to."""
        _, published, mixed = self._mixed
        try:
            newer = self.jwks.at_hand(published if mixed is seen else None)
        except TokenRejected:
            return self._fixed.current()
        if newer is None:
            return None
        return mixed if newer is published and mixed is seen else self._with(newer)

    def named(self, kid: str) -> tuple[VerificationKey, ...]:
        """Return the keys held under a kid in either source."""
        return (*self._fixed.named(kid), *self.jwks.named(kid))

    def purge(self, purged: frozenset[str]) -> None:
        """Leave out exactly the keys named, from both."""
        self._fixed.purge(purged)
        self.jwks.purge(purged)

    def _with(self, published: KeySet) -> KeySet:
        fixed = self._fixed.current()
        of_fixed, of_published, mixed = self._mixed  # one read: another thread may put newer ones at any time
        if of_fixed is not fixed or of_published is not published:
            mixed = KeySet((*fixed.keys, *published.keys), published.faults, published.lingering)
            self._mixed = fixed, published, mixed
        return mixed
