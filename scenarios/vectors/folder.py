"""The folder of an export: its files in memory, and how they reach the disk."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

import msgspec

from scenarios import rulebook
from scenarios.stage import START
from scenarios.targets.protocol import REFUSE_REASONS, REJECT_REASONS
from scenarios.vectors.build import vector_of, why_not
from scenarios.vectors.model import (
    FORMAT,
    AuthenticateStep,
    Clock,
    Expected,
    Index,
    KnobText,
    LeftOut,
    Listed,
    OnboardStep,
    RuleText,
    Vector,
    VectorFile,
    schemas,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from scenarios.tables.scenario import Scenario

CHECKSUMS: Final = "SHA256SUMS"
"""Written last, in the format of `sha256sum`; a folder without it is no whole export."""
MAX_CHECKSUMS_BYTES: Final = 4_000_000
"""A longer file of this name is none of ours."""


def files_of(scenarios: Sequence[Scenario], version: str) -> tuple[Index, dict[str, bytes]]:
    """Return the index, and the content of every file by its path below the folder, the checksums last.

    Raises `StageError` for a scenario that cannot be made.
    """
    reasons = {scenario.id: why_not(scenario) for scenario in scenarios}
    groups: dict[str, list[Scenario]] = defaultdict(list)
    for scenario in scenarios:
        if reasons[scenario.id] is None:
            groups[scenario.group].append(scenario)
    made = {
        f"vectors/{group}.json": VectorFile(
            group=group, title=members[0].title, vectors=tuple(map(vector_of, members))
        )
        for group, members in groups.items()
    }
    index = _index(made, reasons, version)
    files = {path: _written(path, file, "vectors.schema.json") for path, file in made.items()}
    files["index.json"] = _written("index.json", index, "index.schema.json")
    files |= {name: _json(schema) for name, schema in schemas().items()}
    sums = (f"{hashlib.sha256(files[path]).hexdigest()}  {path}\n" for path in sorted(files))
    return index, {**files, CHECKSUMS: "".join(sums).encode()}


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write an export into a folder, in place of the export that it may hold. Raises `OSError`.

    Of what is there only the files that its checksums name are removed.
    """
    for path in earlier_files(folder):
        folder.joinpath(path).unlink(missing_ok=True)
    for path, content in files.items():
        target = folder.joinpath(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def earlier_files(folder: Path) -> list[str]:
    """Return the paths of the export that a folder holds, the checksums first; raises `OSError`.

    Only names that an export can have: whatever else the file says, nothing outside the folder is meant.
    """
    checksums = folder / CHECKSUMS
    if not checksums.is_file() or checksums.stat().st_size > MAX_CHECKSUMS_BYTES:
        return []
    lines = checksums.read_text(encoding="utf-8", errors="replace").splitlines()
    named = [line.partition("  ")[2] for line in lines]
    return [CHECKSUMS, *filter(_is_ours, named)]


def _is_ours(path: str) -> bool:
    parts = PurePosixPath(path).parts
    known = path in {"index.json", *schemas()} or (len(parts) > 1 and parts[0] == "vectors")
    return known and path.endswith(".json") and ".." not in parts


def _written(path: str, file: VectorFile | Index, schema: str) -> bytes:
    above = "../" * path.count("/")
    return _json({"$schema": f"{above}{schema}", **msgspec.to_builtins(file)})


def _json(value: Any) -> bytes:
    """Return JSON with one member a line; `allow_nan` would write what no JSON parser takes."""
    return (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _index(made: Mapping[str, VectorFile], reasons: Mapping[str, str | None], version: str) -> Index:
    vectors = [(path, vector) for path, file in made.items() for vector in file.vectors]
    left_out: dict[str, list[str]] = defaultdict(list)
    for name, reason in reasons.items():
        if reason is not None:
            left_out[reason].append(name)
    rules = {name: _rule_text(name) for name in sorted({r.id for _, v in vectors for r in v.rules})}
    keys = dict(itertools.chain.from_iterable(rulebook.source_gists(rule.source) for rule in rules.values()))
    return Index(
        format=FORMAT,
        version=version,
        clock=Clock(
            seconds=int(START), utc=datetime.fromtimestamp(START, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        ),
        count=len(vectors),
        vectors=tuple(
            Listed(
                id=vector.id,
                file=path,
                rule=vector.rules[0].id,
                level=vector.rules[0].level,
                scope=vector.scope,
            )
            for path, vector in vectors
        ),
        left_out_count=sum(map(len, left_out.values())),
        left_out=tuple(
            LeftOut(reason=reason, count=len(ids), ids=tuple(ids)) for reason, ids in sorted(left_out.items())
        ),
        rules=rules,
        knobs={name: _knob_text(name) for name in sorted(_knobs(vector for _, vector in vectors))},
        bases={basis.value: rulebook.basis_text(basis) for basis in rulebook.Basis},
        sources=dict(sorted(keys.items())),
        reasons={**REJECT_REASONS, **REFUSE_REASONS},
    )


def _rule_text(name: str) -> RuleText:
    rule = rulebook.rules()[name]
    return RuleText(
        level=rule.level.value,
        basis=rule.basis.value,
        scope=rule.scope.value,
        statement=rule.statement,
        source=rule.source,
        bug=rule.bug,
        note=rule.note,
    )


def _knob_text(name: str) -> KnobText:
    knob = rulebook.knobs()[name]
    return KnobText(about=knob.about, values=knob.values, library=knob.library.value, floor=knob.floor)


def _knobs(vectors: Iterable[Vector]) -> set[str]:
    steps = (step for vector in vectors for step in vector.steps)
    expected = (step.expect for step in steps if isinstance(step, OnboardStep | AuthenticateStep))
    return set(itertools.chain.from_iterable(map(_deciding, expected)))


def _deciding(expected: Expected) -> Iterator[str]:
    if expected.knob is not None:
        yield expected.knob
    for further in expected.by_value.values():
        yield from _deciding(further)
