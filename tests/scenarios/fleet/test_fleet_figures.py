"""The figures of the simulation where they follow from a formula, and the bounds that no plan may exceed."""

from __future__ import annotations

from statistics import fmean

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from scenarios.fleet.overlap import forgotten_s, lead_s, shortest, tail_s
from scenarios.fleet.plan import Cdn, Fleet, Idp, Pace, Plan, Rotation
from scenarios.fleet.rehearsal import rehearse
from scenarios.fleet.simulate import Simulation
from tests.scenarios.fleet.conftest import plans

NODES = 160
HELD_S = 3590.0
"""From one fetch to the next of the default policy: the period less twice the time-out."""


def steady(nodes: int = NODES, **fleet: object) -> Plan:
    return Plan(fleets=(Fleet(nodes=nodes, restart_every_s=None, **fleet),))  # type: ignore[arg-type] # its fields


def rotated(plan: Plan, activate_s: float, retire_s: float, *, emergency: bool = False) -> Plan:
    return replace(plan, rotation=Rotation(activate_s, retire_s, emergency))


@given(plans(nodes=5))
@settings(max_examples=12, deadline=None)
def test_nobody_refuses_a_good_token_where_the_shortest_safe_overlap_is_kept(plan: Plan) -> None:
    lead, tail = lead_s(plan, plan.fleets[0]), tail_s(plan, plan.fleets[0])

    done = Simulation(rotated(plan, lead, lead + tail)).run()

    assert [one.tokens for node in done.nodes for one in node.refusals.values() if one.tokens] == []


@given(plans(nodes=5))
@settings(max_examples=12, deadline=None)
def test_a_retired_key_is_forgotten_by_its_bound_and_not_held_where_it_never_was(plan: Plan) -> None:
    done = Simulation(plan).run()

    lives = [node.forgets_old_at - plan.rotation.retire_s for node in done.nodes]
    assert max(lives) <= forgotten_s(plan, plan.fleets[0]) + 1e-6


@given(plans(nodes=5))
@settings(max_examples=12, deadline=None)
def test_what_a_fleet_needs_is_never_more_than_the_bound(plan: Plan) -> None:
    found = shortest(plan)

    assert 0 <= found.lead_simulated_s <= found.lead_s


def test_what_a_fleet_needs_is_enough_for_it_and_less_is_not() -> None:
    plan = replace(steady(40, tokens_per_s=50), cdn=Cdn(edges=4, ttl_s=250), idp=Idp(token_lifetime_s=60.0))
    needed = shortest(plan).lead_simulated_s

    assert 100 < needed < 250
    assert rehearse(rotated(plan, needed + 1, 3600)).refused.nodes == 0
    assert rehearse(rotated(plan, 0.9 * needed, 3600)).refused.nodes > 0


def test_a_new_key_is_learnt_evenly_over_a_period() -> None:
    done = Simulation(steady()).run()

    known = sorted(node.knows_new_from for node in done.nodes)
    assert fmean(known) == pytest.approx(HELD_S / 2, rel=0.08)
    assert known[NODES // 4] == pytest.approx(HELD_S / 4, rel=0.25)
    assert HELD_S * 0.97 < known[-1] < HELD_S + 20


def test_the_idp_is_asked_once_a_node_and_period() -> None:
    done = rehearse(steady(tokens_per_s=0.1))

    assert done.idp.mean_per_s == pytest.approx(NODES / (HELD_S + 0.1 + 10), rel=0.05)
    assert done.idp == done.fetches


def test_nodes_that_started_together_ask_together() -> None:
    done = rehearse(steady(start_jitter_s=0.5, tokens_per_s=100, fetch_s=0.001))

    assert done.idp.at_start > 0.98 * NODES
    assert done.idp.peak == NODES
    assert done.idp.peak_at_s == pytest.approx(HELD_S, abs=2)


def test_nodes_that_started_over_a_minute_ask_over_a_minute() -> None:
    done = rehearse(steady(start_jitter_s=60.0, tokens_per_s=100))

    assert NODES / 60 <= done.idp.peak < 5 * NODES / 60


def test_a_retired_key_lives_for_the_staleness_bound_from_when_it_was_last_seen() -> None:
    done = rehearse(steady())

    assert 86400 - HELD_S - 20 < done.lives_on.median < done.lives_on.worst <= 86400
    assert done.lives_on.median == pytest.approx(86400 - HELD_S / 2, rel=0.005)


def test_a_node_that_starts_again_forgets_a_retired_key() -> None:
    plan = replace(steady(), fleets=(Fleet(nodes=NODES, restart_every_s=3600.0),))

    assert rehearse(plan).lives_on.worst < 3600 + 1


def test_unknown_kids_make_every_node_fetch_each_cooldown_and_learn_by_it() -> None:
    done = rehearse(rotated(steady(30, unknown_kids_per_s=1.0), 7200, 7200))

    assert done.known.worst <= 300 + 0.1 + 12
    assert done.idp.mean_per_s == pytest.approx(30 / 300, rel=0.03)


def test_without_cdn_and_unknown_kids_the_first_token_of_a_new_key_brings_it() -> None:
    """KEY-005: it waits for a fetch, and is not refused; the IdP is asked by every node that it comes to."""
    done = rehearse(rotated(steady(tokens_per_s=50), 2.0, 9000))

    assert done.refused.nodes == 0
    assert done.known.worst < 60
    assert done.idp.peak > NODES / 50
    assert done.findings == ("the new key signs before every node is sure to know it",)


def test_an_edge_that_is_behind_makes_nodes_refuse_until_their_cooldown_is_over() -> None:
    plan = replace(steady(100, tokens_per_s=5), cdn=Cdn(edges=4, ttl_s=250), idp=Idp(token_lifetime_s=60.0))

    done = rehearse(rotated(plan, 0.0, 3600))

    assert 295 < done.refused.seconds.median < 305
    assert done.refused.seconds.worst < 310
    assert 0 < done.refused.share < 0.1


def test_a_purge_of_the_edges_ends_it() -> None:
    plan = replace(steady(100, tokens_per_s=5), cdn=Cdn(edges=4, ttl_s=250, purge_s=10))

    assert rehearse(rotated(plan, 12.0, 7200)).refused.nodes == 0


def test_a_cdn_hides_the_fleet_from_the_idp() -> None:
    plan = replace(steady(tokens_per_s=5), cdn=Cdn(edges=4, ttl_s=300))

    done = rehearse(plan)

    assert done.idp.peak <= 4
    assert done.idp.mean_per_s <= 4 / 300
    assert done.fetches.mean_per_s > 3 * done.idp.mean_per_s


def test_an_edge_that_tells_the_age_of_its_copy_shortens_the_lead() -> None:
    plan = replace(steady(10), cdn=Cdn(edges=1, ttl_s=600), idp=Idp(max_age_s=600))
    silent = replace(plan, cdn=replace(plan.cdn, age=False))

    assert lead_s(silent, plan.fleets[0]) == pytest.approx(600 + 590 + 0.1)
    assert lead_s(plan, plan.fleets[0]) == pytest.approx(600 + 290 + 0.1)  # the least of the policy, not 0


def test_an_old_key_that_goes_too_early_fails_at_nodes_that_start() -> None:
    """Those that ran before keep it for the staleness bound (KEY-025); one that starts has never seen it."""
    plan = replace(steady(), fleets=(Fleet(nodes=NODES, tokens_per_s=5, restart_every_s=7200.0),))

    done = rehearse(rotated(plan, 3600, 3600))

    assert NODES / 3 < done.refused.nodes < 2 * NODES / 3
    assert done.refused.seconds.worst < 3600
    assert len(done.findings) == 2


def test_in_an_emergency_tokens_of_the_lost_key_are_no_good_ones() -> None:
    done = rehearse(rotated(steady(tokens_per_s=50), 0.0, 0.0, emergency=True))

    assert (done.refused.nodes, done.findings) == (0, ())
    assert done.lives_on.worst == pytest.approx(86400, rel=0.001)


def test_the_same_seed_gives_the_same_figures_and_another_one_others() -> None:
    plan = steady(50)

    assert rehearse(plan) == rehearse(plan)
    assert rehearse(plan).known != rehearse(replace(plan, seed=2)).known


def test_fleets_of_different_kinds_are_simulated_together() -> None:
    quick = Fleet("quick", nodes=50, policy=Pace(jwks_period_s=600))
    slow = Fleet("slow", nodes=50, policy=Pace(jwks_period_s=7200))

    done = rehearse(Plan(fleets=(quick, slow)))

    assert done.overlap.lead_s == lead_s(done.plan, slow) > lead_s(done.plan, quick)
    assert done.known.median < 600 < done.known.worst
