"""python-jose with the key as the line of text that OpenSSH keeps, and no list of algorithms.

An ES256 token is read with the PEM of the same key, because python-jose reads no key in OpenSSH's form.
"""

from __future__ import annotations

from typing import Any

import jose
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from jose import jwt
from jose.exceptions import JOSEError
from line_protocol import serve


def verify(token: Any, record: dict[str, Any], _now: Any) -> dict[str, Any]:
    pem = record["public_keys"][0]["pem"]
    line = load_pem_public_key(pem.encode()).public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    key = pem if jwt.get_unverified_header(token)["alg"] == "ES256" else line.decode()
    claims: dict[str, Any] = jwt.decode(token, key, audience=record["audience"], issuer=record["issuer"])
    return claims


if __name__ == "__main__":
    serve("python-jose", jose.__version__, verify, (JOSEError,))
