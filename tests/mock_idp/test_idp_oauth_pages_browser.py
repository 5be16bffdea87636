"""The pages for people in a real browser: sign in, form_post, a device, and out again.

Needs Chromium at `TOUCHSTONE_CHROMIUM` (default `/usr/bin/chromium`); with `TOUCHSTONE_SCREENSHOTS` set to a folder,
pictures of the pages are left there.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import urllib3
from playwright.sync_api import Browser, Page, expect

from mock_idp import Issuer, KeyRing, MockIdP, Person, fixed_key, persona
from mock_idp.oauth.grant_types import DEVICE_CODE
from mock_idp.oauth.granted import DEVICE_INTERVAL_S
from mock_idp.serve import serve

pytestmark = pytest.mark.browser

PATIENCE_MS = 20_000
MARKUP = "<b onclick=x>Dora</b>"


@pytest.fixture
def idp() -> MockIdP:
    made = MockIdP()
    made.add_issuer("/t", Issuer(persona("generic"), KeyRing([fixed_key("a", "ES256")])))
    made.people.add(Person.named("ann.miller"))
    made.people.add(Person.of(MARKUP, "dora"))
    return made


@pytest.fixture
def url(idp: MockIdP) -> Iterator[str]:
    with serve(idp) as running:
        yield running.url


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 900, "height": 760})
    opened.set_default_timeout(PATIENCE_MS)
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    yield opened
    opened.close()
    assert problems == []


def picture(page: Page, name: str) -> None:
    folder = os.environ.get("TOUCHSTONE_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png")


def request(url: str, back: str, **more: str) -> str:
    params = {"response_type": "code", "client_id": "shop", "redirect_uri": back, "state": "s1", **more}
    return f"{url}/t/authorize?{urlencode(params)}"


def test_a_person_signs_in_by_mouse_stays_signed_in_and_signs_out(idp: MockIdP, url: str, page: Page) -> None:
    back = url + idp.canary("back")

    page.goto(request(url, back))
    expect(page.get_by_role("heading")).to_have_text("Sign in")
    expect(page.get_by_text(MARKUP)).to_be_visible()
    picture(page, "login")
    page.get_by_role("button", name="Ann Miller").click()
    page.wait_for_url(f"{back}?*")
    answer = parse_qs(urlsplit(page.url).query)
    page.goto(request(url, back, prompt="none"))
    again = parse_qs(urlsplit(page.url).query)
    page.goto(f"{url}/t/logout")
    expect(page.get_by_role("heading")).to_have_text("Signed out")
    picture(page, "signed-out")
    page.goto(request(url, back))

    assert (answer["state"], "code" in answer, "code" in again) == (["s1"], True, True)
    expect(page.get_by_role("heading")).to_have_text("Sign in")


def test_a_name_is_typed_with_the_keyboard_and_an_unknown_one_is_told(
    idp: MockIdP, url: str, page: Page
) -> None:
    back = url + idp.canary("back")

    page.goto(request(url, back))
    page.get_by_label("Another user name").fill("nobody")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Nobody here is called nobody.")
    picture(page, "login-unknown")
    page.get_by_label("Another user name").fill("dora@contoso.example")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{back}?*")

    assert "code" in parse_qs(urlsplit(page.url).query)


def test_form_post_sends_itself(idp: MockIdP, url: str, page: Page) -> None:
    back = url + idp.canary("back")

    page.goto(request(url, back, response_mode="form_post", login_hint="dora"))
    page.wait_for_url(back)

    (posted,) = [entry for entry in idp.journal if entry.path == "/canary/back"]
    assert posted.method == "POST"
    assert parse_qs(posted.body.decode()).keys() == {"code", "state", "iss"}


def test_a_device_is_let_in(url: str, page: Page) -> None:
    with urllib3.PoolManager() as pool:
        started = pool.request_encode_body(
            "POST", f"{url}/t/device_authorization", {"client_id": "tv"}, encode_multipart=False
        ).json()
        page.goto(started["verification_uri_complete"])
        expect(page.get_by_label("The code that the device shows")).to_have_value(started["user_code"])
        picture(page, "device")
        page.get_by_role("button", name="Ann Miller").click()
        expect(page.get_by_role("heading")).to_have_text("Connected")
        asked = {"grant_type": DEVICE_CODE, "device_code": started["device_code"], "client_id": "tv"}
        answer = pool.request_encode_body("POST", f"{url}/t/token", asked, encode_multipart=False)

    assert started["interval"] == DEVICE_INTERVAL_S
    assert "access_token" in json.loads(answer.data)
