"""What the database says of the declared tables: columns, types, primary keys; checked once against the declarations.

The SQL migration is the schema, so nothing here is declared twice. Must not read or write rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from mpsyncd.model.errors import ConfigError
from mpsyncd.model.stream import Write
from mpsyncd.storage.documents.kinds import KEY_TYPES, Kind, kind_of
from mpsyncd.storage.documents.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mpsyncd.model.stream import Stream, Table
    from mpsyncd.storage.pool import Connection, Record

OURS = ("shop_id", "extra", "row_hash", "first_seen_at", "synced_at", "deleted_at")
"""Columns that every data table has (parts have no `deleted_at`); a vendor's key of such a name goes to `extra`."""

_COLUMNS = """
SELECT n.nspname || '.' || c.relname AS table_name, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
       coalesce(b.typname, t.typname) AS type_name, coalesce(b.typcategory, t.typcategory)::text AS category
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type b ON b.oid = t.typbasetype
WHERE c.relkind IN ('r', 'p') AND n.nspname || '.' || c.relname = ANY($1)
ORDER BY c.oid, a.attnum
"""
_KEYS = """
SELECT n.nspname || '.' || c.relname AS table_name, array_agg(a.attname::text ORDER BY k.place) AS key
FROM pg_constraint p JOIN pg_class c ON c.oid = p.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL unnest(p.conkey) WITH ORDINALITY AS k (attnum, place)
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
WHERE p.contype = 'p' AND n.nspname || '.' || c.relname = ANY($1)
GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, its type as SQL spells it, the kind of its values."""

    name: str
    type: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Catalog:
    """The shapes of all declared tables by name. Made by `load`, good until a migration runs."""

    shapes: Mapping[str, Shape]

    @classmethod
    async def load(cls, conn: Connection, tables: Iterable[Table]) -> Catalog:
        """Read the columns of the declared tables.

        Raises:
            ConfigError: a table, a column of its key or one that every data table has is missing, or the key is another one.
        """
        declared = {table.name: table for table in tables}
        histories = [_history(table) for table in declared.values() if table.write is Write.SNAPSHOT]
        names = [*declared, *histories]
        columns: dict[str, list[Column]] = {name: [] for name in names}
        for row in await conn.fetch(_COLUMNS, names):
            columns[row["table_name"]].append(_column(row))
        keys = {row["table_name"]: tuple(row["key"]) for row in await conn.fetch(_KEYS, names)}
        for table in declared.values():
            _check(table, columns[table.name], keys.get(table.name, ()))
            _check_part(table, declared)
            _check_references(table, declared)
        for history in histories:
            _check_history(history, declared[history.removesuffix("_history")], columns, keys.get(history, ()))
        return cls(MappingProxyType({name: _shape(table, columns[name], declared) for name, table in declared.items()}))

    def shape(self, name: str) -> Shape:
        """The shape of a table that was declared when the catalog was loaded."""
        try:
            return self.shapes[name]
        except KeyError:
            raise ConfigError(f"The table {name} is used by a stream and declared by none; declare it in `tables` of a stream.") from None

    def parts(self, stream: Stream) -> tuple[Shape, ...]:
        """The shapes of a stream's part tables."""
        return tuple(self.shape(table.name) for table in stream.tables[1:])


def _column(row: Record) -> Column:
    return Column(row["name"], row["type"], kind_of(row["type_name"], row["category"]))


def _history(table: Table) -> str:
    return f"{table.name}_history"


def _shape(table: Table, columns: Sequence[Column], declared: Mapping[str, Table]) -> Shape:
    data = tuple(column for column in columns if column.name not in OURS)
    owned = frozenset(part.at for part in declared.values() if part.part_of == table.name and part.at)
    return Shape(table, data, parent=declared.get(table.part_of or ""), owned=owned)


def _check(table: Table, columns: Sequence[Column], key: tuple[str, ...]) -> None:
    where = f"The table {table.name}"
    if not columns:
        raise ConfigError(f"{where} is not in the database; add it with a migration and run it (mpsyncd migrate).")
    have = {column.name: column for column in columns}
    ours = [name for name in OURS if name != "deleted_at" or table.part_of is None]
    made = [*(table.carry or {}), *(table.numbered or ()), *(name for name in (table.position, table.guard) if name)]
    missing = [name for name in (*ours, *table.key, *made) if name not in have]
    if missing:
        raise ConfigError(f"{where} lacks the column {', '.join(missing)}; add it with a migration.")
    if columns[0].name != "shop_id":
        raise ConfigError(f"{where} must have shop_id as its first column, it has {columns[0].name}; mend its migration.")
    if key != ("shop_id", *table.key):
        raise ConfigError(f"{where} has the primary key ({', '.join(key)}), its stream declares (shop_id, {', '.join(table.key)}).")
    for name in table.key:
        if have[name].kind not in KEY_TYPES or have[name].type == "timestamp without time zone":
            raise ConfigError(
                f"{where} has the key column {name} of type {have[name].type}; a key is text, a whole number, a date, …tz or uuid."
            )


def _check_part(table: Table, declared: Mapping[str, Table]) -> None:
    if table.part_of is None:
        return
    parent = declared.get(table.part_of)
    if parent is None:
        raise ConfigError(f"The table {table.name} is a part of {table.part_of}, which no stream declares.")
    link = table.key[: len(parent.key)]
    if len(table.key) <= len(parent.key) or (table.rows is None and not set(link) <= set(table.carry or {})):
        raise ConfigError(
            f"The key of the part {table.name} must begin with as many columns as {parent.name} has in its own ({', '.join(parent.key)}), "
            "copied by `carry`, and go on with at least one more."
        )
    if table.rows is None and table.at is None:
        raise ConfigError(f"The part {table.name} declares neither `at` nor `rows`: there is no telling where its rows come from.")


def _check_references(table: Table, declared: Mapping[str, Table]) -> None:
    for reference in table.refers:
        referred = declared.get(reference.table)
        if referred is None or referred.part_of is not None:
            raise ConfigError(f"The table {table.name} refers to {reference.table}, which is no stream's main table.")
        if set(reference.columns) != set(referred.key):
            raise ConfigError(
                f"{table.name} refers to {reference.table} by {', '.join(reference.columns)}; its key is {', '.join(referred.key)}."
            )


def _check_history(history: str, table: Table, columns: Mapping[str, Sequence[Column]], key: tuple[str, ...]) -> None:
    wanted = {column.name for column in columns[table.name]} - {"deleted_at", "first_seen_at", "synced_at"} | {"valid_from", "gone"}
    missing = sorted(wanted - {column.name for column in columns[history]})
    if missing:
        raise ConfigError(f"The table {history} lacks {', '.join(missing)}; a history has the columns of its table, valid_from and gone.")
    if key != ("shop_id", *table.key, "valid_from"):
        raise ConfigError(f"The table {history} must have the primary key (shop_id, {', '.join(table.key)}, valid_from).")
