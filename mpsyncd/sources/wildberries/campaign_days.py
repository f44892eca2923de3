"""Statistics of campaigns: one campaign's one day is the document, by app and by product in its parts (page "Promotion", October 2026).

Numbers of the last days still move, and each app has its own; sums over the apps are the day's. "Nothing" is told in three ways: a refusal,
the same object with status 200, and null. How far back the vendor goes is not published; half a year is read.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mpsyncd.model.request import Request
from mpsyncd.model.stream import Parents, Stream, Table
from mpsyncd.sources.mapped import mapped
from mpsyncd.sources.parents import each_parent
from mpsyncd.sources.reading import opened, paged
from mpsyncd.sources.rows import MOSCOW, calendar_day, instant, number, together, whole
from mpsyncd.sources.wildberries.campaigns import BATCH, CAMPAIGNS, batches, ids_of, of_these, spoilt
from mpsyncd.sources.wildberries.days import days
from mpsyncd.sources.windows import each_window

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
    from datetime import date

    from mpsyncd.model.page import Page, Slice
    from mpsyncd.model.plan import Workload
    from mpsyncd.model.request import Api, Document, Response
    from mpsyncd.model.stream import Read
    from mpsyncd.sources.parents import Parents as Batch
    from mpsyncd.sources.rows import Cures

_FINISHED, _RUNNING, _PAUSED = 7, 9, 11
_MOST_DAYS = 31
_DATE = len("2026-11-21")


def _nothing(response: Response) -> bool:
    return b"no statistics" in response.body


_STATISTICS = Request(method="GET", host="advert-api", path="/adv/v3/fullstats", limits=("advert.fullstats",), empty_when=_nothing)


def _of_batch(campaigns: Batch) -> Read:
    def asked(part: Slice) -> Request:
        first, last = days(part)
        return _STATISTICS.with_params(ids=ids_of(campaigns), beginDate=first.isoformat(), endDate=last.isoformat())

    return mapped(of_these(paged(asked, often_empty=True), campaigns, field="advertId"), _days)


_BY_BATCH = each_parent(_of_batch, key=("id",), batch=BATCH, split_on=spoilt)


async def _of_days(api: Api, part: Slice) -> AsyncIterator[Page]:
    """Read the campaigns that may have run on these days: a finished one did not after it was changed for the last time."""
    first, _ = days(part)
    told = part.parents

    async def running(*, after: Sequence[Any] | None = None) -> AsyncIterator[Batch]:
        if told is not None:
            async for campaigns in told(after=after):
                yield [campaign for campaign in campaigns if not _over(campaign, first)]

    async with opened(_BY_BATCH, api, replace(part, parents=running)) as pages:
        async for page in pages:
            yield page


def _over(campaign: Mapping[str, Any], first: date) -> bool:
    changed = instant(campaign["change_time"] or "", zone=MOSCOW)
    return campaign["status"] == _FINISHED and changed is not None and changed.astimezone(MOSCOW).date() < first


def _days(campaign: Document) -> Iterator[Document]:
    positions = campaign.get("boosterStats") or ()
    for day in campaign["days"] or ():
        told = {"advertId": campaign["advertId"], "currency": campaign.get("currency"), **day}
        booster = [each for each in positions if str(each.get("date"))[:_DATE] == str(day.get("date"))[:_DATE]]
        yield {**told, "boosterStats": booster} if booster else told


def _apps(day: Document) -> Iterator[Document]:
    for app in day.get("apps") or ():
        yield {"advertId": day["advertId"], "date": day["date"], **{key: value for key, value in app.items() if key != "nms"}}


def _products(day: Document) -> Iterator[Document]:
    for app in day.get("apps") or ():
        for product in app.get("nms") or ():
            yield {"advertId": day["advertId"], "date": day["date"], "appType": app["appType"], **product}


def _windows(load: Workload) -> int:
    return 1 if load.start is None or load.end is None else max(1, math.ceil((load.end - load.start) / timedelta(days=_MOST_DAYS)))


def _cures(*ids: str) -> Cures:
    return together(
        whole("advertId", *ids, "views", "clicks", "atbs", "orders", "shks", "canceled"),
        number("ctr", "cpc", "cr", "sum", "sum_price"),
        calendar_day("date"),
    )


CAMPAIGN_DAYS = Stream(
    name="campaign_days",
    tables=(
        Table(name="wb.campaign_days", key=("advert_id", "date"), row=_cures()),
        Table(
            name="wb.campaign_apps",
            key=("advert_id", "date", "app_type"),
            part_of="wb.campaign_days",
            at="apps",
            rows=_apps,
            row=_cures("appType"),
        ),
        Table(
            name="wb.campaign_nms",
            key=("advert_id", "date", "app_type", "nm_id"),
            part_of="wb.campaign_days",
            rows=_products,
            row=_cures("appType", "nmId"),
        ),
    ),
    read=each_window(_of_days, days=_MOST_DAYS, zone=MOSCOW),
    schedule="ads",
    overlap=timedelta(days=7),
    backfill=timedelta(days=180),
    window=timedelta(days=_MOST_DAYS),
    history_behind=timedelta(days=6),
    parents=Parents(
        stream=CAMPAIGNS.name,
        table=CAMPAIGNS.main.name,
        columns=("status", "change_time"),
        where={"status": (_FINISHED, _RUNNING, _PAUSED)},
    ),
    capability="promotion",
    limits=_STATISTICS.limits,
    day="date",
    requests=lambda load: {"advert.fullstats": _windows(load) * batches(load.parents)},
)
