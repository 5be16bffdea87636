"""`touchstone verify`: one token judged in words, with keys from a URL, a file, certificates or a configuration."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING

import pytest

from mock_idp import KeyRing, MockIdP
from mock_idp.certificates import certificate, certificate_pem
from mock_idp.fixed_keys import fixed_key
from mock_idp.issuer import Issuer
from mock_idp.people import Person
from mock_idp.personas import persona
from mock_idp.serve import serve

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scenarios.cli.conftest import Touchstone

ANN = Person.named("ann")
ISSUER = Issuer(persona("entra-v2"), KeyRing([fixed_key("a")]))
TOKEN = ISSUER.mint(ANN)
EXPECTED = ("--issuer", ISSUER.issuer, "--audience", ISSUER.audience)


@pytest.fixture
def keys(tmp_path: Path) -> str:
    (tmp_path / "jwks.json").write_bytes(ISSUER.jwks_bytes())
    return str(tmp_path / "jwks.json")


def test_a_true_token_is_accepted_and_every_step_is_told(touchstone: Touchstone, keys: str) -> None:
    user = ("--custom-claim", "preferred_username", "--user", "ann=ann@contoso.example")

    ended = touchstone("verify", TOKEN, *EXPECTED, "--jwks", keys, *user)

    assert (ended.status, ended.err) == (0, "")
    assert [line[:2] for line in ended.out.splitlines()[:10]] == ["ok"] * 10
    assert "preferred_username holds 'ann@contoso.example', the External ID of 'ann'" in ended.out
    assert ended.out.splitlines()[-1] == "accepted: ann"
    assert TOKEN.rpartition(".")[2][:30] not in ended.out


def test_without_a_user_whoever_has_the_external_id_is_told(touchstone: Touchstone, keys: str) -> None:
    ended = touchstone("verify", TOKEN, *EXPECTED, "--jwks", keys)

    sub = ISSUER.claims(ANN)["sub"]
    assert f"sub holds '{sub}'" in ended.out
    assert "note: no --user was given" in ended.out
    assert ended.status == 0


def test_a_rejected_token_is_status_1_with_what_to_do(touchstone: Touchstone, keys: str) -> None:
    ended = touchstone("verify", TOKEN, "--issuer", f"{ISSUER.issuer}/", "--audience", "x", "--jwks", keys)

    assert ended.status == 1
    assert ended.out.splitlines()[-1] == "rejected: issuer"
    assert "differ by a slash at the end" in ended.out


def test_what_was_not_given_is_taken_from_the_token_and_said_to_prove_nothing(
    touchstone: Touchstone, keys: str
) -> None:
    ended = touchstone("verify", TOKEN, "--jwks", keys)

    assert ended.status == 0
    assert "note: --issuer was not given: the token's own iss is taken, which proves nothing" in ended.out
    assert "note: --audience was not given: the token's own aud is taken, which proves nothing" in ended.out


def test_as_json_the_verdict_and_the_steps_have_names(touchstone: Touchstone, keys: str) -> None:
    ended = touchstone("verify", TOKEN, *EXPECTED, "--jwks", keys, "--user", "bob=b", "--json")

    said = json.loads(ended.out)
    assert said["verdict"] == {"kind": "reject", "reason": "no_user"}
    assert said["steps"][-1]["check"] == "user"
    assert not said["steps"][-1]["passed"]
    assert said["steps"][-1]["advice"].startswith("give the user the External ID")


def test_keys_come_from_a_url(touchstone: Touchstone) -> None:
    idp = MockIdP()
    idp.add_issuer("/t", ISSUER)
    with serve(idp) as running:
        ended = touchstone("verify", TOKEN, *EXPECTED, "--jwks", f"{running.url}/t/discovery/v2.0/keys")
        missing = touchstone("verify", TOKEN, *EXPECTED, "--jwks", f"{running.url}/t/no-such-page")

    assert (ended.status, ended.out.splitlines()[-1]) == (0, "accepted: whoever has it")
    assert missing.status == 2
    assert "--jwks: the JWKS endpoint answered 404; send the jwks_uri" in missing.err
    notes = [line for line in ended.out.splitlines() if line.startswith("note: ")]
    assert any(
        "http or not public is taken here" in note and "allow_local_jwks: true" in note for note in notes
    )


def test_keys_come_from_certificates(touchstone: Touchstone, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.pem").write_bytes(certificate_pem(certificate(fixed_key(name))))
    kid = ISSUER.kid(ISSUER.ring.active)
    both = ("--certificate", f"{kid}={tmp_path / 'a.pem'}", "--certificate", f"other={tmp_path / 'b.pem'}")

    assert touchstone("verify", TOKEN, *EXPECTED, *both).status == 0
    assert touchstone("verify", TOKEN, *EXPECTED, *both[2:]).out.splitlines()[-1] == "rejected: unknown_key"


def test_a_configuration_says_all(touchstone: Touchstone, tmp_path: Path) -> None:
    pem = certificate_pem(certificate(fixed_key("a"))).decode()
    config = {
        "policy": {"allow_test_keys": True},
        "integrations": [
            {
                "id": "contoso",
                "entity_id": "urn:contoso",
                "issuer": ISSUER.issuer,
                "audience": ISSUER.audience,
                "custom_claim": "preferred_username",
                "certificates": [{"kid": ISSUER.kid(ISSUER.ring.active), "pem": pem}],
                "users": [{"name": "ann", "external_id": "ann@contoso.example"}],
            }
        ],
    }
    file = tmp_path / "api.yaml"
    file.write_text(json.dumps(config), encoding="utf-8")

    ended = touchstone("verify", TOKEN, "--config", str(file))

    assert (ended.status, ended.out.splitlines()[-1]) == (0, "accepted: ann")
    assert "those of integration 'contoso'" in ended.out


def test_the_token_comes_from_a_file_or_standard_input(
    touchstone: Touchstone, keys: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n", encoding="ascii")
    assert touchstone("verify", str(tmp_path / "token"), "--jwks", keys).status == 0

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{TOKEN}\n".encode())))
    assert touchstone("verify", "-", "--jwks", keys).status == 0


def test_any_bytes_on_standard_input_are_rejected_in_words(
    touchstone: Touchstone, keys: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\x00\x1b[31m.\xc3." * 3)))

    ended = touchstone("verify", "-", "--jwks", keys)

    assert (ended.status, ended.out.splitlines()[-1]) == (1, "rejected: malformed")
    assert "\x1b" not in ended.out


def test_another_time_may_be_asked_for(touchstone: Touchstone, keys: str) -> None:
    ended = touchstone("verify", TOKEN, *EXPECTED, "--jwks", keys, "--now", "4102444800")

    assert ended.out.splitlines()[-1] == "rejected: expired"
    assert "d ago)" in ended.out
    assert "NO  claims         exp has passed; " in ended.out


@pytest.mark.parametrize(
    "given, said",
    [
        ("nofile.jwt", "'nofile.jwt' is no token, and there is no such file"),
        ("folder/token", "'folder/token' is no token, and there is no such file"),
        (".", "'.' is a folder"),
        ("", "TOKEN is empty"),
        ("  ", "TOKEN is empty"),
        ("empty", "'empty' is empty"),
        ("-", "standard input is empty"),
    ],
)
def test_what_is_no_token_at_all_is_wrong_usage(
    touchstone: Touchstone, keys: str, monkeypatch: pytest.MonkeyPatch, given: str, said: str
) -> None:
    touchstone.write("empty", "\n")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\n")))

    ended = touchstone("verify", given, "--jwks", keys)

    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err
    assert ended.err.count("\n") == 1


def test_a_test_key_that_is_taken_is_noted_where_it_mattered(touchstone: Touchstone, keys: str) -> None:
    mattered = touchstone("verify", TOKEN, *EXPECTED, "--jwks", keys)
    earlier = touchstone("verify", TOKEN, "--issuer", "x", "--audience", "y", "--jwks", keys)

    assert "ships with Touchstone, is taken here" in mattered.out
    assert "unless its policy says allow_test_keys: true" in mattered.out
    assert "is taken here" not in earlier.out


def test_a_key_that_the_configuration_refuses_is_named_with_its_reason(
    touchstone: Touchstone,
) -> None:
    idp = MockIdP()
    idp.add_issuer("/t", ISSUER)
    with serve(idp) as running:
        integration = {"id": "i", "entity_id": "urn:i", "issuer": ISSUER.issuer, "audience": ISSUER.audience}
        integration["jwks_uri"] = f"{running.url}/t/discovery/v2.0/keys"
        config = {"policy": {"allow_local_jwks": True}, "integrations": [integration]}
        file = touchstone.write("api.yaml", json.dumps(config))
        ended = touchstone("verify", TOKEN, "--config", file)
        config["policy"] = {}
        local = touchstone("verify", TOKEN, "--config", touchstone.write("api.yaml", json.dumps(config)))

    assert (ended.status, ended.out.splitlines()[-1]) == (1, "rejected: unknown_key")
    assert "that is not used: it is a test key that ships with Touchstone" in ended.out
    assert "policy allow_test_keys: true" in ended.out
    assert local.status == 2
    assert "policy allow_local_jwks: true" in local.err


def test_a_certificate_without_kid_is_told_how_to_name_it(touchstone: Touchstone, tmp_path: Path) -> None:
    (tmp_path / "a.pem").write_bytes(certificate_pem(certificate(fixed_key("a"))))

    ended = touchstone("verify", TOKEN, *EXPECTED, "--certificate", "a.pem")

    assert ended.out.splitlines()[-1] == "rejected: unknown_key"
    kid = ISSUER.kid(ISSUER.ring.active)
    assert f"name its kid: --certificate {kid}=FILE" in ended.out
    assert "read again" not in ended.out


def test_a_configuration_without_integrations_judges_nothing(touchstone: Touchstone) -> None:
    ended = touchstone("verify", TOKEN, "--config", touchstone.write("api.yaml", "policy: {}\n"))

    assert (ended.status, ended.out) == (2, "")
    assert "no integrations in this file" in ended.err


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((), "name the IdP's keys: --jwks URL or FILE, --certificate FILE, or --config FILE"),
        (("--jwks", "missing.json"), "'missing.json' cannot be opened: No such file"),
        (("--certificate", "missing.pem"), "'missing.pem' cannot be opened: No such file"),
        (("--config", "missing.yaml"), "'missing.yaml' cannot be opened: No such file"),
        (("--config", "x.yaml", "--issuer", "y"), "--config says all about integrations"),
        (("--jwks", "KEYS", "--user", "ann"), "--user 'ann' is no NAME=EXTERNAL_ID"),
        (("--jwks", "KEYS", "--alg", "HS256"), "--alg: "),
        (("--jwks", "KEYS", "--custom-claim", "aud"), "--custom-claim: "),
        (("--jwks", "http://127.0.0.1:1/"), "--jwks: nobody listens at 127.0.0.1:1\n"),
        (("--jwks", "http://x.invalid/"), "--jwks: the host name of x.invalid:80 is not known\n"),
        (("--jwks", "https://127.0.0.1:1/", "--ca-file", "x"), "--jwks: --ca-file 'x': no such file\n"),
        (("--jwks", "BROKEN"), "broken.json': not JSON\n"),
        (("--jwks", "NO_KEYS"), "--jwks: the set is empty; publish a key that signs\n"),
        (("--jwks", "KEYS", "--now", "yesterday"), "'yesterday' is no number of seconds since the epoch"),
        (("--jwks", "KEYS", "--now", "nan"), "'nan' is no number of seconds since the epoch"),
        (("--jwks", "KEYS", "--leeway", "301"), "301 is not in the range"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    touchstone: Touchstone, keys: str, arguments: tuple[str, ...], message: str
) -> None:
    files = {
        "KEYS": keys,
        "BROKEN": touchstone.write("broken.json", "{"),
        "NO_KEYS": touchstone.write("none.json", '{"keys": []}'),
    }

    ended = touchstone("verify", TOKEN, *(files.get(part, part) for part in arguments))

    assert (ended.status, ended.out) == (2, "")
    assert message in ended.err
    assert ended.err.count("\n") == 1
