"""What buyers bring back: `GET returns-api /api/v1/claims`, `GET seller-analytics-api /api/analytics/v1/item-returns` (wildberries.md §11).

Official YAML of 2026-08-18 for the claims; the returns as of October. Claims are told for fourteen days. Times are Moscow's and
have no zone.
"""

import hashlib
from datetime import datetime, timedelta
from http import HTTPStatus

import orjson

from mpsyncd.sandbox.bucket import Limit
from mpsyncd.sandbox.http import PROBLEM_JSON, Request, Response, json_response
from mpsyncd.sandbox.wildberries.asking import day, strange, whole
from mpsyncd.sandbox.wildberries.endpoint import Call, Endpoint
from mpsyncd.sandbox.wildberries.spelling import moscow, number
from mpsyncd.sandbox.world.talk import Claim, GoodsReturn

_CLAIMS_LIMIT, _CLAIMS_BASE = Limit.per(60, limit=20, burst=10), Limit.per(3_600, limit=1, burst=1)
_RETURNS_LIMIT, _RETURNS_BASE = Limit.per(60, limit=1, burst=10), Limit.per(3_600, limit=2, burst=1)
TOLD = timedelta(days=14)
MOST_CLAIMS, _FEW_CLAIMS, MOST_RETURNS = 200, 50, 1_000
_FLAGS = {"true": True, "false": False}
_ACTIONS = ("approve1", "autorefund1", "rejectcustom")


def claims(call: Call) -> Response:
    """Claims that wait for a decision, or those that were decided; newest first."""
    given = dict(call.request.query)
    if name := strange(call.request, known=("is_archive", "id", "limit", "offset", "nm_id")):
        return _refusal(f"unknown field `{name}`")
    if "is_archive" not in given:
        return _refusal("missing field `is_archive`")
    limit, offset = whole(given.get("limit", str(_FEW_CLAIMS))), whole(given.get("offset", "0"))
    wrong = limit is None or not 1 <= limit <= MOST_CLAIMS or offset is None or given["is_archive"] not in _FLAGS
    if wrong or ("nm_id" in given and whole(given["nm_id"]) is None) or limit is None or offset is None:
        return _refusal("invalid value")
    found = [one for one in call.seller.voices.claims.every() if is_told(one, call.moment) and _fits(one, given)]
    found.sort(key=lambda one: (one.at, one.number), reverse=True)
    return json_response({"claims": [claim_row(one) for one in found[offset : offset + limit]], "total": len(found)})


def item_returns(call: Call) -> Response:
    """Goods that the seller gets back, by the day on which that was ordered."""
    given = dict(call.request.query)
    if name := strange(call.request, known=("dateFrom", "dateTo", "status", "limit", "offset")):
        return _returns_refusal(f'parameter "{name}" in query is unknown')
    days = [day(given.get(name)) for name in ("dateFrom", "dateTo")]
    for name, one in zip(("dateFrom", "dateTo"), days, strict=True):
        if name not in given:
            return _returns_refusal(f'parameter "{name}" in query has an error: value is required but missing')
        if one is None:
            return _returns_refusal(f"can't parse {name}")
    limit, offset = whole(given.get("limit", str(MOST_RETURNS))), whole(given.get("offset", "0"))
    if days[0] is None or days[1] is None or days[0] > days[1]:
        return _returns_refusal("dateTo should be greater dateFrom")
    if limit is None or limit > MOST_RETURNS or offset is None or given.get("status", "active") not in {"active", "archive"}:
        return _returns_refusal("limit, offset or status has a wrong value")
    every = [one for one in call.seller.voices.returns.every() if days[0] <= one.ordered <= days[1]]
    found = [one for one in every if given.get("status", status_of(one)) == status_of(one)]
    found.sort(key=lambda one: (one.ordered, one.srid), reverse=True)
    return json_response({"count": len(found), "report": [return_row(one) for one in found[offset : offset + limit]]})


def is_told(one: Claim, moment: datetime) -> bool:
    """Whether the claim is young enough to be told of."""
    return moment - one.at <= TOLD


def claim_row(one: Claim) -> dict[str, object]:
    """One claim as the vendor spells it."""
    status, fate = verdict(one)
    place = f"//photos.wbbasket.example/{one.number}"
    return {
        "id": one.number,
        "claim_type": 3 if one.from_chat else 1,
        "status": status,
        "status_ex": fate,
        "nm_id": one.nm_id,
        "user_comment": one.comment,
        "wb_comment": one.reply,
        "dt": moscow(one.at),
        "imt_name": one.title or None,
        "order_dt": moscow(one.ordered_at),
        "dt_update": moscow(one.decided_at or one.at),
        "photos": [f"{place}/{place_}.webp" for place_ in range(one.photos)],
        "video_paths": [f"{place}.mp4"] if one.video else [],
        "actions": list(_ACTIONS) if one.decided_at is None else [],
        "price": number(one.price),
        "currency_code": "643",
        "srid": one.srid,
        "origin_id_info": None,
        "delivery_dt": moscow(one.delivered_at),
    }


def verdict(one: Claim) -> tuple[int, int]:
    """Codes of the decision and of what becomes of the goods."""
    if one.decided_at is None:
        return 0, 0
    return (2, 8) if one.approved else (1, 1)


def return_row(one: GoodsReturn) -> dict[str, object]:
    """One return as the vendor spells it; the reason has a key only where it is told."""
    return {
        "sku": one.barcode,
        "brand": one.brand,
        "completedDt": None if one.taken_at is None else moscow(one.taken_at),
        "dstOfficeAddress": "Приречный Набережная 6к2",
        "kiz": one.marking,
        "dstOfficeId": 310_105,
        "expiredDt": None if one.expires_at is None else moscow(one.expires_at),
        "nmId": one.nm_id,
        "orderDt": one.ordered.isoformat(),
        "orderId": one.assembly,
        "readyToReturnDt": None if one.ready_at is None else moscow(one.ready_at),
        **({} if one.reason is None else {"returnReason": one.reason}),
        "returnType": one.kind,
        "shkId": one.label,
        "srid": one.srid,
        "returnStatus": state_of(one),
        "stickerId": str(one.label // 3),
        "subjectName": one.subject,
        "techSize": one.tech_size,
    }


def state_of(one: GoodsReturn) -> str:
    """Where the goods are, in words."""
    if one.taken_at is not None:
        return "Выдано"
    return "В пути в пвз" if one.ready_at is None else "Готов к выдаче"


def status_of(one: GoodsReturn) -> str:
    """Whether the return is over."""
    return "active" if one.taken_at is None else "archive"


def _fits(one: Claim, given: dict[str, str]) -> bool:
    return (
        _FLAGS[given["is_archive"]] == (one.decided_at is not None)
        and given.get("id", one.number) == one.number
        and given.get("nm_id", str(one.nm_id)) == str(one.nm_id)
    )


def _refusal(detail: str) -> Response:
    body = {
        "title": "Invalid query params",
        "detail": f"Failed to deserialize query string: {detail}",
        "requestId": _request_id(detail),
    }
    return Response(status=HTTPStatus.BAD_REQUEST, body=orjson.dumps(body), content_type=PROBLEM_JSON)


def _returns_refusal(detail: str) -> Response:
    body = {"title": "Bad Request", "detail": detail, "origin": "api-statistics", "requestId": _request_id(detail)}
    return Response(status=HTTPStatus.BAD_REQUEST, body=orjson.dumps(body), content_type=PROBLEM_JSON)


def _request_id(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _cursor(request: Request) -> object:
    return dict(request.query)


ENDPOINTS = (
    Endpoint(
        method="GET",
        host="returns-api",
        path="/api/v1/claims",
        gate="returns.claims",
        limit=_CLAIMS_LIMIT,
        base_limit=_CLAIMS_BASE,
        answer=claims,
        cursor=_cursor,
        empty=b'{"claims":[],"total":0}',
        enums=frozenset({"claim_type", "status", "status_ex"}),
    ),
    Endpoint(
        method="GET",
        host="seller-analytics-api",
        path="/api/analytics/v1/item-returns",
        gate="analytics.item-returns",
        limit=_RETURNS_LIMIT,
        base_limit=_RETURNS_BASE,
        answer=item_returns,
        cursor=_cursor,
        empty=b'{"count":0,"report":[]}',
        enums=frozenset({"returnStatus", "returnType"}),
    ),
)
