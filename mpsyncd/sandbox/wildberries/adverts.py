"""Campaigns of advert-api: `GET /adv/v1/promotion/count`, `GET /api/advert/v2/adverts`, `POST /api/advert/v2/budget` (wildberries.md §6).

Official YAML "promotion" of 2026-08-18, the budget as of October. Campaigns of the obsolete type are in the list and nowhere
else. Times are Moscow's with their offset.
"""

from collections import defaultdict
from datetime import datetime

import orjson

from mpsyncd.sandbox.bucket import Limit
from mpsyncd.sandbox.http import Request, Response, json_response
from mpsyncd.sandbox.wildberries import promotion
from mpsyncd.sandbox.wildberries.asking import body_of, strange
from mpsyncd.sandbox.wildberries.endpoint import Call, Endpoint
from mpsyncd.sandbox.wildberries.promotion import EASY, HOUR, MOST_IDS, STATUSES, type_of, with_budget
from mpsyncd.sandbox.wildberries.shape import at_most, faults_of, is_whole, list_of
from mpsyncd.sandbox.wildberries.spelling import MOSCOW
from mpsyncd.sandbox.world.advert_book import LEAVING
from mpsyncd.sandbox.world.campaigns import Campaign, Promoted

_COUNT_BASE_LIMIT = Limit.per(HOUR, limit=4, burst=1)
_ADVERTS_BASE_LIMIT = Limit.per(HOUR, limit=1, burst=1)
_BUDGET_LIMIT, _BUDGET_BASE_LIMIT = Limit.per(60, limit=20, burst=4), Limit.per(HOUR, limit=4, burst=1)
_NOT_DELETED = "2100-01-01T00:00:00+03:00"
_KNOWN = ("ids", "statuses", "payment_type")
_PAYMENTS = {"cpm": False, "cpc": True}


def count(call: Call) -> Response:
    """All campaigns, grouped by type and status. A seller without any is told null."""
    if name := strange(call.request, known=()):
        return promotion.refusal(f"unexpected parameter {name}")
    groups: dict[tuple[int, int], list[dict[str, object]]] = defaultdict(list)
    present = call.seller.adverts.present(call.moment)
    for one in present.values():
        line = {"advertId": one.number, "changeTime": moscow_offset(one.changed_at)}
        groups[type_of(old=one.old), STATUSES[one.stage]].append(line)
    told = [{"type": kind, "status": status, "count": len(lines), "advert_list": lines} for (kind, status), lines in groups.items()]
    return json_response({"adverts": told or None, "all": len(present)})


def adverts(call: Call) -> Response:
    """What is told of campaigns, at most fifty of them by their ids."""
    given = dict(call.request.query)
    if name := strange(call.request, known=_KNOWN):
        return promotion.refusal(f"unexpected parameter {name}")
    ids = promotion.ids_of(given["ids"]) if "ids" in given else None
    if "ids" in given and (ids is None or len(ids) > MOST_IDS):
        return promotion.refusal("invalid ids")
    statuses = given["statuses"].split(",") if "statuses" in given else [str(code) for code in STATUSES.values()]
    if not {str(code) for code in STATUSES.values()} >= set(statuses):
        return promotion.refusal("invalid statuses value")
    if given.get("payment_type", "cpm") not in _PAYMENTS:
        return promotion.refusal("invalid payment_type value")
    per_click = _PAYMENTS.get(given.get("payment_type", ""))
    wanted = [
        one
        for one in call.seller.adverts.present(call.moment).values()
        if not one.old
        and (ids is None or one.number in ids)
        and str(STATUSES[one.stage]) in statuses
        and per_click in {None, one.per_click}
    ]
    return json_response({"adverts": [row(one) for one in wanted]})


def budget(call: Call) -> Response:
    """What is left of budgets; campaigns that have none in their status are left out."""
    body = body_of(call.request)
    if body is None or call.request.query:
        return promotion.plain_refusal("request body is not valid")
    faults = list(faults_of(body, {"advertIds": at_most(MOST_IDS, list_of(is_whole))}))
    if faults or not body.get("advertIds"):
        return promotion.refusal(faults[0] if faults else "advertIds: at least one is required")
    present = call.seller.adverts.present(call.moment)
    found = [present[number] for number in body["advertIds"] if number in present and with_budget(present[number])]
    told = [{"advertId": one.number, "currency": promotion.CURRENCY, "total": one.budget} for one in found]
    return json_response({"adverts": told or None})


def row(one: Campaign) -> dict[str, object]:
    """One campaign as the vendor spells it."""
    return {
        "bid_type": "unified" if one.unified else "manual",
        "currency": promotion.CURRENCY,
        "id": one.number,
        "nm_settings": None if one.goods is None else [_promoted(card) for card in one.goods],
        "restrictions": {"can_change_nms": one.can_change},
        "settings": {
            "name": one.name,
            "payment_type": "cpc" if one.per_click else "cpm",
            "placements": {"search": one.in_search, "recommendations": one.in_recommendations},
        },
        "status": STATUSES[one.stage],
        "timestamps": {
            "created": moscow_offset(one.created_at),
            "updated": moscow_offset(one.changed_at),
            "started": None if one.started_at is None else moscow_offset(one.started_at),
            "deleted": _NOT_DELETED if one.left_at is None else moscow_offset(one.left_at + LEAVING),
        },
    }


def moscow_offset(moment: datetime) -> str:
    """Moscow's clock with its offset and microseconds."""
    return moment.astimezone(MOSCOW).isoformat(timespec="microseconds")


def _promoted(card: Promoted) -> dict[str, object]:
    return {
        "bids_kopecks": {"search": card.search_bid, "recommendations": card.recommendations_bid},
        "subject": {"id": card.subject_id, "name": card.subject},
        "nm_id": card.nm_id,
    }


def _cursor(request: Request) -> object:
    return dict(request.query) if request.method == "GET" else body_of(request)


ENDPOINTS = (
    Endpoint(
        method="GET",
        host="advert-api",
        path="/adv/v1/promotion/count",
        gate="advert.count",
        limit=EASY,
        base_limit=_COUNT_BASE_LIMIT,
        answer=count,
        cursor=_cursor,
        empty=orjson.dumps({"adverts": None, "all": 0}),
        enums=frozenset({"type", "status"}),
    ),
    Endpoint(
        method="GET",
        host="advert-api",
        path="/api/advert/v2/adverts",
        gate="advert.adverts",
        limit=EASY,
        base_limit=_ADVERTS_BASE_LIMIT,
        answer=adverts,
        cursor=_cursor,
        empty=b'{"adverts":[]}',
        enums=frozenset({"status", "bid_type", "payment_type"}),
    ),
    Endpoint(
        method="POST",
        host="advert-api",
        path="/api/advert/v2/budget",
        gate="advert.budget",
        limit=_BUDGET_LIMIT,
        base_limit=_BUDGET_BASE_LIMIT,
        answer=budget,
        cursor=_cursor,
        empty=b'{"adverts":null}',
    ),
)
