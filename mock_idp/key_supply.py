"""Fresh keys, RSA ones made in the background so that nobody waits for the primes.

A thread makes what was ordered while the program does other things. It must never hand out one key twice.
"""

from collections import defaultdict, deque
from collections.abc import Iterable
from threading import Lock, Thread

from mock_idp.keys import SigningKey

_RSA = ("RS", "PS")


class _Order:
    """One RSA key in the making."""

    def __init__(self, bits: int) -> None:
        self._key: SigningKey | None = None
        self._error: ValueError | None = None
        self._bits = bits
        self._thread = Thread(target=self._make, name="key-supply", daemon=True)
        self._thread.start()

    def _make(self) -> None:
        try:
            self._key = SigningKey.generate("RS256", kid="", bits=self._bits)
        except ValueError as error:
            self._error = error

    def result(self) -> SigningKey:
        self._thread.join()
        if self._key is None:
            raise self._error or ValueError("no key")
        return self._key


class KeySupply:
    """Gives keys: fresh ones, or with `fixed` the shipped test keys, which are for whoever asks it to load."""

    def __init__(self, *, fixed: bool = False) -> None:
        self.fixed = fixed
        self._lock = Lock()
        self._orders: defaultdict[int, deque[_Order]] = defaultdict(deque)

    def order(self, wanted: Iterable[tuple[str, int]]) -> None:
        """Begin to make the RSA keys among these (algorithm, bits), unless they are in the making already."""
        sizes = [] if self.fixed else [bits for alg, bits in wanted if alg[:2] in _RSA]
        with self._lock:
            for bits in set(sizes):
                for _ in range(sizes.count(bits) - len(self._orders[bits])):
                    self._orders[bits].append(_Order(bits))

    def take(self, alg: str, bits: int = 2048, kid: str | None = None) -> SigningKey:
        """Give a fresh key; its kid is its thumbprint unless given. `ValueError` for a size that cannot be."""
        if alg[:2] in _RSA:
            with self._lock:
                waiting = self._orders[bits]
                order = waiting.popleft() if waiting else _Order(bits)
            key = order.result().with_alg(alg)
        else:
            key = SigningKey.generate(alg, kid="")
        return key.with_kid(key.thumbprint() if kid is None else kid)
