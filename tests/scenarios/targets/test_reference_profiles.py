"""The reference verifier under declared profiles: what it declares, it does, by the shipped catalogue."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

import pytest

from scenarios import rulebook
from scenarios.run import run
from scenarios.stage import Lab
from scenarios.tables.load import shipped
from scenarios.targets.profile import TargetError
from scenarios.targets.reference import policy_of
from scenarios.targets.target_file import load_target, open_target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scenarios.tables.scenario import Scenario

MAPPING = ("mapping/*", "claims/fallback/*", "azure/*", "idp/*", "claims/policies/*")
ONBOARDING = (
    *("onboarding/certificate-files/*", "onboarding/key-sources/*", "onboarding/audience-and-issuer/*"),
    *("onboarding/activation/*", "azure/v1/*", "azure/v2/both*", "keys/x5c/*", "keys/selection/*"),
)
CLAIMS = (
    "claims/audience/*",
    "claims/policies/*",
    "claims/times/*",
    "claims/boundaries/*",
    "azure/v2/*",
    "idp/*",
    "mapping/sub/*",
)
COMBINATIONS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "R2, all that may fall back is refused": (
        MAPPING,
        {
            "user_scope": "token_presence",
            "conflict": "reject",
            "blank_is_empty": "reject",
            "empty_container": "reject",
        },
    ),
    "R3, untyped": (MAPPING, {"user_scope": "enrolled_users"}),
    "R3, untyped, conflicts rejected": (MAPPING, {"user_scope": "enrolled_users", "conflict": "reject"}),
    "R2, typed, conflicts rejected": (
        MAPPING,
        {"user_scope": "token_presence", "external_id_namespace": "typed", "conflict": "reject"},
    ),
    "R3, typed": (MAPPING, {"user_scope": "enrolled_users", "external_id_namespace": "typed"}),
    "R1, typed, without case, sub always": (
        MAPPING,
        {"external_id_namespace": "typed", "custom_claim_compare": "ascii_ci", "sub_required": "always"},
    ),
    "numbers, lists and paths": (
        MAPPING,
        {"numeric_external_id": "exact_integer", "singleton_array": "unwrap", "claim_path": "path"},
    ),
    "wrong types fall back": (MAPPING, {"wrong_type": "fallback"}),
    "both sources, item by item": (
        ONBOARDING,
        {
            "cert_plus_jwks": "union",
            "raw_public_key": "accept",
            "partial_upload": "per_item",
            "nokid": "reject",
            "cert_validity_onboarding": "refuse",
            "multi_issuer": "true",
            "multi_audience": "true",
        },
    ),
    "the URL alone, dates enforced": (
        ONBOARDING,
        {
            "cert_plus_jwks": "jwks_only",
            "cert_validity_onboarding": "ignore",
            "nokid": "try_fitting",
            "cert_validity_run_time": "enforce",
            "multi_issuer": "true",
        },
    ),
    "strict tokens": (
        CLAIMS,
        {
            "iat_required": "true",
            "aud_extra": "deny",
            "app_only": "reject",
            "token_kind": "access",
            "leeway_s": 0,
        },
    ),
    "loose tokens": (
        CLAIMS,
        {
            "exp_required": "false",
            "iat_future": "accept",
            "cnf": "ignore",
            "leeway_s": 300,
            "aud_from": "client_id",
        },
    ),
    "other ways to take a JWKS": (
        ("keys/*",),
        {"redirects": "https_same_site", "x5c_mismatch": "ignore_x5c", "empty_jwks": "keep_last_good"},
    ),
    "kinds of token": (("azure/v2/id-token", "claims/kind-of-token/*"), {"token_kind": "id"}),
    "bounds": (("claims/policies/*",), {"max_lifetime_s": 100800, "max_token_bytes": 8192, "typ": ["JWT"]}),
    "clients and scopes": (
        ("claims/policies/*",),
        {"client_allowlist": ["7c0e1d52-93af-4b0e-8f3c-6a1b5d20c4e9"], "required_scope": ["profile"]},
    ),
}


@pytest.fixture(scope="module")
def catalogue() -> dict[str, Scenario]:
    return shipped()


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


def target_file(folder: Path, knobs: dict[str, Any]) -> Path:
    path = folder / "reference.yaml"
    declared = ", ".join(f"{name}: {value!r}" for name, value in knobs.items())
    path.write_text(
        f"adapter: reference\nprofile: {{scope: system, knobs: {{{declared}}}}}\n", encoding="utf-8"
    )
    return path


@pytest.mark.parametrize("name", COMBINATIONS)
def test_the_reference_does_what_its_profile_declares(
    name: str, catalogue: dict[str, Scenario], lab: Lab, tmp_path: Path
) -> None:
    patterns, knobs = COMBINATIONS[name]
    wanted = [scenario for id_, scenario in catalogue.items() if any(fnmatch(id_, one) for one in patterns)]

    with open_target(load_target(target_file(tmp_path, knobs))) as session:
        results = list(run(wanted, catalogue, session, lab))

    assert [(one.id, one.message) for one in results if one.outcome not in ("pass", "not_applicable")] == []
    assert sum(one.outcome == "pass" for one in results) > 0


def test_every_choice_of_the_policy_is_asked_for_with_every_value() -> None:
    """Every value that is no default stands in a combination above, or the test says nothing of it."""
    told = {
        (name, value)
        for _, knobs in COMBINATIONS.values()
        for name, value in knobs.items()
        if isinstance(value, str)
    }
    choices = {
        (name, value)
        for name, knob in rulebook.knobs().items()
        for value in knob.values[1:]
        if name in policy_of({}).__dataclass_fields__
    }

    assert choices <= told


@pytest.mark.parametrize(
    "knobs, fault",
    [
        ({"kid_binding": "hint"}, "leaves no choice of 'kid_binding': it is strict"),
        ({"basic_auth": "off"}, "leaves no choice of 'basic_auth'"),
        ({"typ": ["logout+jwt"]}, "breaks a floor: typ"),
    ],
)
def test_what_the_reference_cannot_be_is_said(knobs: dict[str, Any], fault: str, tmp_path: Path) -> None:
    path = target_file(tmp_path, knobs)

    with pytest.raises(TargetError, match=fault) as error:
        open_target(load_target(path))

    assert error.value.kind == "configuration"
    assert re.match(rf"{re.escape(str(path))}:\d+:\d+: ", error.value.message)


def test_what_needs_nothing_set_may_be_declared() -> None:
    assert policy_of({"propagation_s": 60, "algs": ["ES256"], "kid_binding": "strict"}) == policy_of({})
