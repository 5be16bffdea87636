"""Forgeries of the algorithm: `none`, HMAC keyed with what everybody knows, names that do not fit."""

# ruff: noqa: D401 - the first sentence of an entry says what is false, and is shown to people

import base64
import hmac
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec.structs import replace

from mock_idp.certificates import certificate_der, certificate_pem
from mock_idp.draft import Draft, RawJSON, write_json
from mock_idp.forgeries.arguments import choice, fields, long_form, text
from mock_idp.forgeries.registry import ForgeContext, ForgeryError, forgery

_HMAC = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}


@forgery("none_alg", rules=("SIG-004",), advisories=("CVE-2022-23540", "CVE-2026-28802"))
def none_alg(draft: Draft, arg: Any, context: ForgeContext) -> Draft:
    r"""An unsecured token: alg is `none` in some spelling, with or without a signature part.

    Argument: the spelling (`none`), or `{alg, signature: empty | random | real}`. A spelling with a backslash
    is put into the JSON verbatim, so that `\u006eone` stays an escape.
    """
    options = long_form(arg, "alg", "signature")
    spelling = text(options.get("alg", "none"), "the spelling of none")
    draft = draft.with_header({"alg": RawJSON(f'"{spelling}"') if "\\" in spelling else spelling})
    signatures: Mapping[str, Callable[[], bytes | None]] = {
        "empty": lambda: b"",
        "random": lambda: context.random("none_alg").randbytes(64),
        "real": lambda: None,
    }
    return replace(draft, signature=choice(options.get("signature"), signatures, "empty")())


@forgery("alg_missing", rules=("SIG-004",))
def alg_missing(draft: Draft, _arg: Any, _context: ForgeContext) -> Draft:
    """The header has no alg; the signature is the true key's."""
    return draft.without_header("alg")


@forgery("alg_value", rules=("SIG-004", "SIG-007", "SIG-008", "SIG-018"))
def alg_value(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """The header's alg is the given JSON value; the signature is still the true one."""
    return draft.with_header({"alg": arg})


@forgery("sign_as", rules=("SIG-007", "SIG-010", "SIG-015", "KEY-013"))
def sign_as(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """The signature is made with another algorithm than the header says, by the same key."""
    try:
        draft.key.with_alg(text(arg, "the algorithm"))
    except ValueError as error:
        raise ForgeryError(f"sign_as: {error}") from error
    return replace(draft, alg=arg)


@forgery("other_alg", rules=("SIG-007", "SIG-009", "KEY-013"), advisories=("CVE-2026-22818",))
def other_alg(draft: Draft, arg: Any, context: ForgeContext) -> Draft:
    """Header and signature agree on an algorithm that the key is not meant for, such as RS512."""
    return sign_as(draft, arg, context).with_header({"alg": arg})


def _pkcs1(encoding: Encoding) -> Callable[[ForgeContext], bytes]:
    return lambda context: _rsa_public(context).public_bytes(encoding, PublicFormat.PKCS1)


def _rsa_public(context: ForgeContext) -> rsa.RSAPublicKey:
    public = context.trusted.private.public_key()
    if not isinstance(public, rsa.RSAPublicKey):
        raise ForgeryError(f"this form needs an RSA key, and the trusted key is for {context.trusted.alg}")
    return public


def _modulus(context: ForgeContext) -> bytes:
    n = _rsa_public(context).public_numbers().n
    return n.to_bytes((n.bit_length() + 7) // 8, "big")


def _point(context: ForgeContext) -> bytes:
    public = context.trusted.private.public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise ForgeryError(f"this form needs an EC key, and the trusted key is for {context.trusted.alg}")
    return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _openssh(context: ForgeContext) -> bytes:
    return context.trusted.private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)


PUBLIC_FORMS: Mapping[str, Callable[[ForgeContext], bytes]] = {
    "spki_pem": lambda context: context.trusted.spki_pem(),
    "spki_pem_stripped": lambda context: context.trusted.spki_pem().strip(),
    "spki_der": lambda context: context.trusted.spki_der(),
    "pkcs1_pem": _pkcs1(Encoding.PEM),
    "pkcs1_der": _pkcs1(Encoding.DER),
    "certificate_pem": lambda context: certificate_pem(context.certificate),
    "certificate_der": lambda context: certificate_der(context.certificate),
    "x5c": lambda context: base64.b64encode(certificate_der(context.certificate)),
    "modulus": _modulus,
    "ec_point": _point,
    "jwk_json": lambda context: write_json(context.jwk).encode(),
    "openssh": _openssh,
}
"""The forms in which a verifier may hold a public key, and so take it for an HMAC secret."""


@forgery(
    "hmac_with_public_key",
    rules=("SIG-005",),
    advisories=(
        "CVE-2015-9235",
        "CVE-2016-10555",
        "CVE-2017-11424",
        "CVE-2022-29217",
        "CVE-2024-37568",
        "CVE-2026-48526",
    ),
)
def hmac_with_public_key(draft: Draft, arg: Any, context: ForgeContext) -> Draft:
    """An HMAC token keyed with the public key, in one of the forms in which a verifier may hold it.

    Argument: the form (a name of `PUBLIC_FORMS`), or `{key, alg: HS256 | HS384 | HS512}`.
    """
    options = long_form(arg, "key", "alg")
    secret = choice(options.get("key"), PUBLIC_FORMS, "spki_pem")(context)
    return _hmac(draft, secret, options.get("alg"))


@forgery("hmac_with_secret", rules=("SIG-006", "KEY-014"), advisories=("CVE-2026-49852",))
def hmac_with_secret(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """An HMAC token keyed with a guessable text.

    Argument: the text, or `{secret | secret_base64, alg: HS256 | HS384 | HS512}`.
    """
    if isinstance(arg, Mapping) and "secret_base64" in arg:
        options = fields(arg, needed=("secret_base64",), optional=("alg",))
        try:
            secret = base64.b64decode(text(options["secret_base64"], "the secret"), validate=True)
        except ValueError as error:
            raise ForgeryError("secret_base64 is no base64") from error
        return _hmac(draft, secret, options.get("alg"))
    options = long_form(arg, "secret", "alg")
    return _hmac(draft, text(options.get("secret", "secret"), "the secret").encode(), options.get("alg"))


def _hmac(draft: Draft, secret: bytes, alg: Any) -> Draft:
    digest = choice(alg, _HMAC, "HS256")
    draft = draft.with_header({"alg": alg or "HS256"})
    return replace(draft, signature=hmac.digest(secret, draft.signing_input(), digest))
