"""What is simulated: fleets of verifiers, the CDN before the IdP, and the times of one rotation.

All times are seconds; those of a rotation count from when the new key is first published.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from scenarios.files import yaml12
from scenarios.files.convert import convert
from scenarios.files.problems import Problem, TableErrors
from verifier.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_NODES: Final = 200_000
MAX_EDGES: Final = 10_000
MAX_SECONDS: Final = 30 * 86400.0
"""No time of a plan is longer: 30 days."""
MAX_FETCHES: Final = 10_000_000
"""About so many fetches are simulated at most: ten minutes of a processor."""
_DEFAULT: Final = Policy()


class Pace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a verifier reads a JWKS: fields of `verifier.Policy`, with their defaults."""

    jwks_period_s: float = _DEFAULT.jwks_period_s
    jwks_staleness_s: float = _DEFAULT.jwks_staleness_s
    refetch_min_s: float = _DEFAULT.refetch_min_s
    jwks_timeout_s: float = _DEFAULT.jwks_timeout_s
    leeway_s: int = _DEFAULT.leeway_s

    def policy(self) -> Policy:
        """Return it as a policy, which trusts the shipped keys of the simulated IdP; ValueError for a broken floor."""
        return Policy(allow_test_keys=True, **msgspec.structs.asdict(self))


class Fleet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nodes that are alike. Rates are those of one node, in tokens per second, and come by chance (Poisson)."""

    name: str = "nodes"
    nodes: int = 10_000
    tokens_per_s: float = 1.0
    """Good tokens."""
    unknown_kids_per_s: float = 0.0
    """Tokens of kids that nobody ever published: scans, attacks, tokens of another IdP."""
    start_jitter_s: float | None = None
    """The nodes started within so many seconds before the new key is published; None for one period."""
    restart_every_s: float | None = 86400.0
    """Each node starts again, with nothing in memory, so often (deployments, autoscaling); None for never."""
    fetch_s: float = 0.1
    """How long one fetch takes."""
    policy: Pace = msgspec.field(default_factory=Pace)

    @property
    def jitter_s(self) -> float:
        """Within how many seconds the nodes started."""
        return self.policy.jwks_period_s if self.start_jitter_s is None else self.start_jitter_s


class Cdn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Edges between the nodes and the IdP; each keeps its own copy of the JWKS."""

    edges: int = 0
    """How many caches; 0 for none at all, and every fetch reaches the IdP."""
    ttl_s: float = 300.0
    """How long a copy is served without asking the IdP."""
    stale_s: float = 0.0
    """How much longer it is served while a new one is got (`stale-while-revalidate`, RFC 5861)."""
    purge_s: float | None = None
    """So many seconds after a change of the JWKS every older copy is purged; None where nobody purges."""
    age: bool = True
    """Whether the edges tell the age of a copy (RFC 9111 section 5.1)."""
    sticky: bool = True
    """Whether a node always meets the same edge, or any at each fetch."""

    @property
    def behind_s(self) -> float:
        """For how long after a change an edge may serve what was before it."""
        if not self.edges:
            return 0.0
        behind = self.ttl_s + self.stale_s
        return behind if self.purge_s is None else min(behind, self.purge_s)


class Idp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the IdP says of its JWKS, and how long its tokens live."""

    max_age_s: float | None = None
    """The `max-age` of the JWKS; None for no `Cache-Control`."""
    token_lifetime_s: float = 3600.0
    """From `iat` to `exp`; a client uses a token to its end and then asks for another."""


class Rotation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The new key is published at 0, signs from `activate_s` on, and the old one is published until `retire_s`."""

    activate_s: float = 7200.0
    retire_s: float = 14400.0
    emergency: bool = False
    """The old key is lost: its tokens are no good ones any more."""


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that is simulated."""

    rotation: Rotation = msgspec.field(default_factory=Rotation)
    fleets: tuple[Fleet, ...] = (Fleet(),)
    cdn: Cdn = msgspec.field(default_factory=Cdn)
    idp: Idp = msgspec.field(default_factory=Idp)
    seed: int = 1

    @property
    def nodes(self) -> int:
        """How many nodes all fleets have."""
        return sum(fleet.nodes for fleet in self.fleets)


def read(path: str) -> Plan:
    """Read a plan from a YAML file; `TableErrors` with every mistake at its place, OSError if it cannot be read."""
    with Path(path).open("rb") as file:
        document = yaml12.load(file.read(yaml12.MAX_BYTES + 1), path)
    plan = Plan() if document.value is None else convert(document, Plan)
    problems = [Problem(document.place(where), message) for where, message in mistakes(plan)]
    if problems:
        raise TableErrors(problems)
    return plan


def mistakes(plan: Plan) -> Iterator[tuple[yaml12.Path, str]]:
    """Yield what cannot be in a plan: the path of the value, and what to change."""
    broken = list(_out_of_range(plan))
    yield from broken
    if broken:
        return
    rotation = plan.rotation
    if rotation.retire_s < rotation.activate_s:
        yield ("rotation", "retire_s"), "'retire_s': not before 'activate_s', or nothing signs in between"
    for number, fleet in enumerate(plan.fleets):
        where = ("fleets", number)
        try:
            fleet.policy.policy()
        except ValueError as fault:
            yield (
                (*where, "policy", str(fault).partition(":")[0]),
                f"'{str(fault).replace(':', chr(39) + ':', 1)}",
            )
            return
        if fleet.fetch_s >= fleet.policy.jwks_timeout_s:
            yield (*where, "fetch_s"), "'fetch_s': below 'jwks_timeout_s', or every fetch fails"
    fetches = _fetches(plan)
    if fetches > MAX_FETCHES:
        said = f"{fetches:,.0f} fetches would be simulated, and at most {MAX_FETCHES:,} are: fewer nodes, or less often"
        yield ("fleets",), said


def _out_of_range(plan: Plan) -> Iterator[tuple[yaml12.Path, str]]:
    if not plan.fleets:
        yield ("fleets",), "'fleets': at least one"
    if plan.nodes > MAX_NODES:
        yield ("fleets",), f"'nodes': at most {MAX_NODES:,} in all fleets"
    parts: list[tuple[yaml12.Path, msgspec.Struct]] = [
        (("rotation",), plan.rotation),
        (("cdn",), plan.cdn),
        (("idp",), plan.idp),
    ]
    for number, fleet in enumerate(plan.fleets):
        parts += [(("fleets", number), fleet), (("fleets", number, "policy"), fleet.policy)]
    for where, part in parts:
        for name in part.__struct_fields__:
            value = getattr(part, name)
            least, most = _RANGES.get(name, (0.0, MAX_SECONDS))
            if isinstance(value, int | float) and not isinstance(value, bool) and not least <= value <= most:
                yield (*where, name), f"'{name}': from {least:,.6g} to {most:,.0f}, not {value}"


_RANGES: Final[dict[str, tuple[float, float]]] = {
    "nodes": (1, MAX_NODES),
    "edges": (0, MAX_EDGES),
    "tokens_per_s": (1e-6, 1e6),
    "unknown_kids_per_s": (0, 1e6),
    "fetch_s": (0.001, 60),
    "restart_every_s": (60, MAX_SECONDS),
    "token_lifetime_s": (1, MAX_SECONDS),
    "jwks_period_s": (1, MAX_SECONDS),
}
"""What a number may be; every other is of seconds, from 0."""


def held_s(fleet: Fleet, fresh_s: float) -> float:
    """Return after how many seconds a node's next token reads a JWKS again that was fresh for `fresh_s` (OPS-006)."""
    return fresh_s - min(2 * fleet.policy.jwks_timeout_s, fresh_s / 2)


def least_held_s(plan: Plan, fleet: Fleet) -> float:
    """Return the least seconds between two fetches of a node, whatever provokes them."""
    pace = fleet.policy
    least = pace.jwks_period_s if plan.idp.max_age_s is None else min(pace.jwks_period_s, plan.idp.max_age_s)
    least = held_s(fleet, max(least, min(pace.refetch_min_s, pace.jwks_period_s)))
    if plan.cdn.edges and plan.idp.max_age_s is not None and plan.cdn.age:
        least = held_s(fleet, min(pace.refetch_min_s, pace.jwks_period_s))
    return min(least, pace.refetch_min_s) if fleet.unknown_kids_per_s else least


def end_s(plan: Plan) -> float:
    """Return when nothing changes any more but that keys are forgotten, in seconds after the publication."""
    rotation = plan.rotation
    ends = (rotation.retire_s, rotation.activate_s + plan.idp.token_lifetime_s)
    last = max((end for end in ends if math.isfinite(end)), default=0.0)
    slowest = max(fleet.policy.jwks_period_s + fleet.fetch_s for fleet in plan.fleets)
    return last + plan.cdn.behind_s + slowest


def _fetches(plan: Plan) -> float:
    seconds = end_s(plan)
    return sum(
        fleet.nodes * (1 + (seconds + fleet.jitter_s) / max(least_held_s(plan, fleet), 0.5))
        for fleet in plan.fleets
    )
