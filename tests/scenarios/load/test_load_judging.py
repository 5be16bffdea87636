"""What a run finds: nothing of a verifier that is right, and of each flaw the moment and the token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt
import msgspec
import pytest

from scenarios.load.plan import Event, Fetches, Limits, Mix, RotationPlan
from scenarios.load.result import LoadResult
from scenarios.load.tally import Finding, Tally
from scenarios.load.worker import from_plain, plain, totals
from scenarios.reports.load_html import page
from scenarios.reports.load_terminal import report
from scenarios.reports.terminal import console
from scenarios.targets.protocol import HttpAnswer

if TYPE_CHECKING:
    from collections.abc import Callable


def found(result: LoadResult, outcome: str) -> list[Finding]:
    return [one for one in result.findings if one.outcome == outcome]


def test_nothing_is_found_of_a_verifier_that_is_right(lab: Any) -> None:
    result = lab.loaded(lab.verifier("honest").user)

    assert result.problems == []
    assert result.passed
    assert result.totals.keys() == set(lab.run.plan.mix.shares())
    assert result.totals["good"]["right"] > 200
    assert all(sum(outcomes.values()) > 1 for outcomes in result.totals.values())
    assert result.rotations == [10, 20, 30, 40, 50]
    assert sum(point.sent for point in result.points) == result.sent == 480


def test_who_keeps_every_key_for_ever_is_found_by_a_token_of_a_key_that_is_gone(lab: Any) -> None:
    result = lab.loaded(lab.verifier("never_forgets").user)

    first = found(result, "false_accept")[0]
    assert [problem.what for problem in result.problems] == ["false_accept"]
    assert {one.kind for one in result.findings} <= {"retired", "replayed"}
    assert result.problems[0].first_s == first.at_s >= 10 + 3 + 4
    assert jwt.get_unverified_header(first.token)["kid"] == first.kid == lab.run.keys.issuers[""].keys[0].kid


def test_who_reads_the_keys_once_is_found_by_the_first_token_of_the_next_key(lab: Any) -> None:
    result = lab.loaded(lab.verifier("never_learns").user)

    first = found(result, "good_refused")[0]
    assert 10 <= first.at_s < 10.5
    assert first.key_age_s is not None
    assert 0 <= first.key_age_s < 0.5
    assert first.user in lab.users.values()
    assert jwt.get_unverified_header(first.token)["kid"] == first.kid == lab.run.keys.issuers[""].keys[1].kid


def test_who_knows_tokens_by_two_segments_is_found_by_another_signature(lab: Any) -> None:
    judge = lab.verifier("two_segments")

    result = lab.loaded(judge.user)

    kinds = {one.kind for one in found(result, "false_accept")}
    first = next(one for one in result.findings if one.kind == "other_signature")
    assert kinds >= {"other_signature", "replayed"}
    assert kinds <= {"other_signature", "replayed", "retired"}
    assert first.token.rpartition(".")[0] in judge.known
    assert judge.__class__.__mro__[1].user(judge, first.token) is None
    assert first.at_s < 10


def test_who_takes_one_user_for_another_is_found(lab: Any) -> None:
    result = lab.loaded(lab.verifier("mixes_up").user)

    first = found(result, "mixed_up")[0]
    assert result.problems[0].what == "mixed_up"
    assert first.user is not None
    assert first.said != f"accepted as {first.user}"
    assert first.said.removeprefix("accepted as ") in lab.users.values()


def test_who_refuses_everything_proves_nothing(lab: Any) -> None:
    result = lab.loaded(lambda _token: None)

    assert {problem.what for problem in result.problems} == {"good_refused", "nothing_proven"}


def test_a_good_token_may_be_refused_while_its_key_could_not_be_known(make_lab: Callable[..., Any]) -> None:
    outage = Event(at_s=16, for_s=6, jwks={"status": 503})
    lab = make_lab(
        events=[outage],
        duration_s=25,
        rotation=RotationPlan(every_s=10, ahead_s=3, overlap_s=3),
        mix=Mix(good=1),
    )

    result = lab.loaded(lab.verifier("honest").user)

    # The key of second 20 was published at 17, when the endpoint had failed since 16.
    assert result.totals["good"].keys() == {"right", "excused"}
    assert result.totals["good"]["excused"] == 2 * 8  # from second 20 to 22
    assert result.passed


def test_a_target_may_be_given_time_to_learn_of_a_key(make_lab: Callable[..., Any]) -> None:
    rotation = RotationPlan(every_s=10, ahead_s=0, overlap_s=3)
    labs = (
        make_lab(rotation=rotation, mix=Mix(good=1), limits=limits, duration_s=25, events=[])
        for limits in (Limits(), Limits(learn_s=3))
    )
    results = []
    for lab in labs:
        judge = lab.verifier("honest")
        judge.key = lambda kid, judge=judge, lab=lab: _by_turns(judge, lab, kid)
        results.append(lab.loaded(judge.user))

    assert [result.passed for result in results] == [False, True]
    assert results[0].totals["good"]["good_refused"] > 15
    assert results[1].totals["good"]["excused"] > 15
    assert any("could not be known yet" in note for note in results[1].notes)


def _by_turns(judge: Any, lab: Any, kid: str) -> Any:
    """Read the keys each three seconds alone."""
    if lab.now >= judge.read_at + 3:
        judge.read()
    return judge.keys[kid]


def test_a_fetch_storm_is_found_where_it_begins(make_lab: Callable[..., Any]) -> None:
    lab = make_lab(limits=Limits(forget_s=4, fetches=Fetches(most=25, in_s=5)))

    result = lab.loaded(lab.verifier("honest").user)  # which asks for every unknown kid

    assert [problem.what for problem in result.problems] == ["fetch_storm"]
    assert result.fetch_peak is not None
    assert result.fetch_peak.count > 25
    assert 35 <= (result.problems[0].first_s or 0) <= 45
    assert result.fetches == len(lab.idp.fetches)


def test_a_slow_target_is_found_where_the_plan_bounds_it(make_lab: Callable[..., Any]) -> None:
    results = []
    for bound in (1.4, 1.6):  # the lab says 1.5 ms of each
        lab = make_lab(limits=Limits(forget_s=4, p99_ms=bound), duration_s=6, events=[])
        results.append(lab.loaded(lab.verifier("honest").user))

    assert [[problem.what for problem in result.problems] for result in results] == [["slow"], []]
    assert results[0].times_ms.p50 == pytest.approx(1.5, rel=0.02)


def test_what_was_never_sent_is_said(make_lab: Callable[..., Any]) -> None:
    lab = make_lab(rotation=RotationPlan(every_s=50, ahead_s=3, overlap_s=3), events=[], duration_s=20)

    result = lab.loaded(lab.verifier("honest").user)

    assert any("never sent" in note and "retired" in note for note in result.notes)


def test_tallies_of_workers_add_up_and_travel_as_text(lab: Any) -> None:
    one, other, whole, judge = lab.worker("one"), lab.worker("other"), Tally(), lab.verifier("honest")
    tokens = set()
    for number in range(50):
        for work in (one, other):
            made, _ = work.next()
            tokens.add(made.token)
            user = judge.user(made.token)
            answer = HttpAnswer(200 if user else 401, (), f'{{"user": "{user}"}}')
            work.answered(made, answer, lab.now, 2.0)
        if number % 10 == 0:
            whole.merge(from_plain(plain(one.take())))
            whole.merge(from_plain(plain(other.take())))
    whole.merge(from_plain(plain(one.take())))
    whole.merge(from_plain(plain(other.take())))

    assert len(tokens) == 100  # none twice, by no two workers
    assert sum(totals(whole).values()) == 100
    assert {name: worker.sent for name, worker in whole.workers.items()} == {"one": 50, "other": 50}
    assert whole.findings == []


def test_the_reports_show_the_moment_and_the_token(lab: Any, capsys: pytest.CaptureFixture[str]) -> None:
    result = lab.loaded(lab.verifier("never_forgets").user)

    html = page(result)
    report(result, console(plain=True))

    out = capsys.readouterr().out
    first = result.findings[0]
    for text in (html, out):
        assert first.token in text
        assert f"{first.at_s:g} s" in text
    assert html.count('class="rotation"') == 3 * len(result.rotations)
    assert html.count('class="event"') == 3 * 2
    assert "http://" not in html.replace(result.url, "")
    assert out.rstrip().endswith("failed")
    assert msgspec.json.decode(msgspec.json.encode(result), type=LoadResult) == result
