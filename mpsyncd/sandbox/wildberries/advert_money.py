"""`GET advert-api /adv/v1/upd`, `/adv/v1/payments`, `/adv/v1/balance` (wildberries.md §6; official YAML "promotion" of 2026-08-18).

Bills have no id: two may be equal in everything. Refusals are bare texts here and JSON strings there.
"""

from collections.abc import Mapping
from types import MappingProxyType

from mpsyncd.sandbox.bucket import Limit
from mpsyncd.sandbox.http import Request, Response, json_response
from mpsyncd.sandbox.wildberries import promotion
from mpsyncd.sandbox.wildberries.adverts import moscow_offset
from mpsyncd.sandbox.wildberries.asking import strange
from mpsyncd.sandbox.wildberries.endpoint import Call, Endpoint
from mpsyncd.sandbox.wildberries.promotion import CURRENCY, HOUR, SLOW, STATUSES, type_of
from mpsyncd.sandbox.wildberries.spelling import moscow, zulu
from mpsyncd.sandbox.world.calendar import day_of
from mpsyncd.sandbox.world.campaigns import AdvertMoney, CardState, Charge, Means, PaidFrom, TopUp

_ONCE, _TWICE = Limit.per(HOUR, limit=1, burst=1), Limit.per(HOUR, limit=2, burst=1)
PAID_FROM: Mapping[PaidFrom, str] = MappingProxyType(
    {PaidFrom.BALANCE: "Баланс", PaidFrom.BONUS: "Бонусы", PaidFrom.ACCOUNT: "Счет", PaidFrom.CASHBACK: "Кэшбэк"}
)
MEANS: Mapping[Means, int] = MappingProxyType({Means.ACCOUNT: 0, Means.BALANCE: 1, Means.CARD: 3})
CARD_STATES: Mapping[CardState | None, str] = MappingProxyType(
    {None: "", CardState.SUCCESS: "success", CardState.FAIL: "fail", CardState.PENDING: "pending"}
)


def upd(call: Call) -> Response:
    """Bills of one to thirty-one days."""
    days = promotion.days_of(call.request, first="from", last="to")
    if isinstance(days, str):
        return promotion.plain_refusal(days)
    return json_response([charge_row(one) for one in call.seller.adverts.charges(first=days[0], last=days[1], moment=call.moment)])


def payments(call: Call) -> Response:
    """Top-ups of one to thirty-one days; 204 when there is none."""
    days = promotion.days_of(call.request, first="from", last="to")
    if isinstance(days, str):
        return promotion.bare_refusal(days)
    found = [one for one in call.seller.adverts.top_ups() if days[0] <= day_of(one.paid_at) <= days[1]]
    return json_response([top_up_row(one) for one in found]) if found else Response(status=204)


def balance(call: Call) -> Response:
    """The account, in whole units of the currency."""
    if name := strange(call.request, known=()):
        return promotion.bare_refusal(f"unexpected parameter {name}")
    money = call.seller.adverts.money
    return json_response(
        {"balance": money.account, "net": money.net, "currency": CURRENCY, "bonus": money.bonus, "cashbacks": cashbacks(money)}
    )


def charge_row(one: Charge) -> dict[str, object]:
    """One bill as the vendor spells it."""
    return {
        "updNum": one.number,
        "updTime": moscow_offset(one.charged_at) if one.timed else None,
        "updSum": one.total,
        "advertId": one.campaign,
        "campName": one.name,
        "advertType": type_of(old=one.old),
        "paymentType": PAID_FROM[one.paid_from],
        "advertStatus": STATUSES[one.stage],
    }


def top_up_row(one: TopUp) -> dict[str, object]:
    """One top-up as the vendor spells it: payments by card have Moscow's clock without a zone, the others UTC."""
    return {
        "id": one.number,
        "date": moscow(one.paid_at) if one.means is Means.CARD else zulu(one.paid_at),
        "sum": one.total,
        "type": MEANS[one.means],
        "statusId": int(one.done),
        "cardStatus": CARD_STATES[one.state],
        "currency": CURRENCY,
    }


def cashbacks(money: AdvertMoney) -> list[dict[str, object]]:
    """Promotional bonuses with their ends."""
    return [{"sum": one.total, "percent": one.percent, "expiration_date": zulu(one.expires_at)} for one in money.cashbacks]


def _cursor(request: Request) -> object:
    return dict(request.query)


ENDPOINTS = (
    Endpoint(
        method="GET",
        host="advert-api",
        path="/adv/v1/upd",
        gate="advert.upd",
        limit=SLOW,
        base_limit=_ONCE,
        answer=upd,
        cursor=_cursor,
        empty=b"[]",
        enums=frozenset({"advertType", "paymentType", "advertStatus"}),
    ),
    Endpoint(
        method="GET",
        host="advert-api",
        path="/adv/v1/payments",
        gate="advert.payments",
        limit=SLOW,
        base_limit=_ONCE,
        answer=payments,
        cursor=_cursor,
        empty=b"[]",
        no_content=True,
        enums=frozenset({"statusId", "cardStatus"}),
    ),
    Endpoint(
        method="GET",
        host="advert-api",
        path="/adv/v1/balance",
        gate="advert.balance",
        limit=SLOW,
        base_limit=_TWICE,
        answer=balance,
        cursor=_cursor,
        empty=b"{}",
    ),
)
