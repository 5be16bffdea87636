"""A token before it is signed, down to the last byte.

A `Draft` starts honest and can be bent at every level: a member, the JSON text, the bytes, the base64url text
of a segment, the signature. What is bent before signing is signed as it stands. A draft must never repair or
judge what it is given.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import NoneType
from typing import Any, Final, Literal, Self, TypeAlias, get_args

import msgspec
from msgspec.structs import replace

from mock_idp.keys import SigningKey, b64url

Segment: TypeAlias = Literal["header", "payload", "signature"]
SEGMENTS: tuple[Segment, ...] = get_args(Segment)


class DraftError(ValueError):
    """A change at a level that an earlier change has already written over."""


@dataclass(frozen=True, slots=True)
class RawJSON:
    """JSON text that is written verbatim, true or false: `RawJSON("1e400")`, `RawJSON("01")`."""

    text: str


def write_json(value: Any) -> str:
    """Write compact JSON; a `RawJSON` may stand wherever a value may.

    Text is written as itself, and escaped only where UTF-8 cannot hold it (a lone surrogate, FMT-011).
    `TypeError` for a value that JSON does not have.
    """
    try:
        text = _ENCODER.encode(value)
    except _RawFoundError:
        return _write_around_raw(value)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    return text


class _RawFoundError(Exception):
    pass


def _raw_found(value: object) -> object:
    if isinstance(value, RawJSON):
        raise _RawFoundError
    raise TypeError(f"JSON has no {type(value).__name__}")


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_raw_found)


def json_bytes(value: Any) -> bytes:
    """Write compact JSON as `write_json` does, in UTF-8; what tokens usually say is written several times as fast."""
    if _is_plain(value):
        try:
            return _PLAIN_ENCODER.encode(value)
        except UnicodeEncodeError:  # a lone surrogate
            pass
    return write_json(value).encode()


_PLAIN_ENCODER: Final = msgspec.json.Encoder()
_SCALARS: Final = frozenset({str, int, bool, NoneType})
"""What msgspec writes byte for byte as the standard library does. Other types it writes too, but not as asked for here:
`NaN` as `null`, `RawJSON` as an object."""
_TEXT: Final = frozenset({str})


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind is dict:
        return _TEXT.issuperset(map(type, value)) and _are_plain(value.values())
    if kind is list or kind is tuple:
        return _are_plain(value)
    return kind in _SCALARS


def _are_plain(values: Collection[Any]) -> bool:
    return _SCALARS.issuperset(map(type, values)) or all(map(_is_plain, values))


def _write_around_raw(value: Any) -> str:
    if isinstance(value, RawJSON):
        return value.text
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{write_json(str(k))}:{_write_around_raw(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_write_around_raw, value)) + "]"
    return write_json(value)


def compact(header: bytes | Mapping[str, Any], payload: bytes | Mapping[str, Any], signature: bytes) -> str:
    """Put any header, any payload and any signature together as a compact JWS (RFC 7515 section 7.1).

    A mapping is written as JSON, bytes are taken as they are. Nothing is checked and nothing is signed.
    """
    parts = (part if isinstance(part, bytes) else json_bytes(part) for part in (header, payload))
    return ".".join(map(b64url, (*parts, signature)))


def seal(header: str, payload: str, key: SigningKey, alg: str) -> str:
    """Sign two segments as they stand, and give the compact JWS (RFC 7515 section 7.1)."""
    signed = f"{header}.{payload}"
    return f"{signed}.{b64url(key.sign(signed.encode(), alg))}"


def header_segment(header: Mapping[str, Any]) -> str:
    """Give the first segment of a token with this header."""
    members = tuple(header.items())
    if all(type(value) is str for _, value in members):
        return _usual_header(members)
    # In a key of a cache 1, 1.0 and True would be one.
    return b64url(json_bytes(header))


@lru_cache(maxsize=256)
def _usual_header(members: tuple[tuple[str, str], ...]) -> str:
    # An issuer writes the same header into every token until it rotates its keys.
    return b64url(json_bytes(dict(members)))


class Draft(msgspec.Struct, frozen=True):
    """A token to be: what it says, who signs it, and what is written over at which level.

    Of each pair the more literal one wins: `header_segment` over `header_bytes` over `header`, likewise for
    the payload, `signature_segment` over `signature` over the signature that `key` makes with `alg`.
    """

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    key: SigningKey
    alg: str
    """The algorithm that the signature is really made with; what the token says of it stands in `header`."""
    header_bytes: bytes | None = None
    payload_bytes: bytes | None = None
    signature: bytes | None = None
    header_segment: str | None = None
    payload_segment: str | None = None
    signature_segment: str | None = None

    def with_header(self, changes: Mapping[str, Any]) -> Self:
        """Give the draft with header members set; `DraftError` when the header is fixed as bytes already."""
        if self.header_bytes is not None or self.header_segment is not None:
            raise DraftError("the header is fixed as bytes already, so its members can no longer change")
        return replace(self, header={**self.header, **changes})

    def without_header(self, *names: str) -> Self:
        """Give the draft without these header members, which need not be there."""
        kept = {name: value for name, value in self.header.items() if name not in names}
        return replace(self.with_header({}), header=kept)

    def with_claims(self, changes: Mapping[str, Any]) -> Self:
        """Give the draft with claims set; `DraftError` when the payload is fixed as bytes already."""
        if self.payload_bytes is not None or self.payload_segment is not None:
            raise DraftError("the payload is fixed as bytes already, so its claims can no longer change")
        return replace(self, claims={**self.claims, **changes})

    def without_claims(self, *names: str) -> Self:
        """Give the draft without these claims, which need not be there."""
        kept = {name: value for name, value in self.claims.items() if name not in names}
        return replace(self.with_claims({}), claims=kept)

    def signed_by(self, key: SigningKey) -> Self:
        """Give the draft signed by another key: with the same algorithm if that fits, else the key's."""
        try:
            return replace(self, key=key, alg=key.with_alg(self.alg).alg)
        except ValueError:
            return replace(self, key=key, alg=key.alg)

    def header_text(self) -> str:
        """Give the header's JSON as it would be written from its members."""
        return write_json(self.header)

    def payload_text(self) -> str:
        """Give the payload's JSON as it would be written from the claims."""
        return write_json(self.claims)

    def raw(self, segment: Segment) -> bytes:
        """Give the decoded bytes of a segment, before any `*_segment` is written over them."""
        if segment == "header":
            return json_bytes(self.header) if self.header_bytes is None else self.header_bytes
        if segment == "payload":
            return json_bytes(self.claims) if self.payload_bytes is None else self.payload_bytes
        if self.signature is not None:
            return self.signature
        return self.key.sign(self.signing_input(), self.alg)

    def segment(self, segment: Segment) -> str:
        """Give the text of a segment as it will stand in the token."""
        text: str | None = getattr(self, f"{segment}_segment")
        if text is not None:
            return text
        if segment == "header" and self.header_bytes is None:
            return header_segment(self.header)
        return b64url(self.raw(segment))

    def signing_input(self) -> bytes:
        """Give the bytes that are signed: both segments as they will be sent (SIG-029)."""
        return f"{self.segment('header')}.{self.segment('payload')}".encode()

    def token(self) -> str:
        """Give the finished credential."""
        if self.signature is not None or self.signature_segment is not None:
            return f"{self.signing_input().decode()}.{self.segment('signature')}"
        return seal(self.segment("header"), self.segment("payload"), self.key, self.alg)
