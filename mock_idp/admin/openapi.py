"""The OpenAPI document of the admin API, made of the table of operations and the types that they take and give."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final

import msgspec

from mock_idp.admin.routes import API, OPERATIONS, PARAMETERS, Operation
from mock_idp.http import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_REFERENCE: Final = "#/components/schemas/{name}"


class Error(msgspec.Struct, frozen=True):
    """Why a request was refused."""

    error: str
    """A stable code."""
    message: str
    """A sentence for people."""


_REFUSALS: Final[Mapping[str, str]] = {
    "400": "The request is malformed, or an argument is none that the operation takes",
    "401": "The server has an admin token, and the request did not show it",
    "403": "The request came by another host name or from a page of another origin",
    "404": "There is nothing of this name",
    "409": "The operation does not fit what is there",
    "413": "The body is too large",
    "415": "The body is not said to be application/json",
}


@cache
def document() -> dict[str, Any]:
    """Write the document (OpenAPI 3.1)."""
    given = [o.answers for o in OPERATIONS if o.answers is not None]
    taken = [o.body for o in OPERATIONS if o.body is not None]
    queries = [o.query for o in OPERATIONS if o.query is not None]
    schemas, components = msgspec.json.schema_components(
        [Error, *given, *taken, *queries], ref_template=_REFERENCE
    )
    of_type = dict(zip(map(str, [Error, *given, *taken, *queries]), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        described = _described(operation, of_type, components)
        paths.setdefault(API + operation.template, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Touchstone mock IdP: admin API",
            "version": _version(),
            "description": "Steers a running mock IdP: issuers, keys, people, tokens, faults, clocks, records.",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"adminToken": {"type": "http", "scheme": "bearer"}},
        },
        # Either will do: a server that only its own machine can reach asks for no token.
        "security": [{"adminToken": []}, {}],
    }


def answer() -> Response:
    """Answer with the document."""
    return Response.of_json(document())


def _described(
    operation: Operation, of_type: Mapping[str, Any], components: Mapping[str, Any]
) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.says,
        "parameters": [*_path_parameters(operation), *_query_parameters(operation, of_type, components)],
        "responses": _responses(operation, of_type),
    }
    if operation.body is not None:
        described["requestBody"] = {
            "required": operation.needs_body,
            "content": _json(of_type[str(operation.body)]),
        }
    return described


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": PARAMETERS[name],
            "schema": {"type": "string", "minLength": 1},
        }
        for name in _PARAMETER.findall(operation.template)
    ]


def _query_parameters(
    operation: Operation, of_type: Mapping[str, Any], components: Mapping[str, Any]
) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    schema = components[of_type[str(operation.query)]["$ref"].rpartition("/")[2]]
    return [{"name": name, "in": "query", "schema": member} for name, member in schema["properties"].items()]


def _responses(operation: Operation, of_type: Mapping[str, Any]) -> dict[str, Any]:
    done: dict[str, Any] = {"description": "Done"}
    if operation.answers is not None:
        done["content"] = _json(of_type[str(operation.answers)])
    elif operation.file is not None:
        done["content"] = {operation.file: {}}
    refused = {
        status: {"description": why, "content": _json(of_type[str(Error)])}
        for status, why in _REFUSALS.items()
    }
    return {str(operation.status): done, **refused}


def _json(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _version() -> str:
    try:
        return version("oidc-touchstone")
    except PackageNotFoundError:  # run from a source tree
        return "0"
