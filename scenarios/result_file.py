"""Reading what `touchstone run --json` wrote: one door, bounded in size, for all commands that take such a file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from scenarios.results import SCHEMA, Run

MAX_BYTES: Final = 256 * 1024 * 1024
"""A result file is read up to this size (bytes)."""


class ResultFileError(ValueError):
    """A file that holds no results which this release can read: in one line."""


def read_run(path: str) -> Run:
    """Return the run that a result file holds. Raises `ResultFileError`."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ResultFileError(f"'{path}' cannot be read: {error.strerror or error}") from None
    if len(content) > MAX_BYTES:
        raise ResultFileError(f"'{path}' is larger than {MAX_BYTES // 1024**2} MiB, which no result file is")
    try:
        run = msgspec.json.decode(content, type=Run)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ResultFileError(f"'{path}' is no result file of `touchstone run --json`: {error}") from None
    if run.schema != SCHEMA:
        raise ResultFileError(
            f"'{path}' is of another form than this release reads: '{run.schema}', not '{SCHEMA}'"
        )
    return run
