"""Cards with what belongs to them, and their comments (developers.kaiten.ru, read 2026-09-29).

What is fresh when stands in docs/explanation/kaiten.md. The list is asked for with everything in it: without relations it tells no members,
and a change of members does not move `updated`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mpsyncd.model.page import Page, SliceKind
from mpsyncd.model.stream import Again, Parents, Reference, Stream, Table
from mpsyncd.sources.kaiten.asking import OUT_OF_TURN, SIZE, get, whole_lists
from mpsyncd.sources.kaiten.card_changes import CONDITIONS, changed
from mpsyncd.sources.kaiten.card_rows import CARD, CHECKLIST, FILE, MEMBER, TAG, document
from mpsyncd.sources.kaiten.card_walk import OVERLAP, walk
from mpsyncd.sources.kaiten.limits import API
from mpsyncd.sources.kaiten.lists import AHEAD, BATCH, lean, without
from mpsyncd.sources.mapped import mapped
from mpsyncd.sources.parents import each_parent
from mpsyncd.sources.reading import opened, single
from mpsyncd.sources.rows import together, utc_time, whole

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from mpsyncd.model.page import Slice
    from mpsyncd.model.plan import Workload
    from mpsyncd.model.request import Api
    from mpsyncd.model.stream import Read
    from mpsyncd.sources.parents import Parents as Batch

_COUNT = "comments_total"


def _all_or_changed(api: Api, part: Slice) -> AsyncIterator[Page]:
    return walk(api, part) if part.kind is SliceKind.WALK else changed(api, part)


def _card(api: Api, key: tuple[Any, ...]) -> AsyncIterator[Page]:
    return mapped(single(get(f"/cards/{key[0]}")), document)(api, OUT_OF_TURN)


def _comments_of(api: Api, key: tuple[Any, ...]) -> AsyncIterator[Page]:
    return _comments([{"id": key[0]}])(api, OUT_OF_TURN)


def _comments(cards: Batch) -> Read:
    """A request a card: what takes one for a hundred goes first."""
    asked = [replace(get(f"/cards/{card['id']}/comments"), patient=True) for card in cards]
    return lean(whole_lists(*asked), without("author"))


_BY_CARD = each_parent(_comments, key=("id",), batch=BATCH, ahead=AHEAD)


async def _read_comments(api: Api, part: Slice) -> AsyncIterator[Page]:
    """Cards say how many comments they have: those with none are passed over without asking."""
    cards = part.parents
    if cards is None:
        raise ValueError("comments are read for cards")

    async def parents(*, after: Sequence[Any] | None = None) -> AsyncIterator[Batch]:
        async for rows in cards(after=after):
            yield [row for row in rows if row[_COUNT] != 0]

    async with opened(_BY_CARD, api, replace(part, parents=parents)) as pages:
        async for page in pages:
            yield page


def _requests(load: Workload) -> Mapping[str, int]:
    """A walk reads each list to its end, with one row of a page told again by the next, and then what changed."""
    if load.kind is not SliceKind.WALK:
        return {API: len(CONDITIONS)}
    return {API: max(1, math.ceil((load.rows or 0) / (SIZE - 1))) + 1 + len(CONDITIONS)}


CARDS = Stream(
    name="cards",
    tables=(
        Table(
            name="kaiten.cards",
            key=("id",),
            row=CARD,
            guard="version",
            refers=(
                Reference(table="kaiten.spaces", columns={"id": "space_id"}),
                Reference(table="kaiten.boards", columns={"id": "board_id"}),
                Reference(table="kaiten.columns", columns={"id": "column_id"}),
                Reference(table="kaiten.lanes", columns={"id": "lane_id"}),
                Reference(table="kaiten.card_types", columns={"id": "type_id"}),
                Reference(table="kaiten.users", columns={"id": "owner_id"}),
            ),
        ),
        Table(
            name="kaiten.card_members",
            key=("card_id", "user_id"),
            part_of="kaiten.cards",
            at="members",
            carry={"card_id": "id"},
            row=MEMBER,
            refers=(Reference(table="kaiten.users", columns={"id": "user_id"}),),
        ),
        Table(
            name="kaiten.card_tags",
            key=("card_id", "tag_id"),
            part_of="kaiten.cards",
            at="tags",
            carry={"card_id": "id"},
            row=TAG,
            refers=(Reference(table="kaiten.tags", columns={"id": "tag_id"}),),
        ),
        Table(
            name="kaiten.card_checklists",
            key=("card_id", "id"),
            part_of="kaiten.cards",
            at="checklists",
            carry={"card_id": "id"},
            row=CHECKLIST,
        ),
        Table(name="kaiten.files", key=("card_id", "id"), part_of="kaiten.cards", at="files", carry={"card_id": "id"}, row=FILE),
    ),
    read=mapped(_all_or_changed, document),
    again=Again(by=("id",), read=_card),
    schedule="kaiten",
    overlap=OVERLAP,
    walk=timedelta(days=1),
    limits=(API,),
    page_rows=SIZE,
    requests=_requests,
)
COMMENTS = Stream(
    name="comments",
    tables=(
        Table(
            name="kaiten.comments",
            key=("id",),
            row=together(utc_time("created", "updated", "notification_sent"), whole("id", "type", "card_id", "author_id")),
            refers=(Reference(table="kaiten.users", columns={"id": "author_id"}),),
        ),
    ),
    read=_read_comments,
    again=Again(by=("card_id",), read=_comments_of),
    parents=Parents(stream="cards", table="kaiten.cards", columns=(_COUNT,), changed="synced_at"),
    schedule="kaiten",
    # A card that is being written while its comments are planned counts for the next time.
    overlap=timedelta(minutes=10),
    walk=timedelta(days=7),
    limits=(API,),
    page_rows=10,
    requests=lambda load: {API: load.parents or 1},
)
