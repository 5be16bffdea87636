"""`touchstone fuzz` finds what is wrong, says it once, and says nothing where nothing is."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from planted import flaws
from scenarios.files.yaml12 import Json
from scenarios.fuzz.account import records
from scenarios.fuzz.case import Case, Part
from scenarios.fuzz.corpus import Corpus
from scenarios.fuzz.hunt import Hunt, Limits, ask_third
from scenarios.fuzz.live import Live
from scenarios.fuzz.referee import AgainstEachOther, AgainstReference
from scenarios.results import Kind, Severity
from scenarios.run import run
from scenarios.selftest.copies import session_with
from scenarios.stage import Lab
from scenarios.tables.load import load
from scenarios.targets.channel import ChannelCrash
from scenarios.targets.in_process import CallableTarget
from scenarios.targets.profile import Profile
from scenarios.targets.reference import reference_session
from scenarios.targets.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from scenarios.fuzz.finding import Finding

LIBRARY = Profile(keys=("jwks",), algorithms=("ES256",), capabilities=("clock",))


@contextmanager
def hunted(
    *targets: Live, limits: Limits, seed: int = 0, corpus: Path | None = None
) -> Iterator[tuple[Hunt, Lab]]:
    """Give a hunt that is over."""
    with Lab() as lab:
        if len(targets) == 1:
            referee: AgainstReference | AgainstEachOther = AgainstReference(lab, targets[0])
        else:
            referee = AgainstEachOther(lab, targets[0], targets[1])
        hunt = Hunt(referee, targets, Corpus(corpus), limits, seed, against_each_other=len(targets) > 1)
        try:
            hunt.run()
            yield hunt, lab
        finally:
            referee.close()
            for target in targets:
                target.close()


def verifier(token: str | bytes, integration: Mapping[str, Any]) -> dict[str, Any]:
    """Check a token with PyJWT, strictly where PyJWT leaves it to its caller."""
    keys = {key["kid"]: jwt.PyJWK(key) for key in integration["jwks"]["keys"]}
    header = jwt.get_unverified_header(token)
    claims: dict[str, Any] = jwt.decode(
        token,
        keys[header["kid"]],
        algorithms=integration["algorithms"],
        audience=integration["audience"],
        issuer=integration["issuer"],
        leeway=integration["leeway_s"],
        options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
    )
    return claims


def library(function: Any, *rejects: type[BaseException]) -> Live:
    channel = CallableTarget(function, rejects=(jwt.PyJWTError, KeyError, TypeError, *rejects))
    return Live(lambda: Session(channel, profile=LIBRARY))


def groups(findings: Sequence[Finding]) -> list[tuple[str, str | None, str]]:
    return [(one.cause.severity.value, one.rule, one.case.key) for one in findings]


def test_the_reference_verifier_differs_in_nothing_from_itself() -> None:
    with hunted(Live(reference_session), limits=Limits(cases=200), seed=11) as (hunt, _):
        assert hunt.cases == 200
        assert groups(hunt.findings) == []


@pytest.mark.parametrize("name", ["FMT-023/null-is-none", "CLM-025/empty-binding"])
def test_a_planted_flaw_is_found_and_its_row_shows_it_again(name: str) -> None:
    flaw = flaws()[name]

    with hunted(Live(lambda: session_with(flaw.edits)), limits=Limits(cases=5000, findings=1)) as (hunt, lab):
        (record,) = records(hunt, ("copy",), lab)

        assert record.severity is Severity.FALSE_ACCEPT
        assert record.rule == flaw.rule
        assert record.row is not None
        scenarios = load([("found.yaml", record.row)])
        with session_with(flaw.edits) as flawed, reference_session() as honest:
            found = [result.outcome for result in run(scenarios.values(), scenarios, flawed, lab)]
            right = [result.outcome for result in run(scenarios.values(), scenarios, honest, lab)]
    assert found == [Kind.PASS, Kind.FAIL]
    assert right == [Kind.PASS, Kind.PASS]


def test_the_same_seed_finds_the_same_and_another_seed_looks_elsewhere() -> None:
    def sought(seed: int) -> list[tuple[str, str | None, str]]:
        target = library(verifier)
        with hunted(target, limits=Limits(cases=80), seed=seed) as (hunt, _):
            return groups(hunt.findings)

    assert sought(3) == sought(3) != sought(4)


def token(*parts: tuple[str, str, Any]) -> Case:
    """Return the case of a token with these parts."""
    return Case.of([Part("onboard", "alg", "ES256"), *(Part(*part) for part in parts)])


def test_what_is_right_of_a_case_does_not_change_with_what_is_asked_in_between() -> None:
    other = Case.of([*token().parts, Part("onboard", "issuer", "https://other.example")])
    with hunted(library(verifier), limits=Limits(cases=0)) as (hunt, _):
        before = hunt.referee.right(token())
        hunt.referee.look(other)
        after = hunt.referee.right(token())

    assert before.verdict.kind == after.verdict.kind == "accept"


def test_one_bug_is_one_finding_and_a_choice_that_is_open_to_a_library_is_none() -> None:
    with hunted(library(verifier), limits=Limits(cases=0)) as (hunt, _):
        for case in (
            token(("claim", "exp", "-1d")),
            token(("claim", "exp", 1), ("claim", "roles", ["x"])),
            token(("claim", "exp", Json("-1e400")), ("header", "typ", "at+jwt")),
            # Of the last two members of one name, a typ, a user and two audiences a library need not think as a system.
            token(("forge", "duplicate_claim", {"member": "x", "value": 1, "place": "last"})),
            token(("header", "typ", "logout+jwt")),
            token(("claim", "sub", "nobody")),
            token(("claim", "aud", ["api", "x"])),
        ):
            hunt.play(case)

        assert [(severity, rule) for severity, rule, _ in groups(hunt.findings)] == [
            ("false accept", "CLM-012")
        ]
        assert hunt.findings[0].times == 3


def test_a_crash_is_a_finding_and_the_hunt_goes_on() -> None:
    def crashes(credential: str | bytes, integration: Mapping[str, Any]) -> dict[str, Any]:
        if "nonce" in jwt.decode(credential, options={"verify_signature": False}):
            raise ZeroDivisionError
        return verifier(credential, integration)

    with hunted(library(crashes), limits=Limits(cases=0)) as (hunt, _):
        hunt.play(token(("claim", "nonce", "x"), ("claim", "exp", "-1d")))
        hunt.play(token(("claim", "nonce", 1)))
        hunt.play(token(("claim", "exp", "-1d")))
        crash, late = hunt.findings

    assert crash.cause.severity is Severity.CRASH
    assert [part.dimension for part in crash.case.parts] == ["onboard alg", "claim nonce"]
    assert crash.times == 2
    assert late.rule == "CLM-012"


def test_what_is_asked_beside_a_case_takes_nothing_from_it() -> None:
    plain, other = token(), token(("onboard", "audience", "another"))
    with Lab() as lab:
        target = library(verifier)
        referee = AgainstReference(lab, target)
        kinds = []
        for _ in range(2):
            kinds.append(referee.look(plain).right.verdict.kind)
            kinds += [referee.right(one).verdict.kind for one in (plain, other)]
        referee.close()
        target.close()

    assert kinds == ["accept"] * 6


def test_what_a_library_may_overlook_does_not_hide_why_a_token_is_false() -> None:
    with hunted(library(verifier), limits=Limits(cases=0)) as (hunt, _):
        hunt.play(token(("claim", "x", Json("NaN"))))
        hunt.play(token(("claim", "x", Json("NaN")), ("header", "b64", None)))

        assert [(severity, rule) for severity, rule, _ in groups(hunt.findings)] == [
            ("false accept", "FMT-013")
        ]
        assert hunt.findings[0].times == 2


def test_a_status_without_a_word_does_not_make_two_bugs_one() -> None:
    def gateway(credential: str | bytes, integration: Mapping[str, Any]) -> dict[str, Any]:
        claims = jwt.decode(credential, options={"verify_signature": False})
        if isinstance(claims["aud"], list) or "roles" in claims:
            raise jwt.PyJWTError("403 Forbidden")
        return verifier(credential, integration)

    with hunted(library(gateway), limits=Limits(cases=0)) as (hunt, _):
        hunt.play(token(("claim", "aud", ["api"])))
        hunt.play(token(("claim", "roles", ["x"])))

        assert [(severity, rule) for severity, rule, _ in groups(hunt.findings)] == [
            ("false reject", "CLM-005"),
            ("false reject", "FMT-022"),
        ]


def test_a_target_that_gives_no_verdict_on_a_plain_case_is_asked_no_more() -> None:
    class Dead(CallableTarget):
        def ask(self, message: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
            if message["cmd"] == "authenticate":
                raise ChannelCrash("it answered 503")
            return super().ask(message, timeout_s)

    dead = Dead(verifier, rejects=(jwt.PyJWTError,))
    profile = Profile(keys=("jwks",), algorithms=("RS256", "ES256", "EdDSA"))

    with hunted(Live(lambda: Session(dead, profile=profile)), limits=Limits(cases=5000)) as (hunt, _):
        assert [(one.cause.severity, one.case.parts) for one in hunt.findings] == [(Severity.CRASH, ())]
        assert hunt.cases < 10


def test_two_targets_of_one_chain_are_held_to_each_other_and_a_third_is_quoted() -> None:
    def small(credential: str | bytes, integration: Mapping[str, Any]) -> dict[str, Any]:
        claims = verifier(credential, integration)
        return {**claims, "sub": str(claims["sub"]).lower()}

    with hunted(library(verifier), library(small), limits=Limits(cases=0)) as (hunt, lab):
        hunt.play(token())
        hunt.play(token(("claim", "sub", "ANN-SUB"), ("claim", "nonce", "x")))
        third = library(verifier)
        ask_third(hunt.findings, third, lab)
        third.close()
        (found,) = hunt.findings

    assert found.cause.severity is Severity.WRONG_USER
    assert found.rule == "MAP-001"
    assert [answer.user for answer in found.seen.got] == ["capital", "ann"]
    assert found.third == "accepted as capital"


def test_what_was_found_is_kept_and_found_first_the_next_time(tmp_path: Path) -> None:
    flaw = flaws()["CLM-025/empty-binding"]
    with hunted(
        Live(lambda: session_with(flaw.edits)), limits=Limits(cases=5000, findings=1), corpus=tmp_path
    ) as (first, _):
        assert first.cases > 20
    kept = len(list(tmp_path.iterdir()))

    with hunted(
        Live(lambda: session_with(flaw.edits)), limits=Limits(cases=5000, findings=1), corpus=tmp_path, seed=5
    ) as (again, _):
        assert again.cases <= kept + len(again.targets[0].profile.algorithms)
        assert groups(again.findings) == groups(first.findings)


def test_a_case_is_made_as_small_as_it_can_be() -> None:
    flaw = flaws()["CLM-025/empty-binding"]
    large = token(
        ("onboard", "custom_claim", "upn"),
        ("claim", "cnf", {}),
        ("claim", "roles", ["x", "y"]),
        ("header", "typ", "at+jwt"),
    )
    with hunted(Live(lambda: session_with(flaw.edits)), limits=Limits(cases=0)) as (hunt, _):
        hunt.play(large)
        (found,) = hunt.findings

    assert [(part.dimension, part.value) for part in found.case.parts] == [("claim cnf", {})]
    assert found.case.users == ("ann",)
