"""Advert campaigns: the list of all, joined with what is told of each (vendor's page "Promotion", read October 2026).

Campaigns of the obsolete type 8 may be in the list only. Statuses and settings that nobody knows are kept as they come. The vendor also has
GET methods that change campaigns; none of them may be named in this package.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from mpsyncd.model.errors import BadData
from mpsyncd.model.request import Request
from mpsyncd.model.stream import Stream, Table
from mpsyncd.sources.parents import each_parent
from mpsyncd.sources.reading import opened, paged
from mpsyncd.sources.rows import moscow_time, number, together, whole
from mpsyncd.sources.wildberries.checked import checked
from mpsyncd.sources.wildberries.errors import TooMuch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from mpsyncd.model.errors import SourceError
    from mpsyncd.model.page import Page, Slice
    from mpsyncd.model.request import Api, Document, Row, Rows
    from mpsyncd.model.stream import Read
    from mpsyncd.sources.parents import Parents

BATCH = 50
"""Campaigns that one request may name."""
_LIST = Request(method="GET", host="advert-api", path="/adv/v1/promotion/count", rows_at="adverts", limits=("advert.count",))
_DETAILS = Request(method="GET", host="advert-api", path="/api/advert/v2/adverts", rows_at="adverts", limits=("advert.adverts",))
_ALIVE = "2100"
_OF_ONE = ("invalid ids", "invalid advert", "не принадлежит")
_IDS = whole("advertId", "id", "type", "status")
_CURES = together(_IDS, moscow_time("changeTime", "created", "updated", "started", "deleted"))


def ids_of(campaigns: Parents) -> str:
    """Their ids as the vendor takes them."""
    return ",".join(str(campaign["id"]) for campaign in campaigns)


def batches(campaigns: int | None) -> int:
    """Requests that so many campaigns take; nobody knows how many there are before the first walk."""
    return max(1, math.ceil((campaigns or 0) / BATCH))


def spoilt(error: SourceError) -> bool:
    """Whether one campaign (its status, another seller's) makes the vendor refuse the batch, or there are too many of them."""
    said = f"{error} {error.body}".lower()
    return isinstance(error, TooMuch) or any(words in said for words in _OF_ONE)


class _Joined:
    """Rows of an answer, each joined with its line of the list; campaigns that the answer is silent of follow as the list has them."""

    def __init__(self, rows: Rows, listed: Parents) -> None:
        self._rows = rows
        self._listed = {campaign["id"]: dict(campaign) for campaign in listed}

    @property
    def count(self) -> int:
        return len(self._listed)

    @property
    def last(self) -> Document | None:
        return None

    async def pieces(self) -> AsyncIterator[Sequence[Row]]:
        silent = dict(self._listed)
        async for piece in self._rows.pieces():
            yield [_flat(row, silent.pop(_id(row), {})) if isinstance(row, dict) else row for row in piece]
        if silent:
            yield list(silent.values())

    async def close(self) -> None:
        await self._rows.close()


def of_these(read: Read, campaigns: Parents, *, field: str) -> Read:
    """What `read` answers about these campaigns and no other ones. `field`: where a row names its campaign."""
    ids = {0, *(campaign["id"] for campaign in campaigns)}
    return checked(read, lambda row: _id(row, field) in ids)


def _details(listed: Parents) -> Read:
    inner = of_these(paged(_DETAILS.with_params(ids=ids_of(listed))), listed, field="id")

    async def read(api: Api, part: Slice) -> AsyncIterator[Page]:
        async with opened(inner, api, part) as pages:
            async for page in pages:
                # The first of two empty answers says nothing yet of the campaigns that it is silent of.
                yield replace(page, rows=_Joined(page.rows, listed)) if page.last else page

    return read


_BY_BATCH = each_parent(_details, key=("id",), batch=BATCH)


async def _read(api: Api, part: Slice) -> AsyncIterator[Page]:
    """The list plays the parents, so that one is told of as many campaigns a request as the vendor allows.

    An empty list is believed at once, as no position could be kept between two answers: the walk sees nothing then, which is suspicious
    enough where campaigns are stored.
    """
    listed = await _list(api)
    if part.cursor is not None and not listed:
        raise BadData("the list of campaigns is empty, and was not when this walk began")

    async def parents(*, after: Sequence[int] | None = None) -> AsyncIterator[Parents]:
        yield [campaign for campaign in listed if after is None or campaign["id"] > after[0]]

    async with opened(_BY_BATCH, api, replace(part, parents=parents)) as pages:
        async for page in pages:
            yield page


async def _list(api: Api) -> list[Document]:
    """Every campaign that there is: id, type, status, changeTime; in order of the id.

    Raises:
        BadData: there is one without a readable id: what is not told of could not be told from what is gone.
    """
    answer = await api.send(_LIST)
    try:
        found = {campaign["id"]: campaign async for piece in answer.rows.pieces() for group in piece for campaign in _of_group(group)}
    finally:
        await answer.rows.close()
    return [found[each] for each in sorted(found)]


def _of_group(group: Row) -> Iterator[Document]:
    told = group if isinstance(group, dict) else {}
    for each in told.get("advert_list") or ():
        campaign = _id(each, "advertId")
        if not campaign:
            raise BadData("the list of campaigns has one without a readable advertId")
        yield {"id": campaign, "type": told.get("type"), "status": told.get("status"), "changeTime": each.get("changeTime")}


def _id(document: Document, field: str = "id") -> int:
    """A campaign's id, 0 for one that has none."""
    try:
        return int(_IDS(document).get(field) or 0)
    except BadData:
        return 0


def _flat(told: Document, listed: Document) -> Document:
    """One flat document. What is told of a campaign goes before the list, which is some moments older."""
    settings = told.get("settings")
    groups = {
        "settings": settings,
        "placements": settings.get("placements") if isinstance(settings, dict) else None,
        "restrictions": told.get("restrictions"),
        "timestamps": told.get("timestamps"),
    }
    flat = {**listed, **{key: value for key, value in told.items() if key not in groups}}
    for name, group in groups.items():
        for key, value in group.items() if isinstance(group, dict) else ():
            if key not in groups:
                flat[f"{name}_{key}" if key in flat else key] = value
    return flat


def _row(campaign: Document) -> Document:
    cured = _CURES(campaign)
    # A campaign that lives is told to be deleted in the year 2100.
    return {**cured, "deleted": None} if str(cured.get("deleted")).startswith(_ALIVE) else cured


def _products(campaign: Document) -> Iterator[Document]:
    for each in campaign.get("nm_settings") or ():
        subject, bids = each.get("subject") or {}, each.get("bids_kopecks") or {}
        yield {
            "advertId": campaign["id"],
            **{key: value for key, value in each.items() if key not in {"subject", "bids_kopecks"}},
            **{f"subject_{key}": value for key, value in subject.items()},
            **{f"{key}_bid": value for key, value in bids.items()},
        }


CAMPAIGNS = Stream(
    name="campaigns",
    tables=(
        Table(name="wb.campaigns", key=("id",), row=_row),
        Table(
            name="wb.campaign_products",
            key=("advert_id", "nm_id"),
            part_of="wb.campaigns",
            at="nm_settings",
            rows=_products,
            row=together(whole("advertId", "nm_id", "subject_id"), number("search_bid", "recommendations_bid")),
        ),
    ),
    read=_read,
    schedule="ads",
    walk=timedelta(0),
    capability="promotion",
    limits=(*_LIST.limits, *_DETAILS.limits),
    page_rows=BATCH,
    requests=lambda load: {"advert.count": 1, "advert.adverts": batches(load.rows)},
)
