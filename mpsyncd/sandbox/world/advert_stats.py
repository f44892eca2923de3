"""What a campaign showed, brought and cost on a day: the same figures for the same seed, campaign, day and hour. Changes nothing.

A day has figures once it is over. Views, clicks and cost stand from then on; baskets, orders and their sums grow for three days more.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from mpsyncd.sandbox.world.calendar import DAY, at, day_of
from mpsyncd.sandbox.world.campaigns import Campaign, CampaignDay, Charge, Figures, PaidFrom, Platform, Promoted, Stage
from mpsyncd.sandbox.world.dice import dice

_SILENT = 0.08
_HOUR = timedelta(hours=1)
_GROWING = 72
_FIRST_SHARE = 24
_CENT = Decimal("0.01")
_TWIN, _UNTIMED, _NUMBERED, _TWO_PURSES = 0.1, 0.07, 0.15, 0.3


def ran_on(campaign: Campaign, day: date) -> bool:
    """Whether the campaign ran at any time of the day."""
    return any(day_of(span.start) <= day and (span.end is None or day <= day_of(span.end)) for span in campaign.spans)


def day_of_campaign(seed: str, campaign: Campaign, day: date, *, moment: datetime) -> CampaignDay | None:
    """Figures of a day as they stand at `moment`; None when there are none."""
    over = at(day + DAY)
    if moment < over or not campaign.cast or not ran_on(campaign, day):
        return None
    rolls = dice(seed, "advert", campaign.number, day)
    if rolls.random() < _SILENT:
        return None
    grown = min(1.0, (_FIRST_SHARE + (moment - over) // _HOUR) / (_FIRST_SHARE + _GROWING))
    platforms = rolls.sample(tuple(Platform), rolls.randint(1, len(Platform)))
    shown = rolls.sample(campaign.cast, rolls.randint(1, len(campaign.cast)))
    figures = tuple((platform, tuple((card, _figures(rolls, campaign, card, grown=grown)) for card in shown)) for platform in platforms)
    places = tuple((card.nm_id, rolls.randint(1, 90)) for card in shown) if campaign.unified else ()
    return CampaignDay(day=day, figures=figures, places=places)


def charges_of(seed: str, campaign: Campaign, day: date) -> Iterator[Charge]:
    """Bills of a day that is over; they are written in the night after it, some of them twice and equal."""
    cost = _cost(seed, campaign, day)
    if cost < 1:
        return
    rolls = dice(seed, "charge", campaign.number, day)
    parts = _parts(rolls, cost)
    for part in parts:
        yield Charge(
            number=rolls.randint(10**8, 10**9) if rolls.random() < _NUMBERED else 0,
            charged_at=at(day + DAY, hour=2) + timedelta(seconds=rolls.randrange(7_200), microseconds=rolls.randrange(10**6)),
            timed=rolls.random() > _UNTIMED,
            total=part,
            campaign=campaign.number,
            name=campaign.first_name,
            old=campaign.old,
            paid_from=rolls.choice(tuple(PaidFrom)),
            stage=rolls.choice((Stage.RUNNING, Stage.RUNNING, Stage.PAUSED)),
        )
    if rolls.random() < _TWIN:
        twin = Charge(
            number=0,
            charged_at=at(day + DAY, hour=5),
            timed=rolls.random() > _UNTIMED,
            total=max(1, parts[0] // 10),
            campaign=campaign.number,
            name=campaign.first_name,
            old=campaign.old,
            paid_from=PaidFrom.CASHBACK,
            stage=Stage.RUNNING,
        )
        yield twin
        yield twin


def _cost(seed: str, campaign: Campaign, day: date) -> int:
    found = day_of_campaign(seed, campaign, day, moment=at(day + DAY))
    return 0 if found is None else int(sum(one.cost for _, cards in found.figures for _, one in cards))


def _parts(rolls: Random, cost: int) -> list[int]:
    if cost > 1 and rolls.random() < _TWO_PURSES:
        first = rolls.randint(1, cost - 1)
        return [first, cost - first]
    return [cost]


def _figures(rolls: Random, campaign: Campaign, card: Promoted, *, grown: float) -> Figures:
    views = rolls.randint(5, 900)
    clicks = int(views * rolls.random() * 0.12)
    baskets = int(clicks * rolls.random() * 0.6)
    orders = int(baskets * rolls.random() * 0.7)
    pieces = orders + (orders > 1)
    price = rolls.randint(200, 4_000)
    cancelled = rolls.randint(0, orders)
    bid = Decimal(card.search_bid) / 100
    cost = bid * clicks if campaign.per_click else bid * views / 100
    return Figures(
        views=views,
        clicks=clicks,
        baskets=int(baskets * grown),
        orders=int(orders * grown),
        pieces=int(pieces * grown),
        cancelled=int(cancelled * grown),
        cost=cost.quantize(_CENT),
        revenue=Decimal(int(pieces * grown) * price),
    )
