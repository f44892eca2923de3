"""Progress of runs as the database has it: bars on a terminal, now and then a line elsewhere. Shows committed work, never hopes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

from mpsyncd.cli.output import say
from mpsyncd.model.clock import SystemClock

LOOK_EVERY = 0.3
"""Seconds between two looks at the database."""
_LINE_EVERY = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One line of progress. `percent` None: there is no telling, `rows` so far is all that is known."""

    name: str
    percent: int | None
    rows: int
    note: str = ""


class Screen(Protocol):
    """Where bars are shown."""

    def show(self, bars: Iterable[Bar]) -> None:
        """Show these bars instead of the last ones."""
        ...


@contextmanager
def screen() -> Iterator[Screen]:
    """Bars on a terminal, else lines; both on stderr."""
    console = Console(stderr=True)
    if not console.is_terminal:
        lines = _Lines()
        try:
            yield lines
        finally:
            lines.finish()
        return
    columns = (
        TextColumn("{task.fields[name]}"),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]} rows"),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[note]}", markup=True),
    )
    with Progress(*columns, console=console, refresh_per_second=8) as progress:
        yield _Bars(progress)


@dataclass(slots=True)
class _Bars:
    progress: Progress
    tasks: dict[str, TaskID] = field(default_factory=dict)

    def show(self, bars: Iterable[Bar]) -> None:
        for bar in bars:
            values: dict[str, Any] = {
                "name": bar.name,
                "rows": f"{bar.rows:,}".replace(",", " "),
                "note": bar.note.replace("[", "(").replace("]", ")"),
            }
            total = None if bar.percent is None else 100
            if bar.name not in self.tasks:
                self.tasks[bar.name] = self.progress.add_task("", total=total, **values)
            self.progress.update(self.tasks[bar.name], total=total, completed=bar.percent or 0, **values)


@dataclass(slots=True)
class _Lines:
    """One line whenever something changed, but not more than one in a few seconds; how it ended is always told."""

    seen: str = ""
    told: str = ""
    told_at: float = float("-inf")

    def show(self, bars: Iterable[Bar]) -> None:
        self.seen = ", ".join(
            f"{bar.name} {'' if bar.percent is None else f'{bar.percent} %, '}{bar.rows} rows{f' ({bar.note})' if bar.note else ''}"
            for bar in bars
        )
        if SystemClock().monotonic() - self.told_at >= _LINE_EVERY:
            self.finish()

    def finish(self) -> None:
        """Tell the last state, unless it was told already."""
        if self.seen and self.seen != self.told:
            say(self.seen)
            self.told, self.told_at = self.seen, SystemClock().monotonic()
