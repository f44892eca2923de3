"""The status page as HTML: escaped by default, no script, nothing from elsewhere."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from mpsyncd.model.overview import Overview
from mpsyncd.web.ports import WebPorts
from mpsyncd.web.words import WORDS

_STEPS = (("s", 1, 90), ("min", 60, 5_400), ("h", 3_600, 172_800))


def render(ports: WebPorts, overview: Overview | None, reasons: tuple[str, ...], *, language: str) -> str:
    """The page in one language."""
    words = WORDS[language]
    now = ports.now()

    def span(duration: timedelta) -> str:
        seconds = int(duration.total_seconds())
        for unit, size, until in _STEPS:
            if seconds < until:
                return f"{seconds // size} {words[unit]}"
        return f"{seconds // 86_400} {words['d']}"

    def when(moment: datetime | None) -> str:
        if moment is None:
            return words["never"]
        pattern = words["ago"] if moment <= now else words["in"]
        return pattern.format(span(abs(now - moment)))

    return (
        _environment()
        .get_template("status.html")
        .render(
            w=words, language=language, ports=ports, overview=overview, reasons=reasons,
            facts=ports.facts(), budgets=ports.budgets(), now=now, when=when, number=_number, span=span,
            uptime=span(now - ports.started_at),
        )
    )  # fmt: skip


def _number(value: float) -> str:
    return f"{value:,.0f}".replace(",", "\u202f")


@cache
def _environment() -> Environment:
    """Compiled templates; they are the same for as long as the process lives."""
    return Environment(
        loader=PackageLoader("mpsyncd.web", "pages"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
