"""The `http` part of a target file: its mistakes, each with its place, and what follows from it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from scenarios.files import yaml12
from scenarios.files.problems import TableErrors
from scenarios.targets.target_file import load_target, schema_bytes

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "targets" / "touchstone-api.yaml"
PLAIN = """\
adapter: http
http:
  url: http://127.0.0.1:8080
  endpoints: [/api/me]
  user: {json: /user}
  fixed: {jwks: {port: 8099}}
profile:
  keys: [jwks_uri]
  algorithms: [RS256]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "target.yaml"
    path.write_text(text)
    return path


def test_what_follows_from_being_asked_over_http_need_not_be_said(tmp_path: Path) -> None:
    profile = load_target(written(tmp_path, PLAIN)).profile

    assert profile.scope == "service"
    assert set(profile.capabilities) == {"http", "concurrent"}


def test_a_second_address_is_a_second_endpoint(tmp_path: Path) -> None:
    two = PLAIN.replace("[/api/me]", "[/api/me, {path: /api/you, method: POST}]")

    assert load_target(written(tmp_path, two)).profile.can("endpoints")


@pytest.mark.parametrize(
    "old, new, problem",
    [
        ("  fixed: {jwks: {port: 8099}}\n", "", "either 'fixed' (it was configured by hand) or 'admin'"),
        ("  user: {json: /user}\n", "", "say where the identity stands"),
        ("{json: /user}", "{json: user}", "'user' is no JSON pointer (RFC 6901)"),
        ("{json: /user}", "{}", "say one of header and json, or regex alone"),
        ("{json: /user}", "{regex: 'user=.*'}", "has no group ( )"),
        ("{json: /user}", "{regex: 'user=(.*'}", "is no regular expression"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/api", "paths stand under endpoints"),
        ("http://127.0.0.1:8080", "127.0.0.1:8080", "is no address such as"),
        ("[/api/me]", "[api/me]", "a path begins with /"),
        ("  user:", "  accept: {status: [2x]}\n  user:", "'2x' is no status: 200, 2xx or 200-204"),
        ("  user:", "  reject: {}\n  user:", "a condition says status, header, json or body"),
        ("  user:", "  credential: Bearer\n  user:", "a header line with {token} in it"),
        ("  user:", "  endpoint: /x\n  user:", "(did you mean 'endpoints'?)"),
        ("profile:\n", "profile:\n  capabilities: [clock]\n", "nobody can tell the time to a running API"),
        ("profile:\n", "profile:\n  capabilities: [onboarding]\n", "say http.admin.refused"),
        ("profile:\n", "profile:\n  capabilities: [audit]\n", "say http.mapped_by and http.fallback"),
        ("profile:\n", "profile:\n  capabilities: [purge]\n", "'purge' needs http.admin.purge"),
        ("profile:\n", "profile:\n  capabilities: [endpoints]\n", "needs a second address"),
        ("  fixed: {jwks: {port: 8099}}", "  admin: {onboard: [{path: /x}]}", "say offboard or reset"),
        ("adapter: http\n", "adapter: http\ncommand: [x]\n", "the adapter 'http' does not use 'command'"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_to_write(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    assert old in PLAIN

    with pytest.raises(TableErrors) as caught:
        load_target(written(tmp_path, PLAIN.replace(old, new, 1)))

    message = "\n".join(map(str, caught.value.problems))
    assert problem in message
    assert re.search(r"target\.yaml:\d+:\d+: ", message)


def test_the_schema_takes_the_examples_and_no_misspelt_member() -> None:
    schema = json.loads(schema_bytes())
    example = yaml12.load(EXAMPLE.read_bytes(), "example").value

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(example, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**example, "adaptor": "http"}, schema)


def test_the_files_that_the_document_shows_are_right(tmp_path: Path) -> None:
    document = (ROOT / "docs" / "targets.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", document, re.DOTALL)
    whole = [block for block in blocks if block.startswith("adapter:")]
    parts = [block for block in blocks if not block.startswith("adapter:")]

    for block in whole:
        load_target(written(tmp_path, block))
    for part in parts:
        load_target(written(tmp_path, PLAIN.replace("  fixed: {jwks: {port: 8099}}\n", part)))

    assert (len(whole), len(parts)) == (2, 2)
