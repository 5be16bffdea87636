"""Whatever is sent as a token: the answer is a yes that is deserved, or a no with a reason, and twice the same.

The yes is asked for again by an oracle that never saw the verifier: the standard library and `cryptography`
(`wild_world`), and joserfc.
"""

import base64
import json
from typing import Any

import joserfc.jwk
import joserfc.jws
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wild_targets import ALL_ALGORITHMS, check_token, honest_verifier, judged
from wild_world import NOW, b64, claims, deserved, signers

WILD = settings(deadline=None, max_examples=max(settings().max_examples // 2, 1))
SIGNERS = st.sampled_from(signers())
QUICK_SIGNERS = st.sampled_from([one for one in signers() if one.alg in ("ES256", "EdDSA", "Ed448")])
NAMES = (
    "alg",
    "kid",
    "typ",
    "crit",
    "b64",
    "jwk",
    "x5c",
    "jku",
    "cty",
    "zip",
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
)
MORE_NAMES = (
    "jti",
    "azp",
    "client_id",
    "cnf",
    "events",
    "tid",
    "scope",
    "act",
    "a",
    "",
    "\u0000",
    "\ud800",
    "alg ",
)
MEMBERS = st.sampled_from(NAMES + MORE_NAMES) | st.text(max_size=5)
WORDS = st.sampled_from(
    [
        *ALL_ALGORITHMS,
        "none",
        "HS256",
        "JWT",
        "at+jwt",
        "application/at+jwt",
        "logout+jwt",
        "b64",
        "exp",
        "api",
        "https://idp.example",
        "ann-sub",
        "bob-sub",
        "",
        " ",
        "\u200b",
        "\ud800",
        "\u0130",
        "\u017fub",
    ]
)
NUMBERS = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([NOW, NOW + 300, NOW - 60, 2**53, -(2**53), 2**63, 2**64, 10**399, 10**400, -0.0, 1e308]),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, WORDS, st.text(max_size=20))
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(MEMBERS, inner, max_size=4)),
    max_leaves=12,
)
ALPHABET = st.sampled_from([*b"ABab01-_", *b"+/=.% \n\r\0", 0x80, 0xFF])


def as_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=True).encode()


def layouts(value: object, draw: st.DrawFn) -> bytes:
    """Write a JSON value in one of its many layouts, which a signature makes into different tokens."""
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t: ")]))
    text = json.dumps(value, separators=separators, ensure_ascii=draw(st.booleans()))
    text = draw(st.sampled_from(["", " ", "\r\n"])) + text + draw(st.sampled_from(["", "\n", "\t"]))
    return text.encode("utf-8", "surrogatepass")


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Take an honest token and change one segment of it, or how the segments stand together."""
    signer = draw(SIGNERS)
    segments = signer.honest(claims()).split(b".")
    at = draw(st.integers(0, 2))
    segment = bytearray(segments[at])
    place = draw(st.integers(0, len(segment)))
    match draw(st.integers(0, 6)):
        case 0:
            segment[place:place] = bytes(draw(st.lists(ALPHABET, min_size=1, max_size=4)))
        case 1:
            del segment[place : place + draw(st.integers(1, 4))]
        case 2:
            segment[place : place + 1] = bytes([draw(ALPHABET)])
        case 3:
            segment = bytearray(draw(st.sampled_from(segments)))
        case 4:
            padded = bytes(segment) + b"=" * (-len(segment) % 4)
            raw = bytearray(base64.urlsafe_b64decode(padded))
            raw[place * 3 // 4 % max(len(raw), 1)] ^= 1 << draw(st.integers(0, 7))
            segment = bytearray(b64(bytes(raw)).encode())
        case 5:
            segment = bytearray(draw(st.binary(max_size=20)))
        case 6:
            other = draw(SIGNERS).honest(claims(sub="bob-sub")).split(b".")
            segment = bytearray(other[at])
    segments[at] = bytes(segment)
    if draw(st.booleans()) and draw(st.booleans()):
        segments.insert(draw(st.integers(0, 3)), draw(st.sampled_from([b"", b"e30", b"AA"])))
    return draw(st.sampled_from([b".", b".", b".", b".", b"\xe3\x80\x82", b"..", b","])).join(segments)


@WILD
@given(st.binary(max_size=300))
def test_any_bytes_have_an_answer(token: bytes) -> None:
    check_token(token)


@WILD
@given(
    st.text(max_size=300)
    | st.lists(st.sampled_from(["e30", ".", "=", "\u3002", "\ud800", "A"]), max_size=9).map("".join)
)
def test_any_text_has_an_answer(token: str) -> None:
    assert judged(honest_verifier(), token).startswith("reject")


@WILD
@given(st.none() | st.integers() | st.lists(st.binary()) | st.binary().map(bytearray))
def test_what_is_no_text_is_malformed(token: Any) -> None:
    assert judged(honest_verifier(), token) == "reject malformed"


@WILD
@given(mutated())
def test_a_changed_token_is_refused_or_was_not_changed(token: bytes) -> None:
    check_token(token)


@WILD
@given(QUICK_SIGNERS, st.dictionaries(MEMBERS, JSON, max_size=5), st.booleans(), st.booleans())
@example(signers()[0], {"crit": ["b64"], "b64": True}, True, True)  # noqa: FBT003 - both names are put in
@example(signers()[0], {"typ": 10**400}, True, True)  # noqa: FBT003 - as above
def test_any_header_has_an_answer(signer: Any, header: dict[str, Any], has_alg: bool, has_kid: bool) -> None:  # noqa: FBT001 - hypothesis passes them by name
    said = {**header, **({"alg": signer.alg} if has_alg else {}), **({"kid": signer.kid} if has_kid else {})}
    check_token(signer.token(as_json(said), as_json(claims())))


@WILD
@given(
    QUICK_SIGNERS,
    JSON | st.dictionaries(MEMBERS, JSON, max_size=5).map(lambda changes: {**claims(), **changes}),
)
def test_any_payload_has_an_answer(signer: Any, payload: object) -> None:
    header = as_json({"alg": signer.alg, "kid": signer.kid})
    check_token(signer.token(header, as_json(payload)))


FRAGMENTS = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "{",
                "}",
                "[",
                "]",
                ",",
                ":",
                '"',
                "\\",
                " ",
                "\n",
                "\ufeff",
                "NaN",
                "-Infinity",
                "1e400",
                "01",
                "-",
            ]
        ),
        st.sampled_from(
            [
                '"exp":',
                '"sub":"ann-sub"',
                '"\\u0073ub":"bob-sub"',
                '"aud":',
                '"iss":',
                '"\\ud800":',
                "9" * 401,
            ]
        ),
        st.sampled_from(["[" * 64, "]" * 64, '{"a":' * 65, "\x00", "\x7f", "/*", "#"]),
    ),
    max_size=12,
).map("".join)


@WILD
@given(QUICK_SIGNERS, FRAGMENTS, st.booleans())
@example(signers()[0], ',"sub":"bob-sub"', True)  # noqa: FBT003 - the member comes twice
def test_any_fragments_of_json_have_an_answer(signer: Any, text: str, inside: bool) -> None:  # noqa: FBT001 - as above
    honest = as_json(claims()).decode()
    payload = honest[:-1] + text + "}" if inside else text
    header = as_json({"alg": signer.alg, "kid": signer.kid})
    check_token(signer.token(header, payload.encode("utf-8", "surrogatepass")))
    check_token(signer.token(payload.encode("utf-8", "surrogatepass"), as_json(claims())))


PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.lists(st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=3),
)
IGNORED = st.dictionaries(
    st.sampled_from(["jti", "azp", "ver", "x", "\u00e9", "zip", "jku"]), PLAIN, max_size=3
)


@st.composite
def honest_tokens(draw: st.DrawFn) -> tuple[Any, bytes, str]:
    """Draw a good token in any layout, with members that change nothing; return its signer, it, and the user."""
    signer = draw(SIGNERS)
    user, sub = draw(st.sampled_from([("ann", "ann-sub"), ("bob", "bob-sub"), ("zero", "0")]))
    start = draw(st.sampled_from([NOW, NOW + 59, NOW - 1e6, int(NOW), 0]))
    audience = draw(st.sampled_from(["api", ["api"], ["other", "api"], ["api", "api"]]))
    said = {
        **draw(IGNORED),
        **claims(sub=sub, aud=audience, nbf=start, iat=draw(st.sampled_from([..., start]))),
    }
    typ = draw(
        st.sampled_from(
            [{}, {"typ": "JWT"}, {"typ": "jwt"}, {"typ": "at+jwt"}, {"typ": "application/at+JWT"}]
        )
    )
    header = {**draw(IGNORED), "alg": signer.alg, "kid": signer.kid, **typ}
    in_any_order = dict(draw(st.permutations(list(said.items()))))
    return signer, signer.token(layouts(header, draw), layouts(in_any_order, draw)), user


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")  # of the name EdDSA
@WILD
@given(honest_tokens())
def test_a_good_token_is_accepted_in_every_layout(drawn: tuple[Any, bytes, str]) -> None:
    """FMT-021, SIG-001; joserfc agrees that it is signed by the one key of its kid."""
    signer, token, user = drawn
    assert check_token(token) == f"accept {user}"
    key = joserfc.jwk.import_key({name: value for name, value in signer.jwk.items() if name != "alg"})
    joserfc.jws.deserialize_compact(token, key, algorithms=[signer.alg], registry=LENIENT)


class _AnyHeader(joserfc.jws.JWSRegistry):
    """joserfc without its own opinion of header members: only the signature is asked."""

    def check_header(self, header: dict[str, Any]) -> None:
        assert header["alg"] in ALL_ALGORITHMS


LENIENT = _AnyHeader(algorithms=list(ALL_ALGORITHMS))


@pytest.mark.parametrize("signer", signers(), ids=lambda one: one.alg)
def test_the_oracle_says_yes_and_no(signer: Any) -> None:
    """A test that could not fail would prove nothing."""
    entries = [one.jwk for one in signers()]
    assert deserved(signer.honest(claims()), entries, "ann")
    assert not deserved(signer.honest(claims()), entries, "bob")
    assert not deserved(signer.honest(claims(), kid="other"), entries, "ann")
    assert not deserved(signer.honest(claims(exp=1)), entries, "ann")
    assert not deserved(signer.honest(claims(iss="x")), entries, "ann")
    changed = signer.honest(claims())[:-3] + b"AAA"
    assert not deserved(changed, entries, "ann")
