"""Rotation under load: clients that fetch and mint while keys come and go."""

import base64
import json
from threading import Thread

from mock_idp import Issuer, KeyRing, MockIdP, Person, Request, fixed_key, persona

ROTATIONS = 10_000
CLIENTS = 8
EACH = 150


def kid_of(token: str) -> str:
    header = token.partition(".")[0]
    found: str = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"]
    return found


def test_ten_thousand_rotations_while_eight_clients_fetch_and_mint() -> None:
    """The old key stays published for one more rotation; a client's token has a key of the sets around it."""
    ring = KeyRing([fixed_key("a", "ES256", kid="k0")])
    idp = MockIdP()
    idp.add_issuer("", Issuer(persona("generic"), ring))
    private = fixed_key("b", "ES256")
    torn: list[object] = []
    unknown: list[str] = []

    def number(kid: str) -> int:
        return int(kid.removeprefix("k"))

    def client() -> None:
        for _ in range(EACH):
            before = json.loads(idp.handle(Request("GET", "/jwks")).body)["keys"]
            token = idp.issuer("").mint(Person.named("ann"))
            after = json.loads(idp.handle(Request("GET", "/jwks")).body)["keys"]
            torn.extend(keys for keys in (before, after) if len(keys) not in {1, 2})
            first, last = number(before[0]["kid"]), number(after[-1]["kid"])
            if not first <= number(kid_of(token)) <= last:
                unknown.append(kid_of(token))

    clients = [Thread(target=client) for _ in range(CLIENTS)]
    for thread in clients:
        thread.start()
    for count in range(1, ROTATIONS + 1):
        old = ring.active.kid
        ring.rotate(private.with_kid(f"k{count}"))
        ring.retire(old)
    for thread in clients:
        thread.join()

    assert (torn, unknown) == ([], [])
    assert ring.active.kid == f"k{ROTATIONS}"
    assert len(ring.snapshot.entries) < 300
