"""`POST content-api /content/v2/get/cards/list` and `…/trash` (wildberries.md §2; official YAML "items" of 2026-08-18).

Both walk by a pair (moment, nmID) in either direction; `total` is the size of the page. Moments are UTC.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from mpsyncd.sandbox.bucket import Limit
from mpsyncd.sandbox.http import Request, Response, json_response
from mpsyncd.sandbox.wildberries import spelling
from mpsyncd.sandbox.wildberries.endpoint import Call, Endpoint
from mpsyncd.sandbox.wildberries.problems import content_refusal, undecodable
from mpsyncd.sandbox.wildberries.shape import Shape, faults_of, is_flag, is_text, is_whole, list_of, within
from mpsyncd.sandbox.world.records import Card

_LIMIT = Limit.per(60, limit=100, burst=5)
_PAGE, _DEFAULT_PAGE = 100, 10
_ANY_PHOTO, _WITH_PHOTO, _WITHOUT_PHOTO = (-1, 0), 1, 2
_LOCALES = frozenset({"ru", "en", "zh"})


@dataclass(frozen=True, slots=True)
class _Walk:
    """One of the two lists: the name and the value of the moment it is sorted by, and the shape of its filter."""

    field: str
    moment: Callable[[Card], datetime]
    spell: Callable[[Card], dict[str, object]]
    filters: Shape

    @property
    def shape(self) -> Shape:
        cursor: Shape = {"limit": within(1, _PAGE), self.field: _is_moment, "nmID": is_whole}
        return {"settings": {"sort": {"ascending": is_flag}, "filter": self.filters, "cursor": cursor}}


def list_cards(call: Call) -> Response:
    """Cards that are not in the bin."""
    return _page(call, _LIST, call.seller.cards.ascending())


def list_trash(call: Call) -> Response:
    """Cards in the bin."""
    return _page(call, _TRASH, call.seller.trash.ascending())


def card_row(card: Card) -> dict[str, object]:
    """A live card as the vendor spells it; what it does not have is left out."""
    optional = {"gtin": card.gtin, "video": card.video}
    return {
        "nmID": card.nm_id,
        "imtID": card.imt_id,
        "nmUUID": str(card.uuid),
        "subjectID": card.subject_id,
        "subjectName": card.subject,
        "vendorCode": card.vendor_code,
        "brand": card.brand,
        "title": card.title,
        "description": card.description,
        "needKiz": card.need_kiz,
        "kizMarked": card.kiz_marked,
        "photos": [spelling.photo(photo) for photo in card.photos],
        **{key: value for key, value in optional.items() if value is not None},
        "wholesale": spelling.wholesale(card),
        "dimensions": spelling.dimensions(card),
        "documents": spelling.documents(card),
        "characteristics": [spelling.characteristic(one) for one in card.characteristics],
        "sizes": [spelling.size(size) for size in card.sizes],
        "tags": spelling.tags(card),
        "createdAt": spelling.zulu(card.created_at),
        "updatedAt": spelling.zulu(card.updated_at),
    }


def trash_row(card: Card) -> dict[str, object]:
    """A card in the bin as the vendor spells it; no characteristics are told as null."""
    return {
        "nmID": card.nm_id,
        "vendorCode": card.vendor_code,
        "kizMarked": card.kiz_marked,
        "subjectID": card.subject_id,
        "subjectName": card.subject,
        "photos": [spelling.photo(photo) for photo in card.photos],
        **({} if card.video is None else {"video": card.video}),
        "wholesale": spelling.wholesale(card),
        "sizes": [spelling.size(size) for size in card.sizes],
        "dimensions": spelling.dimensions(card),
        "characteristics": [spelling.characteristic(one) for one in card.characteristics] or None,
        "createdAt": spelling.zulu(card.created_at),
        "trashedAt": spelling.zulu(_trashed_at(card)),
    }


def _page(call: Call, walk: _Walk, cards: Sequence[Card]) -> Response:
    if refused := _query_refusal(call.request):
        return refused
    body = _decoded(call.request)
    if body is None:
        return undecodable()
    if faults := list(faults_of(body, walk.shape)):
        return content_refusal("; ".join(faults))
    settings = body.get("settings", {})
    cursor = settings.get("cursor", {})
    limit = cursor.get("limit", _DEFAULT_PAGE)
    ascending = settings.get("sort", {}).get("ascending", False)
    wanted = [card for card in cards if _fits(card, settings.get("filter", {}))]
    page = _after(wanted if ascending else wanted[::-1], cursor, walk, ascending=ascending)[:limit]
    end: dict[str, object] = {"total": len(page)}
    if page:
        end = {walk.field: spelling.zulu(walk.moment(page[-1])), "nmID": page[-1].nm_id, **end}
    return json_response({"cards": [walk.spell(card) for card in page], "cursor": end})


def _after(cards: list[Card], cursor: Mapping[str, Any], walk: _Walk, *, ascending: bool) -> list[Card]:
    if not cursor.get(walk.field):
        return cards
    border = (datetime.fromisoformat(cursor[walk.field]), cursor.get("nmID", 0))
    if ascending:
        return [card for card in cards if (walk.moment(card), card.nm_id) > border]
    return [card for card in cards if (walk.moment(card), card.nm_id) < border]


def _fits(card: Card, wanted: Mapping[str, Any]) -> bool:
    text = wanted.get("textSearch", "")
    photo = wanted.get("withPhoto", 0)
    words = (card.vendor_code, str(card.nm_id), *(sku for size in card.sizes for sku in size.skus))
    return (
        (photo in _ANY_PHOTO or (photo == _WITH_PHOTO) == bool(card.photos))
        and (not text or text in words)
        and (not wanted.get("tagIDs") or any(tag.id in wanted["tagIDs"] for tag in card.tags))
        and (not wanted.get("objectIDs") or card.subject_id in wanted["objectIDs"])
        and (not wanted.get("brands") or card.brand in wanted["brands"])
        and wanted.get("imtID", card.imt_id) == card.imt_id
    )


def _query_refusal(request: Request) -> Response | None:
    for name, value in request.query:
        if name != "locale" or value not in _LOCALES:
            return content_refusal(f"query.{name}: invalid value or unknown parameter")
    return None


def _decoded(request: Request) -> dict[str, Any] | None:
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


def _is_moment(value: object) -> bool:
    """Null, an empty text, or a moment with its zone."""
    if value is None or value == "":
        return True
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _updated_at(card: Card) -> datetime:
    return card.updated_at


def _trashed_at(card: Card) -> datetime:
    return card.trashed_at or card.updated_at


def _cursor(request: Request) -> object:
    body = _decoded(request) or {}
    settings = body.get("settings")
    return settings.get("cursor") if isinstance(settings, dict) else None


_LIST_FILTERS: Shape = {
    "withPhoto": within(_ANY_PHOTO[0], _WITHOUT_PHOTO),
    "textSearch": is_text,
    "tagIDs": list_of(is_whole),
    "allowedCategoriesOnly": is_flag,
    "objectIDs": list_of(is_whole),
    "brands": list_of(is_text),
    "imtID": is_whole,
}
_LIST = _Walk("updatedAt", _updated_at, card_row, _LIST_FILTERS)
_TRASH = _Walk("trashedAt", _trashed_at, trash_row, {"textSearch": is_text})
_EMPTY = b'{"cards":[],"cursor":{"total":0}}'

ENDPOINTS = (
    Endpoint(
        method="POST",
        host="content-api",
        path="/content/v2/get/cards/list",
        gate="content.cards-list",
        limit=_LIMIT,
        answer=list_cards,
        cursor=_cursor,
        empty=_EMPTY,
    ),
    Endpoint(
        method="POST",
        host="content-api",
        path="/content/v2/get/cards/trash",
        gate="content",
        limit=_LIMIT,
        answer=list_trash,
        cursor=_cursor,
        empty=_EMPTY,
    ),
)
