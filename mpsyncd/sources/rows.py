"""Cures: texts that vendors write where a number or a moment belongs become what PostgreSQL types without guessing.

A cure keeps every key and never invents a value: what it can not read is BadData. Must not know any stream.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from mpsyncd.model.digits import all_decimal, all_whole
from mpsyncd.model.errors import BadData

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpsyncd.model.request import Document

MOSCOW = timezone(timedelta(hours=3), "MSK")
"""The wall clock of Russian vendors; a fixed offset since October 2014."""

_NOTHING = type(None)
_TEXT = {str}
_ANSWERS = 4096
_NEVER = "0001-01-01"
_DATE = len("2026-11-21")
_USUAL = len("2026-11-21T09:00:00")
_ZONES = frozenset({"", "Z"})
_SHOWN = 60
_BLANKS = {ord(blank): None for blank in " \t\u00a0\u2007\u2009\u202f"}
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_WHOLE = re.compile(r"([+-]?\d+)(?:\.0+)?", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:([T ])\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d(?::?\d\d)?)?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Ward:
    """Fields with one cure. Values of a healthy type stay as they are, and texts of which `plain` says that there is nothing to cure."""

    fields: tuple[str, ...]
    cure: Callable[[Any], Any]
    healthy: frozenset[type] = frozenset({_NOTHING})
    plain: Callable[[Sequence[str]], bool] | None = None


@dataclass(frozen=True, slots=True)
class Cures:
    """A row function: applies one cure to each named field; absent fields and null stay as they are."""

    wards: tuple[_Ward, ...]

    def __call__(self, document: Document) -> Document:
        cured = dict(document)
        for ward in self.wards:
            values = list(map(cured.get, ward.fields))
            doubtful = {*map(type, values)} - ward.healthy
            # One look at all of them: a row of finance has forty amounts.
            if not doubtful or (doubtful == _TEXT and ward.plain and ward.plain([value for value in values if type(value) is str])):
                continue
            for field, value in zip(ward.fields, values, strict=True):
                if type(value) in doubtful:
                    try:
                        cured[field] = ward.cure(value)
                    except ValueError as error:
                        raise BadData(f"{field}: {str(value)[:_SHOWN]!r} {error}") from None
        return cured


def together(*cures: Cures) -> Cures:
    """Several cures as one row function."""
    return Cures(tuple(ward for cure in cures for ward in cure.wards))


def moscow_time(*fields: str) -> Cures:
    """Moments without a zone are Moscow's; "" and the year 1 are null; a zone that is there and every digit of the fraction stay."""
    return Cures((_Ward(fields, partial(_moment, zone="+03:00")),))


def utc_time(*fields: str) -> Cures:
    """Like `moscow_time`, for vendors that mean UTC when they name no zone."""
    return Cures((_Ward(fields, partial(_moment, zone="Z")),))


def calendar_day(*fields: str) -> Cures:
    """Days of the vendor's calendar: a time and a zone behind the day are dropped, never applied; "" and the year 1 are null."""
    return Cures((_Ward(fields, _day),))


def number(*fields: str) -> Cures:
    """Numbers written as text, with a comma, with blanks between the digits; "" is null. Text stays text, so no digit is lost."""
    return Cures((_Ward(fields, _number, frozenset({_NOTHING, int, float}), all_decimal),))


def whole(*fields: str) -> Cures:
    """Like `number` for integers: 7.0 and "7.0" are 7, 7.5 is BadData."""
    return Cures((_Ward(fields, _whole, frozenset({_NOTHING, int}), all_whole),))


def instant(value: Any, *, zone: timezone) -> datetime | None:
    """Read a vendor's moment as an aware datetime (microseconds, the rest cut); None where it says "never".

    Raises:
        BadData: it is no moment.
    """
    try:
        text = _moment(value, zone="")
    except ValueError as error:
        raise BadData(f"{str(value)[:_SHOWN]!r} {error}") from None
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _moment(value: Any, *, zone: str) -> str | None:
    if not isinstance(value, str):
        raise ValueError("is not a moment")  # noqa: TRY004 - the type came from a vendor, it is data
    text = value.strip()
    if not text or text.startswith(_NEVER):
        return None
    if (
        text[_USUAL:] in _ZONES
        and text.isascii()
        and text[4:5] == text[7:8] == "-"
        and text[10:11] == "T"
        and text[13:14] == text[16:17] == ":"
    ):
        return _exists(text) if len(text) > _USUAL else _exists(text) + zone
    form = _MOMENT.fullmatch(text)
    if form is None:
        raise ValueError("is not a moment of the form YYYY-MM-DDThh:mm:ss")
    _exists(text)
    if form[1] is None:
        return f"{text}T00:00:00{zone}"
    return text if form[2] else text + zone


def _day(value: Any) -> str | None:
    return _known_day(value) if type(value) is str and len(value) == _DATE else _any_day(value)


def _any_day(value: Any) -> str | None:
    text = _moment(value, zone="")
    return text and text[:_DATE]


_known_day = lru_cache(_ANSWERS)(_any_day)
"""A report has the same few days in all its rows."""


def _exists(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("is a moment that no calendar has") from None
    return text


def _number(value: Any) -> Any:
    if type(value) is str and _NUMBER.fullmatch(value):
        return value
    text = _text(value)
    if text and not _NUMBER.fullmatch(text):
        raise ValueError("is not a number")
    return text or None


def _whole(value: Any) -> Any:
    if isinstance(value, float):
        if not value.is_integer():
            raise ValueError("is not a whole number")
        return int(value)
    text = _text(value)
    form = _WHOLE.fullmatch(text)
    if text and form is None:
        raise ValueError("is not a whole number")
    return form[1] if form else None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("is not a number")  # noqa: TRY004 - the type came from a vendor, it is data
    return value.translate(_BLANKS).replace(",", ".")
