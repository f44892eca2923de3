"""Results as lines that people compare: a number, and whether it reached its goal."""

from __future__ import annotations

from collections.abc import Sequence

_LARGE = 1_000


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under their heads, texts to the left and numbers to the right."""
    texts = [[_text(cell) for cell in row] for row in rows]
    widths = [max(len(line[place]) for line in [list(head), *texts]) for place in range(len(head))]
    for line in [list(head), *texts]:
        first, *others = [cell.rjust(width) for cell, width in zip(line, widths, strict=True)]
        print("  ".join([first.strip().ljust(widths[0]), *others]), flush=True)


def goal(name: str, value: float, *, least: float | None = None, most: float | None = None, unit: str = "") -> None:
    """Print a figure with its goal."""
    reached = (least is None or value >= least) and (most is None or value <= most)
    bound = f">= {least:g}" if least is not None else f"<= {most:g}"
    print(f"{'reached' if reached else 'MISSED '}  {name}: {_text(value)}{unit} (goal {bound}{unit})", flush=True)


def _text(value: object) -> str:
    match value:
        case float() if abs(value) >= _LARGE:
            return f"{value:,.0f}"
        case float():
            return f"{value:.3g}"
        case int():
            return f"{value:,}"
        case _:
            return str(value)
