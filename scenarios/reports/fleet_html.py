"""A rotation plan as one page that needs nothing else: the timeline as a drawing, and the figures."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from scenarios.reports import fleet_words as words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scenarios.fleet.rehearsal import Rehearsal

WIDTH: Final = 960
HEIGHT: Final = 160
"""Of each of the two drawings, in the units of the SVG."""
_TICKS: Final = 6


def page(done: Rehearsal) -> str:
    """Return the page, as HTML."""
    from jinja2 import Environment

    source = files("scenarios").joinpath("reports", "fleet.html.j2").read_text(encoding="utf-8")
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(source)
    fetches = [moment.fetches_per_s for moment in done.timeline]
    idp = [moment.idp_per_s for moment in done.timeline]
    most = max(*fetches, *idp) or 1.0
    return template.render(
        done=done,
        words=words,
        width=WIDTH,
        height=HEIGHT,
        most=most,
        marks=_marks(done),
        ticks=[(WIDTH * n / _TICKS, words.lasting(done.end_s * n / _TICKS)) for n in range(_TICKS + 1)],
        know_new=_line(moment.know_new for moment in done.timeline),
        take_old=_line(moment.take_old for moment in done.timeline),
        fetches=_line(rate / most for rate in fetches),
        idp=_line(rate / most for rate in idp),
    )


def _line(shares: Iterable[float]) -> str:
    """Return the points of a line through shares of the height, spread evenly over the width."""
    values = list(shares)
    return " ".join(
        f"{WIDTH * (number + 1) / len(values):.1f},{HEIGHT * (1 - value):.1f}"
        for number, value in enumerate(values)
    )


def _marks(done: Rehearsal) -> list[dict[str, Any]]:
    """Return where the plan's own moments lie."""
    rotation = done.plan.rotation
    moments = (("activate", rotation.activate_s), ("retire", rotation.retire_s))
    return [{"name": name, "x": WIDTH * at / done.end_s, "at": words.lasting(at)} for name, at in moments]
