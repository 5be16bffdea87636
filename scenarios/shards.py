"""Shards: one selection in n parts for n machines that never talk to each other.

Every scenario is in exactly one part, the same one on every machine. A control stays with the scenarios that it
proves, so that no machine asks it for another's sake; families of a control are dealt out, the dearest first, each
to the part that has least so far. A family that is dearer than a part's share is cut, or one group on four machines
would be one machine's work.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scenarios.results import ShardRecord
from scenarios.tables.scenario import Authenticate, Flood, Together

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from scenarios.tables.scenario import Action, Scenario

MAX_SHARDS: Final = 1000
SETTING: Final = 4
"""What a scenario costs before its first message, in messages: its IdP, its keys and its onboarding."""
_SHARD: Final = re.compile(r"([0-9]{1,4})/([0-9]{1,4})\Z")


@dataclass(frozen=True, slots=True)
class Shard:
    """Part `index` of `count`, from 1."""

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read `2/4`. Raises `ValueError` with what is wrong."""
        found = _SHARD.match(text)
        if found is None:
            raise ValueError(f"'{text}' is no shard: write 1/4 for the first of four")
        shard = cls(int(found[1]), int(found[2]))
        if not 1 <= shard.index <= shard.count <= MAX_SHARDS:
            raise ValueError(
                f"'{text}' is no shard: the first of n is 1/n, the last n/n, and n at most {MAX_SHARDS}"
            )
        return shard

    def of(self, wanted: Sequence[Scenario], durations: Mapping[str, float] | None = None) -> list[Scenario]:
        """Return this part of the selection, in its order.

        `durations` (seconds by id, of an earlier run) say what a scenario costs; without them, and for scenarios that
        they do not know, it is how much is sent.
        """
        part = _parts(wanted, self.count, _costs(wanted, durations or {}))
        return [scenario for scenario in wanted if part[scenario.id] == self.index - 1]

    def record(self, wanted: Sequence[Scenario], mine: Sequence[Scenario]) -> ShardRecord:
        """Return what a result file says of this part, so that `merge` can tell whether all parts are there."""
        places = {scenario.id: place for place, scenario in enumerate(wanted)}
        names = "\n".join(places).encode()
        return ShardRecord(
            index=self.index,
            count=self.count,
            selection=hashlib.sha256(names).hexdigest(),
            total=len(wanted),
            places=tuple(places[scenario.id] for scenario in mine),
        )


def cost(scenario: Scenario) -> int:
    """Return what a scenario is expected to cost, in messages to the target."""
    keys = sum(len(spec.published or ()) for spec in scenario.integrations.values())
    return SETTING + keys + sum(map(_messages, scenario.actions))


def _messages(action: Action) -> int:
    match action:
        case Authenticate():
            return action.times
        case Flood():
            return action.tokens
        case Together():
            return action.times * len(action.expected)
    return 1


def _costs(wanted: Sequence[Scenario], durations: Mapping[str, float]) -> dict[str, float]:
    """Return the cost of each scenario, in one unit: what is not known is put in proportion to what is."""
    expected = {scenario.id: float(cost(scenario)) for scenario in wanted}
    known = {name: durations[name] for name in expected if durations.get(name, 0.0) > 0}
    if not known:
        return expected
    unit = sum(known.values()) / sum(expected[name] for name in known)
    return {name: known.get(name, messages * unit) for name, messages in expected.items()}


def _parts(wanted: Sequence[Scenario], count: int, costs: Mapping[str, float]) -> dict[str, int]:
    controls = {scenario.id: scenario.control for scenario in wanted}
    families: dict[str, list[str]] = defaultdict(list)
    for scenario in wanted:
        head = scenario.id
        while (control := controls.get(head)) is not None:  # a control may have one itself
            head = control
        families[head].append(scenario.id)
    share = sum(costs.values()) / count
    pieces = [piece for names in families.values() for piece in _cut(names, costs, share)]
    dear = {piece: sum(costs[name] for name in piece) for piece in pieces}
    loads = [0.0] * count
    part: dict[str, int] = {}
    for piece in sorted(pieces, key=lambda piece: (-dear[piece], piece)):
        least = loads.index(min(loads))
        loads[least] += dear[piece]
        part |= dict.fromkeys(piece, least)
    return part


def _cut(family: Sequence[str], costs: Mapping[str, float], share: float) -> Iterator[tuple[str, ...]]:
    """Yield a family in pieces of a part's share at most; a control is then asked wherever a piece of its own is."""
    piece: list[str] = []
    spent = 0.0
    for name in family:
        if piece and spent + costs[name] > share:
            yield tuple(piece)
            piece, spent = [], 0.0
        piece.append(name)
        spent += costs[name]
    yield tuple(piece)
