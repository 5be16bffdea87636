"""The authorization endpoint, its login page, sessions and logout."""

import html
import json
import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from mock_idp import Issuer, KeyRing, MockIdP, Person, Request, Response, fixed_key, persona
from mock_idp.oauth.clients import Client
from mock_idp.oauth.queued import QueuedError

NOW = 1_767_225_600
FORM = ("content-type", "application/x-www-form-urlencoded")
BACK = "https://app.example/back"
GOOD = {"response_type": "code", "client_id": "app", "redirect_uri": BACK, "state": "s&1", "scope": "openid"}


class Idp:
    """One issuer behind a `MockIdP`, asked as a browser asks."""

    def __init__(self, *clients: Client) -> None:
        self.now: float = NOW
        ring = KeyRing([fixed_key("a", "ES256")])
        self.issuer = Issuer(persona("generic"), ring, issuer="https://idp.example", clock=lambda: self.now)
        self.issuer.clients.update({client.id: client for client in clients})
        self.server = MockIdP(clock=lambda: self.now)
        self.server.base_url = "http://127.0.0.1:1"
        self.server.add_issuer("/t", self.issuer)

    def get(self, place: str, params: dict[str, str], cookie: str = "") -> Response:
        headers = (("cookie", cookie),) if cookie else ()
        return self.server.handle(Request("GET", f"/t/{place}", urlencode(params), headers))

    def post(self, place: str, params: dict[str, str]) -> Response:
        return self.server.handle(Request("POST", f"/t/{place}", "", (FORM,), urlencode(params).encode()))

    def ask(self, cookie: str = "", /, **changes: str) -> Response:
        params = {**GOOD, **changes}
        return self.get("authorize", {n: v for n, v in params.items() if v}, cookie)


@pytest.fixture
def idp() -> Idp:
    return Idp()


def answered(response: Response) -> dict[str, str]:
    """Give the parameters that went back to the client, in the query or in the fragment."""
    parts = urlsplit(dict(response.headers)["location"])
    return {name: values[0] for name, values in parse_qs(parts.query or parts.fragment).items()}


def hidden(response: Response) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', response.body.decode())
    return {html.unescape(name): html.unescape(value) for name, value in found}


def cookie_of(response: Response) -> str:
    return dict(response.headers)["set-cookie"].partition(";")[0]


def test_the_login_page_lists_the_people_and_signs_the_chosen_one_in(idp: Idp) -> None:
    idp.issuer.people.add(Person.of("Dora <Dent>", "dora"))

    page = idp.ask()
    back = idp.post("authorize", {**hidden(page), "_sign_in": "dora"})

    assert page.status == 200
    assert b"Dora &lt;Dent&gt;" in page.body
    assert hidden(page) == GOOD
    assert back.status == 303
    assert answered(back).keys() == {"code", "state", "iss"}
    assert (answered(back)["state"], answered(back)["iss"]) == ("s&1", "https://idp.example")


def test_people_of_the_server_can_sign_in_at_every_issuer(idp: Idp) -> None:
    idp.server.people.add(Person.named("erin"))

    assert b"Erin" in idp.ask().body
    assert "code" in answered(idp.ask(login_hint="erin@contoso.example"))


def test_an_unknown_name_is_asked_for_again_and_cancelling_is_a_refusal(idp: Idp) -> None:
    page = idp.post("authorize", {**GOOD, "_sign_in": "<script>"})
    refused = idp.post("authorize", {**GOOD, "_cancel": "1"})

    assert b"Nobody here is called &lt;script&gt;" in page.body
    assert answered(refused)["error"] == "access_denied"


@pytest.mark.parametrize("way", ["login_hint", "auto_login", "queue"])
def test_nobody_has_to_click_with(idp: Idp, way: str) -> None:
    if way == "queue":
        idp.issuer.queue.users.append("ben")
    elif way == "auto_login":
        idp.issuer.auto_login = "ben"

    answer = idp.ask(login_hint="ben" if way == "login_hint" else "")

    assert "code" in answered(answer)


def test_queued_users_codes_and_errors_are_used_once(idp: Idp) -> None:
    idp.issuer.queue.codes.append("known-code")
    idp.issuer.queue.authorization_errors.append(QueuedError("temporarily_unavailable"))

    error, code, other = (answered(idp.ask(login_hint="ann")) for _ in range(3))

    assert error["error"] == "temporarily_unavailable"
    assert code["code"] == "known-code"
    assert other["code"] != "known-code"


def test_prompt_none_never_shows_a_page(idp: Idp) -> None:
    refused = answered(idp.ask(prompt="none"))
    idp.issuer.auto_login = "ann"

    assert (refused["error"], refused["state"]) == ("login_required", "s&1")
    assert "code" in answered(idp.ask(prompt="none"))


def test_a_browser_stays_signed_in_until_asked_again_or_signed_out(idp: Idp) -> None:
    cookie = cookie_of(idp.ask(login_hint="ann"))

    assert "code" in answered(idp.ask(cookie))
    assert "code" in answered(idp.ask(cookie, prompt="none"))
    assert idp.ask(cookie, prompt="login").status == 200
    idp.now += 100
    assert idp.ask(cookie, max_age="99").status == 200
    assert "code" in answered(idp.ask(cookie, max_age="100"))
    gone = idp.get("logout", {}, cookie)
    assert "Max-Age=0" in dict(gone.headers)["set-cookie"]
    assert idp.ask(cookie).status == 200


def test_the_session_cookie_is_for_this_issuer_alone(idp: Idp) -> None:
    header = dict(idp.ask(login_hint="ann").headers)["set-cookie"]

    assert "; Path=/t; HttpOnly; SameSite=Lax" in header
    idp.server.browser_url = "https://idp.localhost"
    assert dict(idp.ask(login_hint="ann").headers)["set-cookie"].endswith("; Secure")


def test_the_answer_comes_by_the_response_mode(idp: Idp) -> None:
    query, fragment = (idp.ask(login_hint="ann", response_mode=mode) for mode in ("query", "fragment"))
    form = idp.ask(login_hint="ann", response_mode="form_post")

    assert dict(query.headers)["location"].startswith(BACK + "?code=")
    assert dict(fragment.headers)["location"].startswith(BACK + "#code=")
    assert hidden(form).keys() == {"code", "state", "iss"}
    assert f'action="{BACK}"'.encode() in form.body


def test_a_redirect_uri_keeps_its_own_query(idp: Idp) -> None:
    location = dict(idp.ask(login_hint="ann", redirect_uri=BACK + "?a=b").headers)["location"]

    assert location.startswith(BACK + "?a=b&code=")


ERRORS: list[tuple[dict[str, str], str]] = [
    ({"response_type": ""}, "invalid_request"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": "code id_token"}, "unsupported_response_type"),
    ({"response_mode": "web_message"}, "invalid_request"),
    ({"code_challenge_method": "S256"}, "invalid_request"),
    ({"code_challenge": "c" * 43, "code_challenge_method": "S512"}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"prompt": "none login"}, "invalid_request"),
    ({"prompt": "zzz"}, "invalid_request"),
    ({"max_age": "-1"}, "invalid_request"),
    ({"scope": 'a"b'}, "invalid_scope"),
    ({"resource": "x" * 3000}, "invalid_target"),
    ({"request": "e30.e30."}, "request_not_supported"),
    ({"request_uri": "https://evil.example"}, "request_uri_not_supported"),
]


@pytest.mark.parametrize("changes,error", ERRORS)
def test_an_error_goes_back_to_the_client_with_its_state(
    idp: Idp, changes: dict[str, str], error: str
) -> None:
    found = answered(idp.ask(**{"login_hint": "ann", **changes}))

    assert (found["error"], found["state"]) == (error, "s&1")
    assert found["error_description"]


NEVER_REDIRECTED: list[dict[str, str]] = [
    {"client_id": ""},
    {"redirect_uri": ""},
    {"redirect_uri": "http://evil.example/"},
    {"redirect_uri": "https:///x"},
    {"redirect_uri": "https://x.example/#f"},
    {"redirect_uri": "javascript:alert(1)"},
    {"redirect_uri": "data:text/html,x"},
    {"redirect_uri": "http://[::1"},
    {"redirect_uri": "https://x.example/\r\nset-cookie: a=b"},
    {"redirect_uri": "/relative"},
    {"redirect_uri": "https://x.example/" + "x" * 3000},
    {"state": "x" * 9000},
    {"client_id": "x" * 600},
]


@pytest.mark.parametrize("changes", NEVER_REDIRECTED)
def test_a_bad_client_or_redirect_uri_gets_a_page_and_no_redirect(idp: Idp, changes: dict[str, str]) -> None:
    answer = idp.ask(**{"login_hint": "ann", **changes})

    assert answer.status == 400
    assert "location" not in dict(answer.headers)
    assert b"cannot be answered" in answer.body


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:4711/cb", "http://localhost/cb", "http://[::1]/", "com.example.app:/cb"]
)
def test_loopback_and_app_addresses_will_do_where_none_is_registered(idp: Idp, address: str) -> None:
    assert dict(idp.ask(login_hint="ann", redirect_uri=address).headers)["location"].startswith(address)


def test_registered_redirect_uris_are_compared_exactly() -> None:
    idp = Idp(Client("app", redirect_uris=(BACK,)), Client("two", redirect_uris=(BACK, BACK + "2")))

    assert "code" in answered(idp.ask(login_hint="ann"))
    assert "code" in answered(idp.ask(login_hint="ann", redirect_uri=""))
    for wrong in (
        {"redirect_uri": BACK + "/"},
        {"redirect_uri": BACK + "?x"},
        {"client_id": "two", "redirect_uri": ""},
        {"client_id": "zzz"},
    ):
        assert idp.ask(**{"login_hint": "ann", **wrong}).status == 400


@pytest.mark.parametrize("query", ["client_id=a&client_id=b", "client_id=%ff", "&".join(["a=b"] * 100), "%"])
def test_a_malformed_query_is_a_400_with_a_reason(idp: Idp, query: str) -> None:
    assert idp.server.handle(Request("GET", "/t/authorize", query)).status == 400


def sign_in(idp: Idp) -> dict[str, Any]:
    code = answered(idp.ask(login_hint="ann"))["code"]
    params = {"grant_type": "authorization_code", "code": code, "client_id": "app", "redirect_uri": BACK}
    found: dict[str, Any] = json.loads(idp.post("token", params).body)
    return found


OUT = "https://app.example/out"


def test_logout_goes_back_where_the_client_may_have_it(idp: Idp) -> None:
    hint = sign_in(idp)["id_token"]
    idp.now += 10**6

    back = idp.get("logout", {"id_token_hint": hint, "post_logout_redirect_uri": OUT, "state": "x"})
    page = idp.get("logout", {})
    posted = idp.post("logout", {"client_id": "app", "post_logout_redirect_uri": OUT})

    assert dict(back.headers)["location"] == OUT + "?state=x"
    assert (page.status, b"signed out" in page.body) == (200, True)
    assert dict(posted.headers)["location"] == OUT


def test_logout_refuses_foreign_hints_and_addresses() -> None:
    idp = Idp(Client("app", redirect_uris=(BACK,), post_logout_redirect_uris=(OUT,)), Client("other"))
    hint = sign_in(idp)["id_token"]
    head, _, signature = hint.rpartition(".")
    forged = f"{head}.{signature[::-1]}"
    good = {"id_token_hint": hint, "post_logout_redirect_uri": OUT}

    assert idp.get("logout", good).status == 303
    for wrong in (
        {**good, "post_logout_redirect_uri": OUT + "/"},
        {**good, "id_token_hint": forged},
        {**good, "id_token_hint": "zzz"},
        {**good, "client_id": "other"},
        {"post_logout_redirect_uri": OUT},
        {"client_id": "zzz"},
    ):
        assert idp.get("logout", wrong).status == 400, wrong


def test_pages_run_no_foreign_script_and_are_not_framed(idp: Idp) -> None:
    for page in (idp.ask(), idp.ask(client_id=""), idp.get("device", {"user_code": '"><script>'})):
        policy = dict(page.headers)["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert b"<script" not in page.body
