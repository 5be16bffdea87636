"""One node: the reference key source itself, asked only when an answer could differ from the one before.

Between two fetches nothing changes for a node but the time, so the tokens in between need not be asked for one by
one: their number follows from the rate, and the next token that makes the source fetch can be drawn at once. What the
source decides is never decided here: it is asked, with a clock, a `fetch` and a `spawn` that are the simulation's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, Protocol

from scenarios.fleet.publication import ALG
from verifier.fetch import FetchResult
from verifier.key_source import JwksSource
from verifier.keys import KeySet, KeyUse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scenarios.fleet.arrivals import Arrivals, Kid
    from scenarios.fleet.plan import Fleet
    from scenarios.fleet.publication import Copy
    from verifier.policy import Policy

Signed = Literal["old", "new"]
"""The keys that good tokens are signed by."""

_SIGNED: Final[tuple[Signed, ...]] = ("old", "new")
_KIDS: Final[tuple[Kid, ...]] = (*_SIGNED, "unknown")
_URL: Final = "https://idp.example/jwks"
_USE: Final = KeyUse.of((ALG,), None)
_MOMENT_S: Final = 0.001
_NO_CONDITIONS: Final[Mapping[str, str]] = MappingProxyType({})


class World(Protocol):
    """What a node lives in. Times are in seconds, and 0 is when the new key is published."""

    now: float
    end_s: float
    """When the simulation ends, but for keys that are forgotten later."""

    def chance(self) -> float:
        """Draw a number from 0 to 1."""

    def at(self, time: float, act: Callable[[], None]) -> None:
        """Let something happen later."""

    def ask(self, edge: int) -> Copy:
        """Answer a fetch by way of an edge."""

    def headers(self, copy: Copy) -> Mapping[str, str]:
        """Return the headers of an answer."""

    def lacks_new_until(self, edge: int) -> float:
        """Return until when an answer may come that lacks the new key."""


@dataclass(slots=True)
class Refusals:
    """The good tokens of one key that a node refused: how many, and from when to when."""

    good_until: float
    """When no token of the key is good any more."""
    tokens: float = 0.0
    since: float = math.inf
    until: float = -math.inf

    @property
    def seconds(self) -> float:
        """For how long: from the first that was refused until none was any more."""
        return max(0.0, min(self.until, self.good_until) - self.since)

    def begin(self, first: float) -> None:
        """Note a token that was refused."""
        if first < self.good_until:
            self.since = min(self.since, first)
            self.until = math.inf

    def end(self, now: float) -> None:
        """Note that tokens pass again."""
        self.until = min(self.until, now)


class Node:
    """One verifier with its own key source, and what became of its tokens."""

    def __init__(
        self,
        world: World,
        fleet: Fleet,
        policy: Policy,
        arrivals: Arrivals,
        edge: int,
        good_until: Mapping[Signed, float],
    ) -> None:
        self.fleet = fleet
        self.refusals = {kid: Refusals(good_until[kid]) for kid in _SIGNED}
        self.knows_new_from = math.inf
        """When it first held the new key."""
        self.would_refuse_until = 0.0
        """Until when a token of the new key would have been refused, had there been one."""
        self.forgets_old_at = -math.inf
        """From when on it takes no token of the old key any more."""
        self._world, self._policy, self._arrivals, self._edge = world, policy, arrivals, edge
        self._source: JwksSource | None = None
        self._waking = 0  # a token that was drawn before something else happened comes no more
        self._flight_at: float | None = None
        self._waits: Kid | None = None  # the token that began the flight, if it waits for it
        self._blind: dict[Signed, float] = {}  # since when tokens are refused until the next fetch
        self._next_fetch_at = -math.inf
        self._old_seen_at = -math.inf
        self._restart_at = math.inf

    def start(self) -> None:
        """Start with nothing in memory, and fetch at once, as onboarding does (ONB-025)."""
        world, now, every = self._world, self._world.now, self.fleet.restart_every_s
        self._close(now)
        if math.isnan(self.forgets_old_at):
            self.forgets_old_at = now
        if every is not None:
            first = self._source is None  # where it stands between two deployments is anybody's guess
            self._restart_at = now + every * (world.chance() if first else 1)
            if self._restart_at <= world.end_s:
                world.at(self._restart_at, self.start)
        self._flight_at = self._waits = None
        self._source = JwksSource(_URL, None, self._policy, self._fetch, lambda: world.now, self._spawn)
        self._source.at_hand()

    def outlive(self) -> None:
        """Find out when the old key is forgotten, and close what is open, after all else has happened."""
        world = self._world
        self._close(world.end_s)
        if not math.isnan(self.forgets_old_at) or self._source is None:
            return
        world.now = self._old_seen_at + self._policy.jwks_staleness_s + _MOMENT_S
        if self._restart_at < world.now:
            self.forgets_old_at = self._restart_at
        else:
            self._check_forgotten(self._source)

    # What the key source sees.

    def _spawn(self, work: Callable[[], None]) -> None:
        world = self._world
        self._close(world.now)
        self._flight_at = world.now
        self._waking += 1
        if world.now <= world.end_s:
            world.at(world.now + self.fleet.fetch_s, partial(self._land, work, self._source))

    def _fetch(
        self,
        url: str,  # noqa: ARG002 - there is one
        *,
        ca_file: str | None,  # noqa: ARG002 - nothing is sent
        max_bytes: int,  # noqa: ARG002 - two keys
        timeout_s: float,  # noqa: ARG002 - `Fleet.fetch_s` is less
        conditions: Mapping[str, str] = _NO_CONDITIONS,
    ) -> FetchResult:
        copy = self._world.ask(self._edge)
        if "old" in copy.jwks.kids:
            self._old_seen_at = self._world.now
        headers = self._world.headers(copy)
        if conditions.get("If-None-Match") == copy.jwks.tag:
            return FetchResult(304, headers, b"")
        return FetchResult(200, headers, copy.jwks.body)

    # What happens to it.

    def _token(self, kid: Kid, waking: int) -> None:
        """Let a token come, asked for as an event loop does, which waits for no fetch."""
        source = self._source
        if waking != self._waking or source is None:
            return
        keys = source.at_hand()
        if keys is None or not keys.knows(kid, _USE):
            source.at_hand(keys)
            self._waits = kid
        if self._flight_at is None:
            raise RuntimeError("a fetch was expected, and the key source began none")

    def _land(self, work: Callable[[], None], source: JwksSource | None) -> None:
        """Let a fetch come back, and judge the tokens that waited for it."""
        if source is None or source is not self._source:  # the node was started again meanwhile
            return
        now, began = self._world.now, self._flight_at
        work()
        keys = source.at_hand()
        if keys is None or began is None:
            raise RuntimeError("the key source holds no keys after a fetch that succeeded")
        self._flight_at = None
        self._next_fetch_at = min(source.next_fetches)  # for a token of an unknown kid: either will do
        for kid, refusals in self.refusals.items():
            if keys.knows(kid, _USE):
                refusals.end(now)
            else:
                self._judge_waiting(kid, refusals, began)
                self._blind[kid] = now
        self._waits = None
        self._note_keys(keys, source)
        self._wake(keys)

    def _judge_waiting(self, kid: Signed, refusals: Refusals, began: float) -> None:
        now = self._world.now
        if kid == "new":
            self.would_refuse_until = max(self.would_refuse_until, now)
        refusals.tokens += self._arrivals.count(kid, began, min(now, refusals.good_until))
        if self._waits == kid and began < refusals.good_until:
            refusals.tokens += 1
            refusals.begin(began)

    def _close(self, now: float) -> None:
        """Reckon up the tokens that were refused since the last fetch, which could provoke no other."""
        end = min(now, self._next_fetch_at)
        for kid, since in self._blind.items():
            refusals = self.refusals[kid]
            refusals.tokens += self._arrivals.count(kid, since, min(end, refusals.good_until))
            first = self._arrivals.after(kid, since)
            if first < end:
                refusals.begin(first)
            if kid == "new":  # one that may provoke a fetch is refused where the answer would lack its key
                lacking = min(now, self._world.lacks_new_until(self._edge) - self.fleet.fetch_s)
                self.would_refuse_until = max(self.would_refuse_until, end, lacking)
        self._blind.clear()

    def _note_keys(self, keys: KeySet, source: JwksSource) -> None:
        now = self._world.now
        if self.knows_new_from == math.inf and keys.knows("new", _USE):
            self.knows_new_from = now
        if self._old_seen_at == now:
            self.forgets_old_at = math.nan
        elif math.isnan(self.forgets_old_at):
            lapses = self._old_seen_at + self._policy.jwks_staleness_s
            if not keys.knows("old", _USE):
                self.forgets_old_at = min(now, lapses)
            elif lapses + _MOMENT_S <= self._world.end_s:
                self._world.at(lapses + _MOMENT_S, partial(self._check_forgotten, source))

    def _check_forgotten(self, source: JwksSource) -> None:
        """Let a token of the old key come when its time should be over (KEY-023)."""
        now, lifetime = self._world.now, self._policy.jwks_staleness_s
        if (
            source is not self._source
            or not math.isnan(self.forgets_old_at)
            or now - self._old_seen_at < lifetime
        ):
            return
        self.forgets_old_at = self._old_seen_at + lifetime
        due, _ = source.next_fetches
        if now <= self._world.end_s and (self._flight_at is not None or now >= due):
            return  # what comes next waits for a fetch, and asking now would begin one that no token did
        keys = source.at_hand()
        if keys is not None and keys.knows("old", _USE):
            raise RuntimeError("the key source trusts a key for longer than its staleness bound")
        if keys is not None and now <= self._world.end_s:
            self._blind.setdefault("old", now)
            self._wake(keys)

    def _wake(self, keys: KeySet) -> None:
        """Draw the next token that makes the source fetch."""
        source, world = self._source, self._world
        if source is None:
            return
        due, provocable = source.next_fetches
        soonest = math.inf
        named: Kid | None = None
        for kid in _KIDS:
            starts = due if keys.knows(kid, _USE) else min(due, provocable)
            comes = self._arrivals.after(kid, max(starts, world.now))
            if comes < soonest:
                soonest, named = comes, kid
        self._waking += 1
        if named is not None and soonest <= world.end_s:
            world.at(soonest, partial(self._token, named, self._waking))
