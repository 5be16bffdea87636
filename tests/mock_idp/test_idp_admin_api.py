"""The admin API of the mock IdP: every operation, every refusal, and who may use it."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from mock_idp import Issuer, KeyRing, MockIdP, Person, Request, Response, fixed_key, persona
from mock_idp.admin.bodies import MAX_BODY, MAX_DEPTH
from mock_idp.admin.respond import MAX_PATH, MAX_QUERY
from mock_idp.admin.routes import API, OPERATIONS
from mock_idp.oauth.accounts import Account

NOW = 1_767_225_600
HOST = ("host", "127.0.0.1:8080")
JSON = ("content-type", "application/json")


@dataclass(frozen=True)
class Api:
    """Asks the admin API as a client on this machine does."""

    idp: MockIdP

    def ask(
        self, method: str, path: str, body: Any = None, *, query: str = "", headers: Any = ()
    ) -> Response:
        raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        own = (HOST, JSON) if raw else (HOST,)
        kept = tuple(pair for pair in own if pair[0] not in {name for name, _ in headers})
        return self.idp.handle(Request(method, path, query, (*kept, *headers), raw))

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        answer = self.ask(method, API + path, body, **more)
        return answer.status, json.loads(answer.body) if answer.body else None


@pytest.fixture
def idp() -> MockIdP:
    made = MockIdP(clock=lambda: NOW)
    made.admin = True
    made.base_url = "http://127.0.0.1:8080"
    ring = KeyRing([fixed_key("a", "ES256")])
    made.add_issuer("/t", Issuer(persona("generic"), ring, issuer="https://idp.example", clock=lambda: NOW))
    return made


@pytest.fixture
def api(idp: MockIdP) -> Api:
    return Api(idp)


def test_an_issuer_is_added_shown_and_removed(api: Api) -> None:
    status, added = api.call("POST", "/issuers", {"path": "/a/b", "persona": "entra-v2", "alg": "RS256"})

    assert (status, added["id"], added["persona"], added["clock"]["mode"]) == (
        201,
        "a%2Fb",
        "entra-v2",
        "real",
    )
    assert [key["state"] for key in added["keys"]] == ["active"]
    assert api.call("GET", "/issuers/a%2Fb")[1]["keys"] == added["keys"]
    assert [found["path"] for found in api.call("GET", "/issuers")[1]] == ["/t", "/a/b"]
    assert api.call("DELETE", "/issuers/a%2Fb") == (204, None)
    assert api.call("GET", "/issuers/a%2Fb")[0] == 404


def test_the_issuer_at_the_root_has_an_address(api: Api) -> None:
    _, added = api.call("POST", "/issuers", {"path": "", "alg": "ES256"})

    assert added["id"] == "%2F"
    assert api.call("GET", "/issuers/%2F")[1]["path"] == ""
    assert api.call("GET", "/issuers/")[0] == 404


def test_keys_are_staged_rotated_retired_revoked_and_replaced(api: Api) -> None:
    staged_status, staged = api.call("POST", "/issuers/t/keys", {"kid": "next"})
    rotated_status, rotated = api.call("POST", "/issuers/t/rotate")
    retired = api.call("POST", "/issuers/t/keys/a/retire")
    replaced = api.call("POST", "/issuers/t/keys/next/replace")
    revoked = api.call("POST", "/issuers/t/keys/next/revoke")

    assert (staged_status, staged["state"], staged["alg"]) == (201, "staged", "ES256")
    assert (rotated_status, rotated["kid"], rotated["state"]) == (200, "next", "active")
    assert (retired[0], retired[1]["state"]) == (200, "retired")
    assert (replaced[0], replaced[1]["thumbprint"] != rotated["thumbprint"]) == (200, True)
    assert (revoked[0], revoked[1]["state"]) == (200, "revoked")
    states = [key["state"] for key in api.call("GET", "/issuers/t/keys")[1]]
    assert states == ["retired", "revoked", "active"]


def test_a_rotation_can_drop_the_old_key_at_once(api: Api) -> None:
    api.call("POST", "/issuers/t/rotate", {"keep_old": False, "kid": "b", "alg": "ES384"})

    assert [(k["kid"], k["state"]) for k in api.call("GET", "/issuers/t/keys")[1]] == [
        ("a", "retired"),
        ("b", "active"),
    ]


def test_a_token_is_minted_and_decoded(api: Api) -> None:
    asked = {
        "person": "ann", "claims": {"n": 2**70, "groups": ["qa"]}, "audience": "api", "client": "cli",
        "scopes": ["read"], "lifetime_s": 60, "now": 1_000,
    }  # fmt: skip
    status, minted = api.call("POST", "/issuers/t/tokens", asked)
    _, decoded = api.call("POST", "/decode", {"token": minted["token"]})

    payload = decoded["payload"]["value"]
    assert (status, minted["encoding"], decoded["signature_bytes"], decoded["segments"]) == (
        201,
        "text",
        64,
        3,
    )
    assert (payload["aud"], payload["client_id"], payload["scope"]) == ("api", "cli", "read")
    assert (payload["iat"], payload["exp"], payload["groups"]) == (1_000, 1_060, ["qa"])


def test_a_token_is_forged_by_name(api: Api) -> None:
    body = {"person": "ann", "forgery": "tamper", "argument": {"sub": "root"}}
    _, minted = api.call("POST", "/issuers/t/tokens", body)

    assert api.call("POST", "/decode", {"token": minted["token"]})[1]["payload"]["value"]["sub"] == "root"


def test_the_clock_is_read_set_moved_frozen_and_made_real(api: Api) -> None:
    clock = "/issuers/t/clock"

    assert api.call("GET", clock) == (200, {"now": NOW, "mode": "real"})
    assert api.call("POST", f"{clock}/move", {"seconds": -60}) == (200, {"now": NOW - 60, "mode": "shifted"})
    assert api.call("PUT", clock, {"mode": "frozen", "now": 1000}) == (200, {"now": 1000, "mode": "frozen"})
    assert api.call("PUT", clock, {"mode": "shifted"}) == (200, {"now": 1000, "mode": "shifted"})
    assert api.call("PUT", clock, {"mode": "real"}) == (200, {"now": NOW, "mode": "real"})


def test_faults_are_set_listed_and_cleared(api: Api) -> None:
    body = {"fault": {"status": 503, "retry_after": 1}, "times": 5}
    shown = {"issuer": "/t", "endpoint": "jwks", "fault": {"status": 503, "retry_after": 1}, "left": 5}

    assert api.call("PUT", "/issuers/t/faults/jwks", body) == (200, shown)
    assert api.call("PUT", "/issuers/t/faults/metadata", {"fault": "html_page"})[1]["left"] is None
    assert api.ask("GET", "/t/jwks").status == 503
    assert [fault["left"] for fault in api.call("GET", "/faults")[1]] == [4, None]
    assert api.call("DELETE", "/issuers/t/faults/jwks") == (204, None)
    assert [fault["endpoint"] for fault in api.call("GET", "/faults")[1]] == ["metadata"]
    assert (api.call("DELETE", "/faults"), api.call("GET", "/faults")) == ((204, None), (200, []))


def test_people_are_added_listed_and_removed(api: Api) -> None:
    status, ann = api.call("POST", "/people", {"username": "ann.miller"})

    assert (status, ann["name"], api.call("GET", "/people")[1]) == (201, "Ann Miller", [ann])
    assert api.call("DELETE", "/people/ann.miller") == (204, None)
    assert api.call("GET", "/people") == (200, [])


def test_recorded_requests_are_read_and_cleared_and_the_api_itself_is_not_recorded(api: Api) -> None:
    api.ask("GET", "/t/jwks", query="x=1")
    api.ask("GET", "/zzz")

    _, found = api.call("GET", "/requests")
    assert [(entry["path"], entry["query"], entry["status"]) for entry in found] == [
        ("/t/jwks", "x=1", 200),
        ("/zzz", "", 404),
    ]
    assert found[0]["answer_type"] == "application/json"
    assert api.call("GET", "/requests", query=f"since={found[0]['number']}")[1] == found[1:]
    assert api.call("GET", "/requests", query="path=%2Ft&limit=5")[1] == found[:1]
    assert (api.call("DELETE", "/requests"), api.call("GET", "/requests")) == ((204, None), (200, []))


def test_canaries_are_set_and_count(api: Api) -> None:
    status, canary = api.call("POST", "/canaries", {"name": "jku-1"})
    api.ask("GET", canary["path"])

    assert (status, canary["hits"], canary["url"]) == (201, 0, "http://127.0.0.1:8080/canary/jku-1")
    assert api.call("GET", "/canaries/jku-1")[1]["hits"] == 1
    assert [found["name"] for found in api.call("GET", "/canaries")[1]] == ["jku-1"]


def test_answers_are_lined_up_and_dropped(api: Api) -> None:
    queue = api.idp.issuer("/t").queue
    body = {"users": ["ann"], "codes": ["c1"], "token_errors": [{"error": "invalid_grant", "status": 401}]}

    assert api.call("POST", "/issuers/t/next", body) == (204, None)

    assert (list(queue.users), list(queue.codes)) == (["ann"], ["c1"])
    assert [(error.error, error.status) for error in queue.token_errors] == [("invalid_grant", 401)]
    assert (api.call("DELETE", "/issuers/t/next"), list(queue.users)) == ((204, None), [])


def test_a_token_about_no_person_is_the_clients_own(api: Api) -> None:
    _, minted = api.call("POST", "/issuers/t/tokens", {"client": "nightly"})

    payload = api.call("POST", "/decode", {"token": minted["token"]})[1]["payload"]["value"]
    assert (minted["person"], payload["client_id"], "email" in payload) == (None, "nightly", False)


def test_an_issuers_own_people_and_what_it_knows_of_them_are_in_its_tokens(api: Api) -> None:
    issuer = api.idp.issuer("/t")
    issuer.people.add(Person.of("Zoe of T", "zoe"))
    issuer.accounts["zoe"] = Account({"groups": ["qa"]})

    _, minted = api.call("POST", "/issuers/t/tokens", {"person": "zoe"})

    payload = api.call("POST", "/decode", {"token": minted["token"]})[1]["payload"]["value"]
    assert (payload["name"], payload["groups"]) == ("Zoe of T", ["qa"])
    assert [person["username"] for person in api.call("GET", "/issuers/t")[1]["people"]] == ["zoe"]


def test_reset_behaves_again_and_keeps_the_issuers(api: Api) -> None:
    api.call("PUT", "/issuers/t/faults/jwks", {"fault": "html_page"})
    api.call("POST", "/canaries", {"name": "c"})

    assert api.call("POST", "/reset") == (204, None)

    assert (api.call("GET", "/faults")[1], api.call("GET", "/canaries")[1]) == ([], [])
    assert [found["path"] for found in api.call("GET", "/issuers")[1]] == ["/t"]


def test_every_operation_has_an_example_here() -> None:
    assert {operation.name for operation in OPERATIONS} == {
        "listIssuers", "addIssuer", "showIssuer", "removeIssuer", "listKeys", "stageKey", "rotateKeys",
        "retireKey", "revokeKey", "replaceKey", "mintToken", "decodeToken", "readClock", "setClock", "moveClock",
        "listFaults", "clearFaults", "setFault", "clearFault", "listPeople", "addPerson", "removePerson",
        "listRequests", "clearRequests", "listCanaries", "addCanary", "showCanary", "reset", "lineUp", "clearLine",
        # These are in test_idp_admin_setup.py:
        "changeIssuer", "certificatePem", "certificateCer", "publicKey", "privateKey", "certificatesPem",
        "authorityPem", "putPerson", "listIssuerPeople", "addIssuerPerson", "putIssuerPerson", "removeIssuerPerson",
        "listClients", "registerClient", "showClient", "putClient", "removeClient", "showLine", "saveState",
        "loadState",
    }  # fmt: skip


REFUSED: dict[str, tuple[str, str, Any, int, str, str]] = {
    "no issuer": ("GET", "/issuers/zzz", None, 404, "not_found", "no issuer under '/zzz'"),
    "no key": ("POST", "/issuers/t/keys/zzz/revoke", None, 404, "not_found", "no key 'zzz'"),
    "no person": ("DELETE", "/people/zzz", None, 404, "not_found", "zzz"),
    "no endpoint": ("DELETE", "/issuers/t/faults/zzz", None, 404, "not_found", "there are jwks"),
    "no client": ("GET", "/issuers/t/clients/zzz", None, 404, "not_found", "no client 'zzz'"),
    "grant": ("PUT", "/issuers/t/clients/a", {"grants": ["passwort"]}, 400, "invalid", "did you mean 'password'"),
    "auth method": ("PUT", "/issuers/t/clients/a", {"auth_method": "tls"}, 400, "invalid", "there are none"),
    "redirect URI": ("PUT", "/issuers/t/clients/a", {"redirect_uris": ["x"]}, 400, "invalid", "absolute"),
    "client id": ("PUT", "/issuers/t/clients/" + "a" * 513, {}, 400, "invalid", "1 to 512"),
    "rotation": ("POST", "/issuers", {"path": "/n", "rotation": {"every": 9, "ahead": 10}}, 400, "bad_body", "ahead"),
    "lifetime": ("PATCH", "/issuers/t", {"token_lifetime_s": 0}, 400, "bad_body", "$.token_lifetime_s"),
    "auto login": ("PATCH", "/issuers/t", {"auto_login": "zzz"}, 400, "invalid", "nobody who could sign in"),
    "user name": ("PUT", "/people/a%20b", {}, 400, "bad_path", "user name"),
    "signing key": ("POST", "/issuers/t/tokens", {"kid": "zzz"}, 404, "not_found", "no key 'zzz'"),
    "state of another": ("PUT", "/state", {"format": "x"}, 400, "invalid", "its format is 'x'"),
    "no canary": ("GET", "/canaries/zzz", None, 404, "not_found", "zzz"),
    "no address": ("GET", "/zzz", None, 404, "not_found", "openapi.json"),
    "no percent": ("GET", "/issuers/%ff%zz", None, 404, "not_found", "no issuer"),
    "a long path": ("GET", "/issuers/" + "x" * MAX_PATH, None, 400, "bad_path", "longer"),
    "taken path": ("POST", "/issuers", {"path": "/t"}, 409, "conflict", "already"),
    "active key": ("POST", "/issuers/t/keys/a/retire", None, 409, "conflict", "only a staged or retiring"),
    "taken kid": ("POST", "/issuers/t/keys", {"kid": "a"}, 409, "conflict", "is taken"),
    "persona": ("POST", "/issuers", {"path": "/n", "persona": "entra"}, 400, "invalid", "did you mean 'entra-v"),
    "algorithm": ("POST", "/issuers/t/rotate", {"alg": "HS256"}, 400, "invalid", "there are RS256"),
    "forgery": ("POST", "/issuers/t/tokens", {"person": "a", "forgery": "none"}, 400, "invalid", "unknown forgery"),
    "fault": ("PUT", "/issuers/t/faults/jwks", {"fault": "htmlpage"}, 400, "invalid", "did you mean 'html_page'"),
    "no body": ("POST", "/issuers", None, 415, "wrong_media_type", "application/json"),
    "no JSON": ("POST", "/decode", b"{", 400, "bad_body", "no JSON"),
    "no UTF-8": ("POST", "/decode", b'{"token": "\xff"}', 400, "bad_body", "no JSON"),
    "no object": ("POST", "/decode", b"[]", 400, "bad_body", "Expected `object`"),
    "missing member": ("POST", "/decode", {}, 400, "bad_body", "missing required field `token`"),
    "misspelt member": ("POST", "/decode", {"tokn": "x"}, 400, "bad_body", "did you mean 'token'"),
    "wrong type": ("POST", "/issuers/t/rotate", {"keep_old": "no"}, 400, "bad_body", "$.keep_old"),
    "wrong path": ("POST", "/issuers", {"path": "/../x y"}, 400, "bad_body", "$.path"),
    "wrong name": ("POST", "/people", {"username": "a b"}, 400, "bad_body", "$.username"),
    "wrong mode": ("PUT", "/issuers/t/clock", {"mode": "stopped"}, 400, "bad_body", "$.mode"),
    "wrong time": ("PUT", "/issuers/t/clock", {"mode": "frozen", "now": -1}, 400, "bad_body", "$.now"),
    "beyond time": ("POST", "/issuers/t/clock/move", {"seconds": -2e11}, 400, "invalid", "from 1970"),
    "body too deep": ("POST", "/decode", b"[" * (MAX_DEPTH + 1), 400, "bad_body", "deep"),
    "body far too deep": ("POST", "/decode", b'{"token":' + b"[" * 200_000, 400, "bad_body", "deep"),
    "body too large": ("POST", "/decode", b" " * (MAX_BODY + 1), 413, "too_large", "bytes"),
    "body where none is": ("POST", "/reset", {"all": True}, 400, "bad_body", "takes no body"),
}  # fmt: skip


@pytest.mark.parametrize("method,path,body,status,error,message", REFUSED.values(), ids=REFUSED)
def test_a_request_that_cannot_be_done_is_refused_with_a_reason(
    api: Api, method: str, path: str, body: Any, status: int, error: str, message: str
) -> None:
    answered, said = api.call(method, path, body)

    assert (answered, said["error"]) == (status, error)
    assert message in said["message"]


@pytest.mark.parametrize(
    "query,message",
    [
        ("sinse=1", "did you mean 'since'"),
        ("since=x", "since"),
        ("since=1&since=2", "twice"),
        ("limit=0", "limit"),
        ("path=" + "x" * MAX_QUERY, "longer"),
    ],
)
def test_a_query_is_read_strictly(api: Api, query: str, message: str) -> None:
    status, said = api.call("GET", "/requests", query=query)

    assert (status, said["error"]) == (400, "bad_query")
    assert message in said["message"]
    assert api.call("GET", "/people", query=query)[0] == 400


@pytest.mark.parametrize(
    "method,path,allow",
    [
        ("PUT", f"{API}/issuers/t", "GET, PATCH, DELETE, HEAD"),
        ("OPTIONS", f"{API}/reset", "POST"),
        ("POST", "/_admin/", "GET, HEAD"),
        ("DELETE", "/_admin/openapi.json", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_a_405_that_says_the_right_ones(
    api: Api, method: str, path: str, allow: str
) -> None:
    answer = api.ask(method, path)

    assert (answer.status, dict(answer.headers)["allow"]) == (405, allow)
    assert json.loads(answer.body)["error"] == "method_not_allowed"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""])
def test_a_body_that_does_not_say_it_is_json_is_a_415(api: Api, kind: str) -> None:
    assert api.call("POST", "/people", {"username": "ann"}, headers=(("content-type", kind),))[0] == 415
    assert api.call("GET", "/people")[1] == []


def test_head_is_answered_as_get_is(api: Api) -> None:
    assert api.ask("HEAD", f"{API}/issuers").status == 200


def test_a_server_without_the_admin_side_answers_as_for_any_unknown_path(api: Api) -> None:
    api.idp.admin = False

    answer = api.ask("GET", "/_admin/")

    assert (answer.status, json.loads(answer.body)) == (404, {"error": "not_found"})


TOKEN = "s3cret"


def test_with_an_admin_token_the_api_asks_for_it_and_the_page_does_not(api: Api) -> None:
    api.idp.admin_token = TOKEN

    def with_token(value: str) -> int:
        return api.ask("GET", f"{API}/issuers", headers=(("authorization", value),)).status

    refused = api.ask("GET", f"{API}/issuers")
    assert (refused.status, dict(refused.headers)["www-authenticate"]) == (401, "Bearer")
    assert [with_token(f"Bearer {TOKEN}"), with_token(f"bearer {TOKEN}")] == [200, 200]
    assert {
        with_token(wrong)
        for wrong in ("", "Bearer", "Bearer x", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer é")
    } == {401}
    assert [api.ask("GET", path).status for path in ("/_admin/", "/_admin/openapi.json")] == [200, 200]


OWN_HOSTS = ["localhost", "localhost:1234", "127.0.0.1:8080", "127.9.9.9", "[::1]:8080", "LOCALHOST"]
FOREIGN_HOSTS = [
    "evil.example",
    "evil.example:8080",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "10.0.0.1",
    "",
    "[::1",
]


@pytest.mark.parametrize("host", OWN_HOSTS)
def test_this_machine_is_served(api: Api, host: str) -> None:
    assert api.call("GET", "/issuers", headers=(("host", host),))[0] == 200


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
@pytest.mark.parametrize("path", ["/_admin/", f"{API}/issuers", "/_admin/openapi.json", "/_admin"])
def test_a_name_that_was_rebound_to_this_machine_is_refused(api: Api, host: str, path: str) -> None:
    answer = api.ask("GET", path, headers=(("host", host),))

    assert (answer.status, json.loads(answer.body)["error"]) == (403, "wrong_host")


def test_two_hosts_or_none_are_refused(api: Api) -> None:
    twice = api.ask("GET", f"{API}/issuers", headers=(("host", "localhost"), ("host", "evil.example")))
    none = api.idp.handle(Request("GET", f"{API}/issuers"))

    assert (twice.status, none.status) == (400, 403)


def test_the_configured_host_is_served_and_with_a_token_any_other(api: Api) -> None:
    api.idp.base_url = "https://idp.test:8443"
    configured = api.call("GET", "/issuers", headers=(("host", "idp.test:8443"),))[0]
    api.idp.admin_token = "t"
    other = api.call("GET", "/issuers", headers=(("host", "proxy.test"), ("authorization", "Bearer t")))[0]

    assert (configured, other) == (200, 200)


@pytest.mark.parametrize(
    "headers",
    [
        (("origin", "http://evil.example"),),
        (("origin", "null"),),
        (("origin", "http://127.0.0.1:9999"),),
        (("sec-fetch-site", "cross-site"),),
        (("sec-fetch-site", "same-site"),),
    ],
)
def test_a_page_of_another_origin_can_change_nothing(api: Api, headers: Any) -> None:
    assert api.call("POST", "/issuers/t/rotate", headers=headers)[0] == 403
    assert len(api.call("GET", "/issuers/t/keys")[1]) == 1


def test_the_servers_own_page_can_change_things(api: Api) -> None:
    own = (("origin", "http://127.0.0.1:8080"), ("sec-fetch-site", "same-origin"))

    assert api.call("POST", "/issuers/t/rotate", headers=own)[0] == 200


def test_no_answer_is_cached_sniffed_or_readable_across_origins(api: Api) -> None:
    for path in ("/_admin/", "/_admin/openapi.json", f"{API}/issuers", f"{API}/zzz"):
        headers = dict(api.ask("GET", path, headers=(("origin", "http://evil.example"),)).headers)
        assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")
        assert "access-control-allow-origin" not in headers


def test_the_bare_address_leads_to_the_page(api: Api) -> None:
    answer = api.ask("GET", "/_admin")

    assert (answer.status, dict(answer.headers)["location"]) == (308, "/_admin/")


def test_an_issuer_whose_path_only_begins_like_the_admin_side_is_served(api: Api) -> None:
    api.call("POST", "/issuers", {"path": "/_administration", "alg": "ES256"})

    assert api.ask("GET", "/_administration/jwks").status == 200
