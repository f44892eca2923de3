"""Several lists that are one slice together: what waits and what is done, what is shown and what is in the archive. Asks nothing itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mpsyncd.sources.pagers import ended
from mpsyncd.sources.reading import opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mpsyncd.model.page import Cursor, Page, Slice
    from mpsyncd.model.request import Api
    from mpsyncd.model.stream import Read


def each_list(*reads: Read) -> Read:
    """Read one list after the other. The position is the number of the list in hand and that within.

    Rows that wander while they are read are missed by nobody when they wander to a list that comes later.
    """

    async def pages(api: Api, part: Slice) -> AsyncIterator[Page]:
        begin: int = part.cursor["list"] if part.cursor else 0
        for number in range(begin, len(reads)):
            inner = part.cursor["inner"] if part.cursor and number == begin else None
            async with opened(reads[number], api, replace(part, cursor=inner)) as found:
                async for page in found:
                    yield _placed(page, part, number=number, lists=len(reads))

    return pages


def _placed(page: Page, part: Slice, *, number: int, lists: int) -> Page:
    """A page of one list as a page of the slice."""
    done = number + page.last
    last = done == lists
    cursor: Cursor | None = None if last else {"list": done, "inner": None if page.last else page.cursor}
    share = (done + (0.0 if page.last else page.share or 0.0)) / lists
    return replace(page, cursor=cursor, last=last, until=ended(part) if last else None, share=share)
