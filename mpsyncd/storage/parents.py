"""Reads the rows that another stream is read for, page by page along their key.

Each page is a short read of its own: nothing is locked or kept open while the vendor is asked about a page's rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mpsyncd.model.errors import ConfigError
from mpsyncd.storage.documents.statements import listed, quoted, read_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from mpsyncd.model.stream import Parents
    from mpsyncd.storage.documents.shape import Shape
    from mpsyncd.storage.pool import Connection

PAGE = 1000
_WRITTEN = "synced_at"
# Statistics that know nothing of a table that just grew would have each page sort all that is behind it.
PLANS = """
SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true), set_config('enable_sort', 'off', true)
"""


async def page(
    connection: Connection,
    shape: Shape,
    parents: Parents,
    *,
    shop_id: int,
    after: Sequence[Any] | None = None,
    since: datetime | None = None,
) -> Sequence[Mapping[str, Any]]:
    """Return at most `PAGE` live rows from behind the key `after` (None: the first ones), their values as JSON has them.

    Planner settings of the caller's transaction are changed to its end.

    Raises:
        ConfigError: the declaration does not fit the table `shape`.
    """
    query, values = statement(shape, parents, after=after, since=since)
    await connection.execute(PLANS)
    return [row["parent"] for row in await connection.fetch(query, shop_id, *values)]


def statement(shape: Shape, parents: Parents, *, after: Sequence[Any] | None, since: datetime | None) -> tuple[str, Sequence[object]]:
    """Return the query of a page, whose $1 is the shop, and its other values."""
    key = shape.table.key
    _check(shape, parents)
    chosen, values = read_for(parents, row="t", first=2)
    conditions = ["t.shop_id = $1", *chosen]

    def given(value: object) -> str:
        values.append(value)
        return f"${len(values) + 1}"

    if after is not None:
        behind = ", ".join(f"{given(str(value))}::text::{kind}" for value, kind in zip(after, shape.sql.types, strict=True))
        conditions.append(f"({listed(key, 't.')}) > ({behind})")
    if parents.changed is not None and since is not None:
        conditions.append(f"t.{quoted(parents.changed)} >= {given(since)}")
    told = listed(tuple(dict.fromkeys((*key, *parents.columns))), "t.")
    query = (
        f"SELECT (SELECT to_jsonb(p) FROM (SELECT {told}) p) AS parent FROM {shape.sql.table} t "  # noqa: S608 - identifiers are quoted
        f"WHERE {' AND '.join(conditions)} ORDER BY {listed(key, 't.')} LIMIT {PAGE}"
    )
    return query, values


def _check(shape: Shape, parents: Parents) -> None:
    if shape.table.part_of is not None:
        raise ConfigError(f"{parents.table} is a part of {shape.table.part_of} and can not be the parents' table; name the main table.")
    used = {*parents.columns, *parents.where, *((parents.changed,) if parents.changed else ())}
    if missing := sorted(used - {*shape.names, _WRITTEN}):
        raise ConfigError(f"The parents' table {parents.table} lacks {', '.join(missing)}; mend the declaration or its migration.")
