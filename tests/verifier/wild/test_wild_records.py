"""Whatever a customer sends: the record is set up, refused or sent back with a question, and never half set up."""

import base64
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from verifier import CertificateFile, IntegrationRecord
from wild_seeds import SEEDS
from wild_targets import (
    Endpoint,
    any_certificate,
    any_credential,
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
