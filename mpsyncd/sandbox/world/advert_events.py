"""What happens to campaigns and to the advertising account while the world moves. A seller without campaigns never gets one."""

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from mpsyncd.sandbox.world.advert_birth import make_campaign, make_promoted, make_top_up
from mpsyncd.sandbox.world.campaigns import Campaign, CardState, Means, Span, Stage
from mpsyncd.sandbox.world.seller import Seller

_FEWEST = 3


def campaign_made(seller: Seller, dice: Random, at: datetime) -> None:
    """A new campaign, ready to start."""
    if seller.adverts.every():
        number, cards = seller.article(), seller.cards.ascending()
        made = make_campaign(dice, number=number, cards=cards, stage=Stage.READY, at=at, span=timedelta())
        seller.adverts.put(replace(made, created_at=at, changed_at=at))


def campaign_started(seller: Seller, dice: Random, at: datetime) -> None:
    """A ready or paused campaign runs."""
    one = _any(seller, dice, at, Stage.READY, Stage.PAUSED)
    if one is not None:
        seller.adverts.put(replace(one, stage=Stage.RUNNING, started_at=at, changed_at=at, spans=(*one.spans, Span(at, None))))


def campaign_stopped(seller: Seller, dice: Random, at: datetime) -> None:
    """A running campaign is paused, or finished for good."""
    one = _any(seller, dice, at, Stage.RUNNING)
    if one is not None:
        stage = dice.choice((Stage.PAUSED, Stage.PAUSED, Stage.FINISHED))
        spans = (*one.spans[:-1], replace(one.spans[-1], end=at))
        seller.adverts.put(replace(one, stage=stage, changed_at=at, spans=spans))


def campaign_dropped(seller: Seller, dice: Random, at: datetime) -> None:
    """A ready campaign is cancelled, or one that does not run is deleted; a few always stay."""
    one = _any(seller, dice, at, Stage.READY, Stage.PAUSED, Stage.FINISHED, Stage.CANCELLED)
    if one is None or len(seller.adverts.present(at)) <= _FEWEST:
        return
    if one.stage is Stage.READY:
        seller.adverts.put(replace(one, stage=Stage.CANCELLED, changed_at=at))
    else:
        seller.adverts.put(replace(one, stage=Stage.LEAVING, changed_at=at, left_at=at))


def campaign_edited(seller: Seller, dice: Random, at: datetime) -> None:
    """Another name, other bids, a card more or less."""
    one = _any(seller, dice, at, Stage.READY, Stage.PAUSED, Stage.RUNNING)
    if one is None:
        return
    goods = one.goods
    name = one.name
    match dice.choice(("name", "bids", "card")):
        case "bids" if goods:
            goods = tuple(replace(card, search_bid=dice.randint(50, 900) * 10) for card in goods)
        case "card" if goods:
            new = make_promoted(dice, dice.choice(seller.cards.ascending()))
            goods = (*(card for card in goods[1:] if card.nm_id != new.nm_id), new)
        case _:
            name = f"{one.first_name} ({dice.randint(2, 99)})"
    seller.adverts.put(replace(one, name=name, goods=goods, changed_at=at))


def budget_spent(seller: Seller, dice: Random, at: datetime) -> None:
    """A budget shrinks or is filled up, and the account with it. Nothing else of the campaign changes."""
    one = _any(seller, dice, at, Stage.RUNNING)
    if one is not None:
        filled = one.budget < dice.randint(50, 500)
        spent = -1_000 if filled else dice.randint(1, min(500, max(1, one.budget)))
        seller.adverts.put(replace(one, budget=one.budget - spent))
        if filled:
            money = seller.adverts.money
            seller.adverts.money = replace(money, account=max(0, money.account - 1_000), bonus=max(0, money.bonus - 10))


def topped_up(seller: Seller, dice: Random, at: datetime) -> None:
    """Money comes into the account; a payment by card may wait for the bank, and one that waits gets its answer."""
    book = seller.adverts
    known = book.top_ups()
    if not known:
        return
    waiting = [one for one in known if one.state is CardState.PENDING]
    if waiting:
        done = dice.random() < 0.8  # noqa: PLR2004 - most payments come through
        book.put_top_up(replace(waiting[0], done=done, state=CardState.SUCCESS if done else CardState.FAIL))
        return
    means = dice.choice(tuple(Means))
    number = max((one.number for one in known if one.means is means), default=1_000_000) + 1
    paid = make_top_up(dice, number=number, means=means, at=at, pending=True)
    book.put_top_up(paid)
    book.money = replace(book.money, account=book.money.account + paid.total)


def _any(seller: Seller, dice: Random, at: datetime, *stages: Stage) -> Campaign | None:
    fitting = [one for one in seller.adverts.present(at).values() if one.stage in stages and not one.old]
    return dice.choice(fitting) if fitting else None
