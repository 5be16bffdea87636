"""Where the fuzzer begins: for each target some inputs that get far, and the words of the trade.

Must never hold what an earlier run found: that is kept in `tests/verifier/corpus`.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from mock_idp import fixed_key
from mock_idp.certificate_files import FORMS, certificate_file
from mock_idp.certificates import certificate, certificate_der, x5c, x5t, x5t_s256
from mock_idp.keys import SigningKey
from wild_world import AUDIENCE, ISSUER, NOW, URL, claims, signers


def _tokens() -> Iterator[bytes]:
    for number, signer in enumerate(signers()):
        header = json.dumps({"alg": signer.alg, "kid": signer.kid}).encode()
        yield bytes([number]) + header + b"\0" + json.dumps(claims()).encode()
        yield b"r" + signer.honest(claims())
    odd: tuple[dict[str, Any], ...] = (
        {"aud": [AUDIENCE, "other"], "nbf": NOW},
        {"exp": 1e400},
        {"events": {}},
        {"cnf": {"jkt": "a"}, "typ": "Refresh"},
        {"sub": None, "client_id": "c", "aud": ...},
        {"iss": [ISSUER]},
        {"sub": {"a": [[{}]]}},
    )
    for changes in odd:
        yield (b'\1{"typ":"at+jwt","kid":"EdDSA","alg":"EdDSA"}\0' + json.dumps(claims(**changes)).encode())
    yield b'\1{"alg":"EdDSA","crit":["b64"],"b64":true,"iss":"https://idp.example"}\0{"iss":"https://idp.example"}'
    yield b"r..."
    yield b"reyJhbGciOiJub25lIn0.e30."


def _jwks() -> Iterator[bytes]:
    for signer in signers():
        yield json.dumps({"keys": [dict(signer.jwk)]}).encode()
    key = fixed_key("a", "ES256", kid="ES256")
    cert = certificate(key)
    entry = {**key.public_jwk(), "use": "sig", "key_ops": ["verify"], "x5c": [x5c(cert)], "x5t": x5t(cert)}
    yield json.dumps({"keys": [entry]}).encode()
    yield json.dumps({"keys": [{**entry, "x5t#S256": x5t_s256(cert), "issuer": ISSUER}]}).encode()
    yield json.dumps(
        {"keys": [{**entry, **key.private_jwk()}, entry, {}, 1, {"kty": "oct", "k": "AA"}]}
    ).encode()
    yield b'{"keys":[]}'


def _certificates() -> Iterator[bytes]:
    for alg in ("RS256", "ES256", "EdDSA"):
        key = fixed_key("a", alg, kid="k")
        cert = certificate(key)
        yield certificate_der(cert)
        for form in FORMS:
            yield _file(key, form)
        yield json.dumps(key.public_jwk()).encode()
        yield json.dumps({"keys": [{**key.public_jwk(), **key.private_jwk()}]}).encode()
        yield key.spki_pem()
        yield key.spki_der()
    yield b"<html>"
    yield b"ssh-rsa AAAA"
    yield b"\xff\xfe-\0-\0"


def _file(key: SigningKey, form: str) -> bytes:
    content = certificate_file([key], form, certificate)
    return content.encode() if isinstance(content, str) else content


def _credentials() -> Iterator[bytes]:
    yield b"Authorization: Bearer abc.def.ghi\0a=b"
    yield b"authorization:bearer  a==\nHost: x\0access%5ftoken=1"
    yield b"Authorization: Basic YTpi\nAuthorization: Bearer x\0"
    yield b"Authorization: Basic YTpi, Bearer x\nContent-Type: application/x-www-form-urlencoded; a=b\0x&access_token"


def _records() -> Iterator[bytes]:
    pem = _file(fixed_key("a", "ES256", kid="k"), "pem").decode()
    plain: dict[str, Any] = {"id": "i-1", "entity_id": "urn:idp", "issuer": ISSUER, "audience": AUDIENCE}
    yield json.dumps(
        {**plain, "jwks_uri": URL, "custom_claim": "oid", "leeway_s": 5, "active": False}
    ).encode()
    yield json.dumps({**plain, "certificates": [["k", pem], ["l", pem]], "selected": ["k"]}).encode()
    sample = signers()[0].honest(claims()).decode()
    wanted = {**plain, "issuer": None, "audience": None, "jwks_uri": URL, "sample_token": f"Bearer {sample}"}
    yield json.dumps(
        {**wanted, "algorithms": ["ES256", "RS256"], "idp_name": "x", "aud_from": "client_id"}
    ).encode()
    yield json.dumps(
        {**plain, "issuer": [ISSUER, "b"], "audience": ["c", "d"], "public_keys": [], "jwks_uri": URL}
    ).encode()


SEEDS: Final[Mapping[str, Callable[[], Iterator[bytes]]]] = {
    "token": _tokens,
    "jwks": _jwks,
    "certificate": _certificates,
    "credential": _credentials,
    "record": _records,
}
"""The first inputs of each target."""

_JSON = (
    '{"',
    '":',
    '","',
    "[",
    "]",
    "}",
    "null",
    "true",
    "1e400",
    "-0",
    "1.0",
    "9" * 20,
    "\\ud800",
    "\\u0000",
    "NaN",
)
WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "token": (
        *_JSON,
        *(
            "alg",
            "kid",
            "typ",
            "crit",
            "b64",
            "at+jwt",
            "JWT",
            "none",
            "HS256",
            "application/",
            "cty",
            "jwk",
            "x5c",
        ),
        *(
            "iss",
            "aud",
            "sub",
            "exp",
            "nbf",
            "iat",
            "events",
            "cnf",
            "client_id",
            "azp",
            "tid",
            ISSUER,
            "ann-sub",
        ),
        *(signer.alg for signer in signers()),
        str(int(NOW)),
        str(int(NOW) + 300),
    ),
    "jwks": (
        *_JSON,
        *(
            "keys",
            "kty",
            "crv",
            "RSA",
            "EC",
            "OKP",
            "oct",
            "P-256",
            "P-384",
            "P-521",
            "Ed25519",
            "Ed448",
            "X25519",
        ),
        *(
            "kid",
            "use",
            "sig",
            "enc",
            "key_ops",
            "verify",
            "alg",
            "x5c",
            "x5t",
            "x5t#S256",
            "issuer",
            "AQAB",
            "AA",
        ),
        *("n", "e", "x", "y", "d", "p", "k", "secp256k1"),
    ),
    "certificate": (
        *(
            "-----BEGIN CERTIFICATE-----\\x0a",
            "-----END CERTIFICATE-----\\x0a",
            "-----BEGIN ",
            "PRIVATE KEY",
            "PKCS7",
        ),
        *(
            "\\x30\\x82",
            "\\x30\\x80",
            "\\xa0\\x03\\x02\\x01\\x02",
            "\\x02\\x01\\x03",
            "\\x17\\x0d",
            "\\x18\\x0f",
        ),
        *(
            "99991231235959Z",
            "00000101000000Z",
            "\\x06\\x03\\x55\\x1d\\x11",
            "\\x06\\x03\\x55\\x1d\\x0f",
            "\\xa4\\x00",
        ),
    ),
    "credential": (
        "Authorization:",
        "Bearer ",
        "bearer",
        "Basic ",
        "access_token",
        "%61",
        "&",
        "=",
        ", ",
        "\\x00",
    ),
    "record": (
        *_JSON,
        *(
            "id",
            "entity_id",
            "idp_name",
            "issuer",
            "audience",
            "sample_token",
            "algorithms",
            "custom_claim",
            "leeway_s",
        ),
        *(
            "jwks_uri",
            "ca_file",
            "certificates",
            "selected",
            "public_keys",
            "aud_from",
            "active",
            "client_id",
            "https://",
        ),
        *(
            "RS256",
            "qas",
            "-----BEGIN PRIVATE KEY-----",
            "email",
            "{tenantid}",
            "/common",
            "http://127.0.0.1",
        ),
    ),
}
"""Words that are put in, escaped as libFuzzer's dictionaries have it."""
