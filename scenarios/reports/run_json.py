"""A run as JSON, by the types of `results.py`, and the schema of it."""

from __future__ import annotations

import msgspec

from scenarios.results import Run


def run_json(run: Run, *, strict: bool = False) -> bytes:  # noqa: ARG001 - as every report's writer
    """Return a run as JSON (UTF-8)."""
    return msgspec.json.format(msgspec.json.encode(run), indent=1) + b"\n"


def schema_bytes() -> bytes:
    """Return the JSON Schema of a run's JSON, as `scenarios/run.schema.json` has it."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The results of a run of Touchstone",
        **msgspec.json.schema(Run),
    }
    return msgspec.json.format(msgspec.json.encode(schema, order="sorted"), indent=1) + b"\n"
