"""The console page as it is sent: whole, self-contained, and allowed to run nothing but itself."""

import base64
import hashlib
import re

import pytest

from mock_idp import FAULTS, FORGERIES, PERSONAS, MockIdP, Request
from mock_idp.oauth.endpoints import ENDPOINTS


@pytest.fixture(scope="module")
def sent() -> tuple[dict[str, str], str]:
    idp = MockIdP()
    idp.admin = True
    answer = idp.handle(Request("GET", "/_admin/", headers=(("host", "localhost"),)))
    assert answer.status == 200
    return dict(answer.headers), answer.body.decode()


def test_only_its_own_script_and_style_may_run(sent: tuple[dict[str, str], str]) -> None:
    headers, html = sent
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))

    for tag in ("script", "style"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert policy[f"{tag}-src"] == f"'sha256-{digest}'"
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["connect-src"] == "'self'"


def test_it_asks_for_nothing_from_anywhere(sent: tuple[dict[str, str], str]) -> None:
    _, html = sent
    addresses = re.findall(r"""(?:src|href|action)=["']([^"']*)""", html)

    assert {address for address in addresses if not address.startswith("#")} == {"data:,", "openapi.json"}
    assert "@import" not in html
    assert "url(" not in html


def test_it_has_no_handler_or_style_in_its_markup(sent: tuple[dict[str, str], str]) -> None:
    markup = re.sub(r"<(script|style)>.*?</\1>", "", sent[1], flags=re.DOTALL)

    assert re.findall(r"<[^>]*\s(?:on\w+|style)=", markup) == []


def test_its_script_makes_no_markup_of_text(sent: tuple[dict[str, str], str]) -> None:
    for door in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
        assert door not in sent[1]


def test_it_offers_every_persona_endpoint_fault_and_forgery(sent: tuple[dict[str, str], str]) -> None:
    _, html = sent

    for name in (*PERSONAS, *FAULTS, *FORGERIES):
        assert f'<option value="{name}"' in html
    for endpoint in ENDPOINTS:
        assert f"<option>{endpoint}</option>" in html
