"""What every declared stream promises about its tables, on a real PostgreSQL with the migrations run."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import asyncpg

from mpsyncd.model.errors import BadData
from mpsyncd.model.naming import snake
from mpsyncd.model.source import Source
from mpsyncd.model.stream import Stream, Table
from support.sources import every_stream, fixture_of

OURS_BY_TYPE = {
    "extra": "jsonb",
    "row_hash": "bytea",
    "first_seen_at": "timestamp with time zone",
    "synced_at": "timestamp with time zone",
    "deleted_at": "timestamp with time zone",
}
TYPED_BY_POSTGRES = {"text", "boolean", "jsonb", "ARRAY"}
NUMBERS = (("1 234,50", "1234.50"), ("1\u00a0234,5", "1234.5"), ("1\u202f234", "1234"), ("-0.5", "-0.5"), (17, "17"), (17.25, "17.25"))
WHOLES = (("1 234", 1234), ("1\u00a0234", 1234), ("-7", -7), (17, 17), (17.0, 17), ("17.00", 17))
NO_NUMBERS = ["NaN", "Infinity", "-inf", "1.2.3", "0x10", "seven", "٧", True, [], {}]
NO_MOMENTS = [
    "01.02.2026",
    "2026-13-01T00:00:00",
    "2026-02-30",
    "2026-11-05T25:00:00",
    "now",
    "infinity",
    "20261105",
    1_763_000_000,
    True,
    [],
]


@every_stream
async def test_tables_have_the_columns_that_every_table_has(source: Source, stream: Stream, module_database: str) -> None:
    assert stream in source.streams
    for table in stream.tables:
        columns = await _columns(module_database, table)
        ours = {name: kind for name, kind in OURS_BY_TYPE.items() if name != "deleted_at" or table is stream.main}
        assert next(iter(columns)) == "shop_id"
        assert ours.items() <= columns.items(), table.name
        assert await _primary_key(module_database, table) == ("shop_id", *table.key), table.name
        named = {*table.key, table.guard, table.position, *(table.carry or {}), *([stream.day] if table is stream.main else [])} - {None}
        assert named <= set(columns), table.name


@every_stream
async def test_every_key_of_the_fixture_has_a_column_or_is_known_to_be_extra(source: Source, stream: Stream, module_database: str) -> None:
    """And every column is fed by a key of the fixture: a column misspelt in the migration would stay empty for ever."""
    fixture = fixture_of(source, stream)
    documents = fixture.documents(stream)
    at = {table.at for table in stream.tables[1:]}
    for table in stream.tables:
        columns = set(await _columns(module_database, table)) - {"shop_id", *OURS_BY_TYPE}
        keys = {key for document in documents[table.name] for key in document} - (at if table is stream.main else set())
        assert sorted(key for key in keys if snake(key) not in columns) == sorted(fixture.expected["tables"][table.name]["extra"])
        made = {table.position, *(table.carry or {}), *(table.numbered or ())}
        assert sorted(columns - {snake(key) for key in keys} - made) == [], f"no row of the fixture fills these columns of {table.name}"


@every_stream
async def test_postgres_types_the_cured_fixture(source: Source, stream: Stream, module_database: str) -> None:
    documents = fixture_of(source, stream).documents(stream)
    for table in stream.tables:
        columns = await _columns(module_database, table)
        cured = [table.row(document) if table.row else document for document in documents[table.name]]
        stored = await _populated(module_database, table, [{snake(key): value for key, value in document.items()} for document in cured])
        assert len(stored) == len(cured)
        for document, record in zip(cured, stored, strict=True):
            lost = [key for key, value in document.items() if snake(key) in columns and value is not None and record[snake(key)] is None]
            assert lost == [], table.name


@every_stream
async def test_numbers_and_moments_are_read_in_every_spelling_or_refused(source: Source, stream: Stream, module_database: str) -> None:
    fixture = fixture_of(source, stream)
    documents = fixture.documents(stream)
    for table in stream.tables:
        offset = datetime.fromisoformat(f"2026-01-01T00:00:00{fixture.expected['zone']}").utcoffset()
        columns = await _columns(module_database, table)
        for key, kind in _vendor_columns(documents[table.name], columns):
            read, refused = _spellings(kind, timezone(offset or timedelta(0)))
            sample = next(document for document in documents[table.name] if key in document)
            stored = await _stored(module_database, table, sample, key, [told for told, _ in read])
            wrong = [(told, got) for (told, wanted), got in zip(read, stored, strict=True) if got != wanted]
            assert wrong == [], f"{table.name}: {key} ({kind})"
            assert [bad for bad in refused if not _is_refused(table, {**sample, key: bad}, key)] == [], f"{table.name}: {key} ({kind})"


def _vendor_columns(documents: list[dict[str, Any]], columns: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Keys of the vendor whose column PostgreSQL would fill with whatever looks like a number or a moment to it."""
    for key in {key: None for document in documents for key in document}:
        kind = columns.get(snake(key))
        if kind is not None and kind not in TYPED_BY_POSTGRES:
            yield key, kind


def _spellings(kind: str, zone: timezone) -> tuple[list[tuple[Any, Any]], list[Any]]:
    match kind:
        case "numeric":
            return [("", None), *((told, Decimal(wanted)) for told, wanted in NUMBERS)], NO_NUMBERS
        case "bigint" | "integer":
            return [("", None), *WHOLES], [*NO_NUMBERS, "7.5", 7.5]
        case "timestamp with time zone":
            return _moments(zone), NO_MOMENTS
        case "date":
            return _days(), NO_MOMENTS
        case _:
            raise AssertionError(f"no spellings are known for columns of type {kind}: add them to this file, and a cure to sources/rows.py")


def _moments(zone: timezone) -> list[tuple[Any, Any]]:
    clock = datetime(2026, 11, 5, 10, 11, 12, tzinfo=zone)
    return [
        ("2026-11-05T10:11:12", clock),
        ("2026-11-05 10:11:12", clock),
        ("2026-11-05T10:11:12.34567", clock + timedelta(microseconds=345_670)),
        ("2026-11-05T10:11:12.5Z", datetime(2026, 11, 5, 10, 11, 12, 500_000, tzinfo=UTC)),
        ("2026-11-05T10:11:12+05:00", datetime(2026, 11, 5, 5, 11, 12, tzinfo=UTC)),
        ("2026-11-05", clock.replace(hour=0, minute=0, second=0)),
        ("", None),
        ("0001-01-01T00:00:00", None),
        ("0001-01-01T00:00:00Z", None),
    ]


def _days() -> list[tuple[Any, Any]]:
    day = date(2026, 11, 5)
    return [
        ("2026-11-05", day),
        ("2026-11-05T00:00:00", day),
        ("2026-11-05T00:00:00Z", day),
        ("2026-11-05T23:30:00+05:00", day),
        ("2026-11-05 00:30:00-05:00", day),
        ("", None),
        ("0001-01-01", None),
        ("0001-01-01T00:00:00Z", None),
    ]


def _is_refused(table: Table, document: dict[str, Any], key: str) -> bool:
    if table.row is None:
        return False
    try:
        table.row(document)
    except BadData as error:
        return key in str(error)
    return False


async def _stored(dsn: str, table: Table, sample: dict[str, Any], key: str, spellings: list[Any]) -> list[Any]:
    cured = [table.row({**sample, key: told})[key] if table.row else told for told in spellings]
    return [record[snake(key)] for record in await _populated(dsn, table, [{snake(key): value} for value in cured])]


async def _populated(dsn: str, table: Table, documents: list[dict[str, Any]]) -> list[asyncpg.Record]:
    """What PostgreSQL makes of documents whose keys are columns."""
    query = f"""SELECT typed.* FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS told(document, place),
                LATERAL jsonb_populate_record(NULL::{table.name}, told.document) AS typed ORDER BY told.place"""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'")
        return list(await connection.fetch(query, json.dumps(documents)))
    finally:
        await connection.close()


async def _columns(dsn: str, table: Table) -> dict[str, str]:
    """Names and types of the columns that are written, in order."""
    query = "SELECT column_name, data_type FROM information_schema.columns WHERE {} AND is_generated = 'NEVER' ORDER BY ordinal_position"
    rows = await _fetch(dsn, query, table)
    assert rows, f"no migration makes {table.name}"
    return {row["column_name"]: row["data_type"] for row in rows}


async def _primary_key(dsn: str, table: Table) -> tuple[str, ...]:
    query = """SELECT column_name FROM information_schema.key_column_usage JOIN information_schema.table_constraints
               USING (constraint_schema, constraint_name, table_schema, table_name)
               WHERE constraint_type = 'PRIMARY KEY' AND {} ORDER BY ordinal_position"""
    return tuple(row["column_name"] for row in await _fetch(dsn, query, table))


async def _fetch(dsn: str, query: str, table: Table) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(dsn)
    try:
        return list(await connection.fetch(query.format("table_schema = $1 AND table_name = $2"), *table.name.split(".")))
    finally:
        await connection.close()
