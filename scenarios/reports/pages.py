"""Pages that need nothing else: the templates of this folder, filled in with every value escaped."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from markupsafe import Markup

_CODE: Final = re.compile(r"`([^`]+)`")


def filled_in(template: str, **values: Any) -> str:
    """Return a template of this folder (such as `run.html.j2`) with its values; no value can become markup."""
    from jinja2 import Environment, FunctionLoader

    folder = files("scenarios").joinpath("reports")
    loader = FunctionLoader(lambda name: folder.joinpath(name).read_text(encoding="utf-8"))
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"clock": clock, "prose": prose}
    return environment.get_template(template).render(**values)


def prose(text: str) -> Markup:
    """Return a sentence with what stands between backticks as code."""
    from markupsafe import Markup, escape

    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


def clock(seconds: float) -> str:
    """Return a time since the beginning in its largest unit, such as `+1h`."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"+{seconds / size:.3g}{unit}"
    return f"+{seconds:g}s"
