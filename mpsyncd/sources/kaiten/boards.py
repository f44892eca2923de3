"""Boards with the spaces that they lie in, their columns and lanes (developers.kaiten.ru, read 2026-09-29).

The list of spaces tells every board of every space in one answer. A board of several spaces is told in each of them, and is one document
here. Columns are told with their subcolumns inside; lanes by condition: 1 live, 2 archived.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mpsyncd.model.errors import BadData
from mpsyncd.model.page import Page
from mpsyncd.model.stream import Parents, Reference, Stream, Table
from mpsyncd.sources.kaiten.asking import get, whole_lists
from mpsyncd.sources.kaiten.limits import API
from mpsyncd.sources.kaiten.lists import AHEAD, BATCH
from mpsyncd.sources.listed import ListedRows
from mpsyncd.sources.mapped import mapped
from mpsyncd.sources.pagers import ended
from mpsyncd.sources.parents import each_parent
from mpsyncd.sources.reading import opened
from mpsyncd.sources.rows import number, together, utc_time, whole

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from mpsyncd.model.page import Slice
    from mpsyncd.model.request import Answer, Api, Document
    from mpsyncd.model.stream import Read
    from mpsyncd.sources.parents import Parents as Batch

PLACE = ("space_id", "top", "left", "sort_order", "type")
"""What is told of a board's place in one space."""
_STAMPS = utc_time("created", "updated")
_WARNINGS = ("last_moved_warning_after_days", "last_moved_warning_after_hours", "last_moved_warning_after_minutes")
_BOARD = Reference(table="kaiten.boards", columns={"id": "board_id"})
_AGAIN = {"again": True}
_CONDITIONS = (1, 2)


async def _boards(api: Api, part: Slice) -> AsyncIterator[Page]:
    """A company without any board is believed when it is told twice: what is stored would be gone."""
    answer = await api.send(get("/spaces"))
    found = await _found(answer)
    if not found and part.cursor != _AGAIN:
        yield Page(rows=ListedRows(), cursor=_AGAIN, last=False, asked_at=answer.asked_at)
        answer = await api.send(get("/spaces"))
        found = await _found(answer)
    yield Page(rows=ListedRows(found), cursor=None, last=True, asked_at=answer.asked_at, until=ended(part))


async def _found(answer: Answer) -> list[Document]:
    """Every board once, with its places in order of their spaces."""
    boards: dict[Any, Document] = {}
    try:
        async for piece in answer.rows.pieces():
            for space in piece:
                for board in _of_space(space):
                    known = boards.setdefault(board["id"], {**board, "places": []})
                    known["places"] += board["places"]
    finally:
        await answer.rows.close()
    for board in boards.values():
        board["places"].sort(key=lambda place: str(place["space_id"]))
    return list(boards.values())


def _of_space(space: Any) -> Iterator[Document]:
    for board in (space.get("boards") if isinstance(space, dict) else None) or ():
        if not isinstance(board, dict) or board.get("id") is None:
            raise BadData("the list of spaces has a board without an id: what is not told of could not be told from what is gone")
        place = {"space_id": space.get("id"), **{key: board.get(key) for key in PLACE[1:]}}
        yield {**{key: value for key, value in board.items() if key not in {*PLACE, "board_id", "columns", "lanes"}}, "places": [place]}


def _columns(boards: Batch) -> Read:
    return mapped(whole_lists(*(get(f"/boards/{board['id']}/columns") for board in boards)), _flat)


def _flat(column: Document) -> Iterator[Document]:
    yield {key: value for key, value in column.items() if key != "subcolumns"}
    for subcolumn in column.get("subcolumns") or ():
        yield from _flat(subcolumn)


def _lanes(boards: Batch) -> Read:
    return whole_lists(*(get(f"/boards/{board['id']}/lanes", condition=str(board["condition"])) for board in boards))


_BY_CONDITION = each_parent(_lanes, key=("id", "condition"), batch=BATCH, ahead=AHEAD)


async def _read_lanes(api: Api, part: Slice) -> AsyncIterator[Page]:
    """Each board is asked for twice, as if it were two: live lanes first, so that one archived in between is told twice."""
    boards = part.parents
    if boards is None:
        raise ValueError("lanes are read for boards")

    async def parents(*, after: Sequence[Any] | None = None) -> AsyncIterator[Batch]:
        if after is not None and after[1] == _CONDITIONS[0]:
            yield [{"id": after[0], "condition": _CONDITIONS[1]}]
        async for rows in boards(after=after and after[:1]):
            yield [{**row, "condition": condition} for row in rows for condition in _CONDITIONS]

    async with opened(_BY_CONDITION, api, replace(part, parents=parents)) as pages:
        async for page in pages:
            yield page


BOARDS = Stream(
    name="boards",
    tables=(
        Table(name="kaiten.boards", key=("id",), row=together(_STAMPS, whole("id", "default_card_type_id"))),
        Table(
            name="kaiten.board_spaces",
            key=("board_id", "space_id"),
            part_of="kaiten.boards",
            at="places",
            carry={"board_id": "id"},
            row=together(whole("space_id", "top", "left", "type"), number("sort_order")),
            refers=(Reference(table="kaiten.spaces", columns={"id": "space_id"}),),
        ),
    ),
    read=_boards,
    schedule="kaiten",
    walk=timedelta(0),
    limits=(API,),
    page_rows=100,
    requests=lambda _: {API: 1},
)
COLUMNS = Stream(
    name="columns",
    tables=(
        Table(
            name="kaiten.columns",
            key=("id",),
            row=together(
                _STAMPS,
                whole(
                    *("id", "col_count", "type", "rules", "board_id", "column_id", "wip_limit", "wip_limit_type", "archive_after_days"),
                    *("months_to_hide_cards", "card_hide_after_days", *_WARNINGS),
                ),
                number("sort_order"),
            ),
            refers=(_BOARD,),
        ),
    ),
    read=each_parent(_columns, key=("id",), batch=BATCH, ahead=AHEAD),
    parents=Parents(stream="boards", table="kaiten.boards", child=("board_id",)),
    schedule="kaiten",
    walk=timedelta(0),
    limits=(API,),
    page_rows=10,
    requests=lambda load: {API: load.parents or 1},
)
LANES = Stream(
    name="lanes",
    tables=(
        Table(
            name="kaiten.lanes",
            key=("id",),
            row=together(
                _STAMPS,
                whole("id", "row_count", "wip_limit", "wip_limit_type", *_WARNINGS, "board_id", "default_card_type_id", "condition"),
                number("sort_order"),
            ),
            refers=(_BOARD,),
        ),
    ),
    read=_read_lanes,
    parents=Parents(stream="boards", table="kaiten.boards", child=("board_id",)),
    schedule="kaiten",
    walk=timedelta(0),
    limits=(API,),
    page_rows=5,
    requests=lambda load: {API: 2 * (load.parents or 1)},
)
