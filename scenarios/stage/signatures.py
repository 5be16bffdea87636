"""Signatures by the shipped keys, made once: within a run, and from run to run.

A third of a run's signatures are over a token that another scenario has too, and where the target obeys the clock of
the scenarios every run signs the same bytes again, by keys that everybody has. The signatures are deterministic
(PKCS #1 v1.5, PSS with a salt of what is signed, RFC 6979, RFC 8032), so that one kept is the one that would be made.
They lie in the user's cache folder under the digest of what was signed, how, and by which public key.
"""

from __future__ import annotations

import contextlib
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cryptography
import msgspec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import mock_idp.keys
import mock_idp.pss
from mock_idp.fixed_keys import FixedKey
from scenarios.files.user_cache import CacheFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_idp.keys import PrivateKey

MAX_KEPT: Final = 8192
"""So many signatures are remembered (a count), those used last; a whole run makes about four thousand."""


class Signatures:
    """What was signed so far; one for a process, and not to be used by two threads at once."""

    def __init__(self) -> None:
        self._known: dict[bytes, bytes] | None = None
        self._new = 0

    def signature(self, private: PrivateKey, alg: str, data: bytes) -> bytes:
        """Return the signature of a shipped key over `data`; raises as `SigningKey.sign` does."""
        return self._once(private, alg, data, lambda: FixedKey("", alg, private).sign(data))

    def of_encoded(self, private: PrivateKey, encoded: bytes) -> bytes:
        """Return the RSA signature over what is encoded already; raises as `SigningKey.sign_encoded` does."""
        return self._once(private, "", encoded, lambda: FixedKey("", "RS256", private).sign_encoded(encoded))

    def _once(self, private: PrivateKey, alg: str, data: bytes, sign: Callable[[], bytes]) -> bytes:
        known = self._remembered()
        name = hashlib.sha256(b"%b %b %b" % (_identity(private), alg.encode(), data)).digest()
        signature = known.pop(name, None)
        if signature is None:
            signature = sign()
            self._new += 1
            if len(known) >= MAX_KEPT:
                del known[next(iter(known))]
        known[name] = signature  # now the last one to go
        return signature

    def keep(self) -> None:
        """Write down what is known, for the next run; of several that end at once, the last one counts."""
        if self._new and self._known and (file := _file()) is not None:
            self._new = 0
            with contextlib.suppress(OSError):
                both = {**_read(file), **self._known}
                file.write(msgspec.msgpack.encode(dict(list(both.items())[-MAX_KEPT:])))

    def _remembered(self) -> dict[bytes, bytes]:
        if self._known is None:
            file = _file()
            self._known = {} if file is None else _read(file)
        return self._known


SIGNATURES: Final = Signatures()
"""Those of this process."""


def _read(file: CacheFile) -> dict[bytes, bytes]:
    with contextlib.suppress(OSError, msgspec.DecodeError):
        return msgspec.msgpack.decode(file.read(), type=dict[bytes, bytes])
    return {}


def _file() -> CacheFile | None:
    """Return the file of what the present code and library sign."""
    digest = hashlib.sha256(cryptography.__version__.encode())
    for module in (mock_idp.keys, mock_idp.pss, mock_idp.fixed_keys):
        digest.update(Path(str(module.__file__)).read_bytes())
    return CacheFile.of(digest.hexdigest()[:32], ".signatures")


@lru_cache(maxsize=64)
def _identity(private: PrivateKey) -> bytes:
    return private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
