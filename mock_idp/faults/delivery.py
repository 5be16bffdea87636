"""Faults of the way that an answer travels: late, slow, cut off, endless, or far larger than it looks."""

# ruff: noqa: D401 - the first sentence of an entry says what is false, and is shown to people

import struct
import zlib
from functools import lru_cache
from typing import Any

from mock_idp.faults.registry import FaultContext, fault, members, seconds, whole
from mock_idp.http import Response

MAX_BODY = 1024 * 1024 * 1024
"""The most bytes of an answer; they are made while they are sent."""
MAX_BOMB = 256 * 1024 * 1024
"""The most bytes that a gzip bomb unfolds to."""
MAX_DELAY_S = 600.0
_BLOCK = 1024 * 1024
_GZIP_HEADER = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
_LAST_BLOCK = b"\x03\0"  # an empty final block of deflate (RFC 1951 section 3.2.6)


@fault("delay", rules=("KEY-032",), takes="seconds")
def delay(response: Response, arg: Any, _context: FaultContext) -> Response:
    """The honest answer comes late; the argument is the number of seconds."""
    return response.delivered(delay_s=seconds(arg, MAX_DELAY_S, "delay"))


@fault("drip_feed", rules=("KEY-032",), takes="seconds between two pieces, or {interval, bytes}")
def drip_feed(response: Response, arg: Any, _context: FaultContext) -> Response:
    """The honest body comes in drips: so many `bytes` (1) every `interval` seconds (1)."""
    asked = members(arg, "drip_feed", "interval", "bytes")
    interval = seconds(asked.get("interval", 1), MAX_DELAY_S, "interval")
    return response.delivered(piece=whole(asked.get("bytes", 1), 1, MAX_BODY, "bytes"), interval_s=interval)


@fault("endless", rules=("KEY-032",), takes="seconds between two pieces, or {interval, bytes}")
def endless(response: Response, arg: Any, _context: FaultContext) -> Response:
    """After the honest JSON come spaces in chunks without an end, `bytes` (1024) every `interval` seconds (0.1)."""
    asked = members(arg, "endless", "interval", "bytes")
    interval = seconds(asked.get("interval", 0.1), MAX_DELAY_S, "interval")
    piece = whole(asked.get("bytes", 1024), 1, MAX_BODY, "bytes")
    return response.delivered(chunked=True, padded_to=MAX_BODY, piece=piece, interval_s=interval)


@fault("chunked", rules=("KEY-032",))
def chunked(response: Response, _arg: Any, _context: FaultContext) -> Response:
    """The honest body comes in chunks, so that no Content-Length warns of its size."""
    return response.delivered(chunked=True)


@fault("cut_off", rules=("KEY-027", "KEY-028"), takes="bytes of the body that are sent")
def cut_off(response: Response, arg: Any, _context: FaultContext) -> Response:
    """The connection ends within the body (in its middle), although Content-Length promises the whole."""
    bytes_sent = len(response.body) // 2 if arg is None else whole(arg, 0, MAX_BODY, "cut_off")
    return response.delivered(cut_at=bytes_sent)


@fault("closed_connection", rules=("KEY-027",))
def closed_connection(response: Response, _arg: Any, _context: FaultContext) -> Response:
    """The connection is closed without an answer."""
    return response.delivered(closed=True)


@fault("oversize", rules=("KEY-032",), takes="bytes")
def oversize(response: Response, arg: Any, _context: FaultContext) -> Response:
    """Spaces follow the honest JSON object; the argument is the size in bytes (10 MB)."""
    return response.delivered(padded_to=whole(10_000_000 if arg is None else arg, 1, MAX_BODY, "oversize"))


@fault("gzip", rules=("KEY-032",))
def gzip(response: Response, _arg: Any, _context: FaultContext) -> Response:
    """The honest body is compressed, whether or not the client takes gzip."""
    return _compressed(response, len(response.body))


@fault("gzip_bomb", rules=("KEY-032",), takes="bytes after decompression")
def gzip_bomb(response: Response, arg: Any, _context: FaultContext) -> Response:
    """Gzip of the honest JSON and spaces; the argument is the size in bytes that it unfolds to (100 MB)."""
    return _compressed(response, whole(100_000_000 if arg is None else arg, 1, MAX_BOMB, "gzip_bomb"))


def _compressed(response: Response, size: int) -> Response:
    return response.with_body(_padded_gzip(response.body, size)).with_header("content-encoding", "gzip")


@lru_cache(maxsize=4)
def _padded_gzip(body: bytes, size: int) -> bytes:
    """Compress the body with spaces up to `size` bytes, holding no more than a block of them (RFC 1952)."""
    padding = max(0, size - len(body))
    blocks, rest = divmod(padding, _BLOCK)
    spaces = b" " * _BLOCK
    checksum = zlib.crc32(body)
    for _ in range(blocks):
        checksum = zlib.crc32(spaces, checksum)
    checksum = zlib.crc32(spaces[:rest], checksum)
    # Blocks that were flushed in full refer to nothing before them, so one of them stands for all.
    parts = (_GZIP_HEADER, _deflated(body), _deflated(spaces) * blocks, _deflated(spaces[:rest]), _LAST_BLOCK)
    return b"".join(parts) + struct.pack("<II", checksum, (len(body) + padding) & 0xFFFFFFFF)


def _deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH)
