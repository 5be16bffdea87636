"""The mutants: copies of the reference verifier with exactly one flaw each, as data (`mutants/*.yaml`).

A mutant says in one sentence what is wrong with it, and by which edits of the verifier's source it goes wrong. The id
names the rule that it breaks: `CLM-012/at-exp`. Must never hold an edit whose place is gone or is there twice: that
is a mistake of the table, and nothing is asked of anybody before it is mended.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from scenarios import rulebook
from scenarios.files import yaml12
from scenarios.files.convert import convert
from scenarios.files.problems import Problem, TableErrors, nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping


TARGET: Final = "scenarios.targets.reference"
"""The module that puts the verifier behind the protocol: a flaw of a deployment, not of the code, stands there."""

_Text = Annotated[str, msgspec.Meta(min_length=1)]


class Edit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One change of one module's source: the text that stands there exactly once, and what takes its place."""

    module: _Text = msgspec.field(name="in")
    """A module of the verifier (`claims`), or `target` for what puts the verifier behind the protocol."""
    old: _Text
    new: str

    @property
    def full_name(self) -> str:
        """The module's name as Python has it."""
        return TARGET if self.module == "target" else f"verifier.{self.module}"

    def applied(self, source: str) -> str:
        """Return a module's source with the edit made; ValueError unless its place is there once."""
        if (times := source.count(self.old)) != 1:
            raise ValueError(
                f"{self.full_name} holds {self.old!r} {times} times, not once: choose the place anew"
            )
        return source.replace(self.old, self.new)


class Mutant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One flawed copy."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]+-\d{3}/[a-z0-9-]+$")]
    """The rule that it breaks, and a name: `CLM-012/at-exp`."""
    flaw: _Text
    """What it does wrong, in one sentence."""
    edits: tuple[Edit, ...] = ()
    uses: tuple[str, ...] = ()
    """Edits of `parts.yaml` that are made as well, by name."""
    like: str = ""
    """A published advisory, or a verifier, that was wrong in this way."""
    reasons: bool = False
    """Whether the flaw is in the reasons or records alone, so that a wrong one is all that can show it."""

    @property
    def rule(self) -> str:
        """The rule that it breaks."""
        return self.id.partition("/")[0]


def source_of(module: str) -> tuple[Path, str]:
    """Return where a module's source lies, and the text of it; LookupError if there is no such module."""
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:
        spec = None
    if spec is None or spec.origin is None:
        raise LookupError(f"there is no module {module}")
    path = Path(spec.origin)
    return path, path.read_text(encoding="utf-8")


@cache
def mutants() -> Mapping[str, Mutant]:
    """Return every mutant that ships, by id, in the order of the rulebook.

    Raises `TableErrors` with every mistake: an unknown rule, an id that stands twice, an edit without its place.
    """
    folder = files("scenarios").joinpath("selftest", "mutants")
    tables = {
        f"scenarios/selftest/mutants/{name}": folder.joinpath(name).read_bytes()
        for name in (f"{group.lower()}.yaml" for group in rulebook.GROUPS)
        if folder.joinpath(name).is_file()
    }
    parts = yaml12.load(folder.joinpath("parts.yaml").read_bytes(), "scenarios/selftest/mutants/parts.yaml")
    return load_mutants(tables, convert(parts, dict[str, tuple[Edit, ...]]))


def load_mutants(
    tables: Mapping[str, bytes | str], parts: Mapping[str, tuple[Edit, ...]] = MappingProxyType({})
) -> dict[str, Mutant]:
    """Return the mutants of tables (name to text), by id. Raises `TableErrors` with every mistake.

    `parts` are the edits that a mutant may use by name.
    """
    found: dict[str, Mutant] = {}
    problems: list[Problem] = []
    for name, text in tables.items():
        document = yaml12.load(text, name)
        if not isinstance(document.value, list):
            problems.append(Problem(document.place(), "a table of mutants is a list of {id, flaw, edits}"))
            continue
        for index in range(len(document.value)):
            try:
                mutant = convert(document, Mutant, (index,))
            except TableErrors as errors:
                problems += errors.problems
                continue
            place = document.place((index,))
            edits = [edit for name in mutant.uses for edit in parts.get(name, ())]
            whole = msgspec.structs.replace(mutant, edits=(*edits, *mutant.edits))
            problems += [Problem(place, message) for message in _mistakes(whole, found, parts)]
            found[mutant.id] = whole
    if problems:
        raise TableErrors(problems)
    return found


def _mistakes(mutant: Mutant, known: Mapping[str, Mutant], parts: Collection[str]) -> Iterable[str]:
    for name in mutant.uses:
        if name not in parts:
            yield f"there is no part '{name}'{nearest(name, parts)}"
    if not mutant.edits:
        yield f"{mutant.id} changes nothing: it needs edits"
    if mutant.rule not in rulebook.rules():
        yield f"'{mutant.rule}' is no rule{nearest(mutant.rule, rulebook.rules())}"
    if mutant.id in known:
        yield f"'{mutant.id}' stands twice"
    sources: dict[str, str] = {}
    for edit in mutant.edits:
        try:
            text = sources.get(edit.full_name) or source_of(edit.full_name)[1]
            sources[edit.full_name] = edit.applied(text)
        except (LookupError, ValueError) as fault:
            yield f"{mutant.id}: {fault}"
    for module, text in sources.items():
        try:
            compile(text, module, "exec", dont_inherit=True)
        except SyntaxError as fault:
            yield f"{mutant.id}: its {module} is no Python: {fault.msg} in {(fault.text or '').strip()!r}"
