"""Where each thing of a timeline's picture stands: lanes of keys, of fetches and of tokens, a column a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scenarios.results import Moment

LEFT: Final = 110
STEP: Final = 44
LANE: Final = 26
MAX_LANES: Final = 12
"""So many keys get a lane; the others are only in the list of moments."""


def drawing(moments: Sequence[Moment]) -> dict[str, Any]:
    """Return what `timeline.svg.j2` draws, in its units."""
    kids = list(dict.fromkeys(kid for moment in moments for kid in moment.keys or ()))[:MAX_LANES]
    lane = {kid: 36 + LANE * index for index, kid in enumerate(kids)}
    other, fetches = 36 + LANE * len(kids), 36 + LANE * (len(kids) + 1)
    spans: list[dict[str, Any]] = []
    open_: dict[str, dict[str, Any]] = {}
    marks: list[dict[str, Any]] = []
    for index, moment in enumerate(moments):
        x = LEFT + STEP * index
        for kid, state in (moment.keys or {}).items():
            if kid in lane and (kid not in open_ or open_[kid]["state"] != state):
                if kid in open_:
                    open_[kid]["end"] = x
                open_[kid] = {"x": x, "y": lane[kid], "state": state, "end": LEFT + STEP * len(moments)}
                spans.append(open_[kid])
        marks.append(
            {
                "x": x + STEP // 2,
                "y": lane.get(moment.kid, other) if moment.kind not in {"", "onboarded", "done"} else None,
                "kind": {"accept": "yes", "reject": "no"}.get(moment.kind, "none"),
                "moment": moment,
                "number": index + 1,
            }
        )
    return {
        "width": LEFT + STEP * len(moments) + 10,
        "height": fetches + LANE,
        "lanes": lane,
        "other": other,
        "fetches": fetches,
        "left": LEFT,
        "spans": spans,
        "marks": marks,
        "moments": moments,
    }
