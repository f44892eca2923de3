"""Going over the parents of a stream (chats, campaigns, boards) in batches. Must not know where the parents live, nor any vendor.

A parent that the vendor has no more is passed by and counted; one that it refuses must not cost its neighbours of the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from mpsyncd.model.errors import BadRequest, NotFound, SourceError
from mpsyncd.model.page import Page
from mpsyncd.sources.ahead import in_order
from mpsyncd.sources.listed import ListedRows
from mpsyncd.sources.pagers import ended
from mpsyncd.sources.reading import opened

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from datetime import datetime

    from mpsyncd.model.page import Cursor, ParentReader, Slice
    from mpsyncd.model.request import Api
    from mpsyncd.model.stream import Read

Parents: TypeAlias = Sequence[Mapping[str, Any]]
Refuses: TypeAlias = Callable[[SourceError], bool]


def each_parent(
    read: Callable[[Parents], Read], *, key: tuple[str, ...], batch: int = 1, ahead: int = 1, split_on: Refuses | None = None
) -> Read:
    """Read what belongs to each of `slice.parents`, `batch` of them together, in the order of their key.

    read: a batch of parents' rows -> how it is read (windows, pages). key: the key columns of the parents' table. ahead: of how many
    batches the first page may be under way or in hand at once. split_on: errors that mean that one of the batch is to blame, or that the
    batch is too heavy: it is halved until it passes; a single parent that is refused (BadRequest) is skipped like one that is not found.

    The position is the key of the last parent that is done, with the size of the batch in hand and the position within; the latter is
    believed only while the batch holds as many parents up to the same key. A halving is a page without rows: behind a slow limit every
    request is an attempt of its own, which would begin with the refused batch again and again.

    Raises (while iterating): as `read`.
    """

    async def pages(api: Api, part: Slice) -> AsyncIterator[Page]:
        if part.parents is None:
            raise ValueError("a read over parents needs a stream that declares them")
        place = _Place.of(part.cursor)
        total = place.done + await _count(part.parents, place.after)
        asked_at, empty = part.now, True

        async def reads() -> AsyncGenerator[AsyncGenerator[_Step, None], None]:
            async for parents, cursor in batches:
                yield _steps(_Batch(parents, cursor, read, split_on), api, part)

        batches = _batches(part.parents, place, key=key, size=batch)
        async with aclosing(in_order(reads(), ahead=ahead, drop=_drop)) as steps:
            async for step, more in steps:
                place, empty = place.behind(step, key=key), False
                asked_at = step.page.asked_at if step.page else asked_at
                yield _page(step, place, part, asked_at=asked_at, last=step.final and not more, total=total)
        if empty:
            yield Page(rows=ListedRows(), cursor=part.cursor, last=True, asked_at=part.now, until=ended(part), share=1.0)

    return pages


@dataclass(frozen=True, slots=True)
class _Step:
    """What came of some parents: a page, or None when they are skipped or the rest of a halved batch.

    `done`: they are done with it. `final`: so is the whole batch.
    """

    parents: Parents
    page: Page | None
    done: bool
    final: bool


@dataclass(frozen=True, slots=True)
class _Place:
    """Key and number of the parents that are done; of the batch in hand the last key, the size and the position within."""

    after: list[Any] | None = None
    done: int = 0
    upto: list[Any] | None = None
    size: int = 0
    inner: Cursor | None = None

    @classmethod
    def of(cls, cursor: Cursor | None) -> _Place:
        return cls() if cursor is None or "after" not in cursor else cls(**cursor)

    def behind(self, step: _Step, *, key: tuple[str, ...]) -> _Place:
        here, size = _key(step.parents[-1], key), len(step.parents)
        if step.done:
            return _Place(after=here, done=self.done + size)
        if step.page is None:
            return _Place(after=self.after, done=self.done, size=size)
        return _Place(after=self.after, done=self.done, upto=here, size=size, inner=step.page.cursor)

    def cursor(self) -> Cursor:
        told = {"after": self.after, "done": self.done}
        return {**told, "upto": self.upto, "size": self.size, "inner": self.inner} if self.size else told


@dataclass(frozen=True, slots=True)
class _Batch:
    """Some parents, the position within what belongs to them, and how it is read."""

    parents: Parents
    cursor: Cursor | None
    read: Callable[[Parents], Read]
    split_on: Refuses | None

    def divisible(self, error: SourceError) -> bool:
        return len(self.parents) > 1 and (isinstance(error, NotFound) or self._refused(error))

    def skippable(self, error: SourceError) -> bool:
        return len(self.parents) == 1 and (isinstance(error, NotFound) or (isinstance(error, BadRequest) and self._refused(error)))

    def _refused(self, error: SourceError) -> bool:
        return self.split_on is not None and self.split_on(error)

    def halves(self) -> tuple[_Batch, _Batch]:
        middle = len(self.parents) // 2
        return replace(self, parents=self.parents[:middle], cursor=None), replace(self, parents=self.parents[middle:], cursor=None)


async def _steps(batch: _Batch, api: Api, part: Slice) -> AsyncGenerator[_Step, None]:
    """The pages of a batch; halves take the place of one that is refused before its first page."""
    waiting = [batch]
    while waiting:
        batch = waiting.pop()
        begun = False
        try:
            async with opened(batch.read(batch.parents), api, replace(part, cursor=batch.cursor)) as pages:
                async for page in pages:
                    begun = True
                    yield _Step(batch.parents, page, done=page.last, final=page.last and not waiting)
        except SourceError as error:
            if batch.divisible(error) and not begun:
                waiting += reversed(batch.halves())
                yield _Step(waiting[-1].parents, None, done=False, final=False)
            elif batch.skippable(error):
                yield _Step(batch.parents, None, done=True, final=not waiting)
            else:
                raise


async def _batches(
    parents: ParentReader, place: _Place, *, key: tuple[str, ...], size: int
) -> AsyncIterator[tuple[Parents, Cursor | None]]:
    """The parents behind a place; the first batch as it was when its position was written down, if it is still the same."""
    waiting: list[Mapping[str, Any]] = []
    wanted, inner = place.size or size, place.inner
    async for rows in parents(after=place.after):
        waiting += rows
        while len(waiting) >= wanted:
            some, waiting = waiting[:wanted], waiting[wanted:]
            yield some, inner if place.upto == _key(some[-1], key) else None
            wanted, inner = size, None
    if waiting:
        yield waiting, None


async def _count(parents: ParentReader, after: Sequence[Any] | None) -> int:
    return sum([len(rows) async for rows in parents(after=after)])


def _key(parent: Mapping[str, Any], key: tuple[str, ...]) -> list[Any]:
    return [parent[column] for column in key]


def _page(step: _Step, place: _Place, part: Slice, *, asked_at: datetime, last: bool, total: int) -> Page:
    within = 0.0 if step.done or step.page is None else (step.page.share or 0.0) * len(step.parents)
    share = min(1.0, (place.done + within) / max(1, total))
    until = ended(part) if last else None
    if step.page is None:
        skipped = len(step.parents) if step.done else 0
        return Page(rows=ListedRows(), cursor=place.cursor(), last=last, asked_at=asked_at, until=until, share=share, skipped=skipped)
    return replace(step.page, cursor=place.cursor(), last=last, until=until, share=share)


async def _drop(step: _Step) -> None:
    if step.page is not None:
        await step.page.rows.close()
