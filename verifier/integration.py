"""One onboarded IdP, as the check of a token needs it, and the check of a signature by its keys.

Must never reach the keys or the users of another integration (KEY-036, SIG-028, MAP-041).
"""

from dataclasses import dataclass
from typing import Literal

from verifier.algorithms import Algorithm
from verifier.claims import ClaimRules
from verifier.compact import CompactJws
from verifier.errors import TokenRejected, WouldWait, quoted
from verifier.header import JoseHeader
from verifier.key_source import KeySource, unavailable
from verifier.keys import KeySet, KeyUse, VerificationKey
from verifier.mapping import UserFinder

State = Literal["requested", "active", "disabled"]
"""Whether the tokens of an integration count: not yet, now, or no more (ONB-042)."""


@dataclass(frozen=True, slots=True)
class Integration:
    """What was agreed at onboarding; a change makes a new one, so that no token sees half of it (ONB-043).

    A record with several issuers or audiences makes one integration of each pair, all with the same `id`,
    keys and users (CLM-009, ONB-028). `by_client` tells that `client_id` may stand for a missing `aud`
    (IDP-014), `dated_keys` that a key ends with its certificate (ONB-016). The Entity ID is a name for the
    customer's IdP and is compared with no claim (ONB-046).
    """

    id: str
    entity_id: str
    issuer: str
    audience: str
    by_client: bool
    state: State
    algorithms: frozenset[str]
    key_use: KeyUse
    dated_keys: bool
    keys: KeySource
    claim_rules: ClaimRules
    users: UserFinder

    def check_algorithm(self, header: JoseHeader) -> None:
        """Reject an algorithm that was not agreed (SIG-007)."""
        if header.algorithm.name not in self.algorithms:
            raise TokenRejected("algorithm_not_allowed", f"alg {header.algorithm.name}", "alg")

    def check_signature(self, jws: CompactJws, header: JoseHeader, *, wait: bool = True) -> VerificationKey:
        """Return the key by which the token verifies, or raise TokenRejected; WouldWait unless it may wait.

        A token that fails is judged once more if a newer key set may be had: its key may be new, or another
        one under the same kid (KEY-005, KEY-026, AZR-017). Only a kid that is unknown is worth waiting for
        (OPS-006).
        """
        self.check_algorithm(header)  # before any key is touched
        keys = self.keys.current() if wait else self._at_hand()
        try:
            return verifying_key(jws, header, keys, self.key_use)
        except TokenRejected as rejected:
            known = header.kid is not None and keys.knows(header.kid, self.key_use)
            newer = (
                self.keys.refreshed(keys, wait=not known) if wait or known else self._at_hand(keys, rejected)
            )
            if newer is keys:
                raise
        return verifying_key(jws, header, newer, self.key_use)

    def _at_hand(self, seen: KeySet | None = None, rejected: TokenRejected | None = None) -> KeySet:
        keys = self.keys.at_hand(seen)
        if keys is None:
            raise WouldWait(self.id, rejected or unavailable())
        return keys


def check_dates(key: VerificationKey, now: float) -> None:
    """Reject by a key whose certificate is not valid now, in seconds since the epoch (ONB-016, KEY-021)."""
    if key.dates is not None and not key.dates[0] <= now <= key.dates[1]:
        raise TokenRejected("unknown_key", "the certificate of the key is not valid now", "kid")


def verifying_key(jws: CompactJws, header: JoseHeader, keys: KeySet, use: KeyUse) -> VerificationKey:
    """Return the one key of the set by which the token verifies; TokenRejected if there is none.

    The kid binds: no other key is tried (KEY-001, KEY-004), and among several that fit none is (KEY-008,
    KEY-010). It is compared and nothing else (SIG-027). What is verified are the bytes that came, whatever
    their layout (SIG-001, SIG-002, SIG-029).
    """
    algorithm, kid = header.algorithm, header.kid
    found = keys.find(kid, algorithm, use)
    if kid is None and use.nokid != "single":
        found = _without_kid(jws, algorithm, found, use)
    if not found and kid is not None and keys.knows(kid, use):  # SIG-009, SIG-019, KEY-013
        raise TokenRejected("algorithm_not_allowed", f"the key is not for {algorithm.name}", "alg")
    if len(found) != 1:
        what = "several keys" if found else "no key"
        raise TokenRejected(
            "unknown_key", f"{what} for kid {quoted(kid)}" if kid else f"{what}, no kid", "kid"
        )
    if not algorithm.verify(jws.signing_input, found[0].material, jws.signature):
        raise TokenRejected("bad_signature", "the signature is not by the key that kid names")
    return found[0]


def _without_kid(
    jws: CompactJws, algorithm: Algorithm, fitting: tuple[VerificationKey, ...], use: KeyUse
) -> tuple[VerificationKey, ...]:
    """KEY-008: no key, or of the keys that fit the one that verifies, in whatever order they come."""
    if use.nokid == "reject":
        return ()
    good = tuple(key for key in fitting if algorithm.verify(jws.signing_input, key.material, jws.signature))
    if fitting and not good:
        raise TokenRejected("bad_signature", "the signature is by none of the keys")
    return good
