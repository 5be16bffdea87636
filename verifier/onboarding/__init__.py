"""From what a customer sends to an `Integration`: every field is checked, and nothing is guessed.

Must never keep, log or echo a sample token or a key file (ONB-015, ONB-036), and never set up half of a
record: it is accepted as a whole, refused with a reason, or sent back with a question.
"""

from collections.abc import Callable

from verifier.claims import claim_rules
from verifier.integration import Integration
from verifier.key_source import JwksSource
from verifier.keys import KeyUse
from verifier.mapping import UserFinder
from verifier.onboarding.pairs import agreed, pairs_of, values_of
from verifier.onboarding.record import IntegrationRecord, check_no_secret
from verifier.onboarding.sample_token import audience_of, issuer_of, verified_sample, warn_of_times
from verifier.onboarding.settings import (
    algorithms_of,
    aud_from_of,
    check_name,
    custom_claim_of,
    leeway_of,
    state_of,
)
from verifier.onboarding.submitted_keys import FirstFetch, SubmittedKeys, jwks_of, keys_now
from verifier.onboarding.texts import is_absent, required
from verifier.policy import Policy

__all__ = ["FirstFetch", "IntegrationRecord", "Onboarding", "jwks_of"]


class Onboarding:
    """One judgement of one record; `warnings` fill up on the way.

    `now` is in seconds since the epoch; `jwks_source` makes a source of a URL and a CA file; `known` is the
    source of the integration that is being replaced, kept if it is still the same. `first_fetch` says
    whether a JWKS URL must show keys now, is tried with a warning, or is read when the first token needs it.
    """

    def __init__(
        self,
        policy: Policy,
        now: float,
        jwks_source: Callable[[str, str | None], JwksSource],
        known: JwksSource | None,
        *,
        first_fetch: FirstFetch = "required",
    ) -> None:
        self._policy, self._now = policy, now
        self.warnings: list[str] = []
        self._warn = self.warnings.append
        self._submitted_keys = SubmittedKeys(policy, now, jwks_source, known, first_fetch, self._warn)

    def integrations(self, record: IntegrationRecord) -> tuple[Integration, ...]:
        """Make integrations of a record, without users: one for each pair of issuer and audience.

        Raises OnboardingRefused or OnboardingAsked.
        """
        policy, warn = self._policy, self._warn
        check_no_secret(record)
        identifier = required(record.id, "id_missing", "id")
        entity_id = required(record.entity_id, "entity_id_missing", "entity_id")  # ONB-001, ONB-002
        if ":" not in entity_id:
            warn("entity_id: typically a URL or a URN; it was taken as typed")
        check_name(record.idp_name)
        algorithms = algorithms_of(record.algorithms, policy)
        custom_claim = custom_claim_of(record.custom_claim, warn)
        leeway_s = leeway_of(record.leeway_s, policy)
        by_client = aud_from_of(record.aud_from, policy) == "client_id"
        state = state_of(record.active)
        issuers = values_of(record.issuer, "issuer", several=policy.multi_issuer)
        audiences = values_of(record.audience, "audience", several=policy.multi_audience)
        source = self._submitted_keys.source_of(record)
        if not is_absent(record.sample_token):
            sample = verified_sample(record.sample_token, keys_now(source), algorithms, policy)
            issuers = agreed(issuers, issuer_of(sample), "issuer")
            audiences = agreed(audiences, audience_of(sample, audiences), "audience")
            warn_of_times(sample, self._now, warn)
        pairs = pairs_of(issuers, audiences, policy)
        users = UserFinder(policy, custom_claim)
        return tuple(
            Integration(
                id=identifier,
                entity_id=entity_id,
                issuer=issuer,
                audience=audience,
                by_client=by_client,
                state=state,
                algorithms=frozenset(algorithms),
                key_use=KeyUse.of(algorithms, issuer, policy.nokid),
                dated_keys=policy.cert_validity_run_time == "enforce",
                keys=source,
                claim_rules=claim_rules(
                    policy, issuer, frozenset(aud for iss, aud in pairs if iss == issuer), leeway_s
                ),
                users=users,
            )
            for issuer, audience in pairs
        )
