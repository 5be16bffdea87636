"""The admin API: what it takes, what it refuses, and what never gets through it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from mock_idp import SigningKey, certificate, certificate_der, certificate_pem
from verifier.errors import REFUSE_REASONS

if TYPE_CHECKING:
    from mock_idp.served import ServedIssuer
    from tests.api.conftest import Api, Door


@pytest.mark.parametrize(
    "token", [None, "x", "an-admin-token-of-test", "an-admin-token-of-testss", "AN-ADMIN-TOKEN-OF-TESTS"]
)
@pytest.mark.parametrize("path", ["/admin/integrations", "/admin/nothing"])
def test_nobody_without_the_admin_token_gets_in(api: Api, token: str | None, path: str) -> None:
    reply = api.call("GET", path, token)

    assert (reply.status, reply.json()) == (401, {"error": "unauthorized"})


def test_a_token_of_a_user_is_no_admin_token_and_the_admin_token_no_user_s(door: Door) -> None:
    from tests.api.conftest import ADMIN_TOKEN

    assert door.api.call("GET", "/admin/integrations", door.token).status == 401
    assert door.api.whoami(ADMIN_TOKEN) == 401


def test_without_an_admin_token_there_is_no_admin_api() -> None:
    from tests.api.conftest import Api as Process

    plain = Process()
    try:
        assert plain.ready["admin"] is False
        assert plain.call("GET", "/admin/integrations", "any-token-at-all-here").status == 401
    finally:
        plain.stop()


def test_an_integration_is_shown_as_it_was_onboarded(door: Door) -> None:
    shown = door.api.admin("GET", f"integrations/{door.name}").json()
    users = door.api.admin("GET", f"integrations/{door.name}/users").json()["users"]

    assert shown["integration"]["entity_id"] == f"urn:{door.name}"
    assert (shown["active"], shown["users"], shown["purged"]) == (True, 2, [])
    assert [(one["name"], one["active"], one["api_access"]) for one in users] == [
        ("ann", True, True),
        ("bob", True, True),
    ]


@pytest.mark.parametrize("form", ["pem", "pem_base64"])
def test_certificates_come_as_text_or_in_base64(api: Api, form: str) -> None:
    import base64

    key = certificate(SigningKey.generate("ES256", kid="k"))
    content = (
        certificate_pem(key).decode() if form == "pem" else base64.b64encode(certificate_der(key)).decode()
    )
    integration = {
        "entity_id": f"urn:{form}",
        "issuer": f"https://{form}.example",
        "audience": "api",
        "certificates": [{"kid": "k", form: content}],
    }

    assert api.admin("PUT", f"integrations/{form}", {"integration": integration}).status == 200


@pytest.mark.parametrize(
    "changes,reason,field",
    [
        ({"entity_id": None}, "entity_id_missing", "entity_id"),
        ({"issuer": None}, "issuer_missing", "issuer"),
        ({"audience": ["a", "b"]}, "several_values", "audience"),
        ({"jwks_uri": None}, "keys_missing", "certificates"),
        ({"jwks_uri": "ftp://x"}, "jwks_url", "jwks_uri"),
        ({"jwks_uri": "http://127.0.0.1:1/jwks"}, "jwks_unusable", "jwks_uri"),
        ({"issuer": "qas"}, "issuer_reserved", "issuer"),
        ({"custom_claim": "iss"}, "custom_claim", "custom_claim"),
        ({"algorithms": ["HS256"]}, "algorithm", "algorithms"),
        ({"leeway_s": 1000}, "leeway", "leeway_s"),
        ({"sample_token": "x"}, "sample_malformed", "sample_token"),
    ],
)
def test_a_refusal_has_a_stable_reason_and_the_field(
    api: Api, idp: ServedIssuer, changes: dict[str, Any], reason: str, field: str
) -> None:
    reply = api.onboard(idp, "refused", **changes)

    found = reply.json()
    assert (reply.status, found["verdict"], found["reason"], found["field"]) == (
        422,
        "refused",
        reason,
        field,
    )
    assert found["reason"] in REFUSE_REASONS
    assert api.admin("GET", "integrations/refused").status == 404


def test_a_question_is_a_conflict_that_says_what_about(api: Api, idp: ServedIssuer) -> None:
    sample = idp.mint("ann", claims={"aud": ["one", "two"]})

    reply = api.onboard(idp, "asked", sample_token=sample, audience=None)

    assert (reply.status, reply.json()["verdict"], reply.json()["about"]) == (409, "asked", "audience")


def test_warnings_come_with_the_answer(api: Api, idp: ServedIssuer) -> None:
    reply = api.onboard(idp, "warned", custom_claim="email")

    assert "email" in " ".join(reply.json()["warnings"])


@pytest.mark.parametrize(
    "body,field",
    [
        ("", None),
        ("[]", None),
        ('{"integration": {}, "integration": {}}', None),
        ('{"integration": NaN}', None),
        ("[" * 100_000, None),
        ('{"integration": []}', "integration"),
        ('{"integration": {"id": "another"}}', "integration.id"),
        ('{"integration": {"custom_clam": "x"}}', "integration"),
        ('{"integration": {"jwks": {"keys": []}}}', "integration"),
        ('{"integration": {"certificates": "x"}}', "integration.certificates"),
        ('{"integration": {"certificates": [{"kid": "k"}]}}', "integration.certificates[0]"),
        ('{"integration": {"certificates": [{"pem_base64": "!"}]}}', "integration.certificates[0]"),
        ('{"integration": {"certificates": [{"pem": 1}]}}', "integration.certificates[0]"),
        ('{"integration": {}, "users": {}}', "users"),
        ('{"integration": {}, "users": [{"name": ""}]}', "users[0]"),
        ('{"integration": {}, "users": [{"name": "a", "external_id": 1}]}', "users[0]"),
        ('{"integration": {}, "users": [{"name": "a"}]}', "users[0]"),
        ('{"integration": {}, "users": [{"name": "a", "external_id": "\\ud800"}]}', "users[0]"),
        ('{"integration": {}, "users": [{"name": "a", "active": "no"}]}', "users[0]"),
        ('{"integration": {}, "users": [{"name": "a", "admin": true}]}', "users[0]"),
        ('{"integration": {}, "active": "yes"}', "active"),
    ],
)
def test_a_body_that_is_not_what_is_taken_is_named_by_its_field(
    api: Api, body: str, field: str | None
) -> None:
    from tests.api.conftest import ADMIN_TOKEN

    reply = api.call("PUT", "/admin/integrations/odd", ADMIN_TOKEN, body=body)

    assert (reply.status, reply.json()["error"], reply.json().get("field")) == (400, "invalid_body", field)
    assert reply.json()["detail"]


def test_users_are_replaced_merged_and_told_apart_by_name(door: Door, user: Any) -> None:
    path = f"integrations/{door.name}/users"
    twice = [user("ann"), user("ann")]

    statuses = [
        door.api.admin("PUT", path, {"users": [user("ann"), user("cleo")]}).status,
        door.api.admin("PATCH", path, {"users": [user("ann", active=False), user("dora")]}).status,
    ]
    refused = door.api.admin("PUT", path, {"users": twice})

    found = {name: door.api.whoami(door.idp.mint(name)) for name in ("ann", "bob", "cleo", "dora")}
    assert statuses == [200, 200]
    assert (refused.status, refused.json()["reason"]) == (422, "user")
    assert (found["ann"], found["bob"]) == (401, 401)
    assert (found["cleo"]["user"], found["dora"]["user"]) == ("cleo", "dora")


def test_users_stay_when_an_integration_is_replaced_without_any(door: Door) -> None:
    shown = door.api.admin("GET", f"integrations/{door.name}").json()["integration"]

    door.api.admin("PUT", f"integrations/{door.name}", {"integration": shown | {"custom_claim": "oid"}})

    assert door.api.whoami(door.idp.mint("ann", claims={"oid": ""}))["fallback"] is True


def test_no_token_gets_in_before_activation_nor_after_deactivation_nor_after_removal(
    api: Api, idp: ServedIssuer, user: Any
) -> None:
    token = idp.mint("ann")
    record = {"entity_id": "urn:later", "issuer": idp.iss, "audience": idp.audience, "jwks_uri": idp.jwks_uri}
    body = {"integration": record, "users": [user("ann")], "active": False}
    seen = []
    for method, path, document in (
        ("PUT", "integrations/later", body),
        ("POST", "integrations/later/activate", None),
        ("POST", "integrations/later/deactivate", None),
        ("PUT", "integrations/later", {"integration": record}),
        ("POST", "integrations/later/activate", None),
        ("DELETE", "integrations/later", None),
    ):
        assert api.admin(method, path, document).status == 200
        seen.append(api.whoami(token) != 401)

    assert seen == [False, True, False, False, True, False]


@pytest.mark.parametrize(
    "method,path,document",
    [
        ("GET", "integrations/none", None),
        ("DELETE", "integrations/none", None),
        ("GET", "integrations/none/users", None),
        ("PUT", "integrations/none/users", {"users": []}),
        ("PATCH", "integrations/none/users", {"users": []}),
        ("POST", "integrations/none/activate", None),
        ("POST", "integrations/none/deactivate", None),
    ],
)
def test_an_unknown_integration_is_a_404(api: Api, method: str, path: str, document: Any) -> None:
    reply = api.admin(method, path, document)

    assert (reply.status, reply.json()) == (404, {"error": "unknown_integration"})


def test_other_paths_are_not_found_and_other_methods_not_allowed(api: Api) -> None:
    missing = [
        api.admin("GET", path).status
        for path in ("", "x", "integrations/", "integrations/%ff", "integrations/a/b")
    ]
    method = api.admin("POST", "integrations/a", {})

    assert missing == [404] * 5
    assert (method.status, method.headers["allow"]) == (405, "DELETE, GET, PUT")


@pytest.mark.parametrize("name", ["a/b", "ü", "a b", "..", "%", "?x"])
def test_an_id_may_hold_any_character(api: Api, idp: ServedIssuer, name: str) -> None:
    from urllib.parse import quote

    record = {
        "id": name,
        "entity_id": f"urn:x{name}",
        "issuer": idp.iss,
        "audience": idp.audience,
        "jwks_uri": idp.jwks_uri,
    }
    path = f"integrations/{quote(name, safe='').replace('.', '%2E')}"

    done = api.admin("PUT", path, {"integration": record})

    assert (done.status, name in api.admin("GET", "integrations").json()["integrations"]) == (200, True), (
        done.body
    )
    assert api.admin("DELETE", path).status == 200


def test_a_private_key_is_refused_and_never_echoed(api: Api, idp: ServedIssuer) -> None:
    from cryptography.hazmat.primitives import serialization as form

    key = SigningKey.generate("ES256", kid="k").private
    pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()).decode()

    reply = api.onboard(idp, "leak", jwks_uri=None, certificates=[{"kid": "k", "pem": pem}])

    assert reply.json()["reason"] == "private_key"
    assert pem.splitlines()[1] not in json.dumps(reply.json())


def test_a_user_without_external_id_is_one_only_where_null_says_so(door: Door) -> None:
    """MAP-018: by a slip nobody is left out of reach."""
    place = f"integrations/{door.name}/users"

    missing = door.api.admin("PUT", place, {"users": [{"name": "ann"}]})
    meant = door.api.admin("PUT", place, {"users": [{"name": "ann", "external_id": None}]})

    assert (missing.status, missing.json()["field"]) == (400, "users[0]")
    assert "external_id is missing" in missing.json()["detail"]
    assert meant.status == 200
    assert door.api.whoami(door.token) == 401
