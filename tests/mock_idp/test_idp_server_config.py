"""From a configuration as typed data to an IdP, without a file and without a server."""

import json
from typing import Any

import msgspec
import pytest

from mock_idp import KeyState, MockIdP, Request, fixed_key
from mock_idp.config import ConfigError, IdpConfig, build
from mock_idp.key_supply import KeySupply
from mock_idp.schedule import ScheduledRing

URL = "http://127.0.0.1:1"


def built(value: dict[str, Any], *, fixed: bool = True) -> MockIdP:
    idp = MockIdP()
    build(msgspec.convert(value, IdpConfig), idp, url=URL, supply=KeySupply(fixed=fixed))
    return idp


def test_an_empty_configuration_is_one_generic_issuer_at_the_root() -> None:
    idp = built({})

    (path,) = idp.issuers
    assert (path, idp.issuer("").issuer, idp.issuer("").persona.name) == ("", URL, "generic")
    assert idp.handle(Request("GET", "/jwks")).status == 200


def test_every_member_reaches_the_issuer() -> None:
    asked = {
        "path": "/a",
        "issuer": "https://a.example/",
        "audience": "api",
        "tenant": "t1",
        "keys": [{"alg": "ES256", "state": "staged"}, {"alg": "ES256", "state": "active", "kid": "k"}],
        "clients": [{"id": "app", "secret": "s", "grants": ["client_credentials"]}],
        "people": [{"username": "zoe", "name": "Zoe Z", "password": "p", "claims": {"x": 1}}],
        "auto_login": "zoe",
        "opaque_access_tokens": True,
        "token_lifetime": 60,
        "rotation": {"every": 3600, "overlap": 60, "ahead": 30},
    }

    issuer = built({"issuers": [asked], "base_url": "https://proxy.example/"}).issuer("/a")

    assert (issuer.issuer, issuer.audience, issuer.tenant) == ("https://a.example/", "api", "t1")
    assert (issuer.base_url, issuer.ring.active.kid) == ("https://proxy.example/a", "k")
    assert issuer.ring.state("a") is KeyState.STAGED
    assert isinstance(issuer.ring, ScheduledRing)
    assert (issuer.clients["app"].secret, issuer.clients["app"].grants) == ("s", ("client_credentials",))
    assert [person.name for person in issuer.people] == ["Zoe Z"]
    assert (issuer.accounts["zoe"].password, issuer.accounts["zoe"].claims) == ("p", {"x": 1})
    assert (issuer.auto_login, issuer.opaque_access_tokens, issuer.token_lifetime_s) == ("zoe", True, 60)


def test_people_of_the_server_can_be_made_from_a_seed() -> None:
    one, other = (list(built({"people": {"count": 3, "seed": 7}}).people) for _ in range(2))

    assert len(one) == 3
    assert one == other


def test_what_is_known_of_people_of_the_server_is_in_their_tokens_at_every_issuer_but_for_its_own_people() -> (
    None
):
    idp = built(
        {
            "people": [{"username": "zoe", "claims": {"groups": ["qa"]}, "password": "p"}],
            "issuers": [
                {"path": "/a"},
                {"path": "/b", "people": [{"username": "zoe", "name": "Another Zoe"}]},
            ],
        }
    )

    (server,) = idp.people
    assert idp.issuer("/a").account("zoe").claims == {"groups": ["qa"]}
    assert idp.issuer("/b").account("zoe").claims == {}
    assert (server.username, idp.issuer("/a").account("zoe").password) == ("zoe", "p")


def test_a_fault_from_the_configuration_is_in_force() -> None:
    idp = built({"issuers": [{"faults": [{"at": "jwks", "is": "empty_set", "times": 1}]}]})

    answers = [json.loads(idp.handle(Request("GET", "/jwks")).body)["keys"] for _ in range(2)]

    assert answers[0] == []
    assert answers[1]


WRONG: list[tuple[dict[str, Any], tuple[str | int, ...], str]] = [
    ({"issuers": [{"persona": "okt"}]}, ("issuers", 0, "persona"), "did you mean 'okta'"),
    ({"issuers": [{"path": "/a/"}]}, ("issuers", 0, "path"), "does not end with one"),
    ({"issuers": [{}, {}]}, ("issuers", 1, "path"), "two issuers"),
    ({"issuers": [{"keys": [{}], "algs": ["ES256"]}]}, ("issuers", 0, "algs"), "not by both"),
    ({"issuers": [{"keys": [{"state": "staged"}]}]}, ("issuers", 0, "keys"), "only one, is active"),
    ({"issuers": [{"keys": [{"kid": "k"}, {"kid": "k"}]}]}, ("issuers", 0, "keys"), "'k' is taken"),
    ({"issuers": [{"keys": [{"fixed": "z"}]}]}, ("issuers", 0, "keys", 0), "no fixed key"),
    ({"issuers": [{"rotation": {"every": 9, "overlap": 10}}]}, ("issuers", 0, "rotation"), "overlap"),
    (
        {"issuers": [{"clients": [{"id": "x"}, {"id": "x"}]}]},
        ("issuers", 0, "clients", 1, "id"),
        "two clients",
    ),
    (
        {"issuers": [{"clients": [{"id": "x"}, {"id": "y", "grants": ["client_credential"]}]}]},
        ("issuers", 0, "clients", 1),
        "did you mean 'client_credentials'",
    ),
    ({"issuers": [{"token_lifetime": 0}]}, ("issuers", 0, "token_lifetime"), "at least a second"),
    ({"issuers": [{"auto_login": "zzz"}]}, ("issuers", 0, "auto_login"), "nobody who could sign in"),
    ({"people": [{"username": "a b"}]}, ("people", 0, "username"), "letters, digits"),
    ({"people": [{"username": "a"}, {"username": "a"}]}, ("people", 1, "username"), "two people"),
    ({"base_url": "nonsense"}, ("base_url",), "the address of a server is like"),
    ({"browser_url": "http://[x"}, ("browser_url",), "the address of a server is like"),
    ({"browser_url": "http://x:99999"}, ("browser_url",), "the address of a server is like"),
    ({"people": {"count": -1}}, ("people",), "between 0"),
]


@pytest.mark.parametrize("value,path,message", WRONG)
def test_what_cannot_be_is_refused_with_the_path_to_it(
    value: dict[str, Any], path: tuple[str | int, ...], message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as refused:
        built(value)

    assert refused.value.path == path


def test_a_supply_never_gives_one_key_twice() -> None:
    supply = KeySupply()
    supply.order([("RS256", 1024), ("PS256", 1024)])

    kids = {supply.take(alg, 1024).kid for alg in ("RS256", "PS256", "RS512")}

    assert len(kids) == 3


def test_a_fresh_key_is_named_by_its_thumbprint_unless_it_is_named() -> None:
    supply = KeySupply()
    key = supply.take("ES256")

    assert key.kid == key.thumbprint()
    assert supply.take("ES256", kid="mine").kid == "mine"
    assert key != fixed_key("a", "ES256")
