"""The pytest plugin, as an integrator uses it: test files run by a pytest of their own."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

VERIFIER = """
import jwt
import pytest


def verify(token, integration):
    keys = jwt.PyJWKSet.from_dict(integration["jwks"])
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(
        token, key, algorithms=integration["algorithms"], audience=integration["audience"], issuer=integration["issuer"]
    )
    return claims["sub"]
"""

TABLE = """
group: mine/first
title: A table of one's own
given: {users: {ann: ann-sub}}
scenarios:
  - {id: good,    expect: ann, rules: [SIG-001], says: An honest token is accepted}
  - {id: expired, expect: {reject: expired}, claim: {exp: -2h}, control: good, rules: [CLM-012], says: Expired}
"""


def test_a_callable_gets_one_test_for_each_scenario(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        VERIFIER
        + """
@pytest.mark.touchstone(
    verify, rejects=(jwt.PyJWTError, KeyError), keys=["jwks"], only_catalog="mine.yaml", algorithms=["RS256"]
)
def test_verifier(scenario):
    scenario.check()
"""
    )
    pytester.path.joinpath("mine.yaml").write_text(TABLE)

    result = pytester.runpytest_subprocess("-v", "-p", "no:cacheprovider")

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["*test_verifier?mine/first/good? PASSED*", "*test_verifier?mine/first/expired? PASSED*"]
    )


def test_tables_of_one_s_own_are_added_to_those_that_ship(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
import pytest


@pytest.mark.touchstone(lambda token, integration: "ann", catalog="mine.yaml", select=["mine/*/good", "mapping/*"])
def test_verifier(scenario):
    pass
""")
    pytester.path.joinpath("mine.yaml").write_text(TABLE)

    result = pytester.runpytest_subprocess("--collect-only", "-q", "-p", "no:cacheprovider")

    collected = result.stdout.str()
    assert "test_verifier[mine/first/good]" in collected
    assert "test_verifier[mapping/" in collected


def test_a_finding_fails_its_test_with_the_rule_and_the_token(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
import pytest


@pytest.mark.touchstone(lambda token, integration: "ann", only_catalog="mine.yaml")
def test_verifier(scenario):
    scenario.check()
""")
    pytester.path.joinpath("mine.yaml").write_text(TABLE)

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*FAIL*mine/first/expired*false accept*",
            "*rule*CLM-012*",
            "*payload*iss*",
            "*target*accepted as ann",
        ]
    )


def test_scenarios_that_do_not_apply_are_skipped_with_the_reason(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
import pytest


@pytest.mark.touchstone(lambda token, integration: "ann", select="mapping/custom-claim/absent")
def test_verifier(scenario):
    scenario.check()
""")

    result = pytester.runpytest_subprocess("-rs", "-p", "no:cacheprovider")

    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*the rule is for a system, and the target is a library*"])


def test_tables_of_scenarios_are_collected(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("mine.scenarios.yaml").write_text(TABLE)

    result = pytester.runpytest_subprocess("-v", "-p", "no:cacheprovider")

    result.assert_outcomes(passed=2)


def test_a_broken_table_is_one_line_with_its_place_and_no_traceback(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("mine.scenarios.yaml").write_text(TABLE.replace("claim:", "clam:"))

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*mine.scenarios.yaml:7:*unknown field 'clam' (did you mean 'claim'?)*"])
    assert "Traceback" not in result.stdout.str()


def test_collected_tables_ask_the_target_of_the_ini_file(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("mine.scenarios.yaml").write_text(TABLE)
    pytester.path.joinpath("target.yaml").write_text("adapter: in-process\npython: always.py:verify\n")
    pytester.path.joinpath("always.py").write_text("def verify(token, integration):\n    return None\n")
    pytester.makeini("[pytest]\ntouchstone_target = target.yaml\n")

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*UNPROVEN*mine/first/expired*"])


def test_scenarios_run_under_xdist(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("mine.scenarios.yaml").write_text(TABLE)
    pytester.makepyfile("""
import pytest


@pytest.mark.touchstone(lambda token, integration: "ann", only_catalog="mine.scenarios.yaml", select="mine/first/good")
def test_verifier(scenario):
    scenario.check()


def test_idp(mock_idp):
    assert mock_idp.requests() == 0
""")

    result = pytester.runpytest_subprocess("-n", "2", "-p", "no:cacheprovider")

    result.assert_outcomes(passed=4)


def test_a_wrong_word_in_the_marker_is_a_usage_error_with_the_nearest_word(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
import pytest


@pytest.mark.touchstone(lambda token, integration: "ann", algoritms=["RS256"])
def test_verifier(scenario):
    scenario.check()
""")

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")

    assert result.ret != 0
    result.stdout.fnmatch_lines(["*takes no 'algoritms' (did you mean 'algorithms'?)*"])


def test_the_mock_idp_is_served_over_http_and_fresh_in_each_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
import jwt
import pytest


def test_first(mock_idp):
    client = jwt.PyJWKClient(mock_idp.jwks_uri)
    token = mock_idp.mint("ann")
    key = client.get_signing_key_from_jwt(token)
    claims = jwt.decode(token, key, algorithms=["RS256"], audience=mock_idp.audience, issuer=mock_idp.iss)
    assert claims["preferred_username"] == "ann"
    assert mock_idp.requests() == 1
    mock_idp.rotate()
    mock_idp.set_fault({"status": 503})


def test_second(mock_idp):
    assert mock_idp.requests() == 0
    assert [key.kid for key in mock_idp.ring.published()] == ["a"]
    assert len(jwt.PyJWKClient(mock_idp.jwks_uri).get_signing_keys()) == 1


def test_several_issuers_have_keys_of_their_own(idp_factory):
    entra, other = idp_factory("entra-v2"), idp_factory(alg="ES256")
    assert entra.url != other.url
    with pytest.raises(jwt.PyJWKClientError):
        jwt.PyJWKClient(other.jwks_uri).get_signing_key_from_jwt(entra.mint("ann"))


def test_forgeries_are_at_hand(mock_idp):
    key = jwt.PyJWKClient(mock_idp.jwks_uri).get_signing_keys()[0]
    with pytest.raises(jwt.InvalidTokenError):
        jwt.decode(mock_idp.forge("none_alg"), key, algorithms=["RS256"], audience=mock_idp.audience)
""")

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")

    result.assert_outcomes(passed=4)


def test_the_scenario_fixture_without_its_marker_says_what_is_missing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_verifier(scenario):\n    pass\n")

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*needs the marker: @pytest.mark.touchstone(verify)*"])


def test_loading_the_plugin_imports_neither_cryptography_nor_a_server_nor_faker() -> None:
    code = (
        "import sys, scenarios.pytest_plugin\n"
        "heavy = {'cryptography', 'uvicorn', 'werkzeug', 'faker', 'jwt', 'yaml', 'rich'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.stderr == ""
    assert done.returncode == 0


def test_two_processes_of_xdist_get_the_results_of_one(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
import pytest


@pytest.mark.touchstone(lambda token, integration: "ann", only_catalog="mine.yaml")
def test_verifier(scenario):
    scenario.check()
""")
    pytester.path.joinpath("mine.yaml").write_text(TABLE)
    pytester.path.joinpath("own.scenarios.yaml").write_text(TABLE)

    def outcomes(*options: str) -> set[str]:
        lines = pytester.runpytest_subprocess("-rA", "-q", "-p", "no:cacheprovider", *options).outlines
        return {line.partition(" - ")[0] for line in lines if line.startswith(("PASSED", "FAILED"))}

    alone = outcomes()

    assert outcomes("-n", "2") == alone
    assert len(alone) == 4
    assert sum(line.startswith("FAILED") for line in alone) == 1
