"""Starter targets: the commented files that `touchstone init` writes, made of the templates beside this module.

Each flavour runs at once with what Touchstone itself needs (and Node): a stand-in verifier stands where the
integrator's own goes. What a template says of knobs and capabilities comes from the rulebook and the protocol.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from scenarios import rulebook
from scenarios.targets.protocol import CAPABILITIES

if TYPE_CHECKING:
    from collections.abc import Mapping

TARGET: Final = "target.yaml"
ALGORITHMS: Final = (*(f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)), "EdDSA")
"""What the stand-ins can verify."""
_KNOBS: Final = ("leeway_s", "exp_required", "nokid", "dup_kid", "kid_binding", "jwk_use")
"""The knobs that a verifier most often has an opinion on."""


@dataclass(frozen=True, slots=True)
class _Flavour:
    """A kind of target: its templates, its scope, the capabilities that its stand-in has, and those worth naming."""

    templates: tuple[str, ...]
    scope: str
    stated: tuple[str, ...]
    worth: tuple[str, ...]


_FLAVOURS: Final[Mapping[str, _Flavour]] = {
    "python": _Flavour(("my_verifier.py",), "library", (), ("clock", "users")),
    "node": _Flavour(
        ("target.mjs", "verify.mjs"), "library", ("reset",), ("clock", "reset", "users", "reasons")
    ),
    "http": _Flavour(
        ("my_api.py",), "service", ("users",), ("users", "onboarding", "audit", "purge", "permissions")
    ),
}
KINDS: Final = tuple(_FLAVOURS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Starter:
    """What is asked before a starter is written: `kind` of `KINDS`, `keys` a key form, `algorithms` of `ALGORITHMS`.

    `url` is the endpoint of an API that is running already (http only); without one, a stand-in is written.
    """

    kind: str
    name: str
    keys: str
    algorithms: tuple[str, ...]
    url: str = ""

    def files(self) -> dict[str, str]:
        """Return the text of each file by its name, the target file first."""
        flavour = _FLAVOURS[self.kind]
        own = () if self.url else flavour.templates
        return {name: self._rendered(f"{self.kind}/{name}.j2", flavour) for name in (TARGET, *own)}

    def _rendered(self, template: str, flavour: _Flavour) -> str:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        environment = Environment(
            loader=FileSystemLoader(Path(__file__).parent),
            undefined=StrictUndefined,
            autoescape=False,  # noqa: S701 - no page: YAML, Python and JavaScript
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        environment.filters["quoted"] = lambda text: json.dumps(text, ensure_ascii=False)
        origin, path = _parts(self.url) if self.url else ("", "/me")
        return environment.get_template(template).render(
            name=self.name,
            keys=self.keys,
            algorithms=self.algorithms,
            scope=flavour.scope,
            stated=() if self.url else flavour.stated,  # a running API was not given the users of scenarios
            capabilities=[(word, CAPABILITIES[word]) for word in flavour.worth],
            knobs=[rulebook.knobs()[name] for name in _KNOBS],
            url=origin,
            path=path,
        )


def is_endpoint(url: str) -> bool:
    """Whether a text is the URL of an endpoint: http or https, with a host, and nothing but path and query after it."""
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0
            and not (parts.username or parts.fragment)
            and url.isascii()
            and url.isprintable()
            and " " not in url
        )
    except ValueError:  # a port that is none, or half of an IPv6 address
        return False


def _parts(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}", (parts.path or "/") + query
