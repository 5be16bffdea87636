"""The people whom the mock IdP knows: named ones for tables, and any number made from a seed.

The same arguments give the same people on every run. Addresses lie in `.example` domains, so that no real
person is meant.
"""

import hashlib
import re
import uuid
from collections.abc import Iterator, Mapping
from functools import lru_cache
from threading import Lock
from typing import Any

import msgspec

from mock_idp.keys import b64url

MAX_PEOPLE = 10_000
DOMAIN = "contoso.example"
USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
"""What a user name may be where it comes from outside."""


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

    @staticmethod
    def named(username: str, domain: str = DOMAIN) -> "Person":
        """Give the person of this user name: `named("ann")` is the same ann everywhere."""
        return _person(username.replace(".", " ").title(), username, domain)

    @staticmethod
    def of(name: str, username: str, domain: str = DOMAIN) -> "Person":
        """Give the person of this full name and user name; every id follows from the address alone."""
        return _person(name, username, domain)


@lru_cache(maxsize=256)
def _person(name: str, username: str, domain: str) -> Person:
    # Tests ask for the same few people in every token.
    email = f"{username}@{domain}"
    subject = b64url(hashlib.sha256(f"subject:{email}".encode()).digest()[:15])
    return Person(name, email, username, str(uuid.uuid5(uuid.NAMESPACE_URL, f"mailto:{email}")), subject)


class Account(msgspec.Struct, frozen=True):
    """What is known of a person beside who they are."""

    claims: Mapping[str, Any] = msgspec.field(default_factory=dict)
    """Set on top of their tokens and of userinfo."""
    password: str | None = None
    """What the password grant has to send; without one, anything that is not empty."""


class Directory:
    """The people whom a mock IdP knows, by user name, in the order in which they came. Thread-safe."""

    accounts: dict[str, Account]
    """What is known of them, by user name."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._people: dict[str, Person] = {}
        self.accounts = {}

    def __iter__(self) -> Iterator[Person]:
        with self._lock:
            return iter(tuple(self._people.values()))

    def __len__(self) -> int:
        return len(self._people)

    def find(self, username: str) -> Person | None:
        """Give the person of a user name, if there is one."""
        return self._people.get(username)

    def add(self, person: Person, account: Account | None = None) -> None:
        """Take a person in, in place of the one of the same user name; `ValueError` past `MAX_PEOPLE`.

        Without `account`, what was known of the user name stays.
        """
        with self._lock:
            if person.username not in self._people and len(self._people) >= MAX_PEOPLE:
                raise ValueError(f"a directory holds at most {MAX_PEOPLE} people")
            self._people[person.username] = person
            if account is not None:
                self.accounts[person.username] = account

    def remove(self, username: str) -> None:
        """Forget a person; `ValueError` when there is none of this user name."""
        with self._lock:
            if self._people.pop(username, None) is None:
                raise ValueError(f"nobody has the user name {username!r}")
            self.accounts.pop(username, None)

    def clear(self) -> None:
        """Forget everybody."""
        with self._lock:
            self._people.clear()
            self.accounts.clear()


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
