"""Copies of the verifier with edited source, beside the honest one: imported anew, and gone with their last user.

Must never touch the honest modules: a copy has modules, tables and caches of its own, and while it is made
`sys.modules` is lent to it.
"""

from __future__ import annotations

import importlib
import sys
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from typing import TYPE_CHECKING, Any

from scenarios.selftest.mutant import TARGET, source_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import CodeType, ModuleType

    from scenarios.selftest.mutant import Edit
    from scenarios.targets.session import Session


def session_with(edits: Iterable[Edit]) -> Session:
    """Return a session, not yet started, with a copy of the reference verifier that has these edits.

    Raises ValueError for an edit whose place is not there once, LookupError for a module that is not there.
    """
    session: Session = _copy(edited(edits)).reference_session()
    return session


def edited(edits: Iterable[Edit]) -> dict[str, str]:
    """Return the source of every module that the edits change, as they leave it; raises as `session_with` does."""
    sources: dict[str, str] = {}
    for edit in edits:
        text = sources.get(edit.full_name) or source_of(edit.full_name)[1]
        sources[edit.full_name] = edit.applied(text)
    return sources


def _copy(sources: dict[str, str]) -> ModuleType:
    finder: Any = _Finder(sources)
    with _lent_modules():
        sys.meta_path.insert(0, finder)
        try:
            return importlib.import_module(TARGET)
        finally:
            sys.meta_path.remove(finder)


@contextmanager
def _lent_modules() -> Iterator[None]:
    """Let the verifier, and what puts it behind the protocol, be imported anew; then put the honest ones back."""
    importlib.import_module(TARGET)
    parent, _, name = TARGET.rpartition(".")
    honest = {one: module for one, module in sys.modules.items() if _is_copied(one)}
    for one in honest:
        del sys.modules[one]
    try:
        yield
    finally:
        for one in [one for one in sys.modules if _is_copied(one)]:
            del sys.modules[one]
        sys.modules.update(honest)
        setattr(sys.modules[parent], name, honest[TARGET])


def _is_copied(module: str) -> bool:
    return module in ("verifier", TARGET) or module.startswith("verifier.")


class _Finder:
    """Finds edited modules in place of those on disk; all others are found as ever."""

    def __init__(self, sources: dict[str, str]) -> None:
        self._sources = sources

    def find_spec(self, name: str, path: Sequence[str] | None, target: object = None) -> ModuleSpec | None:
        """Return the spec of an edited module, None for others (`importlib.abc.MetaPathFinder`)."""
        del target  # a hint that importlib.reload gives
        spec = PathFinder.find_spec(name, path) if name in self._sources else None
        if spec is not None and spec.origin is not None:
            spec.loader = _EditedLoader(name, spec.origin, self._sources[name])
        return spec


class _EditedLoader(SourceFileLoader):
    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self._source = source

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - importlib's signature
        code: CodeType = compile(self._source, self.path, "exec", dont_inherit=True)
        return code
