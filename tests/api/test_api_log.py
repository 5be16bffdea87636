"""What the protected API logs: who came in and why not, and never a token (HTTP-018, OPS-014, OPS-015)."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mock_idp import SigningKey
from verifier.json_log import JsonFormatter

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_idp.served import ServedIssuer
    from tests.api.conftest import Api

GUIDE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
HOSTILE = '\r\n{"event":"accepted"}\x1b[2J${jndi:ldap://x}<script>\u2028\u202e'


def test_each_refusal_has_its_reason_integration_kid_and_the_token_s_hash(
    start: Callable[..., Api], idp: ServedIssuer, user: Any
) -> None:
    api = start()
    api.onboard(idp, "i", user("ann"), user("bob", active=False), user("cleo", api_access=False))
    good = idp.mint("ann")
    cases = {
        "bad_signature": good[:-6] + "AAAAAA",
        "expired": idp.mint("ann", claims={"exp": 1}),
        "issuer": idp.mint("ann", claims={"iss": "https://other.example"}),
        "audience": idp.mint("ann", claims={"aud": "other"}),
        "unknown_key": idp.mint("ann", key=SigningKey.generate("ES256", kid="stranger")),
        "no_user": idp.mint("nobody"),
        "user_inactive": idp.mint("bob"),
        "no_api_access": idp.mint("cleo"),
        "malformed": "x.y.z",
        "credential_malformed": "x y",
    }

    ids = {
        reason: api.call("GET", "/api/2.0/whoami", token).headers["x-request-id"]
        for reason, token in cases.items()
    }
    api.whoami(good)
    api.stop()

    records = {record.get("request_id"): record for record in api.records()}
    found = {reason: records[number] for reason, number in ids.items()}
    assert {reason: record["reason"] for reason, record in found.items()} == {
        reason: reason for reason in cases
    }
    for reason in cases.keys() - {"issuer", "audience", "malformed", "credential_malformed"}:
        assert found[reason]["integration"] == "i", reason
        assert found[reason]["token_sha256"] == hashlib.sha256(cases[reason].encode()).hexdigest()[:16]
    assert found["unknown_key"]["kid"] == "stranger"
    (accepted,) = (record for record in api.records() if record["event"] == "accepted")
    assert {
        key: accepted[key] for key in ("user", "claim", "fallback", "iss", "kid", "status", "integration")
    } == {
        "user": "ann",
        "claim": "sub",
        "fallback": False,
        "iss": idp.iss,
        "kid": idp.ring.active.kid,
        "status": 200,
        "integration": "i",
    }


def test_no_token_is_written_anywhere_whatever_is_done_with_it(
    start: Callable[..., Api], idp: ServedIssuer, user: Any, tmp_path: Path
) -> None:
    api = start("--state", str(tmp_path / "state.sqlite"))
    api.onboard(idp, "i", user("ann"))
    tokens = [idp.mint(name) for name in ("ann", "nobody")] + [idp.mint("ann", claims={"exp": 1})]
    for token in tokens:
        api.call("GET", "/api/2.0/whoami", token)
        api.call("GET", f"/api/2.0/whoami?access_token={token}")
        api.call("GET", f"/api/2.0/{token}", token)
        api.call("GET", "/api/2.0/whoami", headers={"Authorization": f"Bearer {token} x", "Cookie": token})
        api.call("GET", "/api/2.0/whoami", headers={"Authorization": f"Bearer{token}"})
        api.call("POST", "/api/2.0/echo", token, body=token)
        api.call("PUT", "/admin/integrations/j", token, body=token)
        api.admin("PUT", f"integrations/{token}", {"integration": {"sample_token": token, "issuer": token}})
        api.raw(f"GET /{token} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\x00\r\n\r\n".encode())
    files = [path.read_bytes() for path in tmp_path.iterdir()]
    api.stop()

    files += [path.read_bytes() for path in tmp_path.iterdir()]
    assert len(api.records()) > 20
    for token in tokens:
        secret = token.rpartition(".")[2]
        assert secret not in api.log
        assert not any(secret.encode() in content for content in files)


def test_values_from_tokens_and_records_are_harmless_in_the_log(
    start: Callable[..., Api], idp: ServedIssuer, user: Any
) -> None:
    api = start()
    api.onboard(idp, "i", user("ann"), {"name": f"x{HOSTILE}", "external_id": "hostile"})
    for claims in (
        {"iss": HOSTILE},
        {"aud": HOSTILE},
        {"sub": HOSTILE},
        {"typ": HOSTILE},
        {"sub": "hostile"},
    ):
        api.call("GET", "/api/2.0/whoami", idp.mint("ann", claims=claims))
    api.call("GET", "/api/2.0/whoami", idp.mint("ann", key=SigningKey.generate("ES256", kid=HOSTILE)))
    api.call("GET", "/api/2.0/whoami", str(idp.forge("alg_value", HOSTILE)))
    api.stop()

    assert all(json.loads(line)["level"] for line in api.log.split("\n") if line)
    assert api.log.isascii()
    assert not {"\x1b", "\r", "<", "$", "&"} & set(api.log)
    assert any(record.get("user") == f"x{HOSTILE}" for record in api.records())


def test_each_line_of_the_admin_api_says_what_became_of_what(
    start: Callable[..., Api], idp: ServedIssuer, user: Any
) -> None:
    api = start()
    done = api.onboard(idp, "i", user("ann"))
    refused = api.onboard(idp, "j", user("ann"))
    wrong = api.admin("PUT", "integrations/i/users", {"users": [{"name": "bob"}]})
    nobody = api.call("GET", "/admin/integrations/i", "x" * 20)
    none = api.call("GET", "/admin/integrations/i")
    long = api.admin("GET", f"integrations/{'x' * 81}")
    api.stop()

    records = {record["request_id"]: record for record in api.records()}
    found = [records[one.headers["x-request-id"]] for one in (done, refused, wrong, nobody, none, long)]
    names = ("event", "method", "path", "integration", "status", "reason")
    assert [tuple(record[name] for name in names) for record in found] == [
        ("operation", "PUT", "/admin/integrations/*", "i", 200, None),
        ("operation", "PUT", "/admin/integrations/*", "j", 422, "issuer_taken"),
        ("operation", "PUT", "/admin/integrations/*/users", "i", 400, "invalid_body"),
        ("refused", "GET", "/admin/integrations/*", "i", 401, "admin_token"),
        ("refused", "GET", "/admin/integrations/*", "i", 401, "credential_missing"),
        ("operation", "GET", "/admin/integrations/*", None, 404, "unknown_integration"),
    ]


def test_every_event_is_a_word_that_the_guide_has_and_warnings_at_the_start_are_lines_too(
    start: Callable[..., Api], idp: ServedIssuer, user: Any, tmp_path: Path
) -> None:
    file = tmp_path / "api.yaml"
    integration = "id: down, entity_id: 'urn:down', issuer: 'https://down.example', audience: api"
    file.write_text(
        f"policy: {{allow_local_jwks: true, algorithms: [ES256]}}\n"
        f"integrations:\n- {{{integration}, jwks_uri: 'http://127.0.0.1:1/jwks'}}\n"
    )
    api = start("--config", str(file))
    api.onboard(idp, "i", user("ann"))
    api.whoami(idp.mint("ann"))
    api.whoami(idp.mint("bob"))
    api.stop()

    records = api.records()
    guide = GUIDE.partition("| `event` |")[2].partition("\n\n")[0]
    words = {word for row in guide.splitlines() for word in re.findall(r"`(\w+)`", row.split("|")[1])}
    events = {record["event"] for record in records}
    assert events == {"configuration", "jwks_failed", "operation", "accepted", "refused"}
    assert events <= words
    (warned,) = (record for record in records if record["event"] == "configuration")
    (failed,) = (record for record in records if record["event"] == "jwks_failed")
    assert warned["detail"].startswith(f"{file}:3:3: its tokens are rejected until")
    assert failed["detail"] == "JWKS of 'http://127.0.0.1:1/jwks': nobody listens at 127.0.0.1:1"


def test_what_a_library_logs_is_an_event_of_its_own() -> None:
    record = logging.LogRecord("some.library", logging.WARNING, "x.py", 1, "odd: %s", ("<x>",), None)

    line = json.loads(JsonFormatter().format(record))

    assert (line["event"], line["logger"], line["detail"]) == ("log", "some.library", "odd: <x>")


def test_quiet_logs_only_what_was_refused(start: Callable[..., Api], idp: ServedIssuer, user: Any) -> None:
    api = start("--quiet")
    api.onboard(idp, "i", user("ann"))
    api.whoami(idp.mint("ann"))
    api.whoami("x")
    api.stop()

    assert [record["event"] for record in api.records()] == ["refused"]
