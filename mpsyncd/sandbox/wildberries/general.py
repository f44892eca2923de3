"""Methods that every token may need first: `/ping` on each host, and who the seller is (wildberries.md §1)."""

from datetime import timedelta, timezone

from mpsyncd.sandbox.bucket import Limit
from mpsyncd.sandbox.http import Response, json_response
from mpsyncd.sandbox.wildberries.endpoint import Call, Endpoint
from mpsyncd.sandbox.wildberries.hosts import HOSTS

_DAY = 86_400
_MOSCOW = timezone(timedelta(hours=3))
_PING_LIMIT = Limit.per(30, limit=3, burst=99)
_SELLER_LIMIT = Limit.per(60, limit=1, burst=10)
_SELLER_BASE_LIMIT = Limit.per(_DAY, limit=1, burst=1)


def ping(call: Call) -> Response:
    """The clock in Moscow, and OK."""
    return json_response({"TS": call.now.astimezone(_MOSCOW).isoformat(timespec="seconds"), "Status": "OK"})


def seller_info(call: Call) -> Response:
    """Names and numbers of the seller."""
    seller = call.seller
    return json_response({"name": seller.spec.title, "sid": seller.sid, "tin": seller.tin, "tradeMark": seller.spec.name})


ENDPOINTS = (
    *(Endpoint(method="GET", host=host.name, path="/ping", gate=f"{host.name}.ping", limit=_PING_LIMIT, answer=ping) for host in HOSTS),
    Endpoint(
        method="GET",
        host="common-api",
        path="/api/v1/seller-info",
        gate="common.seller-info",
        limit=_SELLER_LIMIT,
        base_limit=_SELLER_BASE_LIMIT,
        answer=seller_info,
    ),
)
