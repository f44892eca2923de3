"""Every event that the program logs, read out of its source."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from support.project import files, name

LEVELS = ("debug", "info", "warning", "error", "exception")


@dataclass(frozen=True)
class LoggedEvent:
    """One call of a logger; `level` is "several" where it is chosen at run time."""

    event: str
    level: str
    place: str


def logged_events() -> Iterator[LoggedEvent]:
    """All events of the package. A call whose event is no plain text has the event "?"."""
    for path in files(".py", under="mpsyncd"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        chosen = _chosen_loggers(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (level := _level(node.func, chosen)) is not None:
                first = node.args[1] if level == "log" else node.args[0] if node.args else None
                event = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else "?"
                yield LoggedEvent(event, "several" if level in {"log", "chosen"} else level, f"{name(path)}:{node.lineno}")


def _level(called: ast.expr, chosen: set[str]) -> str | None:
    match called:
        case ast.Attribute(value=ast.Name(id="log"), attr=level) if level in {*LEVELS, "log"}:
            return level
        case ast.Name(id=chosen_name) if chosen_name in chosen:
            return "chosen"
        case _:
            return None


def _chosen_loggers(tree: ast.Module) -> set[str]:
    """Names that hold one of two methods of the logger: `level = log.warning if first else log.debug`."""
    return {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.IfExp) and ast.unparse(node.value.body).startswith("log.")
        for target in node.targets
        if isinstance(target, ast.Name)
    }
