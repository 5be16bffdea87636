"""Whatever a customer sends: the record is set up, refused or sent back with a question, and never half set up."""

import base64
import json
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from verifier import CertificateFile, IntegrationRecord
from wild_seeds import SEEDS
from wild_targets import (
    Endpoint,
    any_certificate,
    any_credential,
    any_jwks,
    any_record,
    new_verifier,
    onboarded,
    record,
)
from wild_world import URL, claims, signers

WILD = settings(
    deadline=None,
    max_examples=max(settings().max_examples // 2, 1),
    suppress_health_check=[HealthCheck.too_slow],
)
FEW = settings(WILD, max_examples=max(settings().max_examples // 4, 1))
FIELDS = st.sampled_from(sorted(IntegrationRecord.__slots__))
FILES = list(SEEDS["certificate"]())
CERTIFICATES = st.sampled_from(FILES)
SAMPLES = st.sampled_from([one.honest(claims()).decode() for one in signers()])
TEXTS = st.text(max_size=30) | st.sampled_from(
    [
        "https://idp.example",
        "https://idp.example/jwks",
        "https://[::1",
        "https://a:99999/",
        "http://127.0.0.1/",
        "//x",
        "file:///x",
        "https://\u0130.example/",
        "https://user@x/",
        "https://x/#y",
        "https://0x7f.1/",
        "https://[fe80::1%25eth0]/",
        "\ud800",
        "qas",
        "api",
        "sub",
        "oid",
        "email",
        "exp",
        "a.b.c",
        "-----BEGIN PRIVATE KEY-----",
        "\u202e",
        "\u200b",
        "'x'",
        "{tenantid}",
        "RS256",
        "ES256",
        "none",
        "aud",
        "client_id",
        "k",
        "",
        " ",
        "a" * 2049,
        "urn:x",
        "..",
        "Bearer e30.e30.e30",
    ]
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXTS, SAMPLES),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def damaged_files(draw: st.DrawFn) -> bytes:
    """Draw a file that customers send, with some bytes changed, cut, doubled, or put into another armour."""
    content = bytearray(draw(CERTIFICATES))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(content)))
        match draw(st.integers(0, 3)):
            case 0:
                content[at : at + 1] = draw(st.binary(min_size=1, max_size=3))
            case 1:
                del content[at : at + draw(st.integers(1, 40))]
            case 2:
                content[at:at] = draw(st.binary(min_size=1, max_size=8))
            case 3:
                content += draw(CERTIFICATES)
    body = base64.encodebytes(bytes(content))
    armoured = b"-----BEGIN CERTIFICATE-----\n" + body + b"-----END CERTIFICATE-----\n"
    return draw(st.sampled_from([bytes(content), bytes(content), bytes(content), armoured, body]))


# A certificate as a tree of DER elements: tag, and content or the elements in it.
Tree = list[tuple[int, "bytes | Tree"]]
DERS = [content for content in FILES if content.startswith(b"0\x82")]
CONTENTS = st.binary(max_size=4) | st.sampled_from(
    [
        b"00000101000000Z",
        b"99991231235959Z",
        b"20500230000000Z",
        b"000101000000Z",
        b"\x80",
        b"\xff" * 9,
        b"\0" * 20,
    ]
)
TAGS = st.sampled_from(
    [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0C, 0x13, 0x17, 0x18, 0x30, 0x31, 0x80, 0x82, 0xA0, 0xA3, 0xA5]
)


def tree_of(der: bytes) -> Tree:
    """Take DER apart; an octet string that holds DER is taken apart as well. ValueError for what is none."""
    found: Tree = []
    while der:
        size, start = der[1] if len(der) > 1 else 0, 2
        if size & 0x80:
            start += size & 0x7F
            size = int.from_bytes(der[2:start])
        content = der[start : start + size]
        if len(content) != size or start > len(der):
            raise ValueError("cut off")
        inner: bytes | Tree = content
        if der[0] & 0x20 or (der[0] == 0x04 and content[:1] in (b"\x30", b"\x03")):
            with suppress(ValueError):
                inner = tree_of(content)
        found.append((der[0], inner))
        der = der[start + size :]
    return found


def der_of(tree: Tree) -> bytes:
    """Put DER together again, every length as it must be."""
    made = b""
    for tag, inner in tree:
        content = inner if isinstance(inner, bytes) else der_of(inner)
        size = len(content)
        octets = size.to_bytes((size.bit_length() + 7) // 8)
        made += bytes([tag, size] if size < 128 else [tag, 0x80 | len(octets), *octets]) + content
    return made


def places_in(tree: Tree) -> list[tuple[Tree, int]]:
    """Return where each element of a tree stands."""
    found = []
    for at, (_, inner) in enumerate(tree):
        found.append((tree, at))
        found += [] if isinstance(inner, bytes) else places_in(inner)
    return found


@st.composite
def regrown_files(draw: st.DrawFn) -> bytes:
    """Draw a certificate, or what looks like one, with some of its elements changed and every length right."""
    tree = tree_of(draw(st.sampled_from(DERS)))
    for _ in range(draw(st.integers(1, 3))):
        inside, at = draw(st.sampled_from(places_in(tree) or [(tree, 0)]))
        if at >= len(inside):
            break
        tag, inner = inside[at]
        match draw(st.integers(0, 4)):
            case 0:
                inside[at] = (tag, draw(CONTENTS))
            case 1:
                inside[at] = (draw(TAGS), inner)
            case 2:
                del inside[at]
            case 3:
                inside.insert(at, inside[at])
            case 4:
                other, place = draw(st.sampled_from(places_in(tree_of(draw(st.sampled_from(DERS))))))
                inside[at] = other[place]
    return der_of(tree)


def test_a_tree_that_is_not_changed_is_the_same_file() -> None:
    assert len(DERS) > 3
    assert [der_of(tree_of(der)) for der in DERS] == DERS


@WILD
@given(regrown_files())
def test_any_elements_of_a_certificate_have_an_answer(content: bytes) -> None:
    """As a file, and in the `x5c` of a key set (KEY-018)."""
    any_certificate(content)
    entry = {**signers()[0].jwk, "x5c": [base64.b64encode(content).decode()]}
    assert any_jwks(json.dumps({"keys": [entry, dict(signers()[1].jwk)]}).encode()).startswith(
        "onboard accept"
    )


@FEW
@given(st.binary(max_size=200) | damaged_files())
def test_any_bytes_as_a_certificate_have_an_answer(content: bytes) -> None:
    any_certificate(content)


@WILD
@given(st.dictionaries(FIELDS, JSON, max_size=5))
def test_any_record_of_json_has_an_answer(changes: dict[str, Any]) -> None:
    any_record(json.dumps({"jwks_uri": URL} | changes).encode())


@FEW
@given(
    st.dictionaries(FIELDS.filter(lambda name: name != "certificates"), JSON, max_size=3),
    st.lists(st.tuples(st.sampled_from([None, "k", "l", ""]) | JSON, CERTIFICATES), max_size=7),
    st.booleans(),
    st.sampled_from(["refuse", "union", "jwks_only"]),
    st.sampled_from(["refuse_all", "per_item"]),
)
def test_any_record_with_files_has_an_answer(
    changes: dict[str, Any],
    files: list[tuple[Any, bytes]],
    up: bool,  # noqa: FBT001 - Hypothesis passes it by name
    both: str,
    partial: str,
) -> None:
    endpoint = Endpoint(json.dumps({"keys": [dict(one.jwk) for one in signers()]}).encode() if up else None)
    wanted = record(**{"certificates": [CertificateFile(*file) for file in files], **changes})
    answers = set()
    for _ in range(2):
        verifier = new_verifier(
            endpoint,
            cert_plus_jwks=both,
            partial_upload=partial,
            raw_public_key="accept",
            multi_audience=True,
        )
        answers.add(onboarded(verifier, wanted))
        answers.add(onboarded(verifier, wanted))
    assert len(answers) == 1, "the same record has two answers"


@WILD
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    b"Authorization",
                    b"authorization",
                    b"AUTHORIZATION",
                    b"X",
                    b"Content-Type",
                    b"Authorization ",
                ]
            ),
            st.binary(max_size=20)
            | st.sampled_from(
                [
                    b"Bearer a.b.c",
                    b"bearer  x ",
                    b"Bearer",
                    b"Basic x, Bearer y",
                    b"Bearer x,Bearer y",
                    b"Bearer\tx",
                ]
            ),
        ),
        max_size=3,
    ),
    st.binary(max_size=20)
    | st.sampled_from([b"access_token=x", b"a&%61ccess%5Ftoken", b"access_token", b"xaccess_token=1"]),
)
def test_any_request_has_one_token_or_none(headers: list[tuple[bytes, bytes]], query: bytes) -> None:
    """HTTP-001 to HTTP-015."""
    any_credential(b"\n".join(name + b":" + value for name, value in headers) + b"\0" + query)
