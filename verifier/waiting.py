"""Judging tokens in an event loop that must never stand still.

Nearly every token is judged at once, in the loop. One that needs a JWKS fetch waits for it in a thread, one thread
an integration: however many tokens come, and however slow one IdP is, the others are not held up (OPS-008).
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from verifier.errors import WouldWait
from verifier.gate import Decision, Gate, Request

MAX_FETCHES = 64
"""So many integrations may wait for their IdPs at one time; each wait is bounded by `Policy.jwks_timeout_s`."""
MAX_WAITS = 2
"""A token waits for so many fetches of others: the one under way when it came, and the one that may bring its key.

Where tokens provoke one fetch after the other, it would wait as long as they come (OPS-007).
"""


class WaitingGate:
    """A `Gate` for one event loop."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self._pool = ThreadPoolExecutor(MAX_FETCHES, thread_name_prefix="jwks-wait")
        self._flights: dict[str, asyncio.Future[Decision]] = {}

    async def decide(self, request: Request) -> Decision:
        """Judge a request as `Gate.decide` does."""
        for _ in range(MAX_WAITS):
            try:
                return self.gate.decide(request, wait=False)
            except WouldWait as need:
                integration = need.integration
            flight = self._flights.get(integration)
            if flight is None:
                return await self._fly(integration, request)
            await asyncio.wait([flight])  # then by the keys that it brought, if it brought any
        return self.gate.decide(request, wait=False, patient=False)

    async def _fly(self, integration: str, request: Request) -> Decision:
        loop = asyncio.get_running_loop()
        flight = loop.run_in_executor(self._pool, self.gate.decide, request)
        self._flights[integration] = flight
        flight.add_done_callback(lambda _: self._flights.pop(integration, None))
        return await asyncio.shield(flight)  # a client that goes away takes the answer from nobody else

    def close(self) -> None:
        """Let waiting threads end by themselves."""
        self._pool.shutdown(wait=False, cancel_futures=True)
