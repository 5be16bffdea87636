"""The console page in a real browser: everything that people do there, by mouse and by keyboard.

Needs Chromium at `TOUCHSTONE_CHROMIUM` (default `/usr/bin/chromium`); with `TOUCHSTONE_SCREENSHOTS` set to a folder,
pictures of the page are left there.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from playwright.sync_api import Browser, Page, expect

from mock_idp import Issuer, KeyRing, MockIdP, Person, fixed_key, persona
from mock_idp.serve import serve

pytestmark = pytest.mark.browser

PATIENCE_MS = 20_000
MARKUP = '"><img src=x onerror="document.title=1"><script>document.title=1</script>'


@pytest.fixture
def idp() -> MockIdP:
    made = MockIdP()
    made.admin = True
    made.add_issuer("/tenant-a", Issuer(persona("entra-v2"), KeyRing([fixed_key("a")])))
    made.add_issuer("", Issuer(persona("generic"), KeyRing([fixed_key("b", "ES256")])))
    made.people.add(Person.named("ann.miller"))
    return made


@pytest.fixture
def url(idp: MockIdP) -> Iterator[str]:
    with serve(idp) as running:
        yield running.url


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    """Show the console; what the page logs as an error, or fetches from elsewhere, fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    opened = context.new_page()
    errors: list[str] = []
    fetched: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda message: errors.append(message.text) if "Policy" in message.text else None)
    opened.on("request", lambda request: fetched.append(request.url))
    opened.goto(f"{url}/_admin/")
    yield opened
    context.close()
    assert errors == []
    assert [found for found in fetched if not found.startswith((url, "data:"))] == []


def published(url: str) -> list[str]:
    answer = urllib3.request("GET", f"{url}/tenant-a/jwks")
    return [key["kid"] for key in answer.json()["keys"]]


def test_keys_are_rotated_retired_and_revoked(page: Page, url: str) -> None:
    (old,) = published(url)

    page.get_by_role("button", name="Rotate the keys of /tenant-a").click()
    expect(page.get_by_role("row", name=old)).to_contain_text("retiring")
    (kept, new) = published(url)
    page.get_by_role("button", name=f"Retire key {old}").click()
    expect(page.get_by_role("row", name=old)).to_contain_text("retired")
    page.get_by_role("button", name=f"Revoke key {new}").click()
    expect(page.get_by_role("row", name=new)).to_contain_text("revoked")

    assert kept == old
    assert len(published(url)) == 1
    assert not {old, new} & set(published(url))


def test_a_key_is_staged_before_it_signs(page: Page, url: str) -> None:
    page.get_by_role("button", name="Stage a key at /tenant-a").click()

    expect(page.get_by_role("row").filter(has_text="does not sign yet")).to_have_count(1)
    assert len(published(url)) == 2


def test_an_issuer_is_added_and_removed(page: Page, url: str) -> None:
    page.get_by_text("Add an issuer").click()
    form = page.locator("#add-issuer")
    form.get_by_label("Path").fill("/new")
    form.get_by_label("Algorithm").select_option("ES256")
    form.get_by_role("button", name="Add issuer").click()
    expect(page.get_by_role("heading", name="/new")).to_be_visible()
    assert urllib3.request("GET", f"{url}/new/jwks").status == 200

    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Remove the issuer /new").click()

    expect(page.get_by_role("heading", name="/new")).to_have_count(0)
    assert urllib3.request("GET", f"{url}/new/jwks").status == 404


def test_a_token_is_minted_shown_decoded_and_copied(page: Page, url: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=url)
    form = page.locator("#mint")
    form.get_by_label("Person").fill("ann.miller")
    form.get_by_label("Further claims").fill('{"groups": ["qa"]}')

    form.get_by_role("button", name="Mint token").click()

    decoded = page.locator("#decoded")
    expect(decoded).to_contain_text('"alg": "RS256"')
    expect(decoded).to_contain_text('"preferred_username": "ann.miller@contoso.example"')
    expect(decoded).to_contain_text('"groups"')
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("status")).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#decode textarea").input_value()


def test_a_token_is_forged_and_decoded(page: Page) -> None:
    form = page.locator("#mint")
    form.get_by_label("Forgery").select_option("none_alg")
    expect(form).to_contain_text("An unsecured token")
    form.get_by_label("Its argument").fill('"nOnE"')

    form.get_by_role("button", name="Mint token").click()

    expect(page.locator("#decoded .header")).to_contain_text('"alg": "nOnE"')
    expect(page.locator("#decoded .signature")).to_contain_text("0 bytes")


def test_what_a_token_holds_is_shown_as_text(page: Page, url: str) -> None:
    title = page.title()
    urllib3.request("GET", f"{url}/{'%3Cscript%3E'}", fields={"q": MARKUP}, body=None)
    page.locator("#mint").get_by_label("Further claims").fill(json.dumps({"x": MARKUP}))

    page.locator("#mint").get_by_role("button", name="Mint token").click()

    expect(page.locator("#decoded .payload")).to_contain_text("<img src=x onerror=")
    expect(page.locator("#log-rows")).to_contain_text("%3Cscript%3E")
    assert page.locator("img").count() == 0
    assert page.title() == title


def test_a_refusal_is_shown_with_its_reason_and_keeps_what_was_typed(page: Page) -> None:
    form = page.locator("#mint")
    form.get_by_label("Further claims").fill('{"sub": "mine"}')
    form.get_by_role("button", name="Mint token").click()
    expect(page.get_by_role("status")).to_contain_text("Refused: entra-v2 lets nobody set sub")

    form.get_by_label("Further claims").fill("{")
    form.get_by_role("button", name="Mint token").click()
    expect(page.get_by_role("status")).to_contain_text("Refused: Further claims:")

    assert form.get_by_label("Further claims").input_value() == "{"


def test_a_fault_is_switched_on_and_off(page: Page, url: str) -> None:
    form = page.locator("#set-fault")
    form.get_by_label("Fault").select_option("status")
    form.get_by_label("Its argument").fill("503")
    form.get_by_role("button", name="Switch on").click()
    expect(page.locator("#fault-list")).to_contain_text('{"status":503} at /tenant-a jwks')
    assert urllib3.request("GET", f"{url}/tenant-a/jwks", retries=False).status == 503

    page.get_by_role("button", name=re.compile("Switch off")).click()

    expect(page.locator("#fault-list")).to_contain_text("every endpoint behaves")
    assert urllib3.request("GET", f"{url}/tenant-a/jwks").status == 200


def test_a_fault_says_what_it_takes(page: Page) -> None:
    form = page.locator("#set-fault")

    form.get_by_label("Fault").select_option("html_page")
    expect(form.get_by_label("Its argument")).to_be_disabled()
    form.get_by_label("Fault").select_option("status")
    expect(form.get_by_label("Its argument")).to_be_enabled()


def test_the_clock_is_turned_frozen_and_set(page: Page, idp: MockIdP) -> None:
    page.locator("article").first.get_by_text("Turn the clock").click()
    page.get_by_role("button", name="Freeze: clock of /tenant-a").click()
    expect(page.locator("[data-clock=tenant-a]")).to_contain_text("frozen")

    page.get_by_label("Set the clock of /tenant-a").fill("2030-01-31T12:00:00Z")
    page.get_by_label("Set the clock of /tenant-a").press("Enter")
    expect(page.locator("[data-clock=tenant-a]")).to_contain_text("2030-01-31T12:00:00Z (1896091200), frozen")
    page.get_by_role("button", name="+1 day: clock of /tenant-a").click()
    expect(page.locator("[data-clock=tenant-a]")).to_contain_text("2030-02-01T12:00:00Z")

    assert idp.issuer("/tenant-a").clock() == 1_896_091_200 + 86_400
    page.get_by_role("button", name="Real time: clock of /tenant-a").click()
    expect(page.locator("[data-clock=tenant-a]")).to_contain_text("real time")


def test_people_are_added_and_removed(page: Page, idp: MockIdP) -> None:
    page.locator("#add-person").get_by_label("User name").fill("ben")
    page.locator("#add-person").get_by_label("User name").press("Enter")
    expect(page.locator("#people-list")).to_contain_text("ben@contoso.example")

    page.get_by_role("button", name="Remove ann.miller").click()

    expect(page.locator("#people-list")).not_to_contain_text("ann.miller")
    assert [person.username for person in idp.people] == ["ben"]


def test_people_of_one_issuer_have_claims_of_their_own(page: Page, idp: MockIdP) -> None:
    form = page.locator("#add-person")
    form.get_by_label("User name").fill("zoe")
    form.get_by_label("At").select_option("/tenant-a")
    form.get_by_label("Further claims").fill('{"groups": ["qa"]}')
    form.get_by_role("button", name="Add person").click()
    expect(page.locator("#people-list")).to_contain_text('at /tenant-a alone, {"groups":["qa"]}')
    assert idp.issuer("/tenant-a").account("zoe").claims == {"groups": ["qa"]}

    page.get_by_role("button", name="Remove zoe of /tenant-a").click()

    expect(page.locator("#people-list")).not_to_contain_text("zoe")


def test_a_client_is_registered_listed_and_removed(page: Page, idp: MockIdP) -> None:
    expect(page.locator("#client-list")).to_contain_text("every client id is taken")
    form = page.locator("#add-client")
    form.get_by_label("Issuer").select_option("/tenant-a")
    form.get_by_label("Client id").fill("app")
    form.get_by_role("textbox", name="Secret").fill("s3cret")
    form.get_by_label("Authenticates by").select_option("client_secret_basic")
    form.get_by_label("Redirect URIs").fill("https://app.example/back https://app.example/other")
    form.get_by_label("Grants").select_option(["authorization_code", "refresh_token"])
    form.get_by_label("Claims of its own tokens").fill('{"roles": ["reader"]}')
    form.get_by_role("button", name="Register client").click()
    expect(page.locator("#client-list")).to_contain_text(
        "app at /tenant-a: with a secret; by client_secret_basic"
    )

    client = idp.issuer("/tenant-a").clients["app"]
    assert client.redirect_uris == ("https://app.example/back", "https://app.example/other")
    assert (client.grants, client.claims) == (("authorization_code", "refresh_token"), {"roles": ["reader"]})
    page.get_by_role("button", name="Remove the client app of /tenant-a").click()

    expect(page.locator("#client-list")).to_contain_text("every client id is taken")
    assert idp.issuer("/tenant-a").clients == {}


def test_settings_of_an_issuer_are_changed_and_what_is_left_empty_stays(page: Page, idp: MockIdP) -> None:
    audience = idp.issuer("/tenant-a").audience
    page.get_by_label("Settings of /tenant-a", exact=True).click()
    card = page.locator("article").first
    card.get_by_label("Signed in without a page").fill("ann.miller")
    card.get_by_label("Token lifetime").fill("60")
    card.get_by_label("Access tokens").select_option("opaque")
    card.get_by_role("button", name="Change the settings").click()
    expect(page.get_by_role("status")).to_contain_text("/tenant-a is changed")

    issuer = idp.issuer("/tenant-a")
    assert (issuer.auto_login, issuer.token_lifetime_s, issuer.opaque_access_tokens) == (
        "ann.miller",
        60,
        True,
    )
    assert issuer.audience == audience
    card.get_by_label("Signed in without a page").fill("-")
    card.get_by_label("Signed in without a page").press("Enter")
    expect(card.get_by_label("Signed in without a page")).to_have_attribute("placeholder", "nobody")
    assert (issuer.auto_login, issuer.token_lifetime_s) == (None, 60)


def test_files_of_a_key_are_downloaded(page: Page, idp: MockIdP) -> None:
    issuer = idp.issuer("/tenant-a")
    key = issuer.ring.active
    page.get_by_label(f"Files of key {issuer.kid(key)}").click()

    with page.expect_download() as pem:
        page.get_by_role("button", name=f"Certificate .pem of key {issuer.kid(key)}").click()
    with page.expect_download() as bundle:
        page.get_by_role("button", name="Certificates of /tenant-a in one file").click()

    assert pem.value.suggested_filename == "a-certificate.pem"
    assert pem.value.path().read_bytes() == bundle.value.path().read_bytes()
    assert b"BEGIN CERTIFICATE" in pem.value.path().read_bytes()


def test_another_key_takes_a_kid(page: Page, idp: MockIdP) -> None:
    before = idp.issuer("").ring.active

    page.get_by_role("button", name="Put another key under the kid b").click()

    expect(page.get_by_role("status")).to_contain_text("another key has its kid")
    assert idp.issuer("").ring.active.kid == before.kid
    assert idp.issuer("").ring.active != before


def test_keys_are_saved_and_loaded(page: Page, url: str) -> None:
    before = published(url)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save keys").click()
    page.get_by_role("button", name="Rotate the keys of /tenant-a").click()
    expect(page.get_by_role("row").filter(has_text="retiring")).to_have_count(1)

    page.get_by_label("Load keys").set_input_files(saved.value.path())

    expect(page.get_by_role("row").filter(has_text="retiring")).to_have_count(0)
    assert published(url) == before


def test_answers_are_lined_up_and_dropped(page: Page, idp: MockIdP) -> None:
    form = page.locator("#line-up")
    form.get_by_label("Issuer").select_option("/tenant-a")
    form.get_by_label("Users who sign in").fill("ann, ben")
    form.get_by_label("Error").fill("slow_down")
    form.get_by_label("Its status").fill("429")
    form.get_by_role("button", name="Line up").click()
    expect(page.locator("#line-list")).to_contain_text(
        "/tenant-a: signs in ann, ben; token error slow_down (429)"
    )
    assert list(idp.issuer("/tenant-a").queue.users) == ["ann", "ben"]

    page.get_by_role("button", name="Drop what is lined up at /tenant-a").click()

    expect(page.locator("#line-list")).to_contain_text("Nothing")
    assert list(idp.issuer("/tenant-a").queue.users) == []


def test_a_canary_is_set_and_shows_that_it_was_fetched(page: Page, url: str) -> None:
    page.locator("#add-canary").get_by_label("Name").fill("jku")
    page.locator("#add-canary").get_by_label("Name").press("Enter")
    expect(page.locator("#canary-list")).to_contain_text("never fetched")

    urllib3.request("GET", f"{url}/canary/jku")

    expect(page.locator("#canary-list")).to_contain_text("fetched once")


def test_a_revoked_key_signs_a_token_when_it_is_asked_to(page: Page, idp: MockIdP) -> None:
    old = idp.issuer("/tenant-a").kid(idp.issuer("/tenant-a").ring.active)
    page.get_by_role("button", name=f"Revoke key {old}").click()
    expect(page.get_by_role("row", name=old)).to_contain_text("revoked")

    page.locator("#mint").get_by_label("Signing kid").fill(old)
    page.locator("#mint").get_by_role("button", name="Mint token").click()

    expect(page.locator("#decoded .header")).to_contain_text(f'"kid": "{old}"')


def test_the_log_shows_requests_as_they_come_and_can_be_paused_filtered_and_cleared(
    page: Page, url: str
) -> None:
    rows = page.locator("#log-rows tr")
    urllib3.request("GET", f"{url}/tenant-a/jwks?seen=1")
    expect(rows.filter(has_text="GET /tenant-a/jwks?seen=1")).to_contain_text("200")

    page.get_by_role("button", name="Pause").click()
    urllib3.request("POST", f"{url}/zzz", body=b"hello")
    # Two polls of the other lists go by, so that the log had every chance.
    with page.expect_response(re.compile("/api/issuers")):
        pass
    with page.expect_response(re.compile("/api/issuers")):
        pass
    expect(rows).to_have_count(1)
    page.get_by_role("button", name="Go on").click()
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("404")
    rows.first.get_by_text("What was said").click()
    expect(rows.first).to_contain_text("hello")

    page.get_by_label("Path starts with").fill("/tenant-a")
    expect(rows).to_have_count(1)
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("Nothing was asked yet")).to_be_visible()
    expect(rows).to_have_count(0)


def test_reset_behaves_again(page: Page, idp: MockIdP) -> None:
    idp.set_fault("/tenant-a", "jwks", "html_page")
    expect(page.locator("#fault-list")).to_contain_text("html_page")

    page.get_by_role("button", name="Reset").click()

    expect(page.locator("#fault-list")).to_contain_text("every endpoint behaves")
    assert idp.faults == ()


def test_a_server_with_an_admin_token_asks_for_it_once(browser: Browser, idp: MockIdP, url: str) -> None:
    idp.admin_token = "s3cret"
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(f"{url}/_admin/")
    field = page.get_by_label("Token", exact=True).first

    field.fill("wrong")
    field.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("admin token")
    expect(page.get_by_role("heading", name="/tenant-a")).to_have_count(0)
    field.fill("s3cret")
    field.press("Enter")
    expect(page.get_by_role("heading", name="/tenant-a")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="/tenant-a")).to_be_visible()
    context.close()


def test_the_keyboard_reaches_everything_in_the_order_of_the_page_and_keeps_its_place(
    page: Page, url: str
) -> None:
    expect(page.get_by_role("heading", name="/tenant-a")).to_be_visible()
    visited: list[tuple[float, str]] = []
    for _ in range(200):
        page.keyboard.press("Tab")
        top, name = page.evaluate(
            "() => { const e = document.activeElement; const box = e.getBoundingClientRect();"
            " const name = e.getAttribute('aria-label') || e.textContent.trim().slice(0, 30) || e.name;"
            " return [box.top + scrollY, name]; }"
        )
        if visited and name == visited[0][1]:
            break
        visited.append((top, name))

    names = [name for _, name in visited]
    for wanted in (
        "Rotate the keys of /tenant-a",
        "Add an issuer",
        "Mint token",
        "Switch on",
        "Add person",
        "Pause",
    ):
        assert wanted in names
    wanted_order = ["Rotate the keys of /tenant-a", "Mint token", "Switch on", "Add person", "Pause"]
    assert sorted(wanted_order, key=names.index) == wanted_order

    page.get_by_role("button", name="Rotate the keys of /tenant-a").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("row").filter(has_text="retiring")).to_have_count(1)
    expect(page.get_by_role("button", name="Rotate the keys of /tenant-a")).to_be_focused()
    assert len(published(url)) == 2


def test_the_keyboard_keeps_its_place_when_a_button_goes_away(page: Page) -> None:
    page.get_by_role("button", name="Remove ann.miller").press("Enter")

    expect(page.locator("#people-list")).not_to_contain_text("ann.miller")
    expect(page.locator("#people-list")).to_be_focused()


CONTRASTS = """() => {
  const channel = (v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const light = (c) => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const behind = (e) => { for (; e; e = e.parentElement) {
    const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c; }
    return [255, 255, 255]; };
  const found = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.checkVisibility() || e.disabled || ['SCRIPT', 'STYLE', 'OPTION'].includes(e.tagName)) continue;
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push(`${e.tagName} ${e.className} ${e.textContent.slice(0, 20)} ${ratio.toFixed(2)}`);
  }
  return found;
}"""


@pytest.mark.parametrize(
    "name,scheme,width",
    [
        ("light", "light", 1280),
        ("dark", "dark", 1280),
        ("narrow", "light", 360),
        ("narrow-dark", "dark", 360),
    ],
)
def test_every_text_has_contrast_and_nothing_is_cut_off_at_any_width(
    page: Page, url: str, name: str, scheme: str, width: int
) -> None:
    """Contrast of text as WCAG 2.2 asks at level AA (1.4.3); no sideways scrolling at 360 px (1.4.10)."""
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    for path in ("/tenant-a/jwks", "/zzz"):
        urllib3.request("GET", url + path, headers={"user-agent": "a-rather-long-name/" + "x" * 100})
    page.get_by_role("button", name="Rotate the keys of /tenant-a").click()
    page.get_by_role("button", name="Mint token").click()
    expect(page.locator("#decoded .payload")).to_be_visible()
    page.locator("#set-fault").get_by_label("Fault").select_option("html_page")
    page.get_by_role("button", name="Switch on").click()
    expect(page.locator("#fault-list")).to_contain_text("html_page")
    page.get_by_text("Turn the clock").first.click()
    page.get_by_text("Add an issuer").click()
    page.get_by_label("Settings of /tenant-a", exact=True).click()
    page.get_by_label("Files of key").first.click()
    client = page.locator("#add-client")
    client.get_by_label("Client id").fill("a-client-whose-name-is-rather-long-and-has-no-space-in-it")
    client.get_by_label("Redirect URIs").fill("https://app.example/back/to/a/rather/long/address")
    client.get_by_role("button", name="Register client").click()
    expect(page.locator("#client-list code")).to_have_count(1)
    page.locator("#line-up").get_by_label("Users").fill("ann")
    page.get_by_role("button", name="Line up").click()
    expect(page.locator("#line-list button")).to_have_count(1)
    page.locator("#add-canary").get_by_label("Name").fill("jku")
    page.get_by_role("button", name="Set canary").click()
    expect(page.locator("#canary-list code")).to_have_count(1)
    expect(page.locator("#log-rows tr")).to_have_count(2)
    page.locator("#log-rows summary").first.click()

    folder = os.environ.get("TOUCHSTONE_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"console-{name}.png", full_page=True)

    assert page.evaluate(CONTRASTS) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_every_field_and_button_has_a_name_and_ids_are_unique(page: Page) -> None:
    expect(page.get_by_role("heading", name="/tenant-a")).to_be_visible()

    nameless = page.evaluate(
        "() => [...document.querySelectorAll('input, select, textarea')]"
        ".filter((e) => !e.labels.length && !e.getAttribute('aria-label')).map((e) => e.outerHTML)"
        ".concat([...document.querySelectorAll('button')]"
        ".filter((e) => !e.textContent.trim()).map((e) => e.outerHTML))"
    )
    ids = page.evaluate("() => [...document.querySelectorAll('[id]')].map((e) => e.id)")

    assert nameless == []
    assert len(ids) == len(set(ids))
