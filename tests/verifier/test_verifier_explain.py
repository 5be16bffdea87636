"""A token explained step by step: the verdict is that of `authenticate`, and the advice fits what is wrong."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from verifier import TokenRejected, User, Verifier
from verifier.errors import REJECT_REASONS
from verifier.explain import Explanation, explain

if TYPE_CHECKING:
    from tests.verifier.conftest import Signer, World

STEPS = [
    "form",
    "header",
    "payload",
    "kind of token",
    "integration",
    "algorithm",
    "keys",
    "signature",
    "claims",
    "user",
]


def verdict(verifier: Verifier, token: str | bytes) -> tuple[str, str | None]:
    try:
        return "accept", verifier.authenticate(token).user
    except TokenRejected as rejected:
        return "reject", rejected.reason


def told(explanation: Explanation) -> tuple[str, str | None]:
    identity = explanation.identity
    return ("accept", identity.user) if identity else ("reject", explanation.reason)


def text(explanation: Explanation) -> str:
    return " ".join(f"{step.check} {step.says} {step.advice}" for step in explanation.steps)


def test_every_step_of_a_true_token_is_told(world: "World", rs256: "Signer") -> None:
    explanation = explain(world.verifier, rs256.token(world.claims()))

    assert [step.check for step in explanation.steps] == STEPS
    assert all(step.passed and step.says and not step.advice for step in explanation.steps)
    assert told(explanation) == ("accept", "ann")
    assert "sub holds 'ann-sub', the External ID of 'ann'" in explanation.steps[-1].says


def test_a_fallback_is_told(world: "World", rs256: "Signer") -> None:
    world.onboard(User("ann", "ann-sub"), custom_claim="upn")

    says = explain(world.verifier, rs256.token(world.claims(upn=""))).steps[-1].says

    assert says == "sub, because the custom claim has no value, holds 'ann-sub', the External ID of 'ann'"


Change = Callable[["World", "Signer", Mapping[str, "Signer"]], str]

WRONG: dict[str, tuple[Change, str, str]] = {
    "a word before it": (lambda w, s, _: "Bearer " + s.token(w.claims()), "malformed", "leave out the word Bearer"),
    "a line break in it": (lambda w, s, _: s.token(w.claims()).replace(".", "\n.", 1), "malformed", "without them"),
    "no JWT": (lambda *_: "2YotnFZFEjr1zCsicMWpAA", "malformed", "opaque"),
    "encrypted": (lambda *_: "a.b.c.d.e", "malformed", "JWE"),
    "encoded again": (lambda w, s, _: s.token(w.claims()).replace(".", "%2E"), "malformed", "encoded once more"),
    "cut": (lambda w, s, _: s.token(w.claims()).rpartition(".")[0], "malformed", "the whole token"),
    "without signature": (
        lambda w, s, _: s.token(w.claims(), alg="none"), "algorithm_not_allowed", "never taken",
    ),
    "another algorithm": (
        lambda w, _, all_: all_["ES256"].token(w.claims()), "algorithm_not_allowed", "the integration allows RS256",
    ),
    "an unknown key": (lambda w, s, _: s.token(w.claims(), kid="gone"), "unknown_key", "published are 'RS256'"),
    "changed": (lambda w, s, _: s.token(w.claims())[:-8] + "AAAAAAAA", "bad_signature", "changed or cut"),
    "late": (lambda w, s, _: s.token(w.claims(exp=int(w.now) - 3600)), "expired", "get a new token"),
    "early": (lambda w, s, _: s.token(w.claims(nbf=int(w.now) + 3600)), "not_yet_valid", "clocks"),
    "a slash more": (lambda w, s, _: s.token(w.claims(iss="https://idp.example/")), "issuer", "a slash at the end"),
    "another case": (lambda w, s, _: s.token(w.claims(iss="https://IDP.example")), "issuer", "letter case"),
    "another issuer": (lambda w, s, _: s.token(w.claims(iss="https://idp2.example")), "issuer", "letter by letter"),
    "another API": (lambda w, s, _: s.token(w.claims(aud="other")), "audience", "'api' is configured"),
    "Graph": (
        lambda w, s, _: s.token(w.claims(aud="00000003-0000-0000-c000-000000000000")), "audience", "Microsoft Graph",
    ),
    "nobody": (lambda w, s, _: s.token(w.claims(sub="zoe")), "no_user", "give the user the External ID 'zoe'"),
    "another case of a user": (lambda w, s, _: s.token(w.claims(sub="ANN-SUB")), "no_user", "letter case"),
    "a logout token": (lambda w, s, _: s.token(w.claims(events={})), "token_type", "the access token"),
    "no exp": (lambda w, s, _: s.token(w.claims(exp=...)), "claim_missing", "put this claim"),
    "too long": (lambda w, s, _: s.token(w.claims(x="x" * 20_000)), "too_large", "put less into the token"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_with_what_to_do(
    world: "World", rs256: "Signer", signers: Mapping[str, "Signer"], name: str
) -> None:
    change, reason, advice = WRONG[name]
    token = change(world, rs256, signers)

    explanation = explain(world.verifier, token)

    assert told(explanation) == ("reject", reason) == verdict(world.verifier, token)
    *passed, failed = explanation.steps
    assert all(step.passed for step in passed)
    assert not failed.passed
    assert advice in failed.advice
    if token.count(".") == 2:
        assert token.rpartition(".")[2][:40] not in text(explanation)


def test_every_reason_has_advice_or_says_it_all() -> None:
    from verifier.advice import _BY_REASON

    assert set(_BY_REASON) <= REJECT_REASONS
    assert REJECT_REASONS - set(_BY_REASON) <= {"scope", "lifetime"}


def test_an_inactive_integration_and_no_integration_are_told(world: "World", rs256: "Signer") -> None:
    token = rs256.token(world.claims())
    world.verifier.set_active("i-1", active=False)
    assert "activate the integration" in explain(world.verifier, token).steps[-1].advice
    world.verifier.reset()
    assert "no integration is onboarded" in explain(world.verifier, token).steps[-1].advice


def test_an_endpoint_that_is_down_is_told(world: "World", rs256: "Signer") -> None:
    world.pass_time(8 * 86400)
    world.documents.clear()

    step = explain(world.verifier, rs256.token(world.claims())).steps[-1]

    assert (step.check, step.passed) == ("keys", False)
    assert "fetch the JWKS URL from this machine" in step.advice


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
CLAIMS = st.dictionaries(
    st.sampled_from(
        ["iss", "aud", "sub", "exp", "nbf", "iat", "typ", "cnf", "events", "tid", "azp", "email"]
    ),
    JSON,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    changes=CLAIMS, header=st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "iss", "b64"]), JSON)
)
def test_whatever_a_signed_token_says_the_verdict_is_that_of_authenticate(
    world: "World", rs256: "Signer", changes: dict[str, Any], header: dict[str, Any]
) -> None:
    claims = {**world.claims(), **changes}
    token = rs256.raw(
        json.dumps({"alg": "RS256", "kid": "RS256", **header}).encode(), json.dumps(claims).encode()
    )

    assert told(explain(world.verifier, token)) == verdict(world.verifier, token)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(token=st.text() | st.binary())
def test_whatever_a_token_is_the_verdict_is_that_of_authenticate(world: "World", token: str | bytes) -> None:
    assert told(explain(world.verifier, token)) == verdict(world.verifier, token)
