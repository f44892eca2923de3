"""The SQL of one data table, built from its declaration. The only built SQL of the program; every identifier is quoted here.

Written so that plans do not depend on statistics: keys come as arrays, and a LATERAL subquery goes into the primary key once a key. A row
is found as the first one from its key to its key, in the order of the key. With a plain "=" every index that begins with shop_id looks as
good as the primary key while the statistics know nothing of a shop, and then each look-up reads the whole shop. Without the second bound a
key that is not there would be looked for behind all that others have written and not committed yet. Runs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mpsyncd.storage.documents.kinds import KEY_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mpsyncd.model.stream import Parents, Table
    from mpsyncd.storage.documents.kinds import Kind


def quoted(name: str) -> str:
    """An identifier, quoted."""
    return '"' + name.replace('"', '""') + '"'


def relation(name: str) -> str:
    """A table with its schema, quoted."""
    return ".".join(map(quoted, name.split(".")))


def listed(names: Sequence[str], prefix: str = "") -> str:
    """Columns, quoted, with commas between them."""
    return ", ".join(prefix + quoted(name) for name in names)


def within(scope: Mapping[str, Any], *, first: int) -> tuple[list[str], list[object]]:
    """Conditions on a row t that a scope (column -> value, or (from, to) without `to`) holds it, and their values from $`first` on."""
    conditions, values = [], list[object]()
    for name, value in scope.items():
        bounds = value if isinstance(value, tuple) else (value,)
        for sign, bound in zip((">=", "<") if len(bounds) > 1 else ("=",), bounds, strict=True):
            conditions.append(f"t.{quoted(name)} {sign} ${first + len(values)}")
            values.append(bound)
    return conditions, values


def read_for(parents: Parents, *, row: str, first: int) -> tuple[list[str], list[object]]:
    """Conditions on a row of the parents' table that it is read for, whenever it changed, and their values from $`first` on."""
    conditions = [f"{row}.row_hash <> ''", *(() if parents.deleted else (f"{row}.deleted_at IS NULL",))]
    allowed = sorted(parents.where.items())
    conditions += [f"{row}.{quoted(name)} = ANY (${place})" for place, (name, _) in enumerate(allowed, start=first)]
    return conditions, [list(values) for _, values in allowed]


class Statements:
    """Statements over one table; $1 is always the shop. `keys` are its key columns after shop_id as parallel arrays."""

    def __init__(self, table: Table, names: Sequence[str], key_kinds: Sequence[Kind]) -> None:
        self.table = relation(table.name)
        self.schema, self.bare = table.name.split(".")
        self.key = table.key
        self.types = tuple(KEY_TYPES[kind] for kind in key_kinds)
        self._names = tuple(names)
        self._tombstones = table.part_of is None
        self._guard = f"t.{quoted(table.guard)}" if table.guard else "NULL"
        self.copied = (*names, "extra", "row_hash", "shop_id", "first_seen_at", "synced_at")
        """The columns of a row as COPY sends it."""

    def given(self, first: int, *, columns: int | None = None) -> str:
        """unnest() arguments for (the first `columns` of) the key, as parameters from `first` on."""
        types = self.types[:columns]
        return ", ".join(f"${first + place}::{kind}[]" for place, kind in enumerate(types))

    def aliases(self, columns: int | None = None) -> str:
        """Names of the given key columns, k1, k2 and so on."""
        return ", ".join(f"k{place}" for place, _ in enumerate(self.key[:columns], start=1))

    def found(self, columns: str) -> str:
        """LATERAL subquery t over the keys i: `columns` of the row of each key."""
        order = ", ".join(["t.shop_id", *(f"t.{quoted(name)}" for name in self.key)])
        given = ", ".join(["$1::bigint", *(f"i.k{place}" for place, _ in enumerate(self.key, start=1))])
        return (
            f"LATERAL (SELECT {columns} FROM {self.table} t "  # noqa: S608 - identifiers are quoted
            f"WHERE ({order}) >= ({given}) AND ({order}) <= ({given}) ORDER BY {order} LIMIT 1) t"
        )

    @property
    def differing(self) -> str:
        """(shop, keys…, hashes) -> place from 1, synced_at (null: not there), deleted_at, guard of what is not stored just so."""
        size = len(self.key)
        columns = f"t.row_hash, t.synced_at, t.deleted_at, {self._guard} AS found_guard"
        return f"""
SELECT i.place, t.synced_at, t.deleted_at, t.found_guard
FROM unnest({self.given(2)}, ${size + 2}::bytea[]) WITH ORDINALITY AS i ({self.aliases()}, told, place)
LEFT JOIN {self.found(columns)} ON true
WHERE t.row_hash IS DISTINCT FROM i.told OR t.deleted_at IS NOT NULL"""  # noqa: S608

    def parts_of(self, link: int) -> str:
        """(shop, parents' keys…) -> whole key of each part row of these documents, row_hash.

        The shop is hidden from the planner, which would expect no row of one that is younger than the statistics.
        """
        keys = " AND ".join(f"t.{quoted(name)} = i.k{place}" for place, name in enumerate(self.key[:link], start=1))
        return f"""
SELECT {listed(self.key, "t.")}, t.row_hash
FROM unnest({self.given(2, columns=link)}) AS i ({self.aliases(link)})
CROSS JOIN LATERAL (
    SELECT * FROM {self.table} t WHERE t.shop_id = (SELECT $1::bigint) AND {keys} ORDER BY {listed(self.key[link:], "t.")} OFFSET 0
) t"""  # noqa: S608

    @property
    def upsert(self) -> str:
        """(shop, rows as JSON of texts, asked_at): insert or change; what a change leaves is first_seen_at."""
        data = (*self._names, "extra", "row_hash")
        changed = [f"{quoted(name)} = excluded.{quoted(name)}" for name in data if name not in self.key]
        alive = ["deleted_at = NULL"] if self._tombstones else []
        return f"""
INSERT INTO {self.table} AS t (shop_id, {listed(data)}, first_seen_at, synced_at)
SELECT $1, {listed(data, "r.")}, $3::timestamptz, $3::timestamptz FROM json_populate_recordset(NULL::{self.table}, $2::text::json) r
ON CONFLICT (shop_id, {listed(self.key)}) DO UPDATE
SET {", ".join([*changed, "synced_at = greatest(t.synced_at, excluded.synced_at)", *alive])}"""  # noqa: S608

    @property
    def typed(self) -> str:
        """(some columns as JSON of texts): fails when a type refuses one of them."""
        return f"SELECT FROM json_populate_record(NULL::{self.table}, $1::text::json) r WHERE r IS NOT NULL"

    @property
    def delete(self) -> str:
        """(shop, keys…): rows of these keys are deleted."""
        return f"""
DELETE FROM {self.table} WHERE ctid = ANY (ARRAY(
    SELECT t.found_ctid FROM unnest({self.given(2)}) AS i ({self.aliases()}) CROSS JOIN {self.found("t.ctid AS found_ctid")}))"""  # noqa: S608

    @property
    def absent(self) -> str:
        """(shop, keys…) -> the keys that have no row."""
        return f"""
SELECT {self.aliases()} FROM unnest({self.given(2)}) AS i ({self.aliases()}) LEFT JOIN {self.found("t.synced_at")} ON true
WHERE t.synced_at IS NULL"""  # noqa: S608

    @property
    def stub(self) -> str:
        """(shop, keys…, moment): a row of nothing but its key for each that is not there; any answer is younger than it."""
        moment = f"${len(self.key) + 2}::timestamptz"
        return f"""
INSERT INTO {self.table} (shop_id, {listed(self.key)}, row_hash, first_seen_at, synced_at)
SELECT $1, {self.aliases()}, '', {moment}, 'epoch' FROM unnest({self.given(2)}) AS i ({self.aliases()}) ON CONFLICT DO NOTHING"""  # noqa: S608

    @property
    def mark(self) -> str:
        """(walk, keys…): marks of the walk; the status tells how many are new."""
        return f"""
INSERT INTO mpsync.walk_seen (walk_id, key_hash)
SELECT $1, {self.hashed("i", [f"k{place}" for place, _ in enumerate(self.key, start=1)])}
FROM unnest({self.given(2)}) AS i ({self.aliases()})
ON CONFLICT DO NOTHING"""  # noqa: S608

    def hashed(self, table: str, names: Sequence[str]) -> str:
        """The hash of a key as marks keep it: of the text of the row of typed values, 16 bytes of SHA-256."""
        values = ", ".join(f"{table}.{quoted(name)}::{kind}" for name, kind in zip(names, self.types, strict=True))
        return f"substring(sha256(convert_to(ROW({values})::text, 'UTF8')) FROM 1 FOR 16)"

    @property
    def missed(self) -> str:
        """Condition on a row t of shop $1: alive, no stub, not marked by walk $2, written before $3.

        OFFSET 0 has each row look its mark up by the key. As a join, marks that the statistics do not know of yet were taken for none, and
        every row was hashed once for each mark: 21,000 rows took minutes.
        """
        return (
            "t.shop_id = $1 AND t.deleted_at IS NULL AND t.row_hash <> '' AND t.synced_at < $3 AND NOT EXISTS "
            f"(SELECT FROM mpsync.walk_seen w WHERE w.walk_id = $2 AND w.key_hash = {self.hashed('t', self.key)} OFFSET 0)"
        )
