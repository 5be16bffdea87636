"""The keys of an issuer: their life, and the files made of them."""

from __future__ import annotations

from typing import Final, cast

import msgspec

from mock_idp.admin import bodies
from mock_idp.admin.routes.operation import Operation, issuer_path
from mock_idp.control import CertificateOptions, KeyView

PEM: Final = "application/pem-certificate-chain"
"""RFC 8555 section 9.1."""


def _certificate(query: bodies.CertificateQuery) -> CertificateOptions:
    return cast("CertificateOptions", msgspec.structs.asdict(query))


KEYS: Final = (
    Operation(
        "GET",
        "/issuers/{issuer}/keys",
        "listKeys",
        "List the keys, retired and revoked ones included",
        lambda control, params, _body: control.keys(issuer_path(params)),
        tuple[KeyView, ...],
    ),
    Operation(
        "POST",
        "/issuers/{issuer}/keys",
        "stageKey",
        "Publish a fresh key that does not sign yet",
        lambda control, params, body: control.stage(issuer_path(params), alg=body.alg, kid=body.kid),
        KeyView,
        201,
        body=bodies.NewKey,
    ),
    Operation(
        "POST",
        "/issuers/{issuer}/rotate",
        "rotateKeys",
        "Let another key sign: the one staged longest, else a fresh one",
        lambda control, params, body: control.rotate(
            issuer_path(params), alg=body.alg, kid=body.kid, keep_old=body.keep_old
        ),
        KeyView,
        body=bodies.Rotation,
    ),
    Operation(
        "POST",
        "/issuers/{issuer}/keys/{kid}/retire",
        "retireKey",
        "Take a staged or retiring key out of the JWKS in good order",
        lambda control, params, _body: control.retire(issuer_path(params), params["kid"]),
        KeyView,
    ),
    Operation(
        "POST",
        "/issuers/{issuer}/keys/{kid}/revoke",
        "revokeKey",
        "Take a key out of the JWKS at once; if it was the active one, another takes over",
        lambda control, params, _body: control.revoke(issuer_path(params), params["kid"]),
        KeyView,
    ),
    Operation(
        "POST",
        "/issuers/{issuer}/keys/{kid}/replace",
        "replaceKey",
        "Put a fresh key under the kid of a published one",
        lambda control, params, _body: control.replace(issuer_path(params), params["kid"]),
        KeyView,
    ),
    Operation(
        "GET",
        "/issuers/{issuer}/keys/{kid}/certificate.pem",
        "certificatePem",
        "Export the certificate of a key as PEM",
        lambda control, params, query: control.certificate_pem(
            issuer_path(params), params["kid"], **_certificate(query)
        ),
        query=bodies.CertificateQuery,
        file=PEM,
    ),
    Operation(
        "GET",
        "/issuers/{issuer}/keys/{kid}/certificate.cer",
        "certificateCer",
        "Export the certificate of a key as DER, as a .cer file has it",
        lambda control, params, query: control.certificate_cer(
            issuer_path(params), params["kid"], **_certificate(query)
        ),
        query=bodies.CertificateQuery,
        file="application/pkix-cert",
    ),
    Operation(
        "GET",
        "/issuers/{issuer}/keys/{kid}/public.pem",
        "publicKey",
        "Export the public half of a key as PEM",
        lambda control, params, _body: control.public_key(issuer_path(params), params["kid"]),
        file="application/x-pem-file",
    ),
    Operation(
        "GET",
        "/issuers/{issuer}/keys/{kid}/private.pem",
        "privateKey",
        "Export a key as unencrypted PKCS#8 in PEM, for a test that signs by itself",
        lambda control, params, _body: control.private_key(issuer_path(params), params["kid"]),
        file="application/x-pem-file",
    ),
    Operation(
        "GET",
        "/issuers/{issuer}/certificates.pem",
        "certificatesPem",
        "Export the certificates of the published keys as one PEM file",
        lambda control, params, _body: control.certificates_pem(issuer_path(params)),
        file=PEM,
    ),
    Operation(
        "GET",
        "/authority.pem",
        "authorityPem",
        "Export the certificate of the CA that issues `by_authority`",
        lambda control, _params, _body: control.authority_certificate(),
        file=PEM,
    ),
)
