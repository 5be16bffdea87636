"""Finding a target's Python code by the words of its file: a function, a class or an object.

This runs the target's module, as importing does. What goes wrong in it is a `TargetError` and never escapes
as anything else.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from scenarios.targets.in_process import CallableTarget, ObjectTarget, full_name
from scenarios.targets.profile import TargetError
from scenarios.targets.protocol import readable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from types import ModuleType

    from scenarios.targets.channel import Channel

_MESSAGES: Final = ("start", "onboard", "authenticate")


def python_channel(
    reference: str, folder: Path, *, rejects: Sequence[str], reasons: Mapping[str, str], name: str
) -> Channel:
    """Return a channel to `file.py:attribute` (relative to `folder`) or `package.module:attribute`.

    A class or an object with the protocol's methods speaks messages; any other callable checks tokens, and its
    module's `__version__` is the target's. Raises `TargetError` (`not_found`, or `crash` when the module throws).
    """
    module_name, _, attribute = reference.rpartition(":")
    with _importable(folder):
        module = _module(module_name, folder)
        found: Any = _attribute(module, attribute, reference)
        if all(callable(getattr(found, message, None)) for message in _MESSAGES):
            return ObjectTarget(found if isinstance(found, type) else lambda: found)
        if not callable(found):
            raise TargetError(
                "configuration", f"'{reference}' is neither callable nor an object that speaks messages"
            )
        classes = [_exception(word, module, ("rejects", index)) for index, word in enumerate(rejects)]
        named = {_reason_key(word, module): reason for word, reason in reasons.items()}
    version = str(getattr(module, "__version__", ""))
    return CallableTarget(found, rejects=classes, reasons=named, name=name, version=version)


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let modules beside the target's file be imported while it is loaded."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _module(name: str, folder: Path) -> ModuleType:
    if not name.endswith(".py"):
        return _import(name)
    path = folder / name
    own_name = f"touchstone_target_{path.stem}"
    spec = importlib.util.spec_from_file_location(own_name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise TargetError("not_found", f"there is no file '{path}'")
    module = importlib.util.module_from_spec(spec)
    sys.modules[own_name] = module  # dataclasses and pickles look a class's module up there
    try:
        spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise _thrown(name, error) from error
    return module


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except KeyboardInterrupt:
        raise
    except ModuleNotFoundError as error:
        raise TargetError("not_found", f"the module '{name}' cannot be imported: {error}") from error
    except BaseException as error:
        raise _thrown(name, error) from error


def _thrown(name: str, error: BaseException) -> TargetError:
    said = readable(f"{full_name(type(error))}: {error}", 400)
    return TargetError("crash", f"loading '{name}' raised {said}")


def _attribute(module: ModuleType, attribute: str, reference: str) -> object:
    found: object = module
    for step in attribute.split("."):
        if not hasattr(found, step):
            raise TargetError("not_found", f"'{reference}' is not there: '{step}' is no name in it")
        found = getattr(found, step)
    return found


def _exception(word: str, module: ModuleType, where: tuple[str | int, ...]) -> type[BaseException]:
    """Return the class of a dotted name, or of a bare one of the target's own module or of Python."""
    owner, _, name = word.rpartition(".")
    places = [_import(owner)] if owner else [module, builtins]
    found = next((getattr(place, name) for place in places if hasattr(place, name)), None)
    if not (isinstance(found, type) and issubclass(found, BaseException)):
        raise TargetError("configuration", f"'{word}' under `{where[0]}` is no exception class", where)
    return found


def _reason_key(word: str, module: ModuleType) -> str:
    """Return a class's real full name: `jwt.ExpiredSignatureError` is one of `jwt.exceptions`."""
    return full_name(_exception(word, module, ("reasons", word))) if "." in word else word
