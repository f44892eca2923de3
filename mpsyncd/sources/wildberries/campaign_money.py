"""Money of adverts: what was charged, top-ups, the account, budgets of campaigns (vendor's page "Promotion", read October 2026).

Charges have no id, and some no time until they are booked, so both lists are read by whole calendar months (a request takes 31 days) and a
month is replaced as it was told. Moments without a zone are Moscow's.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from mpsyncd.model.errors import BadData
from mpsyncd.model.page import SliceKind
from mpsyncd.model.request import Request
from mpsyncd.model.stream import Parents, Stream, Table, Write
from mpsyncd.sources.mapped import mapped
from mpsyncd.sources.parents import each_parent
from mpsyncd.sources.reading import opened, paged, single
from mpsyncd.sources.rows import MOSCOW, calendar_day, instant, moscow_time, number, together, whole
from mpsyncd.sources.wildberries.campaigns import BATCH, CAMPAIGNS, batches, of_these, spoilt
from mpsyncd.sources.wildberries.checked import checked
from mpsyncd.sources.wildberries.days import months, months_between, next_month, today

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from mpsyncd.model.page import Page, Slice
    from mpsyncd.model.plan import Workload
    from mpsyncd.model.request import Api, Document
    from mpsyncd.model.stream import Read
    from mpsyncd.sources.parents import Parents as Batch

_HOST = "advert-api"
_SPEND = Request(method="GET", host=_HOST, path="/adv/v1/upd", limits=("advert.upd",))
_PAYMENTS = Request(method="GET", host=_HOST, path="/adv/v1/payments", limits=("advert.payments",))
_BALANCE = Request(method="GET", host=_HOST, path="/adv/v1/balance", rows_at=None, limits=("advert.balance",))
_BUDGETS = Request(method="POST", host=_HOST, path="/api/advert/v2/budget", rows_at="adverts", limits=("advert.budget",))
_READY, _RUNNING, _PAUSED = 4, 9, 11


def each_month(request: Request, *, time: str) -> Read:
    """Read month by month, oldest first; every document is told its month, as the first day of it. `time`: the rows' own moment.

    A month that is empty must be so twice: what is stored of it would be gone. The position is the month in hand, and that within.
    """

    async def read(api: Api, part: Slice) -> AsyncIterator[Page]:
        found = months(part)
        begin = found.index(date.fromisoformat(part.cursor["month"])) if part.cursor else 0
        for index in range(begin, len(found)):
            inner = part.cursor["inner"] if part.cursor and index == begin else None
            within = replace(part, kind=SliceKind.WINDOW, cursor=inner)
            async with opened(_of_month(request, found[index], time=time), api, within) as pages:
                async for page in pages:
                    yield _placed(page, found, index, part)

    return read


def _placed(page: Page, found: Sequence[date], index: int, part: Slice) -> Page:
    """A page of one month as a page of the slice."""
    done = index + page.last
    last = done == len(found)
    cursor = None if last else {"month": found[done].isoformat(), "inner": None if page.last else page.cursor}
    return replace(page, cursor=cursor, last=last, until=part.end if last else None, share=done / len(found))


def _of_month(request: Request, month: date, *, time: str) -> Read:
    day = timedelta(days=1)
    behind = next_month(month)

    def asked(part: Slice) -> Request:
        return request.with_params(**{"from": month.isoformat(), "to": min(behind - day, today(part)).isoformat()})

    def belongs(row: Document) -> bool:
        # By which calendar the vendor tells the last evening of a month from the next is not known.
        at = _day(row.get(time))
        return at is None or month - day <= at <= behind

    def told(row: Document) -> tuple[Document]:
        return ({**row, "month": month.isoformat()},)

    return mapped(checked(paged(asked), belongs), told)


def _day(value: Any) -> date | None:
    try:
        moment = instant(value, zone=MOSCOW) if value else None
    except BadData:
        return None
    return moment and moment.astimezone(MOSCOW).date()


def _months(part: Slice) -> Mapping[str, Any]:
    found = months(part)
    return {"month": (found[0], next_month(found[-1]))}


def _months_of(load: Workload) -> int:
    return 1 if load.start is None or load.end is None else len(months_between(load.start, load.end))


def _budgets(campaigns: Batch) -> Read:
    asked = _BUDGETS.with_json({"advertIds": [campaign["id"] for campaign in campaigns]})
    return of_these(paged(asked), campaigns, field="advertId")


CAMPAIGN_SPEND = Stream(
    name="campaign_spend",
    tables=(
        Table(
            name="wb.campaign_spend",
            key=("content", "number"),
            numbered=("content", "number"),
            row=together(
                whole("updNum", "advertId", "advertType", "advertStatus"), number("updSum"), moscow_time("updTime"), calendar_day("month")
            ),
            write=Write.REPLACE,
            scope=_months,
        ),
    ),
    read=each_month(_SPEND, time="updTime"),
    schedule="ads",
    overlap=timedelta(days=7),
    backfill=timedelta(days=365),
    history_behind=timedelta(days=6),
    suspect_empty=True,
    capability="promotion",
    limits=_SPEND.limits,
    day="month",
    requests=lambda load: dict.fromkeys(_SPEND.limits, _months_of(load)),
)
CAMPAIGN_PAYMENTS = Stream(
    name="campaign_payments",
    tables=(
        Table(
            name="wb.campaign_payments",
            key=("id", "type"),
            row=together(whole("id", "type", "statusId"), number("sum"), moscow_time("date"), calendar_day("month")),
            write=Write.REPLACE,
            scope=_months,
        ),
    ),
    read=each_month(_PAYMENTS, time="date"),
    schedule="ads",
    overlap=timedelta(days=7),
    backfill=timedelta(days=365),
    history_behind=timedelta(days=6),
    suspect_empty=True,
    capability="promotion",
    limits=_PAYMENTS.limits,
    day="month",
    requests=lambda load: dict.fromkeys(_PAYMENTS.limits, _months_of(load)),
)
ADVERT_BALANCE = Stream(
    name="advert_balance",
    tables=(Table(name="wb.advert_balance", key=("currency",), row=number("balance", "net", "bonus"), write=Write.SNAPSHOT),),
    read=single(_BALANCE),
    schedule="ads",
    walk=timedelta(0),
    capability="promotion",
    limits=_BALANCE.limits,
    requests=lambda _: dict.fromkeys(_BALANCE.limits, 1),
)
CAMPAIGN_BUDGETS = Stream(
    name="campaign_budgets",
    tables=(Table(name="wb.campaign_budgets", key=("advert_id",), row=together(whole("advertId"), number("total")), write=Write.SNAPSHOT),),
    read=each_parent(_budgets, key=("id",), batch=BATCH, split_on=spoilt),
    schedule="ads",
    walk=timedelta(0),
    parents=Parents(stream=CAMPAIGNS.name, table=CAMPAIGNS.main.name, child=("advert_id",), where={"status": (_READY, _RUNNING, _PAUSED)}),
    capability="promotion",
    limits=_BUDGETS.limits,
    requests=lambda load: dict.fromkeys(_BUDGETS.limits, batches(load.parents)),
)
