"""How long two keys must be published together: the bound that holds for every node, and what one fleet needs.

The bound is worst case upon worst case: the copy that an edge got just before the new key came is handed out at the
last moment, and the node that gets it reads no other before its period is over. Whoever keeps to it refuses no good
token, whatever tokens come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from scenarios.fleet.plan import Rotation, held_s
from scenarios.fleet.simulate import Simulation
from verifier.freshness import fresh_for

if TYPE_CHECKING:
    from scenarios.fleet.plan import Fleet, Plan


class Overlap(msgspec.Struct, frozen=True):
    """The shortest safe rotation, in seconds."""

    lead_s: float
    """From the publication of the new key to the first token that it signs: safe for every node."""
    lead_simulated_s: float
    """The same for one fleet as chance drew it: with less, one of its nodes would have refused a token."""
    tail_s: float
    """From then until the old key is published no more: its last token has expired."""

    @property
    def overlap_s(self) -> float:
        """How long both keys are published."""
        return self.lead_s + self.tail_s


def shortest(plan: Plan) -> Overlap:
    """Return the shortest safe overlap of a plan's fleets; its rotation does not matter."""
    quiet = msgspec.structs.replace(plan, rotation=Rotation(float("inf"), float("inf")))
    nodes = Simulation(quiet).run().nodes
    return Overlap(
        max(lead_s(plan, fleet) for fleet in plan.fleets),
        max(node.would_refuse_until for node in nodes),
        max(tail_s(plan, fleet) for fleet in plan.fleets),
    )


def lead_s(plan: Plan, fleet: Fleet) -> float:
    """Return after how many seconds every node knows a published key, or reads the JWKS before it refuses one.

    An edge answers without the key for `Cdn.behind_s` at most; a node keeps such an answer until it is due.
    """
    cdn, pace, behind = plan.cdn, fleet.policy, plan.cdn.behind_s
    headers = {}
    if plan.idp.max_age_s is not None:
        headers["cache-control"] = f"max-age={int(plan.idp.max_age_s)}"
        if cdn.edges and cdn.age:  # it was got before the key came, and tells whole seconds alone
            headers["age"] = str(max(0, int(behind) - 1))
    fresh = fresh_for(headers, least_s=pace.refetch_min_s, most_s=pace.jwks_period_s)
    return behind + held_s(fleet, fresh) + fleet.fetch_s


def tail_s(plan: Plan, fleet: Fleet) -> float:
    """Return how long tokens of a key are good after it signed the last one (CLM-018)."""
    return plan.idp.token_lifetime_s + fleet.policy.leeway_s


def forgotten_s(plan: Plan, fleet: Fleet) -> float:
    """Return after how many seconds at most no node takes a key that is published no more (KEY-023)."""
    return plan.cdn.behind_s + fleet.fetch_s + fleet.policy.jwks_staleness_s
