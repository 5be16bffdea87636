"""The OpenAPI document of the admin API: valid, complete, and true under machine-made requests."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from mock_idp import Issuer, KeyRing, MockIdP, Person, Request, fixed_key, persona
from mock_idp.admin.openapi import document
from mock_idp.admin.routes import API, OPERATIONS
from mock_idp.oauth.clients import Client
from mock_idp.serve import serve

HOST = "localhost:8080"


def new_idp() -> MockIdP:
    idp = MockIdP()
    idp.admin = True
    idp.add_issuer("/t", Issuer(persona("generic"), KeyRing([fixed_key("a", "ES256")])))
    idp.people.add(Person.named("ann"))
    idp.canary("c")
    idp.issuer("/t").people.add(Person.named("ann"))
    idp.issuer("/t").clients["app"] = Client("app", "s3cret")
    return idp


def test_the_document_is_valid_openapi_3_1() -> None:
    OpenAPIV31SpecValidator(document()).validate()


def test_it_is_served_and_describes_every_operation() -> None:
    answer = new_idp().handle(Request("GET", "/_admin/openapi.json", headers=(("host", HOST),)))

    served = json.loads(answer.body)
    described = {
        (method.upper(), path.removeprefix(API)): operation["operationId"]
        for path, methods in served["paths"].items()
        for method, operation in methods.items()
    }
    assert described == {(o.method, o.template): o.name for o in OPERATIONS}


def test_the_types_of_the_bodies_refuse_what_is_read_strictly() -> None:
    taken = {
        operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for methods in document()["paths"].values()
        for operation in methods.values()
        if "requestBody" in operation
    }

    assert taken
    for name in taken:
        assert document()["components"]["schemas"][name]["additionalProperties"] is False


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(document())
THERE = {"issuer": "t", "kid": "a", "endpoint": "jwks", "username": "ann", "canary": "c", "client": "app"}
"""Parameters that made-up ones would never hit."""
MADE_REQUESTS = {
    found.ok().label: found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)
}


def test_every_operation_can_be_asked_by_machine() -> None:
    assert len(MADE_REQUESTS) == len(OPERATIONS)


@pytest.fixture
def url() -> Iterator[str]:
    with serve(new_idp()) as running:
        yield running.url


@pytest.mark.parametrize("operation", MADE_REQUESTS)
def test_made_requests_are_answered_as_the_document_says_and_never_with_5xx(url: str, operation: str) -> None:
    @settings(
        max_examples=12,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(MADE_REQUESTS[operation].as_strategy(), st.booleans())
    def send(case: Case[Any], to_what_is_there: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
        if to_what_is_there:
            case.path_parameters.update({name: THERE[name] for name in case.path_parameters})
        case.validate_response(case.call(base_url=url, timeout=20), checks=CHECKS)

    send()
