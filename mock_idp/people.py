"""The people whom the mock IdP knows: named ones for tables, and any number made from a seed.

The same arguments give the same people on every run. Addresses lie in `.example` domains, so that no real
person is meant.
"""

import hashlib
import uuid
from dataclasses import dataclass
from typing import Self

from mock_idp.keys import b64url

MAX_PEOPLE = 10_000
DOMAIN = "contoso.example"


@dataclass(frozen=True, slots=True)
class Person:
    """One person of the directory."""

    name: str
    """As shown: `Ann Miller`."""
    email: str
    """Also the user principal name that Entra shows as `preferred_username` or `upn`."""
    username: str
    oid: str
    """The directory's object id, a GUID in lower case."""
    subject: str
    """An opaque id, which the `generic` persona issues as `sub`."""

    @classmethod
    def named(cls, username: str, domain: str = DOMAIN) -> Self:
        """Give the person of this user name: `named("ann")` is the same ann everywhere."""
        return cls.of(username.replace(".", " ").title(), username, domain)

    @classmethod
    def of(cls, name: str, username: str, domain: str = DOMAIN) -> Self:
        """Give the person of this full name and user name; every id follows from the address alone."""
        email = f"{username}@{domain}"
        subject = b64url(hashlib.sha256(f"subject:{email}".encode()).digest()[:15])
        return cls(name, email, username, str(uuid.uuid5(uuid.NAMESPACE_URL, f"mailto:{email}")), subject)


def make_people(count: int, seed: int = 0) -> tuple[Person, ...]:
    """Make `count` people (0 to 10,000) from a seed, each with an e-mail address of their own.

    `ValueError` for another count. Imports Faker when called, because it is slow to import.
    """
    if not 0 <= count <= MAX_PEOPLE:
        raise ValueError(f"between 0 and {MAX_PEOPLE} people can be made, not {count}")
    from faker import Faker  # importing the package must stay quick and free of Faker

    fake = Faker("en_US", use_weighting=False)
    fake.seed_instance(seed)
    people: dict[str, Person] = {}
    while len(people) < count:
        first, last = fake.first_name(), fake.last_name()
        username = f"{first}.{last}".lower()
        if username in people:
            username = f"{username}{len(people)}"
        people[username] = Person.of(f"{first} {last}", username)
    return tuple(people.values())
