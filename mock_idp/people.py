"""The people whom the mock IdP knows: named ones for tables, and any number made from a seed.

The same arguments give the same people on every run. Addresses lie in `.example` domains, so that no real
person is meant.
"""

import hashlib
import uuid
from collections.abc import Iterator
from threading import Lock
from typing import Self

import msgspec

from mock_idp.keys import b64url

MAX_PEOPLE = 10_000
DOMAIN = "contoso.example"


class Person(msgspec.Struct, frozen=True):
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


class Directory:
    """The people whom a mock IdP knows, by user name, in the order in which they came. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._people: dict[str, Person] = {}

    def __iter__(self) -> Iterator[Person]:
        with self._lock:
            return iter(tuple(self._people.values()))

    def __len__(self) -> int:
        return len(self._people)

    def find(self, username: str) -> Person | None:
        """Give the person of a user name, if there is one."""
        return self._people.get(username)

    def add(self, person: Person) -> None:
        """Take a person in, in place of the one of the same user name; `ValueError` past `MAX_PEOPLE`."""
        with self._lock:
            if person.username not in self._people and len(self._people) >= MAX_PEOPLE:
                raise ValueError(f"a directory holds at most {MAX_PEOPLE} people")
            self._people[person.username] = person

    def remove(self, username: str) -> None:
        """Forget a person; `ValueError` when there is none of this user name."""
        with self._lock:
            if self._people.pop(username, None) is None:
                raise ValueError(f"nobody has the user name {username!r}")

    def clear(self) -> None:
        """Forget everybody."""
        with self._lock:
            self._people.clear()


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
