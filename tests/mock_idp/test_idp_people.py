"""People: the same from the same seed, and each with an address of their own."""

import uuid

import pytest

from mock_idp import Person, make_people


def test_the_same_seed_makes_the_same_people_and_another_makes_others() -> None:
    assert make_people(20, seed=3) == make_people(20, seed=3)
    assert make_people(20, seed=3) != make_people(20, seed=4)


def test_a_larger_crowd_begins_with_the_smaller_one() -> None:
    assert make_people(50, seed=1)[:10] == make_people(10, seed=1)


def test_every_address_and_every_id_belongs_to_one_person() -> None:
    people = make_people(3000)

    for ids in ([p.email for p in people], [p.oid for p in people], [p.subject for p in people]):
        assert len(set(ids)) == 3000


def test_people_live_in_example_domains_and_have_guids() -> None:
    for person in make_people(50):
        assert person.email.endswith(".example")
        assert str(uuid.UUID(person.oid)) == person.oid


@pytest.mark.parametrize("count", [-1, 10_001])
def test_a_count_out_of_bounds_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"not {count}"):
        make_people(count)


def test_a_named_person_is_the_same_everywhere_and_differs_by_domain() -> None:
    ann = Person.named("ann")

    assert ann == Person.named("ann", domain="contoso.example")
    assert (ann.name, ann.email, ann.username) == ("Ann", "ann@contoso.example", "ann")
    assert ann.oid != Person.named("ann", domain="fabrikam.example").oid
