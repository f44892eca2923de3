"""`POST seller-analytics-api /api/analytics/v3/sales-funnel/products` and `…/products/history` (wildberries.md §4).

From the official YAML "analytics" of 2026-08-18. Products come sorted by a number that moves, so pages by offset may shift. Weeks are not
told, and of a period to compare with only its numbers: the sandbox has no `comparison`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from mpsyncd.sandbox.bucket import Limit
from mpsyncd.sandbox.http import Request, Response, json_response
from mpsyncd.sandbox.wildberries.asking import body_of, day, is_day
from mpsyncd.sandbox.wildberries.endpoint import Call, Endpoint
from mpsyncd.sandbox.wildberries.problems import analytics_refusal
from mpsyncd.sandbox.wildberries.product import product, with_stocks
from mpsyncd.sandbox.wildberries.shape import Shape, at_most, faults_of, is_flag, is_text, is_whole, list_of, one_of, within
from mpsyncd.sandbox.wildberries.traffic import CURRENCY, DEPTH, cards_of, conversions, days_of, fits, period_of, statistic, today
from mpsyncd.sandbox.world.records import Card

_LIMIT = Limit.per(60, limit=3, burst=3)
_BASE_LIMIT = Limit.per(3_600, limit=2, burst=1)
_PAGE, _DEFAULT_PAGE = 1_000, 50
_WEEK = 7
_PERIOD: Shape = {"start": is_day, "end": is_day}
_SELECTED = ("statistic", "selected")
_SORTED_BY: Mapping[str, tuple[str, ...]] = {
    "openCard": (*_SELECTED, "openCount"),
    "addToCart": (*_SELECTED, "cartCount"),
    "stockMpQty": ("product", "stocks", "mp"),
    "stockWbQty": ("product", "stocks", "wb"),
    **{
        name: (*_SELECTED, name)
        for name in (
            *("orderCount", "orderSum", "buyoutCount", "buyoutSum", "cancelCount", "cancelSum", "avgPrice", "shareOrderPercent"),
            *("addToWishlist", "timeToReady", "localizationPercent"),
        )
    },
    **{
        f"wbClub.{name}": (*_SELECTED, "wbClub", name)
        for name in (
            *("orderCount", "orderSum", "buyoutSum", "cancelSum", "buyoutCount", "avgPrice", "buyoutPercent"),
            *("avgOrderCountPerDay", "cancelCount"),
        )
    },
}
"""Where the number stands that products are sorted by."""
_PRODUCTS: Shape = {
    "selectedPeriod": _PERIOD,
    "pastPeriod": _PERIOD,
    "nmIds": at_most(1_000, list_of(is_whole)),
    "brandNames": list_of(is_text),
    "subjectIds": list_of(is_whole),
    "tagIds": list_of(is_whole),
    "skipDeletedNm": is_flag,
    "orderBy": {"field": one_of(*_SORTED_BY), "mode": one_of("asc", "desc")},
    "limit": within(0, _PAGE),
    "offset": within(0, 2**32 - 1),
}
_HISTORY: Shape = {
    "selectedPeriod": _PERIOD,
    "nmIds": at_most(20, list_of(is_whole)),
    "skipDeletedNm": is_flag,
    "aggregationLevel": one_of("day"),
}


def products(call: Call) -> Response:
    """A page of cards with their numbers over a period."""
    body = body_of(call.request)
    wrong = _fault(body, _PRODUCTS, now=call.now, depth=DEPTH)
    if body is None or wrong is not None:
        return analytics_refusal(str(wrong))
    return call.unhurried(lambda: _products(call, body))


def _products(call: Call, body: dict[str, Any]) -> Response:
    every = cards_of(call.seller)
    wanted = [card for card in cards_of(call.seller, skip_deleted=body.get("skipDeletedNm", False)) if fits(card, body)]
    selected = _numbers(call, every, body["selectedPeriod"])
    past = _numbers(call, every, body["pastPeriod"]) if "pastPeriod" in body else {}
    found = [
        {"product": told, "statistic": {"selected": selected[nm_id]} | ({"past": past[nm_id]} if nm_id in past else {})}
        for nm_id, told in with_stocks(call.seller, wanted).items()
        if nm_id in selected
    ]
    order = body.get("orderBy", {})
    steps = _SORTED_BY[order.get("field", "openCard")]
    found.sort(key=lambda one: _number(one, steps), reverse=order.get("mode", "desc") == "desc")
    offset = body.get("offset", 0)
    page = found[offset : offset + body.get("limit", _DEFAULT_PAGE)]
    return json_response({"data": {"products": page, "currency": CURRENCY}})


def history(call: Call) -> Response:
    """Numbers of a few cards by day, of the last week."""
    body = body_of(call.request)
    wrong = _fault(body, _HISTORY, now=call.now, depth=_WEEK)
    if body is None or wrong is not None:
        return analytics_refusal(str(wrong))
    if not body.get("nmIds"):
        return analytics_refusal("nmIds: field required")
    start, end = _days(body["selectedPeriod"])
    cards = cards_of(call.seller, skip_deleted=body.get("skipDeletedNm", False))
    return json_response(
        [
            {"product": product(card), "history": _by_day(call, card, start=start, end=end), "currency": CURRENCY}
            for card in cards
            if card.nm_id in body["nmIds"]
        ]
    )


def _by_day(call: Call, card: Card, *, start: date, end: date) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for when, one in days_of(call.seller, card, start=start, end=end, at=call.moment):
        to_cart, to_order, bought = conversions(one)
        rows.append(
            {
                "date": when.isoformat(),
                "openCount": one.opens,
                "cartCount": one.carts,
                "orderCount": one.orders,
                "orderSum": one.order_sum,
                "buyoutCount": one.buyouts,
                "buyoutSum": one.buyout_sum,
                "buyoutPercent": bought,
                "addToCartConversion": to_cart,
                "cartToOrderConversion": to_order,
                "addToWishlistCount": one.wishes,
            }
        )
    return rows


def _numbers(call: Call, cards: list[Card], period: Mapping[str, str]) -> dict[int, dict[str, object]]:
    """`statistic` of every card that there was in a period."""
    start, end = _days(period)
    sums = period_of(call.seller, cards, start=start, end=end, at=call.moment)
    revenue, days = sum(one.order_sum for one in sums.values()), (end - start).days + 1
    return {nm_id: {"period": period, **statistic(nm_id, one, days=days, revenue=revenue)} for nm_id, one in sums.items()}


def _fault(body: dict[str, Any] | None, shape: Shape, *, now: datetime, depth: int) -> str | None:
    """What is wrong with the body."""
    if body is None:
        return "request body is no JSON object"
    if faults := list(faults_of(body, shape)):
        return "; ".join(faults)
    order = body.get("orderBy")
    if order is not None and order.keys() != {"field", "mode"}:
        return "orderBy: field and mode required"
    for name in ("selectedPeriod", "pastPeriod"):
        period = body.get(name)
        if period is None and name == "pastPeriod":
            continue
        if period is None or period.keys() != _PERIOD.keys():
            return f"{name}: start and end required"
        start, end = _days(period)
        if not today(now) - timedelta(days=depth) <= start <= end <= today(now):
            return f"{name}: excess limit on days, or start later than end"
    return None


def _number(one: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        one = one[step]
    return tuple(one.values()) if isinstance(one, dict) else one


def _days(period: Mapping[str, str]) -> tuple[date, date]:
    """The days of a period whose shape is right."""
    start, end = day(period["start"]), day(period["end"])
    assert start is not None and end is not None  # noqa: S101, PT018 - the shape was checked
    return start, end


def _cursor(request: Request) -> object:
    body = body_of(request) or {}
    return {name: body.get(name) for name in ("selectedPeriod", "nmIds", "limit", "offset") if name in body}


def _endpoint(path: str, gate: str, answer: Callable[[Call], Response], *, empty: bytes) -> Endpoint:
    return Endpoint(
        method="POST",
        host="seller-analytics-api",
        path=path,
        gate=gate,
        limit=_LIMIT,
        base_limit=_BASE_LIMIT,
        answer=answer,
        cursor=_cursor,
        empty=empty,
    )


_PATH = "/api/analytics/v3/sales-funnel/products"
ENDPOINTS = (
    _endpoint(_PATH, "analytics.funnel", products, empty=b'{"data":{"products":[],"currency":"RUB"}}'),
    _endpoint(f"{_PATH}/history", "analytics.funnel-history", history, empty=b"[]"),
)
