"""Plans that the tests of the simulation share."""

from __future__ import annotations

from hypothesis import strategies as st

from scenarios.fleet.plan import Cdn, Fleet, Idp, Pace, Plan, Rotation

seconds = st.integers
"""Whole seconds from and to."""


@st.composite
def plans(draw: st.DrawFn, nodes: int) -> Plan:
    """Draw a plan of any kind; its rotation is for the test to choose."""
    period = draw(seconds(120, 4000))
    fleet = Fleet(
        nodes=nodes,
        tokens_per_s=draw(st.sampled_from([0.02, 0.3, 2.0])),
        unknown_kids_per_s=draw(st.sampled_from([0.0, 0.01, 0.5])),
        start_jitter_s=draw(st.sampled_from([None, 1.0, 60.0])),
        restart_every_s=draw(st.sampled_from([None, 700.0])),
        fetch_s=draw(st.sampled_from([0.01, 0.4])),
        policy=Pace(
            jwks_period_s=period,
            jwks_staleness_s=period * draw(st.sampled_from([1, 2, 24])),
            refetch_min_s=draw(seconds(60, 400)),
            jwks_timeout_s=draw(st.sampled_from([0.5, 5.0])),
        ),
    )
    cdn = Cdn(
        edges=draw(st.sampled_from([0, 1, 3])),
        ttl_s=draw(seconds(1, 400)),
        stale_s=draw(st.sampled_from([0.0, 30.0])),
        purge_s=draw(st.sampled_from([None, 20.0])),
        age=draw(st.booleans()),
        sticky=draw(st.booleans()),
    )
    idp = Idp(
        max_age_s=draw(st.sampled_from([None, 5.0, 300.0, 3600.0])), token_lifetime_s=draw(seconds(30, 600))
    )
    rotation = Rotation(draw(st.sampled_from([0.0, 20.0, 500.0])), 600.0)
    return Plan(rotation, (fleet,), cdn, idp, seed=draw(seconds(0, 10**6)))
