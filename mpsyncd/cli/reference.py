"""The reference page of commands, made of the commands themselves. Pure: text out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from mpsyncd.cli.app import app
from mpsyncd.cli.codes import Code

_HEAD = """\
# Commands

Made from `mpsyncd/cli` by `tests/support/reference.py`; a test keeps it true. `mpsyncd COMMAND --help` says the same.

Data goes to stdout, as a table or as JSON with `--json`; logs, questions and progress go to stderr, progress bars only on a terminal.
A key is never an argument: it comes from a file (`--token-file FILE`), from stdin (`--token-file -`) or from a hidden prompt.

| exit code | meaning |
|---|---|"""
_MEANINGS = {
    Code.DONE: "done",
    Code.FAILED: "failed; the message says what and what to do",
    Code.USAGE: "wrong usage",
    Code.PARTLY: "partly failed: some shops or streams are done, others are not",
    Code.TRY_LATER: "try later: the database is away, or no daemon runs",
    Code.CONFIG: "settings, files or the environment are wrong",
    Code.INTERRUPTED: "interrupted by Ctrl-C",
}


def commands_markdown() -> str:
    """The page."""
    root: Any = get_command(app)
    codes = "\n".join(f"| {code.value} | {meaning} |" for code, meaning in _MEANINGS.items())
    before = "\n".join(["## Before every command", "", *_table(root)])
    return "\n\n".join([f"{_HEAD}\n{codes}", before, *_sections(root, "mpsyncd")]) + "\n"


def _sections(group: Any, above: str) -> Iterator[str]:
    for name in sorted(group.commands):
        command = group.commands[name]
        path = f"{above} {name}"
        if hasattr(command, "commands"):
            yield from _sections(command, path)
            continue
        arguments = [_argument(each) for each in command.params if each.param_type_name == "argument"]
        lines = [f"## {' '.join([path, *arguments])}", "", " ".join((command.help or "").split())]
        options = _table(command)
        yield "\n".join([*lines, "", *options] if options else lines)


def _table(command: Any) -> list[str]:
    rows = [
        f"| {_spelling(each)} | {' '.join((each.help or '').split())}{_default(each)} |"
        for each in command.params
        if each.name not in {"install_completion", "show_completion"} and each.help
    ]
    return ["| option | meaning |", "|---|---|", *rows] if rows else []


def _spelling(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{_argument(parameter)}`"
    value = "" if parameter.is_flag else f" {parameter.metavar or parameter.name.upper()}"
    return ", ".join(f"`{name}{value}`" for name in [*parameter.opts, *parameter.secondary_opts])


def _argument(parameter: Any) -> str:
    name = (parameter.metavar or parameter.name).upper().strip("{}[]")
    return name if parameter.required else f"[{name}{'…' if parameter.nargs != 1 else ''}]"


def _default(parameter: Any) -> str:
    if parameter.param_type_name == "argument" or parameter.is_flag or parameter.default in {None, ()} or callable(parameter.default):
        return ""
    return f" (default `{parameter.default}`)"
