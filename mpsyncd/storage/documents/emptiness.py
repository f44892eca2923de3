"""Distrust of a slice of time that came back without any row, for streams whose vendors answer with nothing by mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsyncd.model.errors import ConfigError, EmptySnapshot
from mpsyncd.model.page import SliceKind
from mpsyncd.storage.documents.statements import quoted, within

if TYPE_CHECKING:
    from mpsyncd.model.page import Slice
    from mpsyncd.model.stream import Stream
    from mpsyncd.storage.documents.catalog import Catalog
    from mpsyncd.storage.pool import Connection


async def check_empty(conn: Connection, catalog: Catalog, *, shop_id: int, stream: Stream, part: Slice) -> None:
    """Do nothing when there is nothing of the slice's scope, or of its days, here either. A walk has its own check.

    Raises:
        EmptySnapshot: live rows are stored of what came back empty.
    """
    if part.kind is SliceKind.WALK:
        return
    conditions, values = _held(stream, part)
    sql = catalog.shape(stream.main.name).sql
    living = " AND ".join(["t.shop_id = $1", "t.deleted_at IS NULL", *conditions])
    query = f"SELECT EXISTS (SELECT FROM {sql.table} t WHERE {living})"  # noqa: S608 - identifiers are quoted
    if await conn.fetchval(query, shop_id, *values):
        between = f"from {part.start:%Y-%m-%d %H:%M} to {part.end:%Y-%m-%d %H:%M} UTC" if part.start and part.end else "of this slice"
        raise EmptySnapshot(
            f"{stream.main.name} of shop {shop_id}: the vendor gave nothing for the time {between}, while rows of it live here; nothing "
            "was changed. If it is true, read it by force (mpsyncd sync --force)."
        )


def _held(stream: Stream, part: Slice) -> tuple[list[str], list[object]]:
    """Conditions on a row t that the slice holds it. A day counts when its midnight in UTC lies in the slice: exact enough for a doubt."""
    if stream.main.scope is not None:
        return within(stream.main.scope(part), first=2)
    if stream.day is None or part.start is None or part.end is None:
        raise ConfigError(f"The stream {stream.name} distrusts emptiness and declares neither a `scope` nor a `day` to compare with.")
    day = f"t.{quoted(stream.day)}"
    return [f"{day} >= $2::timestamptz", f"{day} < $3::timestamptz"], [part.start, part.end]
