"""What snapshot tables remember: every version of a row in `<table>_history`, every complete read in `snapshots`.

The vendors keep no history of these numbers, so "unchanged" must differ from "not read".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsyncd.storage.documents.statements import listed, relation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mpsyncd.storage.documents.merge import Merge
    from mpsyncd.storage.documents.shape import Key, Shape

_TAKEN = """
INSERT INTO mpsync.snapshots (shop_id, table_name, taken_at, rows)
SELECT $1, $2, $3, coalesce((SELECT live FROM mpsync.table_counts WHERE shop_id = $1 AND table_name = $2), 0)
ON CONFLICT (shop_id, table_name, taken_at) DO UPDATE SET rows = excluded.rows
"""


async def remember(merge: Merge, at: datetime, keys: Sequence[Key], *, gone: bool = False) -> None:
    """Copy the rows of these keys, as they stand now, into the history, valid from `at`; `gone` says that they are not there any more."""
    if not keys:
        return
    shape = merge.main
    columns = list(map(list, zip(*keys, strict=True)))
    await merge.conn.execute(_remember(shape), merge.shop_id, *columns, at, gone)


def _remember(shape: Shape) -> str:
    sql, size = shape.sql, len(shape.table.key)
    copied = listed((*shape.names, "extra", "row_hash"))
    data = [name for name in (*shape.names, "extra", "row_hash") if name not in shape.table.key]
    key = listed(shape.table.key)
    return f"""
INSERT INTO {relation(shape.table.name + "_history")} (shop_id, {copied}, valid_from, gone)
SELECT $1, {copied}, ${size + 2}::timestamptz, ${size + 3}::boolean
FROM unnest({sql.given(2)}) AS i ({sql.aliases()}) JOIN {sql.found(listed(data, "t."))} ON {sql.same}
ON CONFLICT (shop_id, {key}, valid_from) DO UPDATE
SET {", ".join(f'"{name}" = excluded."{name}"' for name in data)}, gone = excluded.gone"""  # noqa: S608 - identifiers are quoted


async def taken(merge: Merge, at: datetime) -> None:
    """Write down that everything was read, as of `at`; after the counts of this transaction are kept."""
    await merge.conn.execute(_TAKEN, merge.shop_id, merge.main.table.name, at)
