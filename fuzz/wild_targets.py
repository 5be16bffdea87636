"""What wild bytes are thrown at, and what must hold of every answer; the coverage-guided fuzzer and the tests share it.

A target takes bytes, asks the verifier twice, and returns the answer as one line. AssertionError says that an answer
was wrong; any other exception is one that the verifier must not raise.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cache
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mock_idp import fixed_key
from verifier import (
    CertificateFile,
    Fetch,
    FetchError,
    FetchResult,
    IntegrationRecord,
    OnboardingAsked,
    OnboardingRefused,
    Policy,
    TokenRejected,
    User,
    Verifier,
)
from verifier.bearer import CredentialRefused, bearer_token, has_token_field, is_form
from verifier.errors import REFUSE_REASONS, REJECT_REASONS
from wild_world import AUDIENCE, ISSUER, LEEWAY_S, NOW, URL, USERS, claims, deserved, signers, verified_by

ALL_ALGORITHMS: Final = tuple(dict.fromkeys(signer.alg for signer in signers()))
MAX_DETAIL: Final = 2_000
"""No answer says more characters than that, however much came in (OPS-014)."""
_PEOPLE = tuple(User(name, external_id) for external_id, name in USERS.items())


class Endpoint:
    """A JWKS endpoint that answers what it is told to, or nothing at all."""

    def __init__(self, body: bytes | None) -> None:
        self.answer = None if body is None else FetchResult(200, {}, body)

    def __call__(self, url: str, **_: Any) -> FetchResult:
        """Answer, wherever it is asked; FetchError while there is no answer."""
        assert url
        if self.answer is None:
            raise FetchError("down")
        return self.answer


def new_verifier(
    endpoint: Fetch, *, monotonic: Callable[[], float] = lambda: 1000.0, **knobs: Any
) -> Verifier:
    """Make a verifier with a fixed clock, whose fetches are done at once."""
    policy = Policy(algorithms=ALL_ALGORITHMS, allow_test_keys=True, leeway_s=LEEWAY_S, **knobs)
    return Verifier(policy, clock=lambda: NOW, monotonic=monotonic, fetch=endpoint, spawn=lambda work: work())


def record(**fields: Any) -> IntegrationRecord:
    """Return a record that is accepted, with changes."""
    plain: dict[str, Any] = {"id": "i-1", "entity_id": "urn:idp", "issuer": ISSUER, "audience": AUDIENCE}
    return IntegrationRecord(**(plain | fields))


def judged(verifier: Verifier, token: str | bytes) -> str:
    """Authenticate twice; return the answer, which is of the closed list and the same both times."""
    answers = [_judged(verifier, token) for _ in range(2)]
    assert answers[0] == answers[1], "the same token has two answers"
    return answers[0]


def _judged(verifier: Verifier, token: str | bytes) -> str:
    try:
        return f"accept {verifier.authenticate(token).user}"
    except TokenRejected as rejected:
        assert rejected.reason in REJECT_REASONS
        assert len(str(rejected)) < MAX_DETAIL
        assert str(rejected).isprintable()
        return f"reject {rejected.reason}"


def onboarded(verifier: Verifier, wanted: IntegrationRecord) -> str:
    """Onboard; return the answer, which is of the closed lists. A record that is not accepted leaves nothing."""
    before = verifier.register.all()
    try:
        warnings = verifier.onboard(wanted, _PEOPLE).warnings
    except OnboardingRefused as refused:
        assert refused.reason in REFUSE_REASONS
        assert len(str(refused)) < MAX_DETAIL
        answer = f"refuse {refused.reason}"
    except OnboardingAsked as asked:
        assert asked.about in ("audience", "selection")
        answer = f"ask {asked.about}"
    else:
        assert all(len(warning) < MAX_DETAIL for warning in warnings)
        return "onboard"
    assert verifier.register.all() == before, "a refusal left something behind"
    return answer


@cache
def honest_verifier() -> Verifier:
    """Return a verifier with one integration that has every signer's key behind its URL."""
    verifier = new_verifier(Endpoint(json.dumps({"keys": [dict(one.jwk) for one in signers()]}).encode()))
    verifier.onboard(record(jwks_uri=URL), _PEOPLE)
    return verifier


@cache
def honest_tokens() -> tuple[bytes, ...]:
    """Return one good token of each signer."""
    return tuple(one.honest(claims()) for one in signers())


def any_token(data: bytes) -> str:
    """Judge a token: bytes as they are after `r`, else a header and a payload, parted by NUL, that are signed.

    The first byte then chooses the signer. A yes must be deserved.
    """
    if data[:1] == b"r":
        token = data[1:]
    else:
        header, _, payload = data[1:].partition(b"\0")
        token = signers()[(data[0] if data else 0) % len(signers())].token(header, payload)
    return check_token(token)


def check_token(token: bytes) -> str:
    """Judge a token as bytes and as text; a yes must be deserved."""
    answer = judged(honest_verifier(), token)
    kind, _, user = answer.partition(" ")
    if kind == "accept":
        assert deserved(token, [one.jwk for one in signers()], user), "a yes that is not deserved"
    with suppress(UnicodeDecodeError):
        assert judged(honest_verifier(), token.decode()) == answer, "bytes and text have two answers"
    return answer


def any_jwks(data: bytes) -> str:
    """Onboard with a JWKS of any bytes, and send a good token of each signer: only a published key accepts."""
    answers = []
    for _ in range(2):
        verifier = new_verifier(Endpoint(data))
        answer = onboarded(verifier, record(jwks_uri=URL))
        if answer == "onboard":
            verdicts = [_judged(verifier, token) for token in honest_tokens()]
            entries = _entries(data)
            for token, verdict in zip(honest_tokens(), verdicts, strict=True):
                if verdict.startswith("accept"):
                    assert verified_by(token, entries), "a yes by a key that is not published"
            answer += " " + ", ".join(sorted(set(verdicts)))
        answers.append(answer)
    assert answers[0] == answers[1], "the same JWKS has two answers"
    return answers[0]


def _entries(data: bytes) -> list[Mapping[str, Any]]:
    return [entry for entry in json.loads(data)["keys"] if isinstance(entry, dict)]


def any_certificate(data: bytes) -> str:
    """Onboard with a certificate file of any bytes; only the key of a certificate that it holds then verifies."""
    answers = []
    for _ in range(2):
        verifier = new_verifier(Endpoint(b""), raw_public_key="accept")
        files = [CertificateFile("k", data, "file.pem")]
        answer = onboarded(verifier, record(certificates=files))
        if answer == "onboard":
            answer += f" {_check_key(verifier, data)}"
        answers.append(answer)
    assert answers[0] == answers[1], "the same file has two answers"
    return answers[0]


@cache
def _tokens_of_k() -> tuple[tuple[bytes, bytes], ...]:
    made = []
    for alg in ("RS256", "ES256", "EdDSA"):
        key = fixed_key("a", alg, kid="k")
        signer = next(one for one in signers() if one.alg == alg)
        spki = key.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        made.append((spki, signer.honest(claims(), kid="k")))
    return tuple(made)


def _check_key(verifier: Verifier, data: bytes) -> str:
    """Send tokens of known keys under the file's kid; return the verdicts."""
    verdicts = set()
    for spki, token in _tokens_of_k():
        verdict = _judged(verifier, token)
        verdicts.add(verdict)
        if verdict.startswith("accept"):
            assert spki in _keys_in(data), "a yes by a key that the file does not hold"
    return ", ".join(sorted(verdicts))


def _keys_in(data: bytes) -> set[bytes]:
    data = data.removeprefix(b"\xef\xbb\xbf")
    found: Iterable[x509.Certificate] = ()
    with suppress(ValueError):
        found = [x509.load_der_x509_certificate(data)]
    with suppress(ValueError):
        found = x509.load_pem_x509_certificates(data)
    keys = {one.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for one in found}
    bare = {
        spki for spki, _ in _tokens_of_k() if spki == data or _pem_of(spki) in data.replace(b"\r\n", b"\n")
    }
    return keys | bare


def _pem_of(spki: bytes) -> bytes:
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    return load_der_public_key(spki).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).strip()


def any_credential(data: bytes) -> str:
    """Look for the one Bearer token in any headers (lines `name: value`) and any query (after the first NUL)."""
    lines, _, query = data.partition(b"\0")
    pairs = [line.partition(b":") for line in lines.split(b"\n")]
    headers = [(name, value.strip(b" \t")) for name, _, value in pairs]
    answers = [_credential(headers, query) for _ in range(2)]
    assert answers[0] == answers[1], "the same request has two answers"
    assert is_form(headers) in (True, False)
    return answers[0]


def _credential(headers: list[tuple[bytes, bytes]], query: bytes) -> str:
    try:
        token = bearer_token(headers, query, 16384)
    except CredentialRefused as refused:
        assert refused.answer.status in (400, 401, 431)
        return f"refuse {refused.fault}"
    sent = [value for name, value in headers if name.lower() == b"authorization"]
    assert len(sent) == 1, "a second credential was not seen"
    scheme, _, rest = sent[0].partition(b" ")
    assert scheme.lower() == b"bearer"
    assert rest.strip(b" \t") == token
    assert 0 < len(token) <= 16384
    assert not has_token_field(query)
    assert not token.translate(None, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=")
    return "token"


def any_record(data: bytes) -> str:
    """Onboard a record of any JSON; texts under `certificates` are files. What is no JSON object asks nothing."""
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        return "no JSON"
    if not isinstance(said, dict):
        return "no JSON object"
    fields = {name: value for name, value in said.items() if name in IntegrationRecord.__slots__}
    if isinstance(given := fields.get("certificates"), list):
        fields["certificates"] = [_as_file(one) for one in given]
    answers = []
    for _ in range(2):
        verifier = new_verifier(
            Endpoint(_JWKS), raw_public_key="accept", multi_issuer=True, multi_audience=True
        )
        answers.append(onboarded(verifier, record(**fields)))
    assert answers[0] == answers[1], "the same record has two answers"
    return answers[0]


def _as_file(given: object) -> object:
    if isinstance(given, list) and len(given) == 2 and isinstance(given[1], str):
        return CertificateFile(given[0], given[1].encode("utf-8", "surrogatepass"))
    return CertificateFile("k", given.encode("utf-8", "surrogatepass")) if isinstance(given, str) else given


_JWKS = json.dumps({"keys": [dict(one.jwk) for one in signers()]}).encode()

TARGETS: Final[Mapping[str, Callable[[bytes], str]]] = {
    "token": any_token,
    "jwks": any_jwks,
    "certificate": any_certificate,
    "credential": any_credential,
    "record": any_record,
}
"""What wild bytes are thrown at, by name."""
