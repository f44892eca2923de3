"""One page into the database, inside the caller's transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsyncd.model.stream import Write
from mpsyncd.storage.documents import history
from mpsyncd.storage.documents.merge import batches, begin, count
from mpsyncd.storage.documents.modes import in_one_go, write_slice_page
from mpsyncd.storage.documents.write import write_batches

if TYPE_CHECKING:
    from mpsyncd.model.page import Page, Slice
    from mpsyncd.model.stream import Stream
    from mpsyncd.model.work import Committed
    from mpsyncd.storage.documents.catalog import Catalog
    from mpsyncd.storage.pool import Connection


async def write_page(
    conn: Connection,
    catalog: Catalog,
    *,
    shop_id: int,
    stream: Stream,
    page: Page,
    run_id: int | None,
    walk_id: int | None,
    part: Slice | None = None,
) -> Committed:
    """Merge the documents of a page; `page.rows` is walked once. `part` is the slice that it belongs to (REPLACE and numbered need it).

    Must run in a READ COMMITTED transaction of the caller, who rolls back when this raises; planner settings of that transaction are
    changed to its end. Bad rows raise nothing: they land in `rejected_rows`.

    Raises:
        BadData: the page stops being what it began as.
        ConfigError: the stream's declaration does not fit its tables.
    """
    merge = await begin(conn, catalog, shop_id=shop_id, stream=stream, run_id=run_id, walk_id=walk_id)
    if in_one_go(stream):
        await write_slice_page(merge, page, part)
    else:
        await write_batches(merge, batches(page))
    await count(conn, shop_id, merge.tally)
    if stream.main.write is Write.SNAPSHOT and page.last and walk_id is None:
        await history.taken(merge, page.asked_at)
    return merge.tally.committed()
