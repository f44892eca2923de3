"""Makes what a seller has besides cards and orders: statements, money, advertising, chats, questions, feedbacks, claims, returns."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from mpsyncd.sandbox.options import SellerSpec
from mpsyncd.sandbox.world.advert_birth import make_campaigns, make_endless, make_money, make_top_ups
from mpsyncd.sandbox.world.advert_book import AdvertBook
from mpsyncd.sandbox.world.calendar import day_of
from mpsyncd.sandbox.world.chat_book import ChatBook
from mpsyncd.sandbox.world.dice import dice
from mpsyncd.sandbox.world.finance_birth import goods_of
from mpsyncd.sandbox.world.finance_book import FinanceBook, Stock
from mpsyncd.sandbox.world.finance_large import LargeFinance
from mpsyncd.sandbox.world.large import LargeBook
from mpsyncd.sandbox.world.operations import Goods, Purse
from mpsyncd.sandbox.world.records import Card, Order
from mpsyncd.sandbox.world.shelves import OrderBook
from mpsyncd.sandbox.world.talk import ChatEvent
from mpsyncd.sandbox.world.talk_birth import make_talks
from mpsyncd.sandbox.world.ties import tie_borders
from mpsyncd.sandbox.world.voice_birth import make_claims, make_feedbacks, make_questions, make_returns
from mpsyncd.sandbox.world.voices import Voices

_SAMPLE = 500
_VOICES = timedelta(days=300)
_RETURNS = timedelta(days=60)


def make_finance(
    spec: SellerSpec, *, name: str, owner: int, cards: Sequence[Card], orders: OrderBook | LargeBook, born: datetime
) -> FinanceBook | LargeFinance:
    """Statements; `owner` is the seller's number."""
    if isinstance(orders, LargeBook):
        count = spec.weeks * spec.operations
        return LargeFinance(dice=dice(name, "finance"), stock=Stock(_goods(cards), ()), count=count, born=born, weeks=spec.weeks)
    titles = {card.nm_id: card.title for card in cards}
    known = tuple(orders.every())

    def stock() -> Stock:
        return Stock(_goods(cards), tuple((order, goods_of(order, title=titles[order.nm_id])) for order in known))

    return FinanceBook(
        dice=lambda label: dice(name, "finance", label), owner=owner, stock=stock, born=born, weeks=spec.weeks, rows=spec.operations
    )


def make_purse(name: str) -> Purse:
    """The seller's money."""
    rolls = dice(name, "purse")
    current = Decimal(rolls.randint(0, 90_000_000)) / 100
    return Purse(current, (current / 3).quantize(Decimal("0.01")))


def make_adverts(spec: SellerSpec, *, name: str, cards: Sequence[Card], born: datetime) -> AdvertBook:
    """Campaigns and the account."""
    rolls = dice(name, "adverts")
    make = make_endless if spec.large else make_campaigns
    campaigns = make(rolls, cards=cards, count=spec.campaigns, at=born, span=spec.advert_history)
    top_ups = make_top_ups(rolls, at=born, span=spec.advert_history) if spec.campaigns else []
    since = day_of(born - spec.advert_history)
    return AdvertBook.of(seed=name, since=since, money=make_money(rolls, at=born), campaigns=campaigns, top_ups=top_ups)


def make_chats(spec: SellerSpec, *, name: str, orders: OrderBook | LargeBook, born: datetime, page: int) -> ChatBook:
    """Chats with ties of their events across the borders of pages."""
    rolls = dice(name, "chats")
    chats, events = make_talks(rolls, orders=_sample(orders), count=spec.chats, messages=spec.messages, until=born)
    return ChatBook(chats, tie_borders(events, page=page, stamp=_happened, no_later=_happened_no_later))


def make_voices(spec: SellerSpec, *, name: str, cards: Sequence[Card], orders: OrderBook | LargeBook, born: datetime) -> Voices:
    """What buyers asked, liked, and brought back."""
    titles, known = {card.nm_id: card.title for card in cards}, _sample(orders)
    return Voices(
        questions=make_questions(dice(name, "questions"), cards=cards, count=spec.questions, until=born, span=_VOICES),
        feedbacks=make_feedbacks(dice(name, "feedbacks"), cards=cards, count=spec.feedbacks, until=born, span=_VOICES),
        claims=make_claims(dice(name, "claims"), orders=known, titles=titles, count=spec.claims, until=born),
        returns=make_returns(dice(name, "returns"), orders=known, count=spec.returns, until=born, span=_RETURNS),
    )


def _sample(orders: OrderBook | LargeBook) -> list[Order]:
    step = max(1, len(orders) // _SAMPLE)
    return [orders.at(place) for place in range(0, len(orders), step)]


def _happened(event: ChatEvent) -> datetime:
    return event.at


def _happened_no_later(event: ChatEvent, at: datetime) -> ChatEvent:
    return replace(event, at=at)


def _goods(cards: Sequence[Card]) -> tuple[Goods, ...]:
    return tuple(
        Goods(
            nm_id=card.nm_id,
            subject=card.subject,
            brand=card.brand,
            vendor_code=card.vendor_code,
            title=card.title,
            tech_size=size.tech_size,
            barcode=size.skus[0],
        )
        for card in cards
        for size in card.sizes
    )
