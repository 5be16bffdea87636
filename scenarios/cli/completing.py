"""What a shell completes: scenario ids and groups, rules and their groups. Read from the tables' text, not loaded.

Loading the catalogue takes seconds; a key press waits for this.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from scenarios.files.problems import TableErrors

if TYPE_CHECKING:
    from collections.abc import Iterator

    import click

_GROUP: Final = re.compile(r"^group: *(\S+)", re.MULTILINE)
_ID: Final = re.compile(
    r"""^ *- *\{? *id: *["']?([\w.-]+)|^(control): *(?:\n +|\{ *)?(?:id: *([\w.-]+))?""", re.MULTILINE
)


def scenario_ids(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the groups, and the scenarios without the cell of a matrix, that begin so."""
    names: set[str] = set()
    try:
        for text in _texts(context):
            names.update(_names(text))
    except TableErrors:
        return []
    return sorted(name for name in names if name.startswith(incomplete))


def rules(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the rules and groups of rules that begin so, in any case."""
    from scenarios import rulebook

    return [name for name in (*rulebook.GROUPS, *rulebook.rules()) if name.startswith(incomplete.upper())]


def _texts(context: click.Context) -> Iterator[str]:
    from scenarios.tables.digest import texts

    named = context.params
    for _, text in texts(named.get("catalogs") or (), named.get("only_catalogs") or ()):
        yield text.decode(errors="replace")


def _names(text: str) -> Iterator[str]:
    head = _GROUP.search(text)
    if head is None:
        return
    yield head[1]
    for row in _ID.finditer(text):
        yield f"{head[1]}/{row[1] or row[3] or row[2]}"
