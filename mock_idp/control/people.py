"""Who can sign in."""

from __future__ import annotations

from mock_idp.control.errors import Code, ControlError, refusing
from mock_idp.control.steered import Steered
from mock_idp.people import DOMAIN, Person


class People(Steered):
    """The directory of the server."""

    def people(self) -> tuple[Person, ...]:
        """List the people of the directory."""
        return tuple(self._idp.people)

    def add_person(self, username: str, *, name: str | None = None, domain: str = DOMAIN) -> Person:
        """Take a person into the directory; a user name that is taken is a conflict."""
        if self._idp.people.find(username) is not None:
            raise ControlError(Code.CONFLICT, f"the user name {username!r} is taken")
        person = Person.of(name, username, domain) if name else Person.named(username, domain)
        with refusing(Code.CONFLICT):
            self._idp.people.add(person)
        return person

    def remove_person(self, username: str) -> None:
        """Forget a person."""
        with refusing(Code.NOT_FOUND):
            self._idp.people.remove(username)
