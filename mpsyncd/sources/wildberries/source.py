"""Wildberries put together: one value that the daemon hands around. Declares, decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from mpsyncd.model.errors import BadData
from mpsyncd.model.request import Request
from mpsyncd.model.source import Secret, Source, Step
from mpsyncd.sources.wildberries.acquiring import ACQUIRING, ACQUIRING_REPORTS
from mpsyncd.sources.wildberries.attachments import fetch_attachment
from mpsyncd.sources.wildberries.campaign_days import CAMPAIGN_DAYS
from mpsyncd.sources.wildberries.campaign_money import ADVERT_BALANCE, CAMPAIGN_BUDGETS, CAMPAIGN_PAYMENTS, CAMPAIGN_SPEND
from mpsyncd.sources.wildberries.campaigns import CAMPAIGNS
from mpsyncd.sources.wildberries.cards import CARDS, CARDS_TRASH
from mpsyncd.sources.wildberries.chats import CHAT_EVENTS, CHATS
from mpsyncd.sources.wildberries.errors import classify
from mpsyncd.sources.wildberries.feedbacks import FEEDBACKS, QUESTIONS
from mpsyncd.sources.wildberries.finance import BALANCE, FINANCE, FINANCE_REPORTS
from mpsyncd.sources.wildberries.funnel import FUNNEL, PRODUCT_TOTALS
from mpsyncd.sources.wildberries.hosts import CATEGORIES, COMMON, HOSTS
from mpsyncd.sources.wildberries.limits import rates
from mpsyncd.sources.wildberries.order_feed import ORDER_FEED
from mpsyncd.sources.wildberries.orders import ORDERS
from mpsyncd.sources.wildberries.prices import PRICES
from mpsyncd.sources.wildberries.returns import CLAIMS, ITEM_RETURNS
from mpsyncd.sources.wildberries.sales import SALES
from mpsyncd.sources.wildberries.stocks import SELLER_STOCKS, STOCKS
from mpsyncd.sources.wildberries.token import FIELD, authorize, identify
from mpsyncd.sources.wildberries.warehouses import OFFICES, WAREHOUSES

if TYPE_CHECKING:
    from mpsyncd.model.request import Api

_SELLER = Request(method="GET", host=COMMON, path="/api/v1/seller-info", limits=("common.seller_info",), rows_at=None)


async def name_shop(api: Api) -> str:
    """Ask for the seller: the trade name, else the legal one.

    Raises:
        BadData: the answer has neither.
    """
    answer = await api.send(_SELLER)
    await answer.rows.close()
    told = answer.envelope if isinstance(answer.envelope, dict) else {}
    for key in ("tradeMark", "name"):
        name = told.get(key)
        if isinstance(name, str) and name.strip():
            return name.strip()
    raise BadData("the answer about the seller holds no name")


def _ping(host: str) -> Request:
    return Request(method="GET", host=host, path="/ping", limits=(f"ping.{host}",), rows_at=None)


WILDBERRIES = Source(
    name="wildberries",
    hosts=HOSTS,
    secrets=(Secret(name=FIELD, title={"en": "API token", "ru": "Токен API"}),),
    identify=identify,
    rates=rates,
    authorize=authorize,
    classify=classify,
    probes={category.capability: _ping(category.host) for category in CATEGORIES},
    streams=(
        *(ORDERS, SALES, ORDER_FEED),
        *(CARDS, CARDS_TRASH),
        *(PRODUCT_TOTALS, FUNNEL),
        *(FINANCE, FINANCE_REPORTS, ACQUIRING, ACQUIRING_REPORTS, BALANCE),
        *(CAMPAIGNS, CAMPAIGN_DAYS, CAMPAIGN_SPEND, CAMPAIGN_PAYMENTS, CAMPAIGN_BUDGETS, ADVERT_BALANCE),
        *(PRICES, STOCKS, SELLER_STOCKS),
        *(WAREHOUSES, OFFICES),
        *(CHATS, CHAT_EVENTS),
        *(QUESTIONS, FEEDBACKS, CLAIMS, ITEM_RETURNS),
    ),
    pipeline=(
        Step(name="product_content", title={"en": "Content of products", "ru": "Контент товаров"}, streams=("cards", "cards_trash")),
        Step(
            name="orders",
            title={"en": "Orders and sales (90 days)", "ru": "Заказы и продажи (90 дней)"},
            streams=("orders", "sales", "order_feed"),
        ),
        Step(
            name="funnel",
            title={"en": "Sales funnel (365 days)", "ru": "Воронка продаж (365 дней)"},
            streams=("product_totals", "funnel"),
        ),
        Step(
            name="finance",
            title={"en": "Finance (12 months)", "ru": "Финансы (12 месяцев)"},
            streams=("finance", "finance_reports", "acquiring", "acquiring_reports", "balance"),
        ),
        Step(
            name="adverts",
            title={"en": "Adverts (180 days)", "ru": "Реклама (180 дней)"},
            streams=("campaigns", "campaign_days", "campaign_spend", "campaign_payments", "campaign_budgets", "advert_balance"),
        ),
        Step(name="commercial", title={"en": "Prices and stocks", "ru": "Цены и остатки"}, streams=("prices", "stocks", "seller_stocks")),
        Step(name="warehouses", title={"en": "Warehouses", "ru": "Склады"}, streams=("warehouses", "offices")),
        Step(name="chats", title={"en": "Chats with buyers", "ru": "Чаты с покупателями"}, streams=("chats", "chat_events")),
        Step(
            name="voices",
            title={"en": "Questions, feedbacks, returns", "ru": "Вопросы, отзывы, возвраты"},
            streams=("questions", "feedbacks", "claims", "item_returns"),
        ),
    ),
    zone=ZoneInfo("Europe/Moscow"),
    name_shop=name_shop,
    attachment=fetch_attachment,
    analytics=(PRODUCT_TOTALS.name, FUNNEL.name),
)
