"""The pytest plugin: the mock IdP as fixtures, and scenarios as tests of an integrator's own verifier.

It is loaded with every pytest run of an environment that has Touchstone, so it imports nothing at start but pytest;
all else comes when a test asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mock_idp import MockIdP
    from mock_idp.served import ServedIssuer
    from scenarios.pytest_scenarios import Bench, ScenarioTest, TableFile

MARKER: Final = "touchstone"
TABLE_SUFFIXES: Final = (".scenarios.yaml", ".scenarios.yml")
"""Files with these endings are collected as tables of scenarios."""

_BENCH: Final = pytest.StashKey["Bench"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the ini option that names the target of collected tables."""
    parser.addini(
        "touchstone_target",
        "the target file (YAML) that collected *.scenarios.yaml tables are asked of; the reference verifier by default",
        default="",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(target, *, rejects, reasons, select, rule, level, catalog, only_catalog, scope, keys, algorithms, "
        "capabilities, knobs, checks): one test for each scenario, asked of `target`: a callable (token, integration) "
        "-> user, or the path of a target file. The test takes the fixture `scenario` and calls `scenario.check()`.",
    )


def _bench(config: pytest.Config) -> Bench:
    """Return what all scenario tests of this process share; made when the first one needs it."""
    from scenarios.pytest_scenarios import Bench

    if _BENCH not in config.stash:
        config.stash[_BENCH] = Bench()
    return config.stash[_BENCH]


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the targets and the mock IdP."""
    bench = config.stash.get(_BENCH, None)
    if bench is not None:
        bench.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each scenario that a marked test asks for."""
    marker = metafunc.definition.get_closest_marker(MARKER)
    if marker is None:
        return
    if "scenario" not in metafunc.fixturenames:
        pytest.fail(f"a test that is marked {MARKER} takes the fixture 'scenario'", pytrace=False)
    from scenarios.pytest_scenarios import MarkerError, scenario_tests

    try:
        tests = scenario_tests(marker, metafunc.definition.path.parent, lambda: _bench(metafunc.config))
    except MarkerError as error:
        pytest.fail(str(error), pytrace=False)
    metafunc.parametrize("scenario", tests, ids=[test.id for test in tests])


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> TableFile | None:
    """Collect tables of scenarios."""
    if not file_path.name.endswith(TABLE_SUFFIXES):
        return None
    from scenarios.pytest_scenarios import TableFile

    table: TableFile = TableFile.from_parent(parent, path=file_path)
    table.bench = lambda: _bench(parent.config)
    return table


@pytest.fixture(scope="session")
def _touchstone_server() -> Iterator[MockIdP]:
    from pytest_httpserver import HTTPServer

    from mock_idp import MockIdP
    from mock_idp.serve import attach

    with HTTPServer(host="127.0.0.1", port=0, threaded=True) as server:
        idp = MockIdP()
        attach(idp, server)
        yield idp


@pytest.fixture
def idp_factory(_touchstone_server: MockIdP) -> Iterator[Callable[..., ServedIssuer]]:
    """Make issuers on one running server, for this test alone: `idp_factory("entra-v2", audience="api")`.

    Arguments: the persona's name (`generic` by default), `alg` (RS256), `path` (a new one), and those of
    `mock_idp.Issuer`. All of them, their keys, faults and journal are gone after the test.
    """
    from scenarios.pytest_scenarios import issuer_factory

    _touchstone_server.reset()
    yield issuer_factory(_touchstone_server)
    _touchstone_server.reset()


@pytest.fixture
def mock_idp(idp_factory: Callable[..., ServedIssuer]) -> ServedIssuer:
    """Give a plain issuer that answers over HTTP, with fresh state for each test."""
    return idp_factory()


@pytest.fixture
def scenario() -> ScenarioTest:
    """Give the scenario of a test that is marked `touchstone`."""
    pytest.fail("the fixture 'scenario' needs the marker: @pytest.mark.touchstone(verify)", pytrace=False)
