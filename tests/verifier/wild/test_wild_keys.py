"""Whatever is published as a JWKS, and however its endpoint answers over time: only a published key accepts."""

import base64
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from mock_idp import fixed_key
from mock_idp.certificates import certificate, x5c, x5t, x5t_s256
from verifier import FetchResult, User, verify_jws
from verifier.errors import TokenRejected
from verifier.keys import MAX_KEYS, parse_jwks
from wild_targets import Endpoint, any_jwks, judged, new_verifier, record
from wild_world import URL, claims, signers, verified_by

WILD = settings(
    deadline=None,
    max_examples=max(settings().max_examples // 2, 1),
    suppress_health_check=[HealthCheck.too_slow],
)
TEXTS = st.text(max_size=8) | st.sampled_from(
    [
        "sig",
        "enc",
        "verify",
        "sign",
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
        "secp256k1",
        "AQAB",
        "Aw",
        "AQ",
        "AA",
        "AAAA",
        "A" * 43,
        "A" * 86,
        "\ud800",
    ]
    + [signer.alg for signer in signers()]
)
LONG = st.sampled_from([342, 1400, 100_000]).map(lambda size: "_" * size)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS, LONG
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
MEMBERS = st.sampled_from(
    [
        "kty",
        "crv",
        "n",
        "e",
        "x",
        "y",
        "kid",
        "use",
        "key_ops",
        "alg",
        "x5c",
        "x5t",
        "x5t#S256",
        "x5u",
        "issuer",
        "d",
        "k",
        "p",
    ]
)


def certified(alg: str) -> dict[str, Any]:
    """Show a key with its certificate."""
    cert = certificate(key := fixed_key("a", alg, kid=alg))
    return {**key.public_jwk(), "x5c": [x5c(cert)], "x5t": x5t(cert), "x5t#S256": x5t_s256(cert)}


HONEST = [dict(signer.jwk) for signer in signers()] + [certified(alg) for alg in ("RS256", "ES256", "EdDSA")]
OTHERS = [dict(fixed_key("b", alg, kid=alg).public_jwk()) for alg in ("RS256", "ES256", "EdDSA")]


@st.composite
def entries(draw: st.DrawFn) -> Any:
    """Draw one entry: anything, or a real key with some members changed, typed wrongly, missing, or of another key."""
    if draw(st.integers(0, 9)) == 0:
        return draw(VALUES)
    entry = dict(draw(st.sampled_from(HONEST + OTHERS)))
    for name in draw(st.lists(MEMBERS, max_size=2)):
        match draw(st.integers(0, 4)):
            case 0:
                entry.pop(name, None)
            case 1:
                entry[name] = draw(st.sampled_from(HONEST + OTHERS)).get(name)
            case 2 if isinstance(entry.get(name), str):
                at = draw(st.integers(0, len(entry[name])))
                entry[name] = (
                    entry[name][:at] + draw(st.sampled_from(["", "A", "=", "+", "_"])) + entry[name][at + 1 :]
                )
            case 3 if name == "x5c":
                entry[name] = [base64.b64encode(_damaged(draw)).decode()]
            case _:
                entry[name] = draw(VALUES)
    return entry


def _damaged(draw: st.DrawFn) -> bytes:
    der = bytearray(base64.b64decode(certified("ES256")["x5c"][0]))
    for _ in range(draw(st.integers(1, 3))):
        der[draw(st.integers(0, len(der) - 1))] = draw(st.integers(0, 255))
    return bytes(der[: draw(st.integers(1, len(der)))] if draw(st.booleans()) else der)


SETS = st.one_of(
    st.lists(entries(), max_size=6).map(lambda keys: {"keys": keys}),
    st.dictionaries(st.sampled_from(["keys", "Keys", "jwks_uri"]), VALUES, max_size=2),
    VALUES,
)


@WILD
@given(st.binary(max_size=200))
def test_any_bytes_as_a_jwks_have_an_answer(body: bytes) -> None:
    any_jwks(body)


@WILD
@given(SETS)
def test_any_json_as_a_jwks_has_an_answer(document: Any) -> None:
    any_jwks(json.dumps(document).encode())


@WILD
@given(st.lists(entries(), max_size=4), st.integers(0, 4))
def test_an_odd_entry_spoils_no_set(odd: list[Any], at: int) -> None:
    """KEY-018: whatever stands beside it, a good key under a kid of its own serves."""
    signer = signers()[1]
    good = {**signer.jwk, "kid": "good"}
    keys = [entry for entry in odd if not _is_of(entry, good)]
    keys.insert(at, good)
    body = json.dumps({"keys": keys}).encode()
    read = parse_jwks(body, allow_test_keys=True)
    assert [key.kid for key in read.keys].count("good") == 1
    assert len(read.keys) + len(read.faults) <= len(keys)
    token = signer.honest(claims(), kid="good")
    assert verify_jws(token, body, ["EdDSA"]) == json.dumps(claims()).encode()


def _is_of(entry: Any, good: dict[str, Any]) -> bool:
    """Tell whether an entry is of the same key, which it may publish as private, or under the same kid."""
    return isinstance(entry, dict) and (entry.get("x") == good["x"] or entry.get("kid") == "good")


@WILD
@given(SETS, st.sampled_from(signers()))
def test_signatures_alone_have_an_answer_by_any_keys(document: Any, signer: Any) -> None:
    """`verify_jws`: the payload, TokenRejected, or ValueError for keys that are none."""
    token = signer.honest(claims())
    keys = document if isinstance(document, dict) else json.dumps(document).encode()
    try:
        payload = verify_jws(token, keys, [signer.alg])
    except (TokenRejected, ValueError):
        return
    assert payload == json.dumps(claims()).encode()
    listed = document.get("keys", [document]) if isinstance(document, dict) else []
    assert verified_by(token, [entry for entry in listed if isinstance(entry, dict)])


def test_a_set_has_no_more_entries_than_the_bound() -> None:
    """OPS-009."""
    entry = dict(signers()[1].jwk)
    full = [{**entry, "kid": str(number)} for number in range(MAX_KEYS)]
    assert "onboard" in any_jwks(json.dumps({"keys": full}).encode())
    assert any_jwks(json.dumps({"keys": [*full, entry]}).encode()) == "refuse jwks_unusable"


STATUSES = st.sampled_from([200, 200, 200, 200, 304, 404, 500, 301, 204, 0, -1, 999])
HEADERS = st.dictionaries(
    st.sampled_from(["cache-control", "age", "etag", "last-modified", "expires", "date", "content-type"]),
    st.sampled_from(
        [
            "max-age=0",
            "max-age=99999999999",
            "max-age=" + "9" * 400,
            "no-store",
            'max-age="5"',
            "max-age=٣",
            "-1",
            "1",
            '"a"',
            'W/"a"',
            '"',
            "Sat, 01 Jan 2000 00:00:00 GMT",
            "\r\nX: y",
            "",
            "é",
        ]
    )
    | st.text(max_size=12),
    max_size=3,
)
KIDS = ("a", "b")
SIGNERS = {alg: next(one for one in signers() if one.alg == alg) for alg in ("ES256", "EdDSA")}


class Endpoints(RuleBasedStateMachine):
    """An endpoint that answers anything, over time: by a key that was never shown under a kid no token is accepted.

    A key that was shown serves for the staleness bound at most (KEY-023, KEY-027), and one that the latest good
    answer replaced under its kid not at all (KEY-026).
    """

    def __init__(self) -> None:
        super().__init__()
        self.uptime = 1000.0
        self.endpoint = Endpoint(None)
        self.shown: dict[str, dict[str, float]] = {}
        self.latest: dict[str, set[str]] = {}
        self.asked = 0
        self.verifier = new_verifier(self.fetch, monotonic=lambda: self.uptime)

    def fetch(self, url: str, **wishes: Any) -> FetchResult:
        self.asked += 1
        answer = self.endpoint(url)
        if answer.status == 304 and wishes["conditions"]:
            for kid, algs in self.latest.items():
                self.shown.setdefault(kid, {}).update(dict.fromkeys(algs, self.uptime))
        if answer.status == 200 and (published := self._read(answer.body)) is not None:
            self.latest = published
            for kid, algs in published.items():
                self.shown[kid] = dict.fromkeys(algs, self.uptime)
        return answer

    @staticmethod
    def _read(body: bytes) -> dict[str, set[str]] | None:
        """Return which keys a body shows under which kid, as plainly as can be; None for what is no JWKS."""
        try:
            listed = json.loads(body)["keys"]
        except (ValueError, TypeError, KeyError):
            return None
        if not isinstance(listed, list):
            return None
        found: dict[str, set[str]] = {}
        for entry in listed:
            if isinstance(entry, dict) and entry.get("kid") in KIDS:
                algs = found.setdefault(entry["kid"], set())
                algs |= {alg for alg, one in SIGNERS.items() if entry.get("x") == one.jwk["x"]}
        return found

    @initialize()
    def onboards(self) -> None:
        self.answers({"a": "ES256"}, 200, {})
        self.verifier.onboard(record(jwks_uri=URL), [User("ann", "ann-sub")])

    @rule(
        keys=st.dictionaries(st.sampled_from(KIDS), st.sampled_from(sorted(SIGNERS)), max_size=2),
        status=STATUSES,
        headers=HEADERS,
    )
    def answers(self, keys: dict[str, str], status: int, headers: dict[str, str]) -> None:
        body = {"keys": [{**SIGNERS[alg].jwk, "kid": kid} for kid, alg in keys.items()]}
        self.endpoint.answer = FetchResult(status, headers, json.dumps(body).encode())

    @rule(
        body=st.binary(max_size=30) | SETS.map(lambda document: json.dumps(document).encode()),
        headers=HEADERS,
    )
    def answers_anything(self, body: bytes, headers: dict[str, str]) -> None:
        self.endpoint.answer = FetchResult(200, headers, body)

    @rule()
    def goes_down(self) -> None:
        self.endpoint.answer = None

    @rule(seconds=st.sampled_from([0, 1, 301, 3601, 86401, 1e6]))
    def time_passes(self, seconds: float) -> None:
        self.uptime += seconds

    @rule(kid=st.sampled_from([*KIDS, "c"]), alg=st.sampled_from(sorted(SIGNERS)))
    def asks(self, kid: str, alg: str) -> None:
        before = self.asked
        answer = judged(self.verifier, SIGNERS[alg].honest(claims(), kid=kid))
        assert self.asked - before <= 2, (
            "one token, asked twice, drives no more than the due fetch and a provoked one"
        )
        if answer.startswith("accept"):
            seen_at = self.shown.get(kid, {}).get(alg)
            assert seen_at is not None, "a yes by a key that was not shown under this kid, or was replaced"
            assert self.uptime - seen_at <= self.verifier.policy.jwks_staleness_s, "a key past its time"


TestEndpoints = Endpoints.TestCase
TestEndpoints.settings = settings(
    WILD, max_examples=max(settings().max_examples // 4, 1), stateful_step_count=15
)
