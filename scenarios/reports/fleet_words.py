"""What the reports of a rotation plan say, in words and figures that both the terminal and the page show."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenarios.fleet.plan import Fleet, Plan
    from scenarios.fleet.rehearsal import Load, Rehearsal, Spread

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def lasting(seconds: float) -> str:
    """Say how long something lasts in at most two units: `59 min 50 s`, `0.3 s`."""
    if math.isinf(seconds) or math.isnan(seconds):
        return "not seen"
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if 0 < seconds < 10 and seconds != whole else f"{whole} s"
    largest = next(n for n, (_, size) in enumerate(_UNITS) if whole >= size)
    (name, size), (lesser, unit) = _UNITS[largest], _UNITS[largest + 1]
    rest = round(whole % size / unit)
    if rest == size // unit:
        return lasting((whole // size + 1) * size)
    return f"{whole // size} {name} {rest} {lesser}" if rest else f"{whole // size} {name}"


def exactly(seconds: float) -> str:
    """Say a length of time as an option takes it, rounded up to whole seconds: `1h5m56s`."""
    rest = math.ceil(seconds - 1e-9)
    parts = []
    for name, size in (("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{name}")
    return "".join(parts) or "0s"


def setting(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield what was simulated, line by line."""
    rotation, idp, cdn = plan.rotation, plan.idp, plan.cdn
    moments = f"activate at {exactly(rotation.activate_s)}, retire at {exactly(rotation.retire_s)}"
    yield "emergency" if rotation.emergency else "rotation", f"publish at 0s, {moments}"
    for fleet in plan.fleets:
        yield from _fleet(fleet)
    age = "" if idp.max_age_s is None else f", the JWKS has a max-age of {exactly(idp.max_age_s)}"
    yield "IdP", f"tokens live {exactly(idp.token_lifetime_s)}{age}"
    stale = f", {exactly(cdn.stale_s)} longer while it is renewed" if cdn.stale_s else ""
    purged = "" if cdn.purge_s is None else f", purged {exactly(cdn.purge_s)} after a change"
    copies = f"{cdn.edges:,} edges, a copy is served for {exactly(cdn.ttl_s)}{stale}{purged}"
    yield "CDN", copies if cdn.edges else "none"


def _fleet(fleet: Fleet) -> Iterator[tuple[str, str]]:
    pace = fleet.policy
    yield fleet.name, f"{fleet.nodes:,}, started within {exactly(fleet.jitter_s)}"
    period, provoked = exactly(pace.jwks_period_s), exactly(pace.refetch_min_s)
    yield "  fetches", f"each {period}, and for a token at most each {provoked}"
    yield "  keys", f"taken for {exactly(pace.jwks_staleness_s)} after they were last seen"
    unknown = f"{fleet.unknown_kids_per_s:g} of unknown kids"
    yield "  tokens", f"{fleet.tokens_per_s:g} good and {unknown}, a second and node"


def spreads(done: Rehearsal) -> Iterator[tuple[str, Spread]]:
    """Yield what differs from node to node."""
    yield "new key known after", done.known
    yield "good tokens refused for", done.refused.seconds
    yield "retired key taken for", done.lives_on


def totals(done: Rehearsal) -> Iterator[tuple[str, str]]:
    """Yield the figures of the whole."""
    refused, plan = done.refused, done.plan
    share = f"{refused.share:.2%}" if refused.share >= 0.00005 or not refused.nodes else "less than 0.01%"
    yield (
        "refused",
        (f"{share} of the good tokens ({refused.tokens:,.0f}), at {refused.nodes:,} of {plan.nodes:,} nodes"),
    )
    if plan.cdn.edges:
        yield "at the edges", _load(done.fetches)
    yield "at the IdP", _load(done.idp)


def _load(load: Load) -> str:
    when = f" (after {lasting(load.peak_at_s)})" if load.peak else ""
    return f"{load.peak:,} requests in the worst second{when}, {load.mean_per_s:.3g} a second on average"


def advice(done: Rehearsal) -> Iterator[tuple[str, str]]:
    """Yield the shortest rotation that is safe."""
    overlap = done.overlap
    yield (
        "activate at",
        f"{exactly(overlap.lead_s)}: every node knows the new key, or fetches it for its next token",
    )
    yield "", f"({exactly(overlap.lead_simulated_s)} would have done for the fleet as it was simulated)"
    yield (
        "retire at",
        f"{exactly(overlap.overlap_s)}: {exactly(overlap.tail_s)} later the last old token has expired",
    )
    yield (
        "forgotten by",
        f"{exactly(done.lives_on_bound_s)} after that, at every node; sooner by a purge (KEY-024)",
    )
