"""How long a key of a JWKS is trusted: for the staleness bound, from when it was last seen published.

One clock a key settles what looks like three wishes. A key that an answer lacks is trusted on, so that
edges of a CDN that are behind make no token flap (KEY-025); but for no longer than the bound, however often
it is used (KEY-023); and when no answer comes at all, the whole set ends at the same bound (KEY-027).

Two things end a key at once. An answer decides alone about every kid that it names: another key under the
kid replaces the old one, and an entry that became unusable does not live on (KEY-026). And an answer without
any entry revokes everything (KEY-029). A lingering key is found by its kid only, so that a token without kid
is judged by the latest answer alone (KEY-008). Must never hold more than a bounded number of keys.
"""

from dataclasses import dataclass

from verifier.keys import MAX_KEYS, Jwks, KeySet, VerificationKey


@dataclass(frozen=True, slots=True)
class PublishedKeys:
    """The latest answer of one JWKS URL, when it came (seconds), and what left it: keys and when last seen."""

    answer: Jwks
    seen_at: float
    left: tuple[tuple[VerificationKey, float], ...] = ()

    def then(self, answer: Jwks, now: float) -> "PublishedKeys":
        """Return what is published after another answer."""
        if answer.is_empty:  # KEY-029
            return PublishedKeys(answer, now)
        before = ((key, self.seen_at) for key in self.answer.keys)
        left = tuple(
            (key, at)
            for key, at in (*before, *self.left)  # the latest first
            if key.kid is not None
            and key.kid not in answer.named  # KEY-026
            and key.material.spki not in answer.leaked  # KEY-015
        )
        return PublishedKeys(answer, now, left[:MAX_KEYS])

    def trusted(self, now: float, lifetime_s: float) -> tuple[KeySet, float] | None:
        """Return the keys to judge by, and until when; None if even the latest answer is too old."""
        left = [(key, at) for key, at in self.left if now - at <= lifetime_s]
        if now - self.seen_at > lifetime_s:
            return None
        until = min((at for _, at in left), default=self.seen_at) + lifetime_s
        return KeySet(self.answer.keys, self.answer.faults, (key for key, _ in left)), until
