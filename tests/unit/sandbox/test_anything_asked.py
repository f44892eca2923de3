"""Whatever is asked of the methods of finance, adverts, chats and feedbacks, they answer or refuse; nothing breaks them."""

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsyncd.sandbox import Request, SellerSpec
from mpsyncd.sandbox.wildberries.service import ENDPOINTS
from support.sandbox_caller import Caller

ROWS = ("dateFrom", "dateTo", "limit", "rrdId", "period", "fields")
HEADS = ("dateFrom", "dateTo", "limit", "offset", "period")
VOICES = ("isAnswered", "take", "skip", "order", "nmId", "dateFrom", "dateTo")
METHODS = {
    "POST finance-api /api/finance/v1/sales-reports/list": HEADS,
    "POST finance-api /api/finance/v1/sales-reports/detailed": ROWS,
    "POST finance-api /api/finance/v1/sales-reports/detailed/{}": ROWS[2:],
    "POST finance-api /api/finance/v1/acquiring/list": HEADS,
    "POST finance-api /api/finance/v1/acquiring/detailed": ROWS,
    "POST finance-api /api/finance/v1/acquiring/detailed/{}": ROWS[2:],
    "GET finance-api /api/v1/account/balance": ("id",),
    "GET advert-api /adv/v1/promotion/count": ("id",),
    "GET advert-api /api/advert/v2/adverts": ("ids", "statuses", "payment_type"),
    "GET advert-api /adv/v3/fullstats": ("ids", "beginDate", "endDate"),
    "GET advert-api /adv/v1/upd": ("from", "to"),
    "GET advert-api /adv/v1/payments": ("from", "to"),
    "GET advert-api /adv/v1/balance": ("id",),
    "POST advert-api /api/advert/v2/budget": ("advertIds",),
    "GET buyer-chat-api /api/v1/seller/chats": ("id",),
    "GET buyer-chat-api /api/v1/seller/events": ("next",),
    "GET buyer-chat-api /api/v1/seller/download/{}": ("id",),
    "GET feedbacks-api /api/v1/questions": VOICES,
    "GET feedbacks-api /api/v1/feedbacks": VOICES,
    "GET feedbacks-api /api/v1/feedbacks/archive": VOICES[1:5],
    "GET returns-api /api/v1/claims": ("is_archive", "id", "limit", "offset", "nm_id"),
    "GET seller-analytics-api /api/analytics/v1/item-returns": ("dateFrom", "dateTo", "status", "limit", "offset"),
}
TEXTS = [
    *("2026-11-01", "2026-11-20", "9999-12-31", "0001-01-01", "2026-11-01T00:00:00.123456789", "9999-12-31T23:59:59-12:00"),
    *("0", "-1", "1", "50", "100000", "1763700000000", "9999999999999", "9223372036854775807", "99999999999999999999"),
    *("true", "false", "weekly", "daily", "dateAsc", "active", "9,11", "cpm", "²", "٣", "1,2,3"),
]
VALUES = st.sampled_from(TEXTS) | st.text(max_size=5)
LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False) | VALUES
DOCUMENTS = LEAVES | st.lists(LEAVES, max_size=4)
CALLER = Caller(SellerSpec(name="asked", title="x", cards=5, trashed=0, orders=10, weeks=2, operations=6, campaigns=6), limit_scale=1e9)


@settings(max_examples=500, deadline=None)
@given(method=st.sampled_from(sorted(METHODS)), data=st.data())
def test_nothing_that_is_asked_breaks_a_method(method: str, data: st.DataObject) -> None:
    verb, host, path = method.split()
    names = st.sampled_from(METHODS[method]) | st.sampled_from(("dateFrom", "x"))
    CALLER.wait(1)
    request = Request(
        method=verb,
        path=f"/wb/{host}{path.replace('{}', data.draw(VALUES))}",
        query=tuple(data.draw(st.dictionaries(names, VALUES)).items()) if verb == "GET" else (),
        headers={"authorization": CALLER.token},
        body=data.draw(st.dictionaries(names, DOCUMENTS).map(orjson.dumps) | st.binary(max_size=20)) if verb == "POST" else b"",
    )

    assert CALLER.core.handle(request, CALLER.now).status in {200, 202, 204, 400, 404, 405, 429, 451}


def test_every_method_is_asked() -> None:
    hosts = {method.split()[1] for method in METHODS} - {"seller-analytics-api"}
    known = {f"{one.method} {one.host} {one.path.partition('{')[0]}" for one in ENDPOINTS if one.host in hosts and one.path != "/ping"}

    assert known < {method.removesuffix("{}") for method in METHODS}
