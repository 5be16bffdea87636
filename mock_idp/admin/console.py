"""The console page: one self-contained HTML page that works over the admin API.

It shows nothing of the server's state by itself, only the names that ship with the package, and loads nothing from
anywhere. Whatever comes from outside reaches the page as text, never as markup.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import Final

from mock_idp.faults import FAULTS
from mock_idp.forgeries import FORGERIES
from mock_idp.http import Response
from mock_idp.keys import ALGORITHMS
from mock_idp.oauth.clients import AUTH_METHODS
from mock_idp.oauth.endpoints import ENDPOINTS
from mock_idp.oauth.grant_types import GRANT_TYPES
from mock_idp.personas import PERSONAS, persona

_SCRIPT: Final = (
    "elements", "api", "keys", "issuers", "people", "clients", "tokens", "faults", "line", "canaries", "log", "main"
)  # fmt: skip
"""The parts of the page's script, in the order in which they run as one."""
_FILES: Final = resources.files(__package__) / "page"


@cache
def page() -> Response:
    """Answer with the page, under a policy that runs its own script and style and nothing else."""
    from jinja2 import Environment, StrictUndefined, select_autoescape

    style, template = ((_FILES / name).read_text("utf-8") for name in ("console.css", "console.html.j2"))
    script = "\n".join((_FILES / "script" / f"{name}.js").read_text("utf-8") for name in _SCRIPT)
    environment = Environment(autoescape=select_autoescape(default=True), undefined=StrictUndefined)
    html = environment.from_string(template).render(
        script=script,
        style=style,
        personas=[persona(name) for name in PERSONAS],
        algorithms=ALGORITHMS,
        endpoints=list(ENDPOINTS),
        faults=FAULTS.values(),
        forgeries=FORGERIES.values(),
        auth_methods=AUTH_METHODS,
        grant_types=GRANT_TYPES,
    )
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = (
        ("content-type", "text/html; charset=utf-8"),
        ("content-security-policy", policy),
        ("referrer-policy", "no-referrer"),
    )
    return Response(200, headers, html.encode())


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
