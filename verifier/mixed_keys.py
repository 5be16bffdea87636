"""Keys of two sources at one integration: certificates beside a JWKS URL, where the policy lets both count."""

from verifier.errors import TokenRejected
from verifier.key_source import FixedKeys, JwksSource
from verifier.keys import KeySet


class MixedKeys:
    """The keys of selected certificates and those behind a URL (ONB-006, `cert_plus_jwks=union`).

    A kid that comes to name two keys names none (KEY-010). While the URL has nothing to give, the
    certificates go on.
    """

    def __init__(self, fixed: FixedKeys, jwks: JwksSource) -> None:
        self.jwks = jwks
        self._fixed = fixed.current()
        self._mixed: tuple[KeySet | None, KeySet] = None, self._fixed

    def current(self) -> KeySet:
        """Return the keys of both, as they are now."""
        try:
            return self._with(self.jwks.current())
        except TokenRejected:
            return self._fixed

    def refreshed(self, seen: KeySet) -> KeySet:
        """Return the set to judge by after `seen` failed: `seen` itself if no newer may be had."""
        published, mixed = self._mixed
        if mixed is not seen or published is None:
            return self.current()
        newer = self.jwks.refreshed(published)
        return seen if newer is published else self._with(newer)

    def _with(self, published: KeySet) -> KeySet:
        known, mixed = self._mixed  # one read: another thread may put a newer pair at any time
        if known is not published:
            mixed = KeySet((*self._fixed.keys, *published.keys), published.faults)
            self._mixed = published, mixed
        return mixed
