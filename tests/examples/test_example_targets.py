"""The targets under `examples/targets/` speak for real libraries: each is run here as `touchstone run` runs it."""

from __future__ import annotations

import configparser
import json
import re
import subprocess
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scenarios import rulebook
from scenarios.baseline import Baseline
from scenarios.results import Kind
from scenarios.run import run
from scenarios.stage import Lab
from scenarios.tables.load import load_table, shipped
from scenarios.targets.http.onboarding import filled_file, words_of
from scenarios.targets.target_file import load_target, open_target

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scenarios.results import Result
    from scenarios.tables.scenario import Scenario

ROOT = Path(__file__).parents[2]
TARGETS = ROOT / "examples" / "targets"
THIRD_PARTY = ("joserfc", "pyjwt")
"""Those that are installed beside the tests."""
ENVIRONMENTS = {*THIRD_PARTY, "authlib", "google-auth", "jwcrypto", "python-jose"}
"""Those with an environment of tox."""
ELSEWHERE = {
    *(f"node/{name}" for name in ("fast-jwt", "jose", "jsonwebtoken")),
    *(f"debian/{name}" for name in ("crypt-jwt", "go-oidc", "ruby-jwt", "rust-jsonwebtoken")),
}
"""Those that nox runs."""
GATEWAYS = {f"gateways/{name}" for name in ("envoy", "haproxy", "mod_oauth2")}
"""Those that verify for the API behind them; nox runs them too."""
RESULTS = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
GATEWAY_RESULTS = (ROOT / "docs" / "gateways.md").read_text(encoding="utf-8")

TABLE = """
group: examples/few
title: What every one of these libraries does right, and what none of them can be asked
given:
  users: {ann: ann-sub}
  integration: {issuer: https://idp.example.com}
control: {id: honest, rules: [SIG-018], expect: ann, says: An honest token is accepted}
defaults: {rules: [SIG-018], expect: {reject: any}}
scenarios:
  - {id: elliptic, expect: ann, onboard: {alg: ES256},            says: An ES256 token is accepted}
  - {id: by-claim, expect: ann, onboard: {custom_claim: upn}, claim: {upn: ann-sub, sub: s-1}, says: The claim}
  - {id: within-leeway, expect: ann, claim: {exp: -30s, iat: -1h, nbf: -1h}, says: The leeway of the record is used}
  - {id: no-claim, expect: ann, onboard: {custom_claim: !absent}, says: A record without a custom claim is enough}
  - {id: tampered, forge: {tamper: {sub: mallory}},               says: A changed payload is rejected}
  - {id: unsigned, forge: none_alg,                               says: An unsecured token is rejected}
  - {id: expired,  claim: {exp: -1h, iat: -2h, nbf: -2h},         says: An expired token is rejected}
  - {id: audience, claim: {aud: other},                           says: A token for somebody else is rejected}
  - {id: nobodys,  claim: {aud: !absent},                         says: A token for nobody is rejected}
  - {id: issuer,   claim: {iss: "https://other.example"},         says: A token of another issuer is rejected}
  - {id: bytes,    forge: raw_byte,                               says: What is no text is rejected}
  - {id: mapped,   rules: [MAP-014], expect: {reject: no_user}, claim: {sub: nobody}, says: A library has no users}
"""


@pytest.fixture(scope="module")
def catalogue() -> Mapping[str, Scenario]:
    return shipped()


@cache
def results_of(name: str, table: str) -> Mapping[str, Result]:
    scenarios = {scenario.id: scenario for scenario in load_table(table, "few.yaml")}
    session = open_target(load_target(TARGETS / f"{name}.yaml"))
    session.start()
    try:
        with Lab() as lab:
            found = list(run(list(scenarios.values()), scenarios, session, lab))
    finally:
        session.close()
    return {result.id.rpartition("/")[2]: result for result in found}


@pytest.mark.parametrize("name", THIRD_PARTY)
def test_an_example_target_accepts_true_tokens_and_rejects_false_ones(name: str) -> None:
    results = results_of(name, TABLE)

    others = {row: result.message for row, result in results.items() if result.outcome is not Kind.PASS}
    assert others == {"mapped": "the rule is for a system, and the target is a library"}


@pytest.mark.parametrize("name, distribution", [("joserfc", "joserfc"), ("pyjwt", "PyJWT")])
def test_an_example_target_names_the_release_under_test(name: str, distribution: str) -> None:
    session = open_target(load_target(TARGETS / f"{name}.yaml"))
    session.start()
    session.close()

    declared = session.declaration

    assert (declared.name, declared.version) == (distribution, version(distribution))


@pytest.mark.parametrize("name", THIRD_PARTY)
def test_an_example_target_says_why_it_rejects(name: str) -> None:
    results = results_of(name, TABLE)

    verdict = results["expired"].verdict
    assert verdict is not None
    assert verdict.kind == "reject"
    assert "expired" in (verdict.detail or "")


@pytest.mark.parametrize("name", THIRD_PARTY)
def test_an_example_target_knows_one_integration(name: str) -> None:
    table = """
group: examples/two
title: Two integrations
scenarios:
  - {id: two, rules: [SIG-018], integrations: {second: {}}, expect: {reject: any}, control: one, says: Two is too many}
  - {id: one, rules: [SIG-018], expect: ann, says: One is enough}
given: {users: {ann: ann-sub}}
"""

    results = results_of(name, table)

    assert results["two"].outcome is Kind.NOT_APPLICABLE
    assert "several_integrations" in (results["two"].message or "")


@pytest.mark.parametrize("name", THIRD_PARTY)
def test_an_example_target_accepts_nobody_once_its_integration_is_gone(name: str) -> None:
    table = """
group: examples/gone
title: The integration is taken away again
given: {users: {ann: ann-sub}}
scenarios:
  - id: gone
    rules: [SIG-018]
    says: A token of an integration that is gone is rejected
    steps:
      - authenticate: {as: first, expect: ann}
      - offboard: main
      - authenticate: {token: first, expect: {reject: any}}
"""

    assert results_of(name, table)["gone"].outcome is Kind.PASS


@pytest.mark.parametrize("entries", ["[]", "[{raw: {kty: RSA}}]", "[{raw: {kty: RSA, kid: a, n: =, e: =}}]"])
@pytest.mark.parametrize("name", THIRD_PARTY)
def test_an_example_target_accepts_nobody_by_a_key_set_that_holds_no_key(name: str, entries: str) -> None:
    table = f"""
group: examples/keyless
title: Key sets without a key
given: {{users: {{ann: ann-sub}}}}
scenarios:
  - {{id: honest, rules: [SIG-018], says: The key verifies, expect: ann}}
  - {{id: keyless, rules: [SIG-018], says: No key verifies, expect: {{reject: any}}, control: honest,
     onboard: {{jwks: {entries}}}}}
"""

    assert results_of(name, table)["keyless"].outcome is Kind.PASS


def test_joserfc_target_is_a_program_without_touchstone() -> None:
    """It runs where Touchstone cannot be imported, answers `start` and `stop`, and ends with status 0."""
    requests = (
        '{"seq": 1, "cmd": "start", "protocol": 1}\n{"seq": 2, "cmd": "stop"}\n{"seq": 3, "cmd": "reset"}\n'
    )
    without = "import sys, runpy; sys.modules.update(scenarios=None, mock_idp=None, verifier=None);"
    script = f"{without} runpy.run_path('joserfc_target.py', run_name='__main__')"

    done = subprocess.run(
        [sys.executable, "-c", script],
        input=requests,
        text=True,
        capture_output=True,
        cwd=TARGETS,
        check=True,
    )

    first, second = done.stdout.splitlines()
    assert '"name": "joserfc"' in first
    assert second == '{"seq": 2, "ok": true}'


def known() -> Iterator[tuple[str, Baseline]]:
    for path in sorted(TARGETS.rglob("*.baseline.yaml")):
        yield path.relative_to(TARGETS).as_posix().removesuffix(".baseline.yaml"), Baseline.read(path)


def test_every_known_finding_is_of_a_scenario_that_exists(catalogue: Mapping[str, Scenario]) -> None:
    ids = {*catalogue, *(f"profile/{name}" for name in rulebook.knobs())}
    unknown = {entry for _, baseline in known() for entry in baseline.by_id if entry not in ids}

    assert unknown == set()


def test_the_readme_sums_up_the_known_findings_rule_by_rule(catalogue: Mapping[str, Scenario]) -> None:
    _, *tables = (TARGETS / "README.md").read_text(encoding="utf-8").split("| rule | authority |")
    by_name = dict(zip(("pyjwt", "joserfc"), tables, strict=True))

    told = {
        name: re.findall(r"^\| ([A-Z]{3,4}-\d{3}) \|", table, re.MULTILINE) for name, table in by_name.items()
    }

    assert told == {
        name: sorted({rule_of(entry, catalogue) for entry in baseline.by_id})
        for name, baseline in known()
        if name in THIRD_PARTY
    }


def test_the_results_sum_up_the_known_findings_of_every_target(catalogue: Mapping[str, Scenario]) -> None:
    pages = {"gateways": GATEWAY_RESULTS, "": RESULTS}

    for name, baseline in known():
        _, told = pages["gateways" if name in GATEWAYS else ""].split("## What each of them does")
        rules = sorted({rule_of(entry, catalogue) for entry in baseline.by_id})
        parts = [part for part in told.split("\n### ") if all(f"| {rule} |" in part for rule in rules)]
        assert any(
            set(re.findall(r"^\| ([A-Z]{3,4}-\d{3}) \|", part, re.MULTILINE)) == set(rules) for part in parts
        ), name


def test_the_reproductions_of_bugs_are_code_that_parses() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", RESULTS, re.DOTALL | re.MULTILINE)

    assert len(blocks) >= 4
    for block in blocks:
        compile(block, "docs/results.md", "exec")


@pytest.mark.parametrize("name", ["authlib", "google_auth", "jwcrypto", "python_jose"])
def test_the_other_python_targets_know_nothing_of_touchstone(name: str) -> None:
    text = (TARGETS / f"{name}_target.py").read_text(encoding="utf-8")

    assert not re.search(r"^\s*(?:import|from) (?:scenarios|mock_idp|verifier)\b", text, re.MULTILINE)


def test_the_line_protocol_of_python_answers_and_keeps_what_a_library_prints_apart() -> None:
    program = (
        "import line_protocol as p\n"
        "def verify(token, record, now):\n"
        "    print('chatter')\n"
        "    if token != 'good': raise p.NotThis('no')\n"
        "    return {'sub': 'ann', 'x': 1}\n"
        "p.serve('own', '1', verify, ())\n"
    )
    requests = [
        '{"seq": 1, "cmd": "start"}',
        '{"seq": 2, "cmd": "authenticate", "token": "good"}',
        '{"seq": 3, "cmd": "onboard", "integration": {"id": "i"}}',
        '{"seq": 4, "cmd": "onboard", "integration": {"id": "j"}}',
        '{"seq": 5, "cmd": "authenticate", "token": "good"}',
        '{"seq": 6, "cmd": "authenticate", "token_base64": "/w=="}',
        '{"seq": 7, "cmd": "offboard", "id": "i"}',
        '{"seq": 8, "cmd": "stop"}',
    ]

    done = subprocess.run(
        [sys.executable, "-c", program],
        input="\n".join(requests),
        text=True,
        capture_output=True,
        cwd=TARGETS,
        check=True,
    )

    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["seq"] for answer in answers] == list(range(1, 9))
    assert [answer.get("verdict") for answer in answers] == [
        None,
        "reject",
        "onboarded",
        "unsupported",
        "accept",
        "reject",
        None,
        None,
    ]
    assert answers[4]["claims"] == {"sub": "ann"}
    assert "chatter" in done.stderr


def rule_of(entry: str, catalogue: Mapping[str, Scenario]) -> str:
    """Return the rule that a known finding breaks: a scenario's, or that of a knob of the profile."""
    kind, _, knob = entry.partition("/")
    return rulebook.knobs()[knob].rules[0] if kind == "profile" else catalogue[entry].rules[0]


def test_every_third_party_verifier_has_a_target_a_baseline_and_a_tox_environment() -> None:
    tox = configparser.ConfigParser()
    tox.read(ROOT / "tox.ini", encoding="utf-8")

    environments = {name.strip() for name in tox["tox"]["env_list"].split(",")}

    assert environments == ENVIRONMENTS
    assert {name for name, _ in known()} == ENVIRONMENTS | ELSEWHERE | GATEWAYS
    for name in ENVIRONMENTS | ELSEWHERE:
        assert load_target(TARGETS / f"{name}.yaml").profile.scope == rulebook.Scope.LIBRARY


@pytest.mark.parametrize("name", sorted(GATEWAYS))
def test_the_configuration_of_a_gateway_is_filled_wholly_and_leads_to_the_upstream_that_ships(
    name: str,
) -> None:
    spec = load_target(TARGETS / f"{name}.yaml")
    assert spec.http is not None
    assert spec.http.fixed is not None
    record = {"issuer": "https://idp.example", "audience": "api", "public_keys": [{"kid": "a", "pem": "KEY"}]}
    words = {**words_of(record, "http://127.0.0.1:8099/jwks"), "port": "1", "folder": "/made"}

    texts = [
        (TARGETS / "gateways" / text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text
        for text in spec.http.fixed.files.values()
    ]
    filled = "\n".join(filled_file(text, words) for text in texts)

    assert spec.profile.scope == rulebook.Scope.SERVICE
    assert "${" not in filled
    assert "8090" in filled
    assert all(value in filled for value in ("https://idp.example", "api"))
