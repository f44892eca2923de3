"""What snapshot tables remember: every version of a row in `<table>_history`, every complete read in `snapshots`.

The vendors keep no history of these numbers, so "unchanged" must differ from "not read". A version is what the columns hold: a document
that changed in its parts alone, or is hashed anew under a new declaration, makes none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsyncd.model.stream import Write
from mpsyncd.storage.documents.statements import listed, quoted, relation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mpsyncd.storage.documents.merge import Merge
    from mpsyncd.storage.documents.shape import Key, Shape

_TAKEN = """
INSERT INTO mpsync.snapshots (shop_id, table_name, taken_at, rows)
SELECT $1, t.name, $3, coalesce(c.live, 0)
FROM unnest($2::text[]) AS t (name) LEFT JOIN mpsync.table_counts c ON c.shop_id = $1 AND c.table_name = t.name
ON CONFLICT (shop_id, table_name, taken_at) DO UPDATE SET rows = excluded.rows
"""


async def remember(merge: Merge, at: datetime, keys: Sequence[Key], *, gone: bool = False, shape: Shape | None = None) -> None:
    """Copy the rows of these keys, as they stand now, into the history, valid from `at`; `gone` says that they are not there any more.

    `shape`: a part table, or None for the main one. Nothing is written for a table without a history.
    """
    shape = shape or merge.main
    if not keys or shape.table.write is not Write.SNAPSHOT:
        return
    columns = list(map(list, zip(*keys, strict=True)))
    await merge.conn.execute(insertion(shape), merge.shop_id, *columns, at, gone)


def insertion(shape: Shape) -> str:
    """(shop, keys…, at, gone): the rows of these keys become versions, where their newest one up to then is another."""
    sql, key = shape.sql, shape.table.key
    history, at, gone = relation(f"{shape.table.name}_history"), f"${len(key) + 2}::timestamptz", f"${len(key) + 3}::boolean"
    told = [name for name in (*shape.names, "extra") if name not in key]
    data = (*told, "row_hash")
    place = ["h.shop_id", *(f"h.{quoted(name)}" for name in key), "h.valid_from"]
    given = ", ".join(["$1::bigint", *(f"i.k{number}" for number, _ in enumerate(key, start=1))])
    newest = ", ".join(f"{column} DESC" for column in place)
    # Bounded from below too: a new key would step over all the versions that this very statement has written before.
    return f"""
INSERT INTO {history} (shop_id, {listed((*key, *data))}, valid_from, gone)
SELECT $1, {sql.aliases()}, {listed(data, "t.")}, {at}, {gone}
FROM unnest({sql.given(2)}) AS i ({sql.aliases()}) CROSS JOIN {sql.found(listed(data, "t."))}
LEFT JOIN LATERAL (
    SELECT h.* FROM {history} h
    WHERE ({", ".join(place)}) <= ({given}, {at}) AND ({", ".join(place)}) >= ({given}, '-infinity') ORDER BY {newest} LIMIT 1
) h ON true
WHERE h.shop_id IS NULL OR ROW({listed(told, "t.")}, {gone}) IS DISTINCT FROM ROW({listed(told, "h.")}, h.gone)
ON CONFLICT (shop_id, {listed(key)}, valid_from) DO UPDATE
SET {", ".join(f"{quoted(name)} = excluded.{quoted(name)}" for name in (*data, "gone"))}"""  # noqa: S608 - identifiers are quoted


async def taken(merge: Merge, at: datetime) -> None:
    """Write down that everything was read, as of `at`; after the counts of this transaction are kept."""
    tables = [table.name for table in merge.stream.tables if table.write is Write.SNAPSHOT]
    await merge.conn.execute(_TAKEN, merge.shop_id, tables, at)
