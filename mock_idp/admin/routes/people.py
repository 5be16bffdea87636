"""Who can sign in, and which clients may ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from mock_idp.admin import bodies
from mock_idp.admin.routes.operation import Operation, issuer_path
from mock_idp.control import ClientOptions, ClientView, Control, PersonOptions, PersonView

if TYPE_CHECKING:
    from mock_idp.admin.routes.operation import Params


def _add_person(control: Control, params: Params, body: bodies.NewPerson) -> PersonView:
    return control.add_person(body.username, path=_place(params), **_known(body))


def _put_person(control: Control, params: Params, body: bodies.KnownPerson) -> PersonView:
    username = bodies.read_username(params["username"])
    return control.put_person(username, path=_place(params), **_known(body))


def _place(params: Params) -> str | None:
    return issuer_path(params) if "issuer" in params else None


def _known(body: bodies.KnownPerson) -> PersonOptions:
    return cast("PersonOptions", _without(body, "username"))


def _client(body: bodies.KnownClient) -> ClientOptions:
    return cast("ClientOptions", _without(body, "id"))


def _without(body: msgspec.Struct, name: str) -> dict[str, Any]:
    return {member: value for member, value in msgspec.structs.asdict(body).items() if member != name}


PEOPLE: Final = (
    Operation(
        "GET",
        "/people",
        "listPeople",
        "List the people of the directory",
        lambda control, _params, _body: control.people(),
        tuple[PersonView, ...],
    ),
    Operation(
        "POST",
        "/people",
        "addPerson",
        "Take a person into the directory",
        _add_person,
        PersonView,
        201,
        body=bodies.NewPerson,
    ),
    Operation(
        "PUT",
        "/people/{username}",
        "putPerson",
        "Take a person into the directory, in place of whoever has the user name",
        _put_person,
        PersonView,
        body=bodies.KnownPerson,
    ),
    Operation(
        "DELETE",
        "/people/{username}",
        "removePerson",
        "Forget a person",
        lambda control, params, _body: control.remove_person(params["username"]),
        status=204,
    ),
    Operation(
        "GET",
        "/issuers/{issuer}/people",
        "listIssuerPeople",
        "List the people of an issuer alone",
        lambda control, params, _body: control.people(issuer_path(params)),
        tuple[PersonView, ...],
    ),
    Operation(
        "POST",
        "/issuers/{issuer}/people",
        "addIssuerPerson",
        "Take in a person of an issuer alone",
        _add_person,
        PersonView,
        201,
        body=bodies.NewPerson,
    ),
    Operation(
        "PUT",
        "/issuers/{issuer}/people/{username}",
        "putIssuerPerson",
        "Take in a person of an issuer alone, in place of whoever has the user name",
        _put_person,
        PersonView,
        body=bodies.KnownPerson,
    ),
    Operation(
        "DELETE",
        "/issuers/{issuer}/people/{username}",
        "removeIssuerPerson",
        "Forget a person of an issuer",
        lambda control, params, _body: control.remove_person(params["username"], path=issuer_path(params)),
        status=204,
    ),
    Operation(
        "GET",
        "/issuers/{issuer}/clients",
        "listClients",
        "List the registered clients; without any, every client id is taken",
        lambda control, params, _body: control.clients(issuer_path(params)),
        tuple[ClientView, ...],
    ),
    Operation(
        "POST",
        "/issuers/{issuer}/clients",
        "registerClient",
        "Register a client",
        lambda control, params, body: control.register_client(issuer_path(params), body.id, **_client(body)),
        ClientView,
        201,
        body=bodies.NewClient,
    ),
    Operation(
        "GET",
        "/issuers/{issuer}/clients/{client}",
        "showClient",
        "Show a registered client",
        lambda control, params, _body: control.client(issuer_path(params), params["client"]),
        ClientView,
    ),
    Operation(
        "PUT",
        "/issuers/{issuer}/clients/{client}",
        "putClient",
        "Register a client, in place of the one of this id",
        lambda control, params, body: control.put_client(
            issuer_path(params), params["client"], **_client(body)
        ),
        ClientView,
        body=bodies.KnownClient,
    ),
    Operation(
        "DELETE",
        "/issuers/{issuer}/clients/{client}",
        "removeClient",
        "Forget a client",
        lambda control, params, _body: control.remove_client(issuer_path(params), params["client"]),
        status=204,
    ),
)
