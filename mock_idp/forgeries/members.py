"""Members that an issuer would not write, or would not leave out, all truly signed."""

from collections.abc import Mapping
from typing import Any

from mock_idp.draft import Draft
from mock_idp.forgeries.arguments import MAX_MEMBERS, fields, size, text
from mock_idp.forgeries.registry import ForgeContext, ForgeryError, forgery, nearest


@forgery(
    "header_members",
    rules=("SIG-021", "SIG-022", "SIG-023", "FMT-020", "FMT-022", "FMT-023", "KEY-008", "CLM-022"),
)
def header_members(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """Header members are set or left out and truly signed; the argument is `{set, remove}`.

    `set` maps members to their values, `remove` lists names; one of the two may be missing.
    """
    options = fields(arg, optional=("set", "remove"))
    added = options.get("set", {})
    if not options or not isinstance(added, Mapping):
        raise ForgeryError(f"needs {{set: {{name: value}}, remove: [name]}}, not {arg!r}")
    removed = _names(options.get("remove", []))
    _check_there(removed, draft.header, "header member")
    return draft.without_header(*removed).with_header(added)


@forgery("claims_missing", rules=("CLM-003", "CLM-006", "CLM-011", "CLM-020", "FMT-023"))
def claims_missing(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """Claims are missing from a truly signed token; the argument is a name or a list of names."""
    names = _names(arg)
    if not names:
        raise ForgeryError("needs the names of the claims to leave out")
    _check_there(names, draft.claims, "claim")
    return draft.without_claims(*names)


@forgery("long_claim", rules=("CLM-005", "CLM-021", "AZR-019"))
def long_claim(draft: Draft, arg: Any, _context: ForgeContext) -> Draft:
    """One claim is very long, and truly signed; the argument is `{member, item, times, last}`.

    Argument: a text `item` is repeated within one text; `[item]` makes a list with so many of it, and `last`, where it
    is given, stands at the end of text or list.
    """
    options = fields(arg, needed=("member", "item", "times"), optional=("last",))
    item, last = options["item"], options.get("last")
    times = size(options["times"], "times", MAX_MEMBERS)
    if isinstance(item, list) and len(item) == 1:
        return draft.with_claims({options["member"]: item * times + ([] if last is None else [last])})
    repeated = text(item, "an item that is no list of one") * times
    return draft.with_claims({options["member"]: repeated + ("" if last is None else text(last, "the last"))})


def _check_there(names: list[str], members: Mapping[str, Any], what: str) -> None:
    """Refuse to leave out what is not there: the token would be as honest as before."""
    for name in names:
        if name not in members:
            close = nearest(name, members)
            raise ForgeryError(
                f"there is no {what} {name!r} to take out{close if 'did you mean' in close else ''}"
            )


def _names(arg: Any) -> list[str]:
    names = [arg] if isinstance(arg, str) else arg
    if not isinstance(names, list):
        raise ForgeryError(f"needs a list of names, not {arg!r}")
    return [text(name, "a name") for name in names]
