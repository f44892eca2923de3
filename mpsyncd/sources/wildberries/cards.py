"""Product cards and the trash (vendor's page "Work with products", read October 2026). The card is the document, its lists are parts.

`updatedAt` also moves when the vendor's own checks of documents end, and was seen to stay put after edits in the cabinet: hence a whole
walk every day, and events made of the tracked fields alone.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from mpsyncd.model.request import Request
from mpsyncd.model.stream import Stream, Table, Track
from mpsyncd.sources.content import picture, plain_text
from mpsyncd.sources.reading import paged
from mpsyncd.sources.rows import together, utc_time, whole
from mpsyncd.sources.wildberries.cards_cursor import CardsCursor

if TYPE_CHECKING:
    from mpsyncd.model.request import Document

_SEO, _PHOTO = "WB_SEO_CHANGE", "WB_PHOTO_CHANGE"
_PAGE = 100


def _pictures(card: Document) -> list[str]:
    photos = card.get("photos")
    return [picture(photo.get("big")) for photo in photos if isinstance(photo, dict)] if isinstance(photos, list) else []


_LIST = Request(
    method="POST",
    host="content-api",
    path="/content/v2/get/cards/list",
    params={"locale": "ru"},
    json={"settings": {"sort": {"ascending": True}, "filter": {"withPhoto": -1}}},  # -1: with and without photos
    rows_at="cards",
    limits=("content.cards",),
)
_TRASH = Request(
    method="POST",
    host="content-api",
    path="/content/v2/get/cards/trash",
    params={"locale": "ru"},
    json={"settings": {"sort": {"ascending": True}}},
    rows_at="cards",
    limits=("content",),
)

CARDS = Stream(
    name="cards",
    tables=(
        Table(
            name="wb.cards",
            key=("nm_id",),
            row=together(whole("nmID", "imtID", "subjectID"), utc_time("createdAt", "updatedAt")),
            tracks=(
                Track(field="title", event=_SEO, value=lambda card: plain_text(card.get("title"))),
                Track(field="description", event=_SEO, value=lambda card: plain_text(card.get("description"))),
                Track(field="main_photo", event=_PHOTO, value=lambda card: next(iter(_pictures(card)), "")),
                # The main photo is left out, so that one change of it is one event.
                Track(field="gallery", event=_PHOTO, value=lambda card: _pictures(card)[1:]),
            ),
        ),
        Table(
            name="wb.card_sizes",
            key=("nm_id", "chrt_id"),
            part_of="wb.cards",
            at="sizes",
            carry={"nm_id": "nmID"},
            row=whole("chrtID"),
        ),
        Table(
            name="wb.card_photos", key=("nm_id", "position"), part_of="wb.cards", at="photos", carry={"nm_id": "nmID"}, position="position"
        ),
        Table(
            name="wb.card_characteristics",
            key=("nm_id", "id"),
            part_of="wb.cards",
            at="characteristics",
            carry={"nm_id": "nmID"},
            row=whole("id"),
        ),
    ),
    read=paged(_LIST, pager=CardsCursor(moment="updatedAt", limit=_PAGE)),
    schedule="frequent",
    walk=timedelta(days=1),
    keeps_cursor=True,
    capability="content",
    limits=_LIST.limits,
    page_rows=_PAGE,
)

CARDS_TRASH = Stream(
    name="cards_trash",
    tables=(
        Table(
            name="wb.trashed_cards",
            key=("nm_id",),
            row=together(whole("nmID", "subjectID"), utc_time("createdAt", "trashedAt")),
        ),
    ),
    read=paged(_TRASH, pager=CardsCursor(moment="trashedAt", limit=_PAGE)),
    schedule="frequent",
    walk=timedelta(0),
    tombstones="wb.cards",
    capability="content",
    limits=_TRASH.limits,
    page_rows=_PAGE,
)
