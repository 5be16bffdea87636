"""Every named forgery makes a token that is false in exactly the way its sentence says."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import jwt
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc import jwe
from joserfc.jwk import ECKey, RSAKey

from mock_idp import (
    FORGERIES,
    Draft,
    ForgeContext,
    ForgeryError,
    Issuer,
    KeyRing,
    Person,
    SigningKey,
    certificate_der,
    certificate_pem,
    finish,
    fixed_key,
    forge,
    persona,
)

NOW = 1_767_225_600
NAMES = ("header", "payload", "signature")


def issuer(alg: str, name: str = "generic") -> Issuer:
    ring = KeyRing([fixed_key("a", alg), fixed_key("b", alg)])
    return Issuer(persona(name), ring, clock=lambda: NOW)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def raw(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def verifies(key: SigningKey, alg: str, signed: bytes, signature: bytes) -> bool:
    public = key.private.public_key()
    digest: hashes.HashAlgorithm = {"384": hashes.SHA384(), "512": hashes.SHA512()}.get(
        alg[2:], hashes.SHA256()
    )
    try:
        if isinstance(public, ed25519.Ed25519PublicKey):
            public.verify(signature, signed)
        elif isinstance(public, rsa.RSAPublicKey):
            pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
            public.verify(signature, signed, pss if alg[0] == "P" else padding.PKCS1v15(), digest)
        else:
            half = (public.curve.key_size + 7) // 8
            assert len(signature) == 2 * half
            r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
            public.verify(encode_dss_signature(r, s), signed, ec.ECDSA(digest))
    except InvalidSignature:
        return False
    return True


class Seen(NamedTuple):
    """A forged token beside the honest one, taken apart."""

    draft: Draft
    forged: str
    context: ForgeContext

    @property
    def parts(self) -> list[str]:
        return self.forged.split(".")

    @property
    def header(self) -> Any:
        return json.loads(raw(self.parts[0]))

    @property
    def claims(self) -> Any:
        return json.loads(raw(self.parts[1]))

    @property
    def signature(self) -> bytes:
        return raw(self.parts[2])

    @property
    def honest(self) -> list[str]:
        return self.draft.token().split(".")

    def true(self, alg: str | None = None, key: SigningKey | None = None) -> bool:
        """Whether the signature is the key's over the token as it was sent."""
        signed = self.forged.rpartition(".")[0].encode()
        return verifies(key or self.context.trusted, alg or self.draft.alg, signed, self.signature)

    def only(self, *changed: str) -> bool:
        """Whether exactly these segments differ from the honest token's."""
        pairs = zip(NAMES, self.parts, self.honest, strict=True)
        return {name for name, ours, theirs in pairs if ours != theirs} == set(changed)

    def header_but(self, **members: Any) -> bool:
        """Whether the header is the honest one but for these members."""
        return bool(self.header == {**self.draft.header, **members})


def _hmac(seen: Seen, secret: bytes, alg: str = "HS256") -> bool:
    signed = ".".join(seen.parts[:2]).encode()
    made = hmac.digest(secret, signed, f"sha{alg[2:]}")
    return seen.header_but(alg=alg) and seen.signature == made and seen.parts[1] == seen.honest[1]


def _public(seen: Seen) -> rsa.RSAPublicKey:
    public = seen.context.trusted.private.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    return public


def _encoded(seen: Seen) -> str:
    """Give the PKCS #1 block inside an RSA signature, in hex."""
    numbers, size = _public(seen).public_numbers(), len(seen.signature)
    return pow(int.from_bytes(seen.signature, "big"), numbers.e, numbers.n).to_bytes(size, "big").hex()


def _integer(seen: Seen) -> int:
    return int.from_bytes(seen.signature, "big")


def _rs(seen: Seen) -> tuple[int, int]:
    half = len(seen.signature) // 2
    return int.from_bytes(seen.signature[:half], "big"), int.from_bytes(seen.signature[half:], "big")


def _neutral_point_verifies(seen: Seen) -> bool:
    neutral = ed25519.Ed25519PublicKey.from_public_bytes((1).to_bytes(32, "little"))
    neutral.verify(seen.signature, seen.forged.rpartition(".")[0].encode())
    return True


def _der_tail(digest: str) -> Callable[[Seen], str]:
    return lambda seen: hashlib.new(digest, seen.forged.rpartition(".")[0].encode()).hexdigest()


def _pem(label: str, der: bytes) -> bytes:
    """Write PEM by hand (RFC 7468)."""
    text = base64.b64encode(der).decode()
    lines = (text[at : at + 64] for at in range(0, len(text), 64))
    return "\n".join((f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", "")).encode()


def _openssh_line(public: bytes) -> bytes:
    """Write an Ed25519 key as OpenSSH does, by hand (RFC 8709 section 4)."""
    fields = (b"ssh-ed25519", public)
    return b"ssh-ed25519 " + base64.b64encode(b"".join(len(f).to_bytes(4, "big") + f for f in fields))


def _own_ed448_key_verifies(seen: Seen) -> bool:
    private = seen.context.trusted.private
    assert isinstance(private, ed25519.Ed25519PrivateKey)
    seed = hashlib.shake_256(private.private_bytes_raw()).digest(57)
    public = ed448.Ed448PrivateKey.from_private_bytes(seed).public_key()
    public.verify(seen.signature, seen.forged.rpartition(".")[0].encode())
    return seen.only("signature") and len(seen.signature) == 114


def _salted(seen: Seen, mask: hashes.HashAlgorithm, salt: int) -> bool:
    """Whether the signature is a true one with this mask and so many bytes of salt, and false as PS256 wants it."""
    signed = seen.forged.rpartition(".")[0].encode()
    _public(seen).verify(seen.signature, signed, padding.PSS(padding.MGF1(mask), salt), hashes.SHA256())
    return seen.only("signature") and not seen.true()


def _java_hash(name: str) -> int:
    value = 0
    for character in name:
        value = (31 * value + ord(character)) % 2**32
    return value


def _widened(seen: Seen) -> bool:
    """Whether r and s are true at the curve's width once each has its leading zero byte again."""
    half = len(seen.signature) // 2
    true = b"\0" + seen.signature[:half] + b"\0" + seen.signature[half:]
    return verifies(seen.context.trusted, "ES512", seen.forged.rpartition(".")[0].encode(), true)


P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SHA256_INFO = "3031300d060960864801650304020105000420"
DER = certificate_der

Check = Callable[[Seen], bool]
CASES: dict[str, list[tuple[Any, str, Check]]] = {
    "none_alg": [
        (
            None,
            "RS256",
            lambda s: s.header_but(alg="none") and s.signature == b"" and s.parts[1] == s.honest[1],
        ),
        ("nOnE", "ES256", lambda s: s.header_but(alg="nOnE") and s.signature == b""),
        ("\\u006eone", "RS256", lambda s: b'"\\u006eone"' in raw(s.parts[0]) and s.header["alg"] == "none"),
        ({"signature": "random"}, "RS256", lambda s: s.header_but(alg="none") and len(s.signature) == 64),
        ({"alg": "None", "signature": "real"}, "RS256", lambda s: s.header_but(alg="None") and s.true()),
    ],
    "alg_missing": [
        (
            None,
            "RS256",
            lambda s: s.true() and {**s.header, "alg": "RS256"} == s.draft.header and "alg" not in s.header,
        )
    ],
    "alg_value": [
        (["RS256"], "RS256", lambda s: s.true() and s.header_but(alg=["RS256"])),
        (None, "RS256", lambda s: s.true() and s.header_but(alg=None)),
    ],
    "sign_as": [
        ("PS256", "RS256", lambda s: s.only("signature") and s.true("PS256")),
        ("ES384", "ES256", lambda s: s.only("signature") and s.true("ES384")),
    ],
    "other_alg": [("RS512", "RS256", lambda s: s.header_but(alg="RS512") and s.true("RS512"))],
    "hmac_with_public_key": [
        (None, "RS256", lambda s: _hmac(s, s.context.trusted.spki_pem())),
        ("spki_pem_stripped", "ES256", lambda s: _hmac(s, s.context.trusted.spki_pem()[:-1])),
        ("spki_der", "EdDSA", lambda s: _hmac(s, s.context.trusted.spki_der())),
        ("certificate_pem", "RS256", lambda s: _hmac(s, certificate_pem(s.context.certificate))),
        ("certificate_der", "RS256", lambda s: _hmac(s, DER(s.context.certificate))),
        ("x5c", "RS256", lambda s: _hmac(s, base64.b64encode(DER(s.context.certificate)))),
        ({"key": "modulus", "alg": "HS512"}, "RS256", lambda s: _hmac(s, raw(s.context.jwk["n"]), "HS512")),
        (
            {"key": "jwk_json", "alg": "HS384"},
            "RS256",
            lambda s: _hmac(s, json.dumps(s.context.jwk, separators=(",", ":")).encode(), "HS384"),
        ),
        (
            "ec_point",
            "ES256",
            lambda s: _hmac(s, b"\x04" + raw(s.context.jwk["x"]) + raw(s.context.jwk["y"])),
        ),
        (
            "pkcs1_pem",
            "RS256",
            lambda s: _hmac(s, _pem("RSA PUBLIC KEY", s.context.trusted.spki_der()[24:])),
        ),
        ("pkcs1_der", "RS256", lambda s: _hmac(s, s.context.trusted.spki_der()[24:])),
        ("openssh", "EdDSA", lambda s: _hmac(s, _openssh_line(raw(s.context.jwk["x"])))),
    ],
    "hmac_with_secret": [
        (None, "RS256", lambda s: _hmac(s, b"secret")),
        ("", "RS256", lambda s: _hmac(s, b"")),
        ({"secret": "a", "alg": "HS512"}, "RS256", lambda s: _hmac(s, b"a", "HS512")),
        ({"secret_base64": "AAAA"}, "RS256", lambda s: _hmac(s, bytes(3))),
    ],
    "foreign_key": [
        (None, "RS256", lambda s: s.only("signature") and s.true(key=s.context.attacker)),
        (None, "ES512", lambda s: s.only("signature") and s.true(key=s.context.attacker)),
    ],
    "foreign_key_own_kid": [
        (None, "RS256", lambda s: s.header_but(kid="attacker") and s.true(key=s.context.attacker))
    ],
    "unknown_kid": [
        ("zzz", "RS256", lambda s: s.header_but(kid="zzz") and s.true()),
        (None, "RS256", lambda s: s.header["kid"].startswith("unknown-") and s.true()),
    ],
    "other_key_same_kid": [
        (None, "RS256", lambda s: s.only("signature") and s.true(key=s.context.others[0]))
    ],
    "kid_of_other_key": [(None, "RS256", lambda s: s.header_but(kid="b") and s.true())],
    "embedded_jwk": [
        (
            None,
            "RS256",
            lambda s: (
                s.header_but(kid="attacker", jwk=s.context.attacker.public_jwk())
                and s.true(key=s.context.attacker)
            ),
        ),
        ("known_kid", "ES256", lambda s: s.header["kid"] == s.header["jwk"]["kid"] == "a"),
    ],
    "embedded_x5c": [
        (None, "RS256", lambda s: s.true(key=s.context.attacker) and len(s.header["x5c"]) == 1),
        (
            "true_then_attacker",
            "RS256",
            lambda s: s.header["x5c"][0] == base64.b64encode(DER(s.context.certificate)).decode(),
        ),
    ],
    "jku": [
        (
            "https://evil.example",
            "RS256",
            lambda s: (
                s.header_but(kid="attacker", jku="https://evil.example") and s.true(key=s.context.attacker)
            ),
        )
    ],
    "x5u": [("file:///x", "RS256", lambda s: s.header_but(kid="attacker", x5u="file:///x"))],
    "signature": [
        ("empty", "RS256", lambda s: s.only("signature") and s.forged.endswith(".")),
        ("drop_last_byte", "RS256", lambda s: s.signature == raw(s.honest[2])[:-1]),
        ("drop_first_byte", "RS256", lambda s: s.signature == raw(s.honest[2])[1:]),
        ("half", "ES256", lambda s: s.signature == raw(s.honest[2])[:32]),
        ("extra_byte", "EdDSA", lambda s: s.signature == raw(s.honest[2]) + b"\0"),
        ("zero", "ES256", lambda s: s.only("signature") and s.signature == bytes(64)),
        ("other_token", "RS256", lambda s: s.only("signature") and not s.true() and len(s.signature) == 256),
    ],
    "ecdsa_signature": [
        ("zero", "ES256", lambda s: s.only("signature") and s.signature == bytes(64)),
        ("zero", "ES512", lambda s: s.signature == bytes(132)),
        ("r_zero", "ES256", lambda s: _rs(s)[0] == 0 and s.signature[32:] == raw(s.honest[2])[32:]),
        ("s_zero", "ES256", lambda s: _rs(s)[1] == 0 and s.signature[:32] == raw(s.honest[2])[:32]),
        ("r_n", "ES256", lambda s: _rs(s)[0] == P256 and s.signature[32:] == raw(s.honest[2])[32:]),
        ("s_n", "ES256", lambda s: _rs(s)[1] == P256 and s.signature[:32] == raw(s.honest[2])[:32]),
        ("r_n_s_one", "ES256", lambda s: _rs(s) == (P256, 1)),
        ("all_ff", "ES384", lambda s: s.signature == b"\xff" * 96),
        ("der", "ES256", lambda s: s.signature[0] == 0x30 and s.signature[1] == len(s.signature) - 2),
        ("short", "ES256", lambda s: s.signature == raw(s.honest[2])[:-1]),
        ("long", "ES512", lambda s: len(s.signature) == 134 and s.signature[0] == s.signature[67] == 0),
        ("zero_trimmed", "ES256", lambda s: len(s.signature) == 63),
        ("zeros_trimmed", "ES512", lambda s: len(s.signature) == 130 and _widened(s)),
        (
            "low_512_bits",
            "ES512",
            lambda s: (
                s.signature == raw(s.honest[2])[2:66] + raw(s.honest[2])[68:] and len(s.signature) == 128
            ),
        ),
        ("high_s", "ES256", lambda s: s.true() and 2 * _rs(s)[1] > P256),
        ("high_s", "ES384", lambda s: s.true()),
        ("high_s", "ES512", lambda s: s.true()),
    ],
    "eddsa_signature": [
        ("s_plus_l", "EdDSA", lambda s: s.only("signature") and s.signature[:32] == raw(s.honest[2])[:32]),
        (
            "noncanonical_r",
            "EdDSA",
            lambda s: s.only("signature") and s.signature[:32] == b"\xee" + b"\xff" * 30 + b"\x7f",
        ),
        ("short", "EdDSA", lambda s: len(s.signature) == 63),
        ("long", "EdDSA", lambda s: len(s.signature) == 65),
        ("zero", "EdDSA", lambda s: s.signature == bytes(64)),
        ("ed448", "EdDSA", _own_ed448_key_verifies),
        ("neutral", "EdDSA", lambda s: s.only("signature") and _neutral_point_verifies(s)),
    ],
    "rsa_signature": [
        (
            "plus_n",
            "RS256",
            lambda s: (
                _integer(s) > _public(s).public_numbers().n
                and len(s.signature) == 256
                and _encoded(s).endswith(SHA256_INFO + _der_tail("sha256")(s))
            ),
        ),
        ("leading_zero", "RS256", lambda s: s.signature == b"\0" + raw(s.honest[2])),
        (
            "zero_removed",
            "RS256",
            lambda s: len(s.signature) == 255 and _encoded(s).endswith(_der_tail("sha256")(s)),
        ),
        ("first_byte_zero", "RS256", lambda s: s.signature[0] == 0 and s.true()),
        ("zero", "PS256", lambda s: s.only("signature") and s.signature == bytes(256)),
        ("one", "RS256", lambda s: _integer(s) == 1),
        ("n_minus_one", "RS256", lambda s: _integer(s) == _public(s).public_numbers().n - 1),
        (
            "encoded_message",
            "RS256",
            lambda s: (
                s.signature.startswith(b"\0\1\xff")
                and s.signature.hex().endswith("ff00" + SHA256_INFO + _der_tail("sha256")(s))
            ),
        ),
        (
            "pkcs1_no_null",
            "RS256",
            lambda s: _encoded(s).endswith(
                "00302f300b0609608648016503040201" + "0420" + _der_tail("sha256")(s)
            ),
        ),
        (
            "pkcs1_ber_length",
            "RS256",
            lambda s: _encoded(s).endswith(
                "00308131300d060960864801650304020105000420" + _der_tail("sha256")(s)
            ),
        ),
        (
            "pkcs1_sha1",
            "RS256",
            lambda s: _encoded(s).endswith("003021300906052b0e03021a05000414" + _der_tail("sha1")(s)),
        ),
        (
            "pkcs1_garbage_parameters",
            "RS256",
            lambda s: "5a" * 32 + "0420" + _der_tail("sha256")(s) in _encoded(s),
        ),
        (
            "pkcs1_garbage_after",
            "RS256",
            lambda s: (
                _encoded(s).startswith("0001" + "ff" * 8 + "00" + SHA256_INFO)
                and _encoded(s).endswith("5a" * 100)
            ),
        ),
        (
            "pkcs1_short_padding",
            "RS512",
            lambda s: (
                "000001" + "ff" * 8 + "00" in _encoded(s) and _encoded(s).endswith(_der_tail("sha512")(s))
            ),
        ),
        (
            "pkcs1_block_type_2",
            "RS384",
            lambda s: _encoded(s).startswith("0002ff") and _encoded(s).endswith(_der_tail("sha384")(s)),
        ),
    ],
    "pss_salt": [
        ("zero", "PS256", lambda s: _salted(s, hashes.SHA256(), 0)),
        ("max", "PS256", lambda s: _salted(s, hashes.SHA256(), 256 - 32 - 2)),
        ("other", "PS256", lambda s: _salted(s, hashes.SHA256(), 20)),
        ("mgf1_sha1", "PS256", lambda s: _salted(s, hashes.SHA1(), 32)),  # noqa: S303 - the fault
    ],
    "segments": [
        ("one", "RS256", lambda s: s.parts == s.honest[:1]),
        ("two", "RS256", lambda s: s.parts == s.honest[:2]),
        ("four", "RS256", lambda s: s.parts == [*s.honest, s.honest[2]]),
        ("five", "RS256", lambda s: len(s.parts) == 5 and s.parts[:3] == s.honest),
        ("six", "RS256", lambda s: s.parts == s.honest * 2),
        ("leading_dot", "RS256", lambda s: s.forged == "." + ".".join(s.honest)),
        ("trailing_dot", "RS256", lambda s: s.forged == ".".join(s.honest) + "."),
        ("detached", "RS256", lambda s: s.parts == [s.honest[0], "", s.honest[2]]),
        ("no_header", "RS256", lambda s: s.parts == ["", *s.honest[1:]]),
        ("dots", "RS256", lambda s: s.forged == ".."),
        ("only_dots", "RS256", lambda s: set(s.forged) == {"."}),
        ("empty", "RS256", lambda s: s.forged == ""),
    ],
    "padding": [
        *(
            ({"segment": name}, alg, lambda s: "=" in s.forged and s.true())
            for name in NAMES
            for alg in ("RS256", "ES256")
        ),
        (
            {"segment": "header", "signed": False},
            "RS256",
            lambda s: s.parts[0].endswith("=") and not s.true(),
        ),
        (
            {"segment": "payload", "text": "%3D"},
            "RS256",
            lambda s: s.true() and s.parts[1].rstrip("%3D").count("%") == 0 and s.parts[1].endswith("%3D"),
        ),
    ],
    "alphabet": [
        *(
            (name, alg, lambda s: bool(set("+/") & set(s.forged)))
            for name in NAMES
            for alg in ("RS256", "ES256", "EdDSA")
        ),
    ],
    "junk": [*((name, "RS256", lambda s: s.forged.count("*") == 1) for name in NAMES)],
    "dangling_character": [
        *(
            (name, "ES512", lambda s: s.true() and {len(p) % 4 for p in s.parts if p[-1:] == "A"} == {1})
            for name in ("header", "payload")
        ),
        ("signature", "ES512", lambda s: s.only("signature") and s.parts[2] == s.honest[2] + "A"),
        ("signature", "RS256", lambda s: s.only("signature") and len(s.parts[2]) % 4 == 1),
        (None, "RS256", lambda s: s.true() and len(s.parts[1]) % 4 == 1),
        (
            {"segment": "payload", "signed": False},
            "RS256",
            lambda s: len(s.parts[1]) % 4 == 1 and not s.true(),
        ),
    ],
    "whitespace": [
        (None, "RS256", lambda s: s.parts[1].count(" ") == 1),
        (
            {"segment": "signature", "text": "\r\n"},
            "RS256",
            lambda s: s.only("signature") and "\r\n" in s.parts[2],
        ),
        ({"segment": "header", "text": "\u00a0"}, "RS256", lambda s: "\u00a0" in s.parts[0]),
        (
            {"segment": "payload", "text": "\n", "signed": False},
            "RS256",
            lambda s: s.only("payload") and s.parts[1].replace("\n", "") == s.honest[1],
        ),
    ],
    "noncanonical": [
        (None, "RS256", lambda s: s.only("signature") and s.signature == raw(s.honest[2])),
        (None, "ES256", lambda s: s.only("signature") and s.signature == raw(s.honest[2])),
        ("header", "RS256", lambda s: s.true() and b64(raw(s.parts[0])) != s.parts[0]),
        ("payload", "RS256", lambda s: s.true() and b64(raw(s.parts[1])) != s.parts[1]),
    ],
    "raw_byte": [],
    "outer_whitespace": [
        ({"before": " ", "after": "\n"}, "RS256", lambda s: s.forged == " " + ".".join(s.honest) + "\n")
    ],
    "wrapped": [
        (
            None,
            "RS256",
            lambda s: (
                s.forged.replace("\r\n", "") == ".".join(s.honest)
                and max(map(len, s.forged.split("\r\n"))) == 76
            ),
        )
    ],
    "encoded_again": [
        ("percent", "RS256", lambda s: s.forged.startswith("%65%79") and set(s.forged[::3]) == {"%"}),
        ("percent_dot", "RS256", lambda s: s.forged == "%2E".join(s.honest)),
        ("base64", "RS256", lambda s: base64.b64decode(s.forged).decode() == ".".join(s.honest)),
        ("lookalike_dot", "RS256", lambda s: s.forged == "\uff0e".join(s.honest)),
        ("one_dot_leader", "RS256", lambda s: s.forged == "\u2024".join(s.honest)),
    ],
    "bom": [
        ("header", "RS256", lambda s: s.true() and raw(s.parts[0]) == b"\xef\xbb\xbf" + raw(s.honest[0])),
        (None, "RS256", lambda s: s.true() and raw(s.parts[1]) == b"\xef\xbb\xbf" + raw(s.honest[1])),
    ],
    "utf16": [
        (
            None,
            "RS256",
            lambda s: s.true() and raw(s.parts[1]).decode("utf-16-le").encode() == raw(s.honest[1]),
        ),
        (
            {"segment": "header", "encoding": "utf-32"},
            "RS256",
            lambda s: s.true() and raw(s.parts[0]).decode("utf-32").encode() == raw(s.honest[0]),
        ),
    ],
    "bad_utf8": [
        (None, "RS256", lambda s: s.true() and b'"x_text":"\xff"' in raw(s.parts[1])),
        (
            {"segment": "payload", "member": "sub", "sequence": "overlong"},
            "RS256",
            lambda s: s.true() and raw(s.parts[1]).replace(b"\xc0\xaf", b"") == raw(s.honest[1]),
        ),
        ("header", "RS256", lambda s: s.true() and b"\xff" in raw(s.parts[0])),
    ],
    "duplicate_header": [
        (
            {"member": "alg", "value": "none", "place": "first"},
            "RS256",
            lambda s: (
                s.true() and raw(s.parts[0]).startswith(b'{"alg":"none",') and s.header == s.draft.header
            ),
        ),
        (
            {"member": "alg", "value": "none", "spelling": "a\\u006cg"},
            "RS256",
            lambda s: raw(s.parts[0]).endswith(b',"a\\u006cg":"none"}') and s.header["alg"] == "none",
        ),
    ],
    "duplicate_claim": [
        (
            {"member": "sub", "value": "admin"},
            "RS256",
            lambda s: s.true() and raw(s.parts[1]) == raw(s.honest[1])[:-1] + b',"sub":"admin"}',
        )
    ],
    "header_text": [
        ("{header} ", "RS256", lambda s: s.true() and raw(s.parts[0]) == raw(s.honest[0]) + b" "),
        ("[]", "RS256", lambda s: s.true() and raw(s.parts[0]) == b"[]"),
    ],
    "payload_text": [
        ("{claims_open},}", "RS256", lambda s: s.true() and raw(s.parts[1]) == raw(s.honest[1])[:-1] + b",}"),
        ('{"sub":"a\\ud800"}', "RS256", lambda s: s.true() and raw(s.parts[1]) == b'{"sub":"a\\ud800"}'),
    ],
    "trailing_text": [
        (None, "RS256", lambda s: s.true() and raw(s.parts[1]) == raw(s.honest[1]) + b"{}"),
        ({"segment": "header", "text": "x"}, "RS256", lambda s: raw(s.parts[0]) == raw(s.honest[0]) + b"x"),
    ],
    "not_an_object": [
        (None, "RS256", lambda s: s.true() and raw(s.parts[1]) == b"[]"),
        ({"segment": "header", "text": "null"}, "RS256", lambda s: s.true() and raw(s.parts[0]) == b"null"),
        ({"segment": "payload", "text": ""}, "RS256", lambda s: s.true() and s.parts[1] == ""),
    ],
    "claim_as_raw": [
        (
            {"member": "exp", "json": "1e400"},
            "RS256",
            lambda s: s.true() and b'"exp":1e400' in raw(s.parts[1]),
        ),
        ({"member": "new", "json": "01"}, "RS256", lambda s: raw(s.parts[1]).endswith(b',"new":01}')),
    ],
    "layout": [
        (
            arg,
            "RS256",
            lambda s: (
                s.true()
                and s.header == s.draft.header
                and s.claims == s.draft.claims
                and s.parts[0] != s.honest[0]
                and s.parts[1] != s.honest[1]
            ),
        )
        for arg in ("spaces", "newlines", "reversed", "escaped")
    ],
    "deep_nesting": [
        (None, "RS256", lambda s: s.true() and b"[" * 10_000 + b"]" * 10_000 in raw(s.parts[1])),
        ({"where": "header", "depth": 7}, "RS256", lambda s: s.header_but(x_deep=[[[[[[[]]]]]]])),
    ],
    "many_members": [
        ({"where": "header", "count": 100}, "RS256", lambda s: s.true() and len(s.header) == 103),
        (
            {"count": 1000, "names": "colliding"},
            "RS256",
            lambda s: (
                s.true()
                and len(s.claims) == len(s.draft.claims) + 1000
                and len({_java_hash(name) for name in s.claims.keys() - s.draft.claims.keys()}) == 1
            ),
        ),
    ],
    "huge": [
        (None, "RS256", lambda s: s.true() and abs(len(s.forged) - 1_000_000) < 100),
        ({"bytes": 20_000, "where": "header"}, "RS256", lambda s: len(s.parts[0]) > 18_000),
    ],
    "json_serialisation": [
        (
            None,
            "RS256",
            lambda s: (
                json.loads(s.forged)
                == dict(zip(("protected", "payload", "signature"), s.honest, strict=True))
            ),
        ),
        (
            "with_compact",
            "RS256",
            lambda s: (
                json.loads(s.forged)["x"] == ".".join(s.honest)
                and list(json.loads(s.forged)) == ["protected", "payload", "signature", "x"]
            ),
        ),
        ("general", "RS256", lambda s: json.loads(s.forged)["signatures"][1]["signature"] == s.honest[2]),
    ],
    "polyglot": [
        (
            {"sub": "admin"},
            "RS256",
            lambda s: (
                json.loads(s.forged)["payload"] == s.honest[1]
                and json.loads(raw(s.parts[1]))["sub"] == "admin"
            ),
        )
    ],
    "nested": [
        (None, "RS256", lambda s: s.true() and raw(s.parts[1]).endswith(b".") and s.header_but(cty="JWT")),
        ("honest", "RS256", lambda s: s.true() and raw(s.parts[1]).decode() == ".".join(s.honest)),
        (
            "other_issuer",
            "RS256",
            lambda s: s.true() and _claims_of(raw(s.parts[1])) == {**s.draft.claims, "iss": OTHER_ISSUER},
        ),
    ],
    "crit": [
        (["x"], "RS256", lambda s: s.true() and s.header_but(crit=["x"])),
        ({"crit": {}, "header": {"x": 1}}, "RS256", lambda s: s.true() and s.header_but(crit={}, x=1)),
    ],
    "b64_false": [
        (
            None,
            "RS256",
            lambda s: (
                s.true()
                and json.loads(s.parts[1]) == s.draft.claims
                and s.header_but(b64=False, crit=["b64"])
            ),
        ),
        ({"payload": "encoded", "crit": False}, "RS256", lambda s: s.true() and s.header_but(b64=False)),
    ],
    "zip_deflate": [
        (None, "RS256", lambda s: s.true() and s.header_but(zip="DEF") and raw(s.parts[1])[:1] != b"{")
    ],
    "jwe": [
        (None, "RS256", lambda s: _decrypts(s, raw(s.honest[1]))),
        ({"inner": "none"}, "RS256", lambda s: len(s.parts) == 5 and s.header["cty"] == "JWT"),
        ("ECDH-ES", "ES256", lambda s: s.parts[1] == "" and _decrypts(s, raw(s.honest[1]))),
        ({"alg": "ECDH-ES", "inner": "none"}, "ES384", lambda s: s.header["epk"]["crv"] == "P-384"),
        ("dir", "ES256", lambda s: s.header["alg"] == "dir" and s.parts[1] == ""),
        ("PBES2-HS256+A128KW", "RS256", lambda s: s.header["p2c"] == 2**31 - 1),
        ({"alg": "dir", "zip": True}, "RS256", lambda s: s.header["zip"] == "DEF" and len(s.forged) < 20_000),
    ],
    "header_members": [
        (
            {"set": {"typ": "logout+jwt", "x5t": "x"}},
            "RS256",
            lambda s: s.true() and s.header_but(typ="logout+jwt", x5t="x") and s.parts[1] == s.honest[1],
        ),
        (
            {"remove": ["kid", "typ"], "set": {"sub": "admin"}},
            "ES256",
            lambda s: s.true() and s.header == {"alg": "ES256", "sub": "admin"},
        ),
    ],
    "claims_missing": [
        ("exp", "RS256", lambda s: s.true() and {**s.claims, "exp": NOW + 3600} == s.draft.claims),
        (
            ["iss", "aud"],
            "RS256",
            lambda s: s.true() and s.draft.claims.keys() - s.claims.keys() == {"iss", "aud"},
        ),
    ],
    "long_claim": [
        (
            {"member": "sub", "item": "ab", "times": 3, "last": "c"},
            "RS256",
            lambda s: s.true() and s.claims == {**s.draft.claims, "sub": "abababc"},
        ),
        (
            {"member": "aud", "item": ["x"], "times": 4, "last": "api"},
            "RS256",
            lambda s: s.true() and s.claims == {**s.draft.claims, "aud": ["x", "x", "x", "x", "api"]},
        ),
        (
            {"member": "groups", "item": [7], "times": 2},
            "ES256",
            lambda s: s.true() and s.claims == {**s.draft.claims, "groups": [7, 7]},
        ),
    ],
    "tamper": [
        (
            {"sub": "admin"},
            "RS256",
            lambda s: s.only("payload") and s.claims == {**s.draft.claims, "sub": "admin"},
        )
    ],
    "tamper_header": [
        ({"typ": "at+jwt"}, "RS256", lambda s: s.only("header") and s.header_but(typ="at+jwt"))
    ],
    "tamper_layout": [
        (None, "RS256", lambda s: s.only("payload") and s.claims == s.draft.claims),
        ("header", "RS256", lambda s: s.only("header") and s.header_but()),
    ],
    "flip_bit": [
        (
            name,
            alg,
            lambda s: (
                sum(
                    (a ^ b).bit_count()
                    for ours, theirs in zip(s.parts, s.honest, strict=True)
                    for a, b in zip(raw(ours), raw(theirs), strict=True)
                )
                == 1
            ),
        )
        for name in NAMES
        for alg in ("RS256", "EdDSA")
    ],
}


def _decrypts(seen: Seen, plain: bytes) -> bool:
    private = seen.context.trusted.private
    key: RSAKey | ECKey
    if isinstance(private, rsa.RSAPrivateKey):
        key = RSAKey.import_key(private)
    else:
        assert isinstance(private, ec.EllipticCurvePrivateKey)
        key = ECKey.import_key(private)
    found = jwe.decrypt_compact(seen.forged, key, algorithms=["RSA-OAEP", "ECDH-ES", "A128GCM"])
    return found.plaintext == plain


OTHER_ISSUER = "https://other-issuer.example"


def _claims_of(token: bytes) -> Any:
    return json.loads(raw(token.decode().split(".")[1]))


FLAT = [(name, *case) for name, cases in CASES.items() for case in cases]
IDS = [f"{name}-{str(arg)[:40]}-{alg}" for name, arg, alg, _ in FLAT]


def made(name: str, arg: Any, alg: str, dialect: str = "generic") -> Seen:
    who = issuer(alg, dialect)
    draft, context = who.draft(Person.named("ann")), ForgeContext.of(who)
    forged = finish(forge(draft, name, arg, context=context))
    assert isinstance(forged, str)
    return Seen(draft, forged, context)


def test_every_forgery_has_cases_here() -> None:
    assert CASES.keys() == FORGERIES.keys()


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")  # RSA-OAEP is what is tested
@pytest.mark.parametrize("name,arg,alg,check", FLAT, ids=IDS)
def test_the_token_is_false_in_exactly_the_way_it_says(name: str, arg: Any, alg: str, check: Check) -> None:
    assert check(made(name, arg, alg))


@pytest.mark.parametrize("name,arg,alg,_check", FLAT, ids=IDS)
def test_the_token_is_the_same_bytes_on_every_run(name: str, arg: Any, alg: str, _check: Check) -> None:
    assert made(name, arg, alg).forged == made(name, arg, alg).forged


@pytest.mark.parametrize("name,arg,alg,_check", FLAT, ids=IDS)
def test_it_can_be_made_from_an_entra_token_too(name: str, arg: Any, alg: str, _check: Check) -> None:
    assert made(name, arg, alg, "entra-v2").forged != ".".join(made(name, arg, alg, "entra-v2").honest)


@pytest.mark.parametrize("entry", FORGERIES.values(), ids=FORGERIES)
def test_a_forgery_says_what_is_false_and_names_its_rules(entry: Any) -> None:
    assert entry.says.endswith(".")
    assert entry.rules


def test_a_raw_byte_makes_the_credential_bytes() -> None:
    who = issuer("RS256")
    context = ForgeContext.of(who)
    draft = who.draft(Person.named("ann"))

    forged = forge(draft, "raw_byte", context=context)

    assert isinstance(forged, bytes)
    assert forged.count(b"\xff") == 1
    assert forged.replace(b"\xff", b"").split(b".")[1].decode() == draft.segment("payload")
    with pytest.raises(ForgeryError, match="bytes by now"):
        forge(forged, "segments", "two", context=context)


def test_a_s_plus_l_signature_is_congruent_to_the_honest_one() -> None:
    seen = made("eddsa_signature", "s_plus_l", "EdDSA")
    order = 2**252 + 27742317777372353535851937790883648493

    honest, forged = (int.from_bytes(s[32:], "little") for s in (raw(seen.honest[2]), seen.signature))

    assert forged - honest == order


def test_forgeries_apply_one_after_the_other() -> None:
    who = issuer("RS256")
    context = ForgeContext.of(who)

    step = forge(who.draft(Person.named("ann")), "crit", ["x"], context=context)
    step = forge(step, "foreign_key", context=context)
    step = forge(step, "outer_whitespace", {"before": "\t"}, context=context)

    assert isinstance(step, str)
    seen = Seen(who.draft(Person.named("ann")), step.removeprefix("\t"), context)
    assert step.startswith("\t")
    assert seen.header_but(crit=["x"])
    assert seen.true(key=context.attacker)


def test_an_order_that_cannot_be_is_refused() -> None:
    who = issuer("RS256")
    context = ForgeContext.of(who)
    draft = who.draft(Person.named("ann"))

    with pytest.raises(ForgeryError, match="put it first"):
        forge(forge(draft, "segments", "two", context=context), "crit", [], context=context)
    with pytest.raises(ForgeryError, match="fixed as bytes"):
        forge(forge(draft, "bom", "header", context=context), "crit", [], context=context)


WRONG: list[tuple[str, Any, str, str]] = [
    ("none-alg", None, "RS256", "did you mean 'none_alg'"),
    ("segments", "tow", "RS256", "did you mean 'two'"),
    ("segments", None, "RS256", "needs an argument.*there are one, two"),
    ("padding", "claims", "RS256", "there are header, payload, signature"),
    ("padding", {"segment": "header", "signed": 1}, "RS256", "true or false"),
    ("hmac_with_public_key", {"kye": "x5c"}, "RS256", "did you mean 'key'"),
    ("hmac_with_public_key", "modulus", "ES256", "needs an RSA key"),
    ("hmac_with_public_key", "ec_point", "RS256", "needs an EC key"),
    ("hmac_with_secret", {"secret_base64": "*"}, "RS256", "no base64"),
    ("ecdsa_signature", "zero", "RS256", "needs an EC key"),
    ("eddsa_signature", "zero", "RS256", "needs an Ed25519 key"),
    ("rsa_signature", "zero", "ES256", "needs an RSA key"),
    ("pss_salt", "zero", "RS256", r"needs a PS\* token"),
    ("sign_as", "ES256", "RS256", "does not fit"),
    ("tamper", None, "RS256", "needs the claims"),
    ("duplicate_claim", {"member": "sub"}, "RS256", "needs 'value'"),
    ("duplicate_claim", "sub", "RS256", "needs a mapping"),
    ("deep_nesting", {"depth": 10**12}, "RS256", "whole number"),
    ("huge", True, "RS256", "whole number"),
    ("jku", None, "RS256", "is text"),
    ("unknown_kid", "a", "RS256", "is published"),
    ("noncanonical", "signature", "ES384", "no unused bits"),
    ("raw_byte", {"byte": 65}, "RS256", "128 to 255"),
    ("jwe", "RSA-OAEP", "ES256", "needs an RSA key"),
    ("jwe", "ECDH-ES", "RS256", "needs an EC key"),
    ("ecdsa_signature", "zeros_trimmed", "ES256", "needs a key for ES512"),
    ("many_members", {"names": "odd"}, "RS256", "there are plain, colliding"),
    ("header_members", None, "RS256", "needs a mapping"),
    ("header_members", {}, "RS256", "needs {set"),
    ("header_members", {"set": []}, "RS256", "needs {set"),
    ("header_members", {"remove": [1]}, "RS256", "is text"),
    ("claims_missing", None, "RS256", "needs a list of names"),
    ("claims_missing", [], "RS256", "needs the names"),
    ("claims_missing", "zzz", "RS256", "there is no claim 'zzz' to take out"),
    ("claims_missing", ["iss", "audi"], "RS256", "did you mean 'aud'"),
    (
        "header_members",
        {"remove": ["kidd"]},
        "RS256",
        "no header member 'kidd' to take out; did you mean 'kid'",
    ),
    ("long_claim", {"member": "sub", "item": "a"}, "RS256", "needs 'times'"),
    ("long_claim", {"member": "sub", "item": "a", "times": 0}, "RS256", "whole number from 1"),
    ("long_claim", {"member": "sub", "item": ["a", "b"], "times": 2}, "RS256", "no list of one"),
    ("long_claim", {"member": "sub", "item": "a", "times": 2, "last": 1}, "RS256", "is text"),
    ("polyglot", None, "RS256", "needs the claims"),
]


@pytest.mark.parametrize("name,arg,alg,error", WRONG, ids=[f"{name}-{arg}"[:50] for name, arg, *_ in WRONG])
def test_a_wrong_name_or_argument_is_an_error_that_says_what_would_do(
    name: str, arg: Any, alg: str, error: str
) -> None:
    with pytest.raises(ForgeryError, match=error):
        made(name, arg, alg)


def test_a_key_of_a_second_kind_can_be_confused_with_the_first() -> None:
    who = Issuer(persona("generic"), KeyRing([fixed_key("a"), fixed_key("b", "ES256")]), clock=lambda: NOW)
    context = ForgeContext.of(who)

    forged = finish(forge(who.draft(Person.named("ann")), "kid_of_other_key", context=context))

    assert isinstance(forged, str)
    assert jwt.get_unverified_header(forged) == {"typ": "JWT", "alg": "RS256", "kid": "b"}


def test_a_second_published_key_is_needed_where_one_is_used() -> None:
    who = Issuer(persona("generic"), KeyRing([fixed_key("a")]))

    with pytest.raises(ForgeryError, match="second published key"):
        forge(who.draft(Person.named("ann")), "other_key_same_kid", context=ForgeContext.of(who))


def test_a_token_can_say_rs1_and_be_signed_so() -> None:
    """SIG-007: an algorithm that no list should have, with a signature that is true by it."""
    who = issuer("RS256")
    context = ForgeContext.of(who)

    forged = forge(who.draft(Person.named("ann")), "alg_value", "RS1", context=context)
    token = finish(forge(forged, "rsa_signature", "pkcs1_sha1", context=context))

    assert isinstance(token, str)
    signed, _, signature = token.rpartition(".")
    public = fixed_key("a").private.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    public.verify(raw(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - the fault
    assert jwt.get_unverified_header(token)["alg"] == "RS1"


def test_a_kid_can_be_a_path_to_a_file_whose_content_is_the_key() -> None:
    """SIG-027: the file is empty, and so is the key of the HMAC."""
    who = issuer("RS256")
    context = ForgeContext.of(who)
    path = "../../../../dev/null"

    forged = forge(who.draft(Person.named("ann")), "unknown_kid", path, context=context)
    token = finish(forge(forged, "hmac_with_secret", "", context=context))

    assert isinstance(token, str)
    signed, _, signature = token.rpartition(".")
    assert raw(signature) == hmac.digest(b"", signed.encode(), "sha256")
    assert jwt.get_unverified_header(token) == {"typ": "JWT", "alg": "HS256", "kid": path}
