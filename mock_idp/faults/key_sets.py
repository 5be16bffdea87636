"""Faults of the JWKS: answers that are no key set (KEY-028), and sets in which single entries are odd (KEY-018)."""

# ruff: noqa: D401 - the first sentence of an entry says what is false, and is shown to people

import json
from collections.abc import Mapping
from typing import Any, Final

from mock_idp.faults.registry import FaultContext, FaultError, fault, text, whole
from mock_idp.http import Response

MAX_DEPTH = 1_000_000
MAX_KEYS = 10_000

_NOT_A_KEY_SET: Final[Mapping[str, tuple[str, bytes]]] = {
    "empty_object": ("The body is `{}`.", b"{}"),
    "empty_array": ("The body is `[]`.", b"[]"),
    "null": ("The body is `null`.", b"null"),
    "keys_object": ('The body is `{"keys":{}}`: an object where the list belongs.', b'{"keys":{}}'),
    "keys_null": ('The body is `{"keys":null}`.', b'{"keys":null}'),
}
UNKNOWN_ENTRIES: Final = (
    {"kty": "AKP", "kid": "unknown-kty", "alg": "ML-DSA-44", "use": "sig", "pub": "AAAA"},
    {"kty": "EC", "kid": "unknown-crv", "crv": "secp256k1", "use": "sig", "x": "AAAA", "y": "AAAA"},
    {"kty": "OKP", "kid": "unknown-alg", "crv": "Ed25519", "alg": "XX999", "x": "AAAA"},
)
BROKEN_ENTRIES: Final = (
    {"kty": "RSA", "kid": "without-n", "use": "sig", "e": "AQAB"},
    "a string",
    None,
    17,
    {"kty": "RSA", "kid": 17, "use": "sig", "n": "AQAB", "e": "AQAB"},
    {"kid": "without-kty"},
)


def _constant(name: str, says: str, body: bytes) -> None:
    def replace_body(response: Response, _arg: Any, _context: FaultContext) -> Response:
        return response.with_body(body)

    replace_body.__doc__ = says
    fault(name, rules=("KEY-028",))(replace_body)


for _name, (_says, _body) in _NOT_A_KEY_SET.items():
    _constant(_name, _says, _body)


def _entries(response: Response) -> list[Any]:
    try:
        value = json.loads(response.body)
    except ValueError:
        return []
    found = value.get("keys") if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def _with_json(response: Response, value: Any) -> Response:
    return response.with_body(json.dumps(value, separators=(",", ":")).encode())


@fault("empty_set", rules=("KEY-029",))
def empty_set(response: Response, _arg: Any, _context: FaultContext) -> Response:
    """The body is a JWKS without keys."""
    return response.with_body(b'{"keys":[]}')


@fault("needs_query", rules=("AZR-016", "AZR-026"), takes="the query, such as `appid=app-1`")
def needs_query(response: Response, arg: Any, context: FaultContext) -> Response:
    """The keys are served under this query alone, letter by letter; without it the JWKS holds other keys."""
    if context.request.query == text(arg, "needs_query"):
        return response
    return _with_json(response, {"keys": list(UNKNOWN_ENTRIES)})


@fault("keys_miscased", rules=("KEY-028",))
def keys_miscased(response: Response, _arg: Any, _context: FaultContext) -> Response:
    """The honest keys stand in a member `Keys`."""
    return _with_json(response, {"Keys": _entries(response)})


@fault("unknown_entries", rules=("KEY-018",))
def unknown_entries(response: Response, _arg: Any, _context: FaultContext) -> Response:
    """Keys of unknown kty, crv and alg stand before the honest ones, which have a member `foo` more each."""
    honest = [{**entry, "foo": 1} for entry in _entries(response)]
    return _with_json(response, {"keys": [*UNKNOWN_ENTRIES, *honest]})


@fault("broken_entries", rules=("KEY-018",))
def broken_entries(response: Response, _arg: Any, _context: FaultContext) -> Response:
    """Entries that are no keys (n missing, a string, null, a number, kid no string) stand before the honest ones."""
    return _with_json(response, {"keys": [*BROKEN_ENTRIES, *_entries(response)]})


@fault("duplicate_members", rules=("KEY-040",), takes="`keys` or `kid`")
def duplicate_members(response: Response, arg: Any, _context: FaultContext) -> Response:
    """A member stands twice, the honest one last: `keys` (an empty list first), or `kid` in every entry."""
    which = "keys" if arg is None or arg is True else arg
    if which not in ("keys", "kid"):
        raise FaultError(f"duplicate_members is keys or kid, not {which!r}")
    entries = [json.dumps(entry) for entry in _entries(response)]
    if which == "kid":
        entries = ['{"kid": "duplicate", ' + entry[1:] for entry in entries]
    first = '"keys": [], ' if which == "keys" else ""
    return response.with_body(f'{{{first}"keys": [{", ".join(entries)}]}}'.encode())


@fault("turned", rules=("KEY-010", "KEY-038"))
def turned(response: Response, _arg: Any, context: FaultContext) -> Response:
    """The honest keys come in another order with each answer: each time the first of them moves to the end."""
    entries = _entries(response)
    first = (context.nth + 1) % len(entries) if entries else 0
    return _with_json(response, {"keys": entries[first:] + entries[:first]})


@fault("many_keys", rules=("KEY-032",), takes="how many, 1 to 10,000")
def many_keys(response: Response, arg: Any, _context: FaultContext) -> Response:
    """So many copies (1,000) of the first honest key, each under a kid of its own, stand before the honest keys."""
    count = whole(1_000 if arg is None else arg, 1, MAX_KEYS, "many_keys")
    entries = _entries(response)
    copies = [{**entries[0], "kid": f"copy-{number}"} for number in range(count)] if entries else []
    return _with_json(response, {"keys": [*copies, *entries]})


@fault("deep_nesting", rules=("KEY-032",), takes="levels")
def deep_nesting(response: Response, arg: Any, _context: FaultContext) -> Response:
    """The list of keys holds lists within lists; the argument is their depth (100,000)."""
    depth = whole(100_000 if arg is None else arg, 1, MAX_DEPTH, "deep_nesting")
    return response.with_body(b'{"keys":[' + b"[" * depth + b"]" * depth + b"]}")
