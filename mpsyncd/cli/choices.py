"""Words that people type, turned into what they name, with near matches for those that name nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from difflib import get_close_matches

import typer

from mpsyncd.model.source import Source
from mpsyncd.sources import SOURCES


def source_named(name: str) -> Source:
    """The source of this name; a usage error names the near ones."""
    for source in SOURCES:
        if source.name == name:
            return source
    names = [source.name for source in SOURCES]
    near = get_close_matches(name, names, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
    message = f"there is no source {name!r}; {hint}"
    raise typer.BadParameter(message)


def stream_names(source: Source, names: list[str]) -> tuple[str, ...]:
    """The same names with those that are meant along, after a look that the source has such streams."""
    known = [stream.name for stream in source.streams]
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.5)
            message = f"{source.name} has no stream {name!r}; {f'did you mean {near[0]}?' if near else 'there are ' + ', '.join(known)}"
            raise typer.BadParameter(message)
    return tuple(dict.fromkeys(each for name in names for each in (name, *source.stream(name).along)))


def moment(text: str | None, *, source: Source) -> datetime | None:
    """A day in the source's calendar ("2026-11-01") or an instant with its offset, as an aware UTC instant."""
    if text is None:
        return None
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is no day; write it as 2026-11-01, or as an instant with its offset, 2026-11-01T12:00:00+03:00"
        raise typer.BadParameter(message) from None
    return (given if given.tzinfo is not None else given.replace(tzinfo=source.zone)).astimezone(UTC)
