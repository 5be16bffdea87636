"""Pages of the site that are made from what is there: the front page, the references, and the files linked to.

MkDocs calls the three `on_` functions while it builds (mkdocs.yml). The README is the front page; rules, knobs and
commands come from the code, so that no page can say otherwise; a file of the repository that a page links to becomes a
page of its own, so that every link of the site works without the repository at hand.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from mkdocs.structure.files import File

from scenarios import exclusions, rulebook
from scenarios.cli import COMMANDS, cli
from scenarios.tables.load import shipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

    from scenarios.exclusions import Coverage

ROOT: Final = Path(__file__).parents[2]
_LINK: Final = re.compile(r"\]\((?![a-z]+:)([^)\s#]*)(#[^)\s]*)?\)")
_CODE: Final = re.compile(r"^(`{3,}).*?^\1", re.DOTALL | re.MULTILINE)
_LANGUAGES: Final = {
    ".py": "python",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
    ".mjs": "js",
    ".toml": "toml",
}
_FILES: Final = "files/"
"""Where the pages of linked files lie in the site."""

_origins: dict[str, str] = {}
"""The path in the repository of each page, by its path in the site."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is generated."""
    _origins.clear()
    _origins.update({file.src_uri: f"docs/{file.src_uri}" for file in files.documentation_pages()})
    made = {
        "index.md": (ROOT / "README.md").read_text(encoding="utf-8"),
        "reference/rules.md": _rules(),
        "reference/knobs.md": _knobs(),
        "reference/commands.md": _commands(),
    }
    _origins["index.md"] = "README.md"
    texts = {page: (ROOT / origin).read_text(encoding="utf-8") for page, origin in _origins.items()}
    waiting = list(texts.items())
    while waiting:
        page, text = waiting.pop()
        for target in _linked(text, _origins[page]):
            linked = _page_of(target)
            if linked not in _origins:
                _origins[linked] = target
                made[linked] = _shown(target)
                waiting.append((linked, made[linked]))
    for path, content in made.items():
        files.append(File.generated(config, path, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 - MkDocs names them
    """Let each link lead to the page of what it names."""
    origin = _origins.get(page.file.src_uri)
    if origin is None:
        return markdown

    def here(found: re.Match[str]) -> str:
        if not found[1]:
            return found[0]
        target = _page_of(_resolved(found[1], origin))
        return f"]({posixpath.relpath(target, posixpath.dirname(page.file.src_uri))}{found[2] or ''})"

    parts = re.split(r"(^`{3,}.*?^`{3,}$)", markdown, flags=re.DOTALL | re.MULTILINE)
    return "".join(part if part.startswith("```") else _LINK.sub(here, part) for part in parts)


def _linked(text: str, origin: str) -> Iterator[str]:
    for path, _ in _LINK.findall(_CODE.sub("", text)):
        if path:
            yield _resolved(path, origin)


def _resolved(path: str, origin: str) -> str:
    """Return the path in the repository that a link of a file names."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(origin), path))


def _page_of(target: str) -> str:
    """Return the path in the site of a file or folder of the repository."""
    if target == "README.md":
        return "index.md"
    if target.startswith("docs/"):
        return target.removeprefix("docs/")
    return f"{_FILES}{target}" if target.endswith(".md") else f"{_FILES}{target}.md"


def _shown(target: str) -> str:
    path = ROOT / target
    if path.is_dir():
        entries = sorted(
            one.name + "/" * one.is_dir() for one in path.iterdir() if not one.name.startswith(("_", "."))
        )
        return f"# {target}\n\n" + "\n".join(f"- `{name}`" for name in entries) + "\n"
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return text
    return f"# {target}\n\n````{_LANGUAGES.get(path.suffix, '')}\n{text.rstrip()}\n````\n"


def _rules() -> str:
    covered = exclusions.shipped().coverage(shipped())
    tested = sum(1 for entry in covered if entry.scenarios)
    about = (
        f"{len(covered)} rules in {len(rulebook.GROUPS)} groups, {tested} of them with scenarios. "
        "`touchstone list --rule MAP-014` lists the scenarios of one, and `touchstone run --rule MAP-014` asks them. "
        "The short keys of sources are [explained below](#sources)."
    )
    lines = ["# Rules", about]
    for group, title in rulebook.GROUPS.items():
        lines.append(f"## {group}: {title}")
        lines += [_rule(entry) for entry in covered if entry.rule.id.startswith(f"{group}-")]
    lines.append("## Sources")
    lines += [f"**{key}**: {_plain(text)}" for key, text in rulebook.sources().items()]
    return "\n\n".join(lines) + "\n"


def _rule(entry: Coverage) -> str:
    rule = entry.rule
    head = f"### {rule.id}\n\n**{rule.level.value}** · {rule.scope.value} · {rulebook.basis_text(rule.basis)}\n\n"
    body = f"{_plain(rule.statement)}\n\n*Source*: {_plain(rule.source)}. "
    body += f"*Scenarios*: {entry.scenarios or 'none'}. *A bug that it finds*: {_plain(rule.bug)}\n"
    for one in entry.exclusions:
        what = f"{_plain(one.case)}: " if one.case else ""
        body += f"\n*Not tested*: {what}{_plain(one.reason)}; needs {_plain(one.needs)}\n"
    return head + body


def _knobs() -> str:
    about = (
        "The choices that a target's profile may declare ([how](../writing-scenarios.md#knobs)), and what no "
        "declaration takes away."
    )
    lines = ["# Knobs", about]
    for knob in rulebook.knobs().values():
        values = ", ".join(f"`{value}`" for value in knob.values) or knob.type.value
        default = "no limit" if knob.default is None else f"`{knob.default}`"
        lines.append(f"## `{knob.name}`")
        lines.append(_plain(knob.about))
        lines.append(f"*Values*: {values}. *Default*: {default}. *Rules*: {_rule_links(knob.rules)}.")
        if knob.floor:
            lines.append(f"*Floor*: {_plain(knob.floor)}")
    return "\n\n".join(lines) + "\n"


def _rule_links(rules: Iterable[str]) -> str:
    return ", ".join(f"[{name}](rules.md#{name.lower()})" for name in rules)


def _commands() -> str:
    lines = ["# Commands", "What `touchstone COMMAND --help` says of each."]
    context = click.Context(cli, info_name="touchstone", **cli.context_settings)
    for name, about in COMMANDS.items():
        command = cli.get_command(context, name)
        if command is not None:
            inner = click.Context(
                command, info_name=name, parent=context, terminal_width=100, max_content_width=100
            )
            lines += [f"## touchstone {name}", f"{about}.", f"```text\n{command.get_help(inner)}\n```"]
    return "\n\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Return a text of the rulebook so that Markdown shows each sign of it outside code."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(
        part if part.startswith("`") else re.sub(r"([<>*_|\[\]])", r"\\\1", part) for part in parts
    )
