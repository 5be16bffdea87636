"""The personas by name. A new one is a module that calls `register` and is imported by the package."""

from difflib import get_close_matches

from mock_idp.personas.model import Persona

_PERSONAS: dict[str, Persona] = {}


def register(new: Persona) -> Persona:
    """Make a persona known by its name; `ValueError` when the name is taken."""
    if new.name in _PERSONAS:
        raise ValueError(f"persona {new.name!r} exists already")
    _PERSONAS[new.name] = new
    return new


def persona(name: str) -> Persona:
    """Look a persona up, as in `persona("entra-v2")`; `ValueError` naming the nearest and all there are."""
    found = _PERSONAS.get(name)
    if found is not None:
        return found
    nearest = get_close_matches(name, _PERSONAS, n=1)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    raise ValueError(f"unknown persona {name!r}: {hint}there are {', '.join(names())}")


def names() -> tuple[str, ...]:
    """Give the names of all personas, sorted."""
    return tuple(sorted(_PERSONAS))
