"""Makes docs/reference/streams.md of the declarations. Called by `reference.py`; the text is for people who use the tables."""

from datetime import timedelta

from mpsyncd.model.source import Source
from mpsyncd.model.stream import Stream, Table, Write
from mpsyncd.sources import SOURCES

HEAD = """# Streams

Made from the declarations in `mpsyncd/sources` by `tests/support/reference.py`; a test keeps it true. How to add one:
[add-a-stream.md](../howto/add-a-stream.md).

A *walk* reads everything and marks what the vendor has no more (`deleted_at`). *Overlap* is how far behind the newest known row each
read of news begins. A stream needs a *capability* of the key: without it, this stream waits and the others go on.
"""


def streams_markdown() -> str:
    """The whole document."""
    return HEAD + "".join(_source(source) for source in SOURCES)


def _source(source: Source) -> str:
    steps = "".join(f"| {step.title['en']} | {step.title['ru']} | {_names(step.streams)} |\n" for step in source.pipeline)
    return (
        f"\n## {source.name}\n\nCalendar: {source.zone.key}. First load:\n\n| step | in Russian | streams |\n|---|---|---|\n{steps}"
        + "".join(_stream(stream) for stream in source.streams)
    )


def _stream(stream: Stream) -> str:
    facts = {
        "capability": stream.capability or "none",
        "schedule": stream.schedule,
        "limits": _names(stream.limits),
        "new rows": _news(stream),
        "walk": _walks(stream),
        "history": "none" if stream.backfill is None else _span(stream.backfill),
        "deletes in": f"`{stream.tombstones}`" if stream.tombstones else "",
        "events": _events(stream.main),
    }
    rows = "".join(f"| {name} | {fact} |\n" for name, fact in facts.items() if fact)
    tables = "".join(f"| `{table.name}` | {_names(('shop_id', *table.key))} | {_holds(table)} |\n" for table in stream.tables)
    return f"\n### {stream.name}\n\n| | |\n|---|---|\n{rows}\n| table | key | one row is |\n|---|---|---|\n{tables}"


def _walks(stream: Stream) -> str:
    if stream.walk is None:
        return "never"
    often = "every time" if not stream.walk else "once" if stream.walk == timedelta.max else f"every {_span(stream.walk)}"
    return often if stream.sweeps else f"{often}; deletes nothing"


def _news(stream: Stream) -> str:
    if stream.keeps_cursor:
        return "from the stored position"
    if stream.walk is not None and not stream.walk:
        return "by the walk"
    return f"overlap {_span(stream.overlap)}" if stream.overlap else "from the newest known row"


def _events(table: Table) -> str:
    return ", ".join(f"{track.field}: `{track.event}`" for track in table.tracks)


def _holds(table: Table) -> str:
    kept = f"; its versions are in `{table.name}_history`" if table.write is Write.SNAPSHOT else ""
    if table.part_of is None:
        return f"a document ({table.write.value}){kept}"
    return f"a part of `{table.part_of}`" + (f", from `{table.at}`" if table.at else "") + kept


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _span(span: timedelta) -> str:
    for unit, name in ((timedelta(days=1), "d"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "min")):
        if not span % unit:
            return f"{span // unit} {name}"
    return f"{span.total_seconds():g} s"
