"""How much work an answer costs, counted in calls and bytes and never in time (OPS-009, FMT-016).

The work for a token grows with its size alone, and not faster; the number of integrations, keys and users does not
show. What is too large is refused before any of it is read.
"""

import gc
import json
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from verifier import CertificateFile, OnboardingRefused, TokenRejected, User, Verifier
from verifier.certificates import MAX_FILE_BYTES
from verifier.compact import MAX_DIGITS
from verifier.keys import MAX_KEYS, parse_jwks
from wild_targets import Endpoint, any_certificate, new_verifier, record
from wild_world import URL, claims, signers

SIGNER = signers()[1]
ANN = User("ann", "ann-sub")


def calls(work: Callable[..., object], *arguments: object) -> Counter[str]:
    """Count the lines that some work runs, and its calls of functions, in Python and in C, each by its name.

    What it raises of ours is no matter. No garbage is collected meanwhile: that, and whoever listens to it, comes when
    it likes.
    """
    counted: Counter[str] = Counter()

    def trace(_frame: Any, event: str, _: Any) -> Any:
        counted["lines"] += event == "line"
        return trace

    def count(frame: Any, event: str, function: Any) -> None:
        if event == "call":
            counted[frame.f_code.co_name] += 1
        elif event == "c_call":
            counted[function.__name__] += 1

    gc.disable()
    sys.setprofile(count)
    sys.settrace(trace)
    try:
        work(*arguments)
    except (TokenRejected, OnboardingRefused, ValueError):
        pass
    finally:
        sys.settrace(None)
        sys.setprofile(None)
        gc.enable()
    return counted


def verifier_of(*, integrations: int = 1, keys: int = 1, users: int = 1) -> Verifier:
    """Make a verifier with so many of each; the first integration is the one that honest tokens are for."""
    others = [{**SIGNER.jwk, "kid": f"other-{number}"} for number in range(keys - 1)]
    verifier = new_verifier(Endpoint(json.dumps({"keys": [dict(SIGNER.jwk), *others]}).encode()))
    people = [ANN, *(User(f"user-{number}", f"id-{number}") for number in range(users - 1))]
    verifier.onboard(record(jwks_uri=URL), people)
    for number in range(integrations - 1):
        name = f"i-{number}"
        other = record(id=name, entity_id=f"urn:{name}", issuer=f"https://{name}.example", jwks_uri=URL)
        verifier.onboard(other, (), first_fetch="later")
    return verifier


def tokens() -> list[bytes]:
    """Return a good token, and one that fails at each step."""
    honest = claims()
    return [
        SIGNER.honest(honest),
        SIGNER.honest(claims(exp=1)),
        SIGNER.honest(claims(sub="nobody")),
        SIGNER.honest(claims(iss="https://nobody.example")),
        SIGNER.honest(claims(aud=["x"] * 20)),
        SIGNER.honest(honest, kid="unknown"),
        SIGNER.honest(honest, alg="RS256"),
        SIGNER.honest(honest)[:-8] + b"AAAAAAAA",
        b"a.b.c",
    ]


def work_of(verifier: Verifier) -> list[Counter[str]]:
    """Count the work for each token, the second time, when what one header says is remembered."""
    for token in tokens():
        calls(verifier.authenticate, token)
    return [calls(verifier.authenticate, token) for token in tokens()]


@pytest.mark.parametrize(
    "few, many",
    [
        ({"integrations": 10}, {"integrations": 10_000}),
        ({"keys": 10}, {"keys": MAX_KEYS}),
        ({"users": 10}, {"users": 10_000}),
    ],
    ids=["integrations", "keys", "users"],
)
def test_the_work_for_a_token_does_not_grow_with_what_is_known(
    few: dict[str, int], many: dict[str, int]
) -> None:
    """OPS-009: call for call the same, whatever becomes of the token."""
    assert work_of(verifier_of(**few)) == work_of(verifier_of(**many))


@pytest.mark.parametrize(
    "value",
    [
        lambda size: "a" * size,
        lambda size: ["a"] * size,
        lambda size: [[1]] * size,
        lambda size: {f"n{number}": number for number in range(size)},
        lambda size: [{"a": 1}] * size,
        lambda size: 10 ** min(size, MAX_DIGITS - 1),
        lambda size: "\u00e9\\" * size,
    ],
    ids=["text", "list", "lists", "members", "objects", "number", "escapes"],
)
def test_the_work_for_a_token_grows_with_its_size_and_no_faster(value: Callable[[int], object]) -> None:
    """Twice the size is at most twice the calls, whichever of its members grows."""
    verifier = verifier_of()
    sizes = [200, 400, 800]
    for name in ("sub", "aud", "other"):
        made = [SIGNER.honest(claims(**{name: value(size)})) for size in sizes]
        counted = [calls(verifier.authenticate, token).total() for token in made]
        assert counted[1] <= 2 * counted[0] + 20
        assert counted[2] <= 2 * counted[1] + 20


@pytest.mark.parametrize("form", [bytes, str])
def test_a_token_that_is_too_large_is_not_read(form: type) -> None:
    """FMT-016: a hundred times the size is the same work and no more memory."""
    verifier = verifier_of()
    limit = verifier.policy.max_token_bytes
    large, huge = (b"e30." * (size // 4 + 1) for size in (limit, 100 * limit))
    first, second = (large, huge) if form is bytes else (large.decode(), huge.decode())
    assert calls(verifier.authenticate, second) == calls(verifier.authenticate, first)
    assert not {"a2b_base64", "split", "encode", "decode"} & calls(verifier.authenticate, second).keys()
    assert peak(verifier.authenticate, second) < limit


def peak(work: Callable[..., object], *arguments: object) -> int:
    """Return the bytes that some work takes at most at one time."""
    tracemalloc.start()
    try:
        work(*arguments)
    except (TokenRejected, OnboardingRefused, ValueError):
        pass
    finally:
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return most


def test_a_token_takes_a_bounded_multiple_of_its_own_memory() -> None:
    """The worst that JSON can do: sixteen kilobytes of empty objects, and of names."""
    verifier = verifier_of()
    for payload in (
        b'{"a":[' + b"{}," * 3_500 + b"{}]}",
        b"[" * 12_000,
        b'{"a":' * 2_000,
        b"9" * 12_000,
        b'"' * 12_000,
    ):
        token = SIGNER.token(json.dumps({"alg": SIGNER.alg, "kid": SIGNER.kid}).encode(), payload)
        assert len(token) <= verifier.policy.max_token_bytes
        assert peak(verifier.authenticate, token) < 100 * len(token)


def test_a_file_that_is_too_large_is_not_read() -> None:
    verifier = verifier_of()
    contents = [
        b"-----BEGIN CERTIFICATE-----\n" * (size // 28 + 2) for size in (MAX_FILE_BYTES, 20 * MAX_FILE_BYTES)
    ]
    counted = []
    for content in contents:
        wanted = record(certificates=[CertificateFile("k", content)])
        counted.append(calls(verifier.onboard, wanted))
    assert counted[0] == counted[1]
    assert "findall" not in counted[0]
    assert any_certificate(contents[0]) == "refuse not_a_certificate"


def test_a_set_with_too_many_entries_is_read_by_none_of_them() -> None:
    """OPS-009: the entries of a set are counted before any is looked at."""
    for entries in (MAX_KEYS + 1, 20 * MAX_KEYS):
        body = json.dumps({"keys": [0] * entries}).encode()
        assert calls(parse_jwks, body)["parse_jwk"] == 0
    body = json.dumps({"keys": [0] * MAX_KEYS}).encode()
    assert calls(parse_jwks, body)["parse_jwk"] == MAX_KEYS


def test_a_flood_of_bad_tokens_leaves_nothing_behind() -> None:
    """OPS-007: no cache of kids, headers or verdicts grows with what comes."""
    verifier = verifier_of()

    def flood(round_: str) -> None:
        for number in range(300):
            with pytest.raises(TokenRejected):
                verifier.authenticate(SIGNER.honest(claims(sub=f"x{number}"), kid=f"{round_}-{number}"))

    flood("first")
    tracemalloc.start()
    try:
        flood("second")
        before, _ = tracemalloc.get_traced_memory()
        flood("third")
        flood("fourth")
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 64 * 1024
