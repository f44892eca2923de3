"""The truth of adverts: campaigns with their products, figures by day, bills, top-ups, the account, budgets.

Days of campaigns whose status has no statistics any more need not be there: who came too late can not read them. Bills have no key that the
vendor knows: `_unnamed` names the columns that tell their rows apart in a table, and everything else of them is compared as it is counted.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from mpsyncd.sandbox.wildberries.advert_figures import APPS, figures, of_app, of_day, places
from mpsyncd.sandbox.wildberries.advert_money import CARD_STATES, MEANS, PAID_FROM, cashbacks
from mpsyncd.sandbox.wildberries.canonical import LEFT, Read, Row, utc
from mpsyncd.sandbox.wildberries.promotion import CURRENCY, STATUSES, type_of, with_budget, with_figures
from mpsyncd.sandbox.world.advert_book import LEAVING
from mpsyncd.sandbox.world.calendar import day_of
from mpsyncd.sandbox.world.campaigns import Campaign, CampaignDay, Figures
from mpsyncd.sandbox.world.seller import Seller

UNNAMED: Row = {"_unnamed": ["content", "number"]}


def _campaigns(seller: Seller, moment: datetime) -> Iterator[Row]:
    present = seller.adverts.present(moment)
    for one in seller.adverts.every():
        yield {
            "id": one.number,
            "type": type_of(old=one.old),
            "status": STATUSES[one.stage],
            "change_time": utc(one.changed_at),
            **_told(one),
        } | ({} if one.number in present else LEFT)


def _told(one: Campaign) -> Row:
    """What is told of campaigns that are not of the obsolete type."""
    told: Row = {
        "bid_type": "unified" if one.unified else "manual",
        "currency": CURRENCY,
        "name": one.name,
        "payment_type": "cpc" if one.per_click else "cpm",
        "search": one.in_search,
        "recommendations": one.in_recommendations,
        "can_change_nms": one.can_change,
        "created": utc(one.created_at),
        "updated": utc(one.changed_at),
        "started": None if one.started_at is None else utc(one.started_at),
        "deleted": None if one.left_at is None else utc(one.left_at + LEAVING),
    }
    return dict.fromkeys(told) if one.old else told


def _campaign_products(seller: Seller, moment: datetime) -> Iterator[Row]:
    for one in seller.adverts.present(moment).values():
        for card in one.goods or ():
            yield {
                "advert_id": one.number,
                "nm_id": card.nm_id,
                "subject_id": card.subject_id,
                "subject_name": card.subject,
                "search_bid": str(card.search_bid),
                "recommendations_bid": str(card.recommendations_bid),
            }


def _campaign_days(seller: Seller, moment: datetime) -> Iterator[Row]:
    for one, day, left in _days(seller, moment):
        yield {
            "advert_id": one.number,
            "date": day.day.isoformat(),
            "currency": CURRENCY,
            **_figures(of_day(day)),
            "booster_stats": places(day) or None,
        } | left


def _campaign_apps(seller: Seller, moment: datetime) -> Iterator[Row]:
    for one, day, left in _days(seller, moment):
        for platform, cards in day.figures:
            yield {
                "advert_id": one.number,
                "date": day.day.isoformat(),
                "app_type": APPS[platform],
                **_figures(of_app(cards)),
            } | left


def _campaign_nms(seller: Seller, moment: datetime) -> Iterator[Row]:
    for one, day, left in _days(seller, moment):
        for platform, cards in day.figures:
            for card, shown in cards:
                yield {
                    "advert_id": one.number,
                    "date": day.day.isoformat(),
                    "app_type": APPS[platform],
                    "nm_id": card.nm_id,
                    "name": card.title,
                    **_figures(shown),
                } | left


def _campaign_spend(seller: Seller, moment: datetime) -> Iterator[Row]:
    for one in seller.adverts.charges(first=seller.adverts.since, last=day_of(moment), moment=moment):
        yield {
            "month": day_of(one.charged_at).replace(day=1).isoformat(),
            "upd_num": one.number,
            "upd_time": utc(one.charged_at) if one.timed else None,
            "upd_sum": str(one.total),
            "advert_id": one.campaign,
            "camp_name": one.name,
            "advert_type": type_of(old=one.old),
            "payment_type": PAID_FROM[one.paid_from],
            "advert_status": STATUSES[one.stage],
        } | UNNAMED


def _campaign_payments(seller: Seller, _moment: datetime) -> Iterator[Row]:
    for one in seller.adverts.top_ups():
        yield {
            "id": one.number,
            "type": MEANS[one.means],
            "month": day_of(one.paid_at).replace(day=1).isoformat(),
            "date": utc(one.paid_at),
            "sum": str(one.total),
            "status_id": int(one.done),
            "card_status": CARD_STATES[one.state],
            "currency": CURRENCY,
        }


def _advert_balance(seller: Seller, _moment: datetime) -> Iterator[Row]:
    money = seller.adverts.money
    yield {
        "currency": CURRENCY,
        "balance": str(money.account),
        "net": str(money.net),
        "bonus": str(money.bonus),
        "cashbacks": cashbacks(money),
    }


def _campaign_budgets(seller: Seller, moment: datetime) -> Iterator[Row]:
    for one in seller.adverts.present(moment).values():
        if with_budget(one):
            yield {"advert_id": one.number, "total": str(one.budget), "currency": CURRENCY}


def _days(seller: Seller, moment: datetime) -> Iterator[tuple[Campaign, CampaignDay, Row]]:
    book = seller.adverts
    present = book.present(moment)
    for one in book.every():
        left = {} if one.number in present and with_figures(one) else LEFT
        for day in book.days(one, first=book.since, last=day_of(moment), moment=moment):
            yield one, day, left


def _figures(one: Figures) -> Row:
    return {key: str(value) if isinstance(value, Decimal) else value for key, value in figures(one).items()}


TABLES: tuple[tuple[str, Read], ...] = (
    ("wb.campaigns", _campaigns),
    ("wb.campaign_products", _campaign_products),
    ("wb.campaign_days", _campaign_days),
    ("wb.campaign_apps", _campaign_apps),
    ("wb.campaign_nms", _campaign_nms),
    ("wb.campaign_spend", _campaign_spend),
    ("wb.campaign_payments", _campaign_payments),
    ("wb.advert_balance", _advert_balance),
    ("wb.campaign_budgets", _campaign_budgets),
)
