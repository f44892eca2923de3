"""What a JSON value becomes in a column of a kind: the text that PostgreSQL's own input function then types.

Refuses what PostgreSQL would take silently and wrongly ("NaN", "now", "01.02.2026"), cures what is only spelt oddly ("" and 7.0 where an
integer belongs). Knows no table and no stream.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from math import isfinite
from types import MappingProxyType
from typing import Any, TypeAlias
from uuid import UUID

from mpsyncd.model.digits import all_days, all_decimal, all_whole
from mpsyncd.model.errors import BadData
from mpsyncd.storage.documents.hashing import dump

Text: TypeAlias = str | None

_SHOWN = 60
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
_WHOLE = re.compile(r"([+-]?\d+)(?:\.0*)?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d(?:[T ].*)?", re.ASCII)
_INT64 = 2**63


class Kind(StrEnum):
    """Families of column types that are spelt alike."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    MOMENT = "moment"
    DATE = "date"
    JSON = "json"
    UUID = "uuid"
    ARRAY = "array"
    OTHER = "other"


def kind_of(type_name: str, category: str) -> Kind:
    """The kind of a PostgreSQL type by its internal name ("int8") and category ("A" for arrays)."""
    return Kind.ARRAY if category == "A" else _KINDS.get(type_name, Kind.OTHER)


_KINDS = MappingProxyType(
    {
        **dict.fromkeys(("text", "varchar", "bpchar", "name"), Kind.TEXT),
        **dict.fromkeys(("int2", "int4", "int8"), Kind.INTEGER),
        **dict.fromkeys(("numeric", "float4", "float8"), Kind.NUMBER),
        **dict.fromkeys(("timestamptz", "timestamp"), Kind.MOMENT),
        **dict.fromkeys(("json", "jsonb"), Kind.JSON),
        "bool": Kind.BOOLEAN,
        "date": Kind.DATE,
        "uuid": Kind.UUID,
    }
)


def _wrong(value: Any, words: str) -> BadData:
    return BadData(f"{str(value)[:_SHOWN]!r} {words}")


def text(value: Any) -> Text:
    """Any value as text; lists and objects as JSON."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | Decimal() | UUID():
            return str(value)
        case float():
            return repr(value)
        case date():
            return value.isoformat()
        case _:
            return dump(value).decode()


def integer(value: Any) -> Text:
    """A whole number; 7.0 and "7.00" are 7, "" is null."""
    if type(value) is int:
        return str(value)
    if isinstance(value, float | Decimal) and isfinite(value) and value == int(value):
        return str(int(value))
    if isinstance(value, str):
        stripped = value.strip()
        form = _WHOLE.fullmatch(stripped)
        if form is not None:
            return form[1]
        if not stripped:
            return None
    raise _wrong(value, "is not a whole number")


def number(value: Any) -> Text:
    """A finite number, or its text; "" is null."""
    if type(value) is int:
        return str(value)
    if isinstance(value, float) and isfinite(value):
        return repr(value)
    if isinstance(value, Decimal) and value.is_finite():
        return str(value)
    if isinstance(value, str):
        stripped = value.strip()
        if not stripped:
            return None
        if _NUMBER.fullmatch(stripped):
            return stripped
    raise _wrong(value, "is not a number")


def boolean(value: Any) -> Text:
    """A truth value as bool, 0, 1 or one of PostgreSQL's words; "" is null."""
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, str):
        return value.strip() or None
    if type(value) is int and value in {0, 1}:
        return str(value)
    raise _wrong(value, "is neither true nor false")


def moment(value: Any) -> Text:
    """A moment or day in ISO order; "" is null. Words such as "now" and other orders of day and month are refused."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        stripped = value.strip()
        if not stripped:
            return None
        if _DAY.fullmatch(stripped):
            return stripped
    raise _wrong(value, "is not of the form YYYY-MM-DD or YYYY-MM-DDThh:mm:ss")


def array(value: Any) -> Text:
    """A list as PostgreSQL's array literal; "" is null."""
    if isinstance(value, list):
        return "{" + ",".join(map(_element, value)) + "}"
    if value == "":
        return None
    raise _wrong(value, "is not a list")


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return str(array(value))
    return '"' + str(text(value)).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _other(value: Any) -> Text:
    if isinstance(value, dict | list):
        raise _wrong(value, "is not a single value")
    return text(value) or None


def _json(value: Any) -> Text:
    return dump(value).decode()


RENDER: MappingProxyType[Kind, Callable[[Any], Text]] = MappingProxyType(
    {
        Kind.TEXT: text,
        Kind.INTEGER: integer,
        Kind.NUMBER: number,
        Kind.BOOLEAN: boolean,
        Kind.MOMENT: moment,
        Kind.DATE: moment,
        Kind.JSON: _json,
        Kind.UUID: _other,
        Kind.ARRAY: array,
        Kind.OTHER: _other,
    }
)
"""One value that is not None -> its text; BadData when no column of the kind can hold it."""


_TEXTS, _WHOLE_NUMBERS = {str, type(None)}, {int}
_COUNTED = frozenset({Kind.INTEGER, Kind.NUMBER})
_PLAIN: MappingProxyType[Kind, Callable[[Sequence[str]], bool]] = MappingProxyType(
    {Kind.INTEGER: all_whole, Kind.NUMBER: all_decimal, Kind.DATE: all_days}
)
"""What tells of all texts of a column that they are what PostgreSQL shall have."""


def render_column(kind: Kind, values: Sequence[Any]) -> list[Text]:
    """Many values of one column at once; the common spellings cost no function call. Raises like RENDER."""
    told = _as_told(kind, values)
    return _one_by_one(kind, values) if told is None else told


def _as_told(kind: Kind, values: Sequence[Any]) -> list[Text] | None:
    """The column where one look at all of its values shows that there is nothing to do with any."""
    types = {*map(type, values)}
    if types <= _TEXTS and (kind is Kind.TEXT or (kind in _PLAIN and _PLAIN[kind]([v for v in values if v is not None]))):
        return list(values)
    return list(map(str, values)) if types == _WHOLE_NUMBERS and kind in _COUNTED else None


def _one_by_one(kind: Kind, values: Sequence[Any]) -> list[Text]:
    match kind:
        case Kind.TEXT:
            return [v if v.__class__ is str or v is None else text(v) for v in values]
        case Kind.INTEGER:
            return [str(v) if v.__class__ is int else None if v is None else integer(v) for v in values]
        case Kind.NUMBER:
            return [
                repr(v) if v.__class__ is int or (v.__class__ is float and v - v == 0) else None if v is None else number(v) for v in values
            ]
        case Kind.BOOLEAN:
            return ["t" if v is True else "f" if v is False else None if v is None else boolean(v) for v in values]
        case Kind.MOMENT | Kind.DATE:
            # What is spelt like this PostgreSQL reads as ISO or refuses; everything else is looked at closely.
            return [
                None
                if v is None
                else v
                if v.__class__ is str and v[4:5] == "-" == v[7:8] and v[10:11] == "T" and v[:4].isdigit()
                else moment(v)
                for v in values
            ]
        case _:
            one = RENDER[kind]
            return [None if v is None else one(v) for v in values]


KEY_TYPES = MappingProxyType(
    {
        Kind.TEXT: "text",
        Kind.INTEGER: "bigint",
        Kind.DATE: "date",
        Kind.MOMENT: "timestamptz",
        Kind.UUID: "uuid",
        Kind.BOOLEAN: "boolean",
    }
)
"""Kinds that may stand in a key, with the type under which their values travel."""


def key_value(kind: Kind, value: Any) -> Any:
    """A value of a key as asyncpg reads it back: equal in Python if and only if equal in the database.

    Raises:
        BadData: it is missing, null or not of this kind.
    """
    told = None if value is None else RENDER[kind](value)
    if told is None:
        raise BadData("is missing")
    try:
        return _KEYS[kind](told)
    except ValueError:
        raise _wrong(value, f"is no {kind.value}") from None


def _int64(told: str) -> int:
    value = int(told)
    if not -_INT64 <= value < _INT64:
        raise ValueError(told)
    return value


def _without_nul(told: str) -> str:
    if "\x00" in told:
        raise BadData("holds the character NUL, which PostgreSQL can not store")
    return told


def _instant(told: str) -> datetime:
    read = datetime.fromisoformat(told)
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)


def _truth(told: str) -> bool:
    known = {"t": True, "true": True, "1": True, "f": False, "false": False, "0": False}.get(told.lower())
    if known is None:
        raise ValueError(told)
    return known


_KEYS: MappingProxyType[Kind, Callable[[str], Any]] = MappingProxyType(
    {
        Kind.TEXT: _without_nul,
        Kind.INTEGER: _int64,
        Kind.DATE: lambda told: date.fromisoformat(told[:10]),
        Kind.MOMENT: _instant,
        Kind.UUID: UUID,
        Kind.BOOLEAN: _truth,
    }
)


def comparable(kind: Kind, told: Any) -> Any:
    """The text of a guard, or what asyncpg read of a stored one, as something that has an order; None when there is none."""
    if not isinstance(told, str):
        return told
    try:
        match kind:
            case Kind.NUMBER:
                return Decimal(told)
            case Kind.INTEGER | Kind.DATE | Kind.MOMENT | Kind.TEXT:
                return _KEYS[kind](told)
            case _:
                return None
    except (ValueError, InvalidOperation):
        return None
