"""The figures of a plan: how long good tokens are refused, how long a retired key lives, what the IdP is asked."""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import TYPE_CHECKING

import msgspec

from scenarios.fleet.overlap import Overlap, forgotten_s, shortest
from scenarios.fleet.plan import Plan  # noqa: TC001 - msgspec asks for it
from scenarios.fleet.simulate import Simulation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scenarios.fleet.publication import Requests

_POINTS = 120


class Spread(msgspec.Struct, frozen=True):
    """Seconds over all nodes; infinity (null in JSON) where the simulation did not see it happen."""

    median: float
    p90: float
    p99: float
    worst: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Sort the values of all nodes; there is at least one."""
        found = sorted(values)
        return cls(*(found[min(len(found) - 1, math.ceil(q * len(found)) - 1)] for q in (0.5, 0.9, 0.99, 1)))


class Refused(msgspec.Struct, frozen=True):
    """Good tokens that were refused."""

    nodes: int
    """At how many nodes."""
    tokens: float
    """How many are to be expected."""
    share: float
    """Of all good tokens from the activation to the end of the simulation."""
    seconds: Spread
    """From the first that a node refused until it refused no more."""


class Load(msgspec.Struct, frozen=True):
    """Requests for the JWKS."""

    peak: int
    """The most within any second after the publication."""
    peak_at_s: float
    at_start: int
    """The most within any second before it, as the nodes start."""
    mean_per_s: float

    @classmethod
    def of(cls, requests: Requests, end_s: float) -> Load:
        """Sum up what was counted from 0 to the end."""
        after = len(requests.times) - bisect_left(requests.times, 0.0)
        return cls(requests.peak, requests.peak_at, requests.before, after / end_s)


class Moment(msgspec.Struct, frozen=True):
    """What was true, and what was asked, in one of the equal parts that the time from 0 to the end falls into."""

    at_s: float
    know_new: float
    """The share of nodes that hold the new key."""
    take_old: float
    """The share of nodes that take tokens of the old one."""
    fetches_per_s: float
    idp_per_s: float


class Rehearsal(msgspec.Struct, frozen=True):
    """What became of a plan."""

    schema: int
    plan: Plan
    end_s: float
    refused: Refused
    known: Spread
    """From the publication of the new key until a node holds it."""
    lives_on: Spread
    """From when the old key is published no more until a node takes none of its tokens."""
    lives_on_bound_s: float
    fetches: Load
    """What the nodes ask, of the edges of a CDN if there is one."""
    idp: Load
    """What reaches the IdP."""
    overlap: Overlap
    findings: tuple[str, ...]
    """What is wrong with the plan; none of an emergency, which leaves no choice."""
    timeline: tuple[Moment, ...]


def rehearse(plan: Plan) -> Rehearsal:
    """Let a plan happen once, and once more without its rotation for the shortest overlap."""
    done = Simulation(plan).run()
    nodes, rotation = done.nodes, plan.rotation
    refused, overlap = _refused(done), shortest(plan)
    return Rehearsal(
        1,
        plan,
        done.end_s,
        refused,
        Spread.of(node.knows_new_from for node in nodes),
        Spread.of(max(0.0, node.forgets_old_at - rotation.retire_s) for node in nodes),
        max(forgotten_s(plan, fleet) for fleet in plan.fleets),
        Load.of(done.fetches, done.end_s),
        Load.of(done.origin.requests, done.end_s),
        overlap,
        () if rotation.emergency else tuple(_findings(plan, refused, overlap)),
        tuple(_timeline(done)),
    )


def _refused(done: Simulation) -> Refused:
    plan, nodes = done.plan, done.nodes
    lasted = [max(one.seconds for one in node.refusals.values()) for node in nodes]
    tokens = math.fsum(one.tokens for node in nodes for one in node.refusals.values())
    return Refused(
        sum(one > 0 for one in lasted), tokens, tokens / _good(plan, done.end_s), Spread.of(lasted)
    )


def _good(plan: Plan, end_s: float) -> float:
    """Return how many good tokens come from the activation to the end."""
    seconds = end_s - plan.rotation.activate_s
    if plan.rotation.emergency:  # those of the old key are none
        lifetime = plan.idp.token_lifetime_s
        seconds -= lifetime / 2
    return seconds * sum(fleet.nodes * fleet.tokens_per_s for fleet in plan.fleets)


def _findings(plan: Plan, refused: Refused, overlap: Overlap) -> Iterable[str]:
    rotation = plan.rotation
    if refused.nodes:
        yield f"good tokens are refused at {refused.nodes:,} of {plan.nodes:,} nodes"
    if rotation.activate_s < overlap.lead_s:
        yield "the new key signs before every node is sure to know it"
    if rotation.retire_s < rotation.activate_s + overlap.tail_s:
        yield "the old key goes before its last token has expired: a node that starts then refuses it"


def _timeline(done: Simulation) -> Iterable[Moment]:
    known = sorted(node.knows_new_from for node in done.nodes)
    forgot = sorted(node.forgets_old_at for node in done.nodes)
    part, count = done.end_s / _POINTS, len(done.nodes)
    for number in range(_POINTS):
        start, end = number * part, (number + 1) * part
        yield Moment(
            end,
            bisect_left(known, end) / count,
            1 - bisect_left(forgot, end) / count,
            _between(done.fetches.times, start, end) / part,
            _between(done.origin.requests.times, start, end) / part,
        )


def _between(times: Sequence[float], start: float, end: float) -> int:
    return bisect_left(times, end) - bisect_left(times, start)
