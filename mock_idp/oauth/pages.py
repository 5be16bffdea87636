"""The pages that a person sees: sign in, enter a device's code, signed out, and what went wrong.

Every value is escaped by jinja2, which is imported when the first page is asked for. Pages run no script but
the one line that sends a form_post, and are never framed.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mock_idp.http import Response

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jinja2 import Environment

    from mock_idp.issuer import Issuer
    from mock_idp.oauth.errors import OAuthError
    from mock_idp.people import Person

LISTED_PEOPLE: Final = 100
"""How many people a page lists; the others type their name."""
_FOLDER: Final = Path(__file__).parent / "templates"
_SEND_SCRIPT_HASH: Final = "sha256-ePniVEkSivX/c7XWBGafqh8tSpiRrKiqYeqbG7N1TOE="


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _page(template: str, status: int = 200, script: str = "'none'", **values: Any) -> Response:
    text = _environment().get_template(template).render(values)
    headers = (
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        (
            "content-security-policy",
            f"default-src 'none'; style-src 'unsafe-inline'; script-src {script}; frame-ancestors 'none'",
        ),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
    )
    return Response(status, headers, text.encode("utf-8", "replace"))


def login(
    issuer: Issuer,
    client: str,
    people: Sequence[Person],
    params: Mapping[str, str],
    action: str,
    problem: str = "",
) -> Response:
    """Show who can sign in; the form sends the same authorization request again with the choice."""
    return _page(
        "login.html",
        issuer=issuer.id_issuer,
        client=client,
        people=people[:LISTED_PEOPLE],
        params=params,
        action=action,
        problem=problem,
    )


def device(
    issuer: Issuer, people: Sequence[Person], user_code: str, action: str, problem: str = ""
) -> Response:
    """Ask for the code that a device shows, and for who lets it in (RFC 8628 section 3.3)."""
    return _page(
        "device.html",
        issuer=issuer.id_issuer,
        people=people[:LISTED_PEOPLE],
        user_code=user_code,
        action=action,
        problem=problem,
    )


def message(title: str, text: str) -> Response:
    """Say something that is done."""
    return _page("message.html", title=title, text=text, error="")


def problem(error: OAuthError) -> Response:
    """Say what is wrong with a request that cannot go back to its client."""
    return _page(
        "message.html",
        400,
        title="This request cannot be answered",
        text=error.description,
        error=error.error,
    )


def form_post(address: str, members: Mapping[str, str]) -> Response:
    """Send an answer to the client as a form that submits itself."""
    return _page("form_post.html", script=f"'{_SEND_SCRIPT_HASH}'", action=address, members=members)
