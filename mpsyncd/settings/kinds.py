"""Spellings of settings that people write: durations with a unit, names of time zones, and the base of every group."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainSerializer

_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_SPELLINGS = {
    "sec": "s", "second": "s", "seconds": "s", "m": "min", "minute": "min", "minutes": "min",
    "hour": "h", "hours": "h", "day": "d", "days": "d",
}  # fmt: skip
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)\s*")


class Group(BaseModel):
    """Base of all groups: frozen, and a key that nobody knows is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def parse_duration(value: Any) -> Any:
    """Read "90 s", "30 min", "6 h", "1 d 12 h"; what is a timedelta already passes."""
    if isinstance(value, timedelta):
        return value
    text = value.strip().lower() if isinstance(value, str) else ""
    parts = _PART.findall(text)
    if not parts or _PART.sub("", text):
        message = 'a duration has a number and a unit (s, min, h, d), for example "30 s" or "1 h 30 min"'
        raise ValueError(message)
    total = timedelta(0)
    for number, unit in parts:
        known = _UNITS.get(_SPELLINGS.get(unit, unit))
        if known is None:
            message = f"{unit!r} is no unit of time; there are s, min, h and d"
            raise ValueError(message)
        total += float(number) * known
    return total


def spell_duration(value: timedelta) -> str:
    """Write a duration so that `parse_duration` reads the same: "1 h 30 min"."""
    rest = value
    parts = []
    for unit in ("d", "h", "min", "s", "ms"):
        count, rest = divmod(rest, _UNITS[unit])
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts) or "0 s"


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        message = "must be more than nothing"
        raise ValueError(message)
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:
        message = f"{value!r} is no time zone; name one of the IANA list, for example Europe/Moscow or UTC"
        raise ValueError(message) from error
    return value


Duration = Annotated[
    timedelta, BeforeValidator(parse_duration), AfterValidator(_positive), PlainSerializer(spell_duration, when_used="json")
]
Zone = Annotated[str, AfterValidator(_zone)]
