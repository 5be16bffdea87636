"""A whole plan, let happen: nodes, edges and the IdP in one queue of events, under one virtual clock."""

from __future__ import annotations

import gc
import heapq
import math
from contextlib import contextmanager
from itertools import count
from random import Random
from typing import TYPE_CHECKING

from scenarios.fleet.arrivals import PoissonArrivals
from scenarios.fleet.node import Node
from scenarios.fleet.plan import end_s
from scenarios.fleet.publication import Edge, Origin, Requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from scenarios.fleet.arrivals import Arrivals
    from scenarios.fleet.node import Signed
    from scenarios.fleet.plan import Fleet, Plan
    from scenarios.fleet.publication import Copy


class Simulation:
    """One plan and what came of it. The same plan and seed give the same figures, on every machine."""

    def __init__(
        self, plan: Plan, arrivals: Callable[[Plan, Fleet, Random], Arrivals] = PoissonArrivals
    ) -> None:
        self.plan, self.now, self.end_s = plan, -math.inf, end_s(plan)
        self.origin = Origin(plan.rotation)
        self.fetches = Requests()
        """What the nodes asked of the edges, or of the IdP where there are none."""
        self.nodes: list[Node] = []
        self._edges = [Edge(plan.cdn, self.origin) for _ in range(plan.cdn.edges)]
        self._random = Random(plan.seed)  # noqa: S311 - chance, and no secret
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self.chance = self._random.random
        self._number = count()
        max_age = plan.idp.max_age_s
        self._control = {} if max_age is None else {"cache-control": f"public, max-age={int(max_age)}"}
        for fleet in plan.fleets:
            self._place(fleet, arrivals)

    def _place(self, fleet: Fleet, arrivals: Callable[[Plan, Fleet, Random], Arrivals]) -> None:
        """Put the nodes of a fleet where they start."""
        rotation, policy, chance = self.plan.rotation, fleet.policy.policy(), self._random
        expires = rotation.activate_s + self.plan.idp.token_lifetime_s
        good_until: Mapping[Signed, float] = {
            "old": -math.inf if rotation.emergency else expires,
            "new": math.inf,
        }
        for number in range(fleet.nodes):
            tokens = arrivals(self.plan, fleet, chance)
            edge = number % len(self._edges) if self._edges else 0
            node = Node(self, fleet, policy, tokens, edge, good_until)
            self.nodes.append(node)
            self.at(-chance.random() * fleet.jitter_s, node.start)

    def run(self) -> Simulation:
        """Let everything happen."""
        events = self._events
        with _no_garbage():
            while events:
                self.now, _, act = heapq.heappop(events)
                act()
            for node in self.nodes:
                node.outlive()
        return self

    def at(self, time: float, act: Callable[[], None]) -> None:
        """Let something happen later."""
        heapq.heappush(self._events, (time, next(self._number), act))

    def ask(self, edge: int) -> Copy:
        """Answer a fetch by way of an edge, or of any where nodes do not keep to theirs."""
        self.fetches.add(self.now)
        if not self._edges:
            return self.origin.answer(self.now)
        if not self.plan.cdn.sticky:
            edge = self._random.randrange(len(self._edges))
        return self._edges[edge].answer(self.now)

    def headers(self, copy: Copy) -> Mapping[str, str]:
        """Return the headers of an answer."""
        if self._edges and self.plan.cdn.age:
            return {**self._control, "etag": copy.jwks.tag, "age": str(int(copy.age_s))}
        return {**self._control, "etag": copy.jwks.tag}

    def lacks_new_until(self, edge: int) -> float:
        """Return until when an answer may come that lacks the new key."""
        if not self._edges:
            return 0.0
        if self.plan.cdn.sticky:
            return self._edges[edge].lacks_new_until()
        return max(one.lacks_new_until() for one in self._edges)


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Keep the collector out: it would go through a million objects again and again, and nothing here is garbage."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
