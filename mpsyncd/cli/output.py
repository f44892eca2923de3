"""How commands print: data on stdout (a table, or JSON when asked), words on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

_AWAY_FROM_TERMINAL = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table; `wide` ones take what is left and wrap."""

    title: str
    right: bool = False
    wide: bool = False


def print_json(value: Any) -> None:
    """Print a value as JSON: two blanks of indent, dates in ISO, one newline at the end."""
    sys.stdout.write(orjson.dumps(value, default=_plain, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode() + "\n")


def print_line(text: str) -> None:
    """Print one line of data."""
    sys.stdout.write(text + "\n")


def say(text: str) -> None:
    """Tell the person in front of the terminal something that is no data."""
    sys.stderr.write(text + "\n")


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
    """Print a table that fits the terminal, or 80 columns where there is none."""
    console = Console(file=sys.stdout, highlight=False)
    if not console.is_terminal:
        console = Console(file=sys.stdout, highlight=False, width=_AWAY_FROM_TERMINAL)
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.title, justify="right" if column.right else "left", overflow="fold", no_wrap=not column.wide)
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    console.print(table)


def ago(moment: datetime | None, now: datetime) -> str:
    """An instant as people say it: "4 min ago", "in 2 h"."""
    if moment is None:
        return "never"
    text = span(abs(now - moment))
    return f"{text} ago" if moment <= now else f"in {text}"


def span(duration: timedelta) -> str:
    """A duration with its largest unit: "12 s", "4 min", "3 h", "5 d"."""
    seconds = int(duration.total_seconds())
    for unit, size, until in (("s", 1, 90), ("min", 60, 5400), ("h", 3600, 172_800)):
        if seconds < until:
            return f"{seconds // size} {unit}"
    return f"{seconds // 86_400} d"


def left(eta: timedelta | None, *, least: bool) -> str:
    """The time that is left, as people say it; "" when nobody can."""
    if eta is None:
        return ""
    return f"{'at least ' if least else ''}{span(eta)} left"


def _cell(value: object) -> str:
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}".replace(",", " ")
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M")
        case _:
            return str(value)


def _plain(value: object) -> object:
    if isinstance(value, timedelta):
        return value.total_seconds()
    return str(value)
