"""`Control`: steering a mock IdP from Python, and the clock that can be set."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from mock_idp import FORGERIES, Issuer, KeyRing, MockIdP, Person, Request, SigningKey, fixed_key, persona
from mock_idp.clock import LATEST, ClockMode, SettableClock
from mock_idp.control import Code, Control, ControlError
from mock_idp.decoding import MAX_DEPTH, decode_token

NOW = 1_767_225_600.0


def quick_key(alg: str) -> SigningKey:
    key = SigningKey.generate(alg, kid="x")
    return key.with_kid(key.thumbprint()[:8])


@pytest.fixture
def idp() -> MockIdP:
    made = MockIdP()
    made.base_url = "http://127.0.0.1:1"
    made.add_issuer("/t", Issuer(persona("generic"), KeyRing([fixed_key("a", "ES256")]), clock=lambda: NOW))
    made.add_issuer("/e", Issuer(persona("entra-v2"), KeyRing([fixed_key("a")]), clock=lambda: NOW))
    return made


@pytest.fixture
def control(idp: MockIdP) -> Control:
    return Control(idp, make_key=quick_key)


def states(control: Control, path: str = "/t") -> list[str]:
    return [key.state for key in control.keys(path)]


def published(idp: MockIdP, path: str = "/t") -> list[str]:
    return [key["kid"] for key in json.loads(idp.handle(Request("GET", f"{path}/jwks")).body)["keys"]]


def refused(error: pytest.ExceptionInfo[ControlError]) -> Code:
    return error.value.code


def test_an_issuer_is_added_served_listed_and_removed(idp: MockIdP, control: Control) -> None:
    added = control.add_issuer("/new", persona="generic", issuer="https://idp.example/", alg="ES256")

    assert (added.issuer, added.jwks_uri, added.id) == (
        "https://idp.example/",
        "http://127.0.0.1:1/new/jwks",
        "new",
    )
    assert published(idp, "/new") == [added.keys[0].kid]
    assert [found.path for found in control.issuers()] == ["/t", "/e", "/new"]
    control.remove_issuer("/new")
    with pytest.raises(ControlError) as error:
        control.issuer("/new")
    assert refused(error) is Code.NOT_FOUND


@pytest.mark.parametrize(
    "path,options,code",
    [
        ("/t", {}, Code.CONFLICT),
        ("no-slash", {}, Code.INVALID),
        ("/n", {"persona": "entrav2"}, Code.INVALID),
        ("/n", {"alg": "HS256"}, Code.INVALID),
    ],
)
def test_an_issuer_that_cannot_be_is_refused(control: Control, path: str, options: Any, code: Code) -> None:
    with pytest.raises(ControlError) as error:
        control.add_issuer(path, **options)

    assert refused(error) is code
    assert len(control.issuers()) == 2


def test_a_key_goes_through_its_whole_life(idp: MockIdP, control: Control) -> None:
    staged = control.stage("/t")
    assert (staged.state, published(idp)) == ("staged", ["a", staged.kid])

    assert control.rotate("/t").kid == staged.kid
    assert states(control) == ["retiring", "active"]

    assert control.retire("/t", "a").state == "retired"
    assert published(idp) == [staged.kid]

    assert control.revoke("/t", staged.kid).state == "revoked"
    assert states(control) == ["retired", "revoked", "active"]
    assert staged.kid not in published(idp)


def test_a_rotation_makes_a_key_where_none_is_staged_and_can_drop_the_old_one(control: Control) -> None:
    fresh = control.rotate("/t", alg="ES384", kid="named", keep_old=False)

    assert (fresh.kid, fresh.alg, states(control)) == ("named", "ES384", ["retired", "active"])


def test_another_key_is_put_under_a_kid(idp: MockIdP, control: Control) -> None:
    before = control.keys("/t")[0]

    after = control.replace("/t", "a")

    assert (after.kid, after.state) == (before.kid, before.state)
    assert after.thumbprint != before.thumbprint
    assert published(idp) == ["a"]


def test_a_kid_that_follows_from_the_key_cannot_be_reused(control: Control) -> None:
    with pytest.raises(ControlError, match="derives the kid from the key") as error:
        control.replace("/e", "a")

    assert refused(error) is Code.CONFLICT


def test_a_key_is_named_by_its_published_kid_as_well(control: Control) -> None:
    (key,) = control.keys("/e")

    assert key.kid != key.name == "a"
    assert control.revoke("/e", key.kid).state == "revoked"


def test_illegal_moves_and_unknown_keys_are_refused(control: Control) -> None:
    with pytest.raises(ControlError) as active:
        control.retire("/t", "a")
    with pytest.raises(ControlError) as unknown:
        control.revoke("/t", "zzz")

    assert (refused(active), refused(unknown)) == (Code.CONFLICT, Code.NOT_FOUND)
    assert states(control) == ["active"]


def test_people_are_added_listed_and_removed(control: Control) -> None:
    ann = control.add_person("ann", name="Ann of Example", domain="fabrikam.example")

    assert (ann.email, control.people()) == ("ann@fabrikam.example", (ann,))
    with pytest.raises(ControlError) as twice:
        control.add_person("ann")
    control.remove_person("ann")
    with pytest.raises(ControlError) as gone:
        control.remove_person("ann")
    assert (refused(twice), refused(gone), control.people()) == (Code.CONFLICT, Code.NOT_FOUND, ())


def test_a_token_is_minted_for_a_person_of_the_directory_and_for_any_other_name(control: Control) -> None:
    control.add_person("ann", name="Ann of Example")

    known = control.decode(control.mint("/t", "ann", claims={"groups": ["qa"]}).token).payload.value
    other = control.decode(control.mint("/t", "zoe", kind="id", lifetime_s=-5).token).payload.value

    assert known is not None
    assert other is not None
    assert (known["name"], known["groups"], known["iat"]) == ("Ann of Example", ["qa"], NOW)
    assert (other["sub"], other["exp"]) == (Person.named("zoe").subject, NOW - 5)


def test_a_token_is_forged_by_name(control: Control) -> None:
    forged = control.mint("/t", "ann", forgery="none_alg", argument="nOnE")
    raw = control.mint("/t", "ann", forgery="raw_byte")

    header = control.decode(forged.token).header.value
    assert header is not None
    assert (header["alg"], forged.forgery, raw.encoding) == ("nOnE", "none_alg", "base64url")


@pytest.mark.parametrize(
    "path,options",
    [
        ("/e", {"claims": {"sub": "mine"}}),
        ("/t", {"forgery": "none_algo"}),
        ("/t", {"forgery": "none_alg", "argument": 1}),
        ("/t", {"kind": "refresh"}),
    ],
)
def test_a_token_that_cannot_be_made_is_refused(control: Control, path: str, options: Any) -> None:
    with pytest.raises(ControlError) as error:
        control.mint(path, "ann", **options)

    assert refused(error) is Code.INVALID


ODD_ARGUMENTS: list[Any] = [
    None, True, 0, -1, 1.5, 2**70, "", "x", "é\x00", [], [1], {}, {"a": 1}, {"alg": 1, "signature": []},
    {"member": 1, "value": None}, {"segment": {}, "size": "x"},
]  # fmt: skip


@pytest.mark.parametrize("name", FORGERIES)
def test_whatever_a_forgery_is_given_it_makes_a_token_or_says_no(control: Control, name: str) -> None:
    for argument in ODD_ARGUMENTS:
        for path in ("/t", "/e"):
            try:
                assert control.mint(path, "ann", forgery=name, argument=argument).token is not None
            except ControlError as error:
                assert error.code is Code.INVALID  # noqa: PT017 - either outcome is right


def test_a_fault_is_set_listed_counted_down_and_cleared(idp: MockIdP, control: Control) -> None:
    control.set_fault("/t", "jwks", {"status": 503}, times=3)

    assert idp.handle(Request("GET", "/t/jwks")).status == 503
    (fault,) = control.faults()
    assert (fault.issuer, fault.endpoint, fault.fault, fault.left) == ("/t", "jwks", {"status": 503}, 2)
    control.clear_fault("/t", "jwks")
    assert (control.faults(), idp.handle(Request("GET", "/t/jwks")).status) == ((), 200)
    control.set_fault("/e", "metadata", "html_page")
    control.clear_faults()
    assert control.faults() == ()


@pytest.mark.parametrize(
    "path,endpoint,fault,code",
    [
        ("/zzz", "jwks", "html_page", Code.NOT_FOUND),
        ("/t", "zzz", "html_page", Code.NOT_FOUND),
        ("/t", "jwks", "html-page", Code.INVALID),
        ("/t", "jwks", {"status": 1}, Code.INVALID),
    ],
)
def test_a_fault_that_cannot_be_is_refused(
    control: Control, path: str, endpoint: str, fault: Any, code: Code
) -> None:
    with pytest.raises(ControlError) as error:
        control.set_fault(path, endpoint, fault)

    assert (refused(error), control.faults()) == (code, ())


def test_the_clock_of_an_issuer_decides_the_times_of_its_tokens(control: Control) -> None:
    def issued(path: str) -> float:
        payload = control.decode(control.mint(path, "ann").token).payload.value
        assert payload is not None
        return float(payload["iat"])

    assert control.clock("/t").mode is ClockMode.REAL
    assert control.move_clock("/t", 60).now == NOW + 60
    assert (issued("/t"), issued("/e")) == (NOW + 60, NOW)
    assert control.freeze_clock("/t", 1_000.0).mode is ClockMode.FROZEN
    assert (issued("/t"), control.set_clock("/t", 2_000.0).now) == (1_000, 2_000)
    assert (control.run_clock("/t").mode, control.real_clock("/t").now) == (ClockMode.SHIFTED, NOW)
    with pytest.raises(ControlError) as error:
        control.set_clock("/t", LATEST + 1)
    assert refused(error) is Code.INVALID


def test_a_frozen_clock_stands_and_a_shifted_one_goes_as_its_source_does() -> None:
    source = [100.0]
    clock = SettableClock(lambda: source[0])

    clock.set(500)
    source[0] += 7
    assert clock() == 507
    clock.freeze()
    source[0] += 7
    assert clock() == 507
    clock.move(-7)
    clock.run()
    source[0] += 1
    assert (clock(), clock.mode) == (501, ClockMode.SHIFTED)
    clock.real()
    assert (clock(), clock.mode) == (source[0], ClockMode.REAL)


@pytest.mark.parametrize("wrong", [-1.0, LATEST + 1, float("nan"), float("inf")])
def test_a_clock_refuses_times_that_no_token_can_show(wrong: float) -> None:
    clock = SettableClock(lambda: NOW)

    for turn in (clock.set, clock.freeze, clock.run):
        with pytest.raises(ValueError, match="from 1970"):
            turn(wrong)
    assert (clock(), clock.mode) == (NOW, ClockMode.REAL)


def test_recorded_requests_are_filtered_by_path_and_by_number(idp: MockIdP, control: Control) -> None:
    for path in ("/t/jwks", "/e/jwks", "/t/zzz"):
        idp.handle(
            Request("POST" if "zzz" in path else "GET", path, "q=1", (("accept", "*/*"),), b"\xffbody")
        )

    everything = control.requests()
    assert [(entry.path, entry.status) for entry in everything] == [
        ("/t/jwks", 200),
        ("/e/jwks", 200),
        ("/t/zzz", 404),
    ]
    assert (everything[2].body, everything[2].headers, everything[2].query) == (
        "�body",
        (("accept", "*/*"),),
        "q=1",
    )
    assert json.loads(everything[2].answer_body) == {"error": "not_found"}
    assert [entry.path for entry in control.requests(path="/t")] == ["/t/jwks", "/t/zzz"]
    assert control.requests(since=everything[1].number) == everything[2:]
    assert control.requests(limit=1) == everything[2:]
    control.clear_requests()
    assert (control.requests(), control.issuer("/t").requests["jwks"]) == ((), 0)


def test_numbers_of_requests_go_on_after_they_were_cleared(idp: MockIdP, control: Control) -> None:
    idp.handle(Request("GET", "/t/jwks"))
    (first,) = control.requests()
    control.clear_requests()

    idp.handle(Request("GET", "/t/jwks"))

    assert [entry.number for entry in control.requests(since=first.number)] == [first.number + 1]


def test_a_canary_counts_its_hits(idp: MockIdP, control: Control) -> None:
    canary = control.add_canary("jku-1")

    idp.handle(Request("GET", canary.path))

    assert canary.url == "http://127.0.0.1:1/canary/jku-1"
    assert (control.canary("jku-1").hits, control.canaries()) == (1, (control.canary("jku-1"),))
    with pytest.raises(ControlError) as unknown:
        control.canary("zzz")
    with pytest.raises(ControlError) as wrong:
        control.add_canary("a/b")
    assert (refused(unknown), refused(wrong)) == (Code.NOT_FOUND, Code.INVALID)


def test_reset_forgets_what_a_test_did_and_keeps_issuers_keys_and_people(
    idp: MockIdP, control: Control
) -> None:
    control.set_fault("/t", "jwks", "html_page")
    control.move_clock("/t", 60)
    control.add_canary("c")
    control.add_person("ann")
    kid = control.rotate("/t").kid
    idp.handle(Request("GET", "/t/jwks"))

    control.reset()

    assert (control.faults(), control.canaries(), control.requests()) == ((), (), ())
    assert (control.clock("/t").mode, len(control.people()), published(idp)) == (
        ClockMode.REAL,
        1,
        ["a", kid],
    )


@pytest.mark.parametrize(
    "token,problems",
    [
        ("", ("no JSON that can be shown", "no JSON that can be shown")),
        ("e30.bm8.x", (None, "no JSON that can be shown")),
        ("W10.{}.", ("no JSON object", "no base64url")),
        ("e30._w.", (None, "no UTF-8")),
        (
            "eyJhIjoxZTQwMH0.eyJhIjpOYU59.",
            ("no JSON that can be shown: the number 1e400", "no JSON that can be shown: NaN"),
        ),
        ("é.e30.", ("no base64url", None)),
    ],
)
def test_a_broken_token_is_shown_as_far_as_it_goes(token: str, problems: tuple[str | None, ...]) -> None:
    decoded = decode_token(token)

    for segment, problem in zip((decoded.header, decoded.payload), problems, strict=True):
        assert (segment.value is None) is (segment.problem is not None)
        assert (segment.problem or "").startswith(problem or "")
        assert (segment.problem is None) is (problem is None)


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 200_000])
def test_a_deeply_nested_token_is_not_shown_as_a_value(control: Control, levels: int) -> None:
    token = control.mint("/t", "ann", forgery="deep_nesting", argument={"depth": levels}).token

    decoded = decode_token(token)

    assert {decoded.header.value is None, decoded.payload.value is None} == {True, False}


def test_the_example_of_the_documentation_runs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "mock-idp.md").read_text("utf-8")
    section = page.partition("\n## Control\n")[2].partition("\n## ")[0]

    (example,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)

    exec(compile(example, "docs/mock-idp.md", "exec"), {})  # noqa: S102 - the project's own page
