"""The life cycle of keys: legal moves, illegal moves, and a machine that tries them in every order."""

from threading import Thread

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from mock_idp import KeyRing, KeyRingError, KeyState, SigningKey, fixed_key
from mock_idp.keyring import MAX_FINISHED, PUBLISHED


def key(kid: str) -> SigningKey:
    return fixed_key("a", "EdDSA", kid=kid)


def kids(ring: KeyRing) -> list[str]:
    return [k.kid for k in ring.published()]


def test_the_first_key_is_active_and_the_others_staged() -> None:
    ring = KeyRing([key("a"), key("b")])

    assert (ring.active.kid, ring.state("b"), kids(ring)) == ("a", KeyState.STAGED, ["a", "b"])


def test_rotation_promotes_the_oldest_staged_key_and_keeps_the_old_one_published() -> None:
    ring = KeyRing([key("a"), key("b"), key("c")])

    assert ring.rotate().kid == "b"
    assert (ring.active.kid, ring.state("a"), kids(ring)) == ("b", KeyState.RETIRING, ["a", "b", "c"])


def test_rotation_can_drop_the_old_key_at_once() -> None:
    ring = KeyRing([key("a")])

    ring.rotate(key("b"), keep_old=False)

    assert (ring.state("a"), kids(ring)) == (KeyState.RETIRED, ["b"])


def test_rotation_to_a_given_staged_key_passes_the_older_one_by() -> None:
    ring = KeyRing([key("a"), key("b"), key("c")])

    ring.rotate(key("c"))

    assert (ring.active.kid, ring.state("b")) == ("c", KeyState.STAGED)


def test_a_retiring_key_retires_and_leaves_the_published_set() -> None:
    ring = KeyRing([key("a"), key("b")])
    ring.rotate()

    ring.retire("a")

    assert (ring.state("a"), kids(ring)) == (KeyState.RETIRED, ["b"])


def test_revoking_the_active_key_hands_over_in_the_same_instant() -> None:
    ring = KeyRing([key("a"), key("b")])

    ring.revoke("a")
    ring.revoke("b", key("c"))

    assert (ring.active.kid, ring.state("a"), ring.state("b"), kids(ring)) == (
        "c",
        "revoked",
        "revoked",
        ["c"],
    )


def test_another_key_can_take_over_a_kid() -> None:
    ring = KeyRing([key("a")])
    other = fixed_key("b", "EdDSA")

    ring.replace("a", other)

    assert ring.active == other.with_kid("a")
    assert ring.state("a") is KeyState.ACTIVE


def _illegal_moves() -> list[tuple[str, str, tuple[object, ...]]]:
    return [
        ("no key 'zzz' in the ring: it has a, s, t", "state", ("zzz",)),
        ("only a staged or retiring key can retire", "retire", ("a",)),
        ("only a staged or retiring key can retire", "retire", ("t",)),
        ("kid 's' is taken", "add", (key("s"),)),
        ("one active key", "add", (key("new"), KeyState.ACTIVE)),
        ("taken by a key that is active", "rotate", (key("a"),)),
        ("taken by a key that is retired", "rotate", (key("t"),)),
        ("taken by a key that is staged", "rotate", (fixed_key("b", "EdDSA", kid="s"),)),
        ("no key takes over", "revoke", ("s", key("new"))),
        ("only a published key can be replaced", "replace", ("t", key("new"))),
    ]


@pytest.mark.parametrize("error, move, args", _illegal_moves())
def test_an_illegal_move_is_refused_and_changes_nothing(
    error: str, move: str, args: tuple[object, ...]
) -> None:
    ring = KeyRing([key("a"), key("s")])
    ring.add(key("t"), KeyState.RETIRED)
    before = ring.snapshot

    with pytest.raises(KeyRingError, match=error):
        getattr(ring, move)(*args)

    assert ring.snapshot is before


def test_a_ring_never_loses_its_last_signing_key() -> None:
    ring = KeyRing([key("a")])

    with pytest.raises(KeyRingError, match="no staged key to take over"):
        ring.rotate()
    with pytest.raises(KeyRingError, match="no staged key to take over"):
        ring.revoke("a")
    with pytest.raises(KeyRingError, match="at least one key"):
        KeyRing([])

    assert ring.active.kid == "a"


def test_a_key_is_revoked_once() -> None:
    ring = KeyRing([key("a"), key("b")])
    ring.revoke("b")

    with pytest.raises(KeyRingError, match="revoked already"):
        ring.revoke("b")


def test_finished_keys_are_forgotten_beyond_a_bound() -> None:
    ring = KeyRing([key("0")])

    for i in range(1, MAX_FINISHED + 11):
        ring.rotate(key(str(i)), keep_old=False)

    assert len(ring.snapshot.entries) == MAX_FINISHED + 1
    with pytest.raises(KeyRingError):
        ring.state("9")
    assert ring.state("10") is KeyState.RETIRED


def test_readers_see_whole_rotations_while_another_thread_rotates() -> None:
    ring = KeyRing([key("0")])

    def rotate() -> None:
        for i in range(1, 2001):
            ring.rotate(key(str(i)), keep_old=False)

    thread = Thread(target=rotate)
    thread.start()
    torn = 0
    while thread.is_alive():
        snapshot = ring.snapshot
        torn += snapshot.published != (snapshot.active,)
    thread.join()

    assert torn == 0
    assert ring.active.kid == "2000"


class RingMachine(RuleBasedStateMachine):
    """Tries moves in every order against a model that is a plain dict of states."""

    known: Bundle[str] = Bundle("known")

    def __init__(self) -> None:
        super().__init__()
        self.ring = KeyRing([key("k0")])
        self.model = {"k0": KeyState.ACTIVE}

    def _fresh(self) -> SigningKey:
        return key(f"k{len(self.model)}")

    def _active(self) -> str:
        return next(kid for kid, state in self.model.items() if state is KeyState.ACTIVE)

    def _staged(self) -> str | None:
        return next((kid for kid, state in self.model.items() if state is KeyState.STAGED), None)

    @rule(target=known)
    def start(self) -> str:
        return "k0"

    @rule(target=known)
    def add(self) -> str:
        new = self._fresh()
        self.ring.add(new)
        self.model[new.kid] = KeyState.STAGED
        return new.kid

    @rule(keep=st.booleans())
    def rotate(self, keep: bool) -> None:  # noqa: FBT001 - hypothesis passes it by name
        heir = self._staged()
        if heir is None:
            with pytest.raises(KeyRingError):
                self.ring.rotate(keep_old=keep)
            return
        self.ring.rotate(keep_old=keep)
        self.model[self._active()] = KeyState.RETIRING if keep else KeyState.RETIRED
        self.model[heir] = KeyState.ACTIVE

    @rule(kid=known)
    def retire(self, kid: str) -> None:
        if self.model[kid] not in {KeyState.STAGED, KeyState.RETIRING}:
            with pytest.raises(KeyRingError):
                self.ring.retire(kid)
            return
        self.ring.retire(kid)
        self.model[kid] = KeyState.RETIRED

    @rule(kid=known)
    def revoke(self, kid: str) -> None:
        active = self.model[kid] is KeyState.ACTIVE
        heir = self._staged()
        if self.model[kid] is KeyState.REVOKED or (active and heir is None):
            with pytest.raises(KeyRingError):
                self.ring.revoke(kid)
            return
        self.ring.revoke(kid)
        self.model[kid] = KeyState.REVOKED
        if active and heir is not None:
            self.model[heir] = KeyState.ACTIVE

    @invariant()
    def ring_and_model_agree(self) -> None:
        assert {kid: self.ring.state(kid) for kid in self.model} == self.model
        assert self.ring.active.kid == self._active()
        assert set(kids(self.ring)) == {kid for kid, state in self.model.items() if state in PUBLISHED}


TestRingMachine = RingMachine.TestCase
