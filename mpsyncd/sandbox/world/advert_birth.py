"""Makes campaigns, top-ups and the advertising account out of dice and the seller's cards. Says nothing of any spelling."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from mpsyncd.sandbox.world.calendar import DAY
from mpsyncd.sandbox.world.campaigns import AdvertMoney, Campaign, CardState, Cashback, Means, Promoted, Span, Stage, TopUp
from mpsyncd.sandbox.world.records import Card

_STAGES = (
    (Stage.RUNNING, 8),
    (Stage.PAUSED, 5),
    (Stage.FINISHED, 8),
    (Stage.READY, 2),
    (Stage.CANCELLED, 2),
    (Stage.LEAVING, 1),
)
_RAN = frozenset({Stage.RUNNING, Stage.PAUSED, Stage.FINISHED})
_LONGEST = timedelta(days=45)
_OLD_AGE = timedelta(days=400)
_MOST_GOODS = 4
_UNTOLD, _OLD, _OFTEN = 0.1, 0.05, 0.6
_TOP_UPS_A_MONTH = 9
_FIRST_TOP_UP = 1_000_000
_STATES = (CardState.SUCCESS, CardState.SUCCESS, CardState.SUCCESS, CardState.FAIL, CardState.PENDING)


def make_campaign(dice: Random, *, number: int, cards: Sequence[Card], stage: Stage, at: datetime, span: timedelta) -> Campaign:
    """A campaign that came to its stage by `at`; it ran at some time of the last `span` if the stage says that it ran."""
    cast = tuple(make_promoted(dice, card) for card in dice.sample(list(cards), min(len(cards), dice.randint(1, _MOST_GOODS))))
    spans = _spans(dice, stage=stage, at=at, span=span)
    changed = (spans[-1].end or spans[-1].start) if spans else at - span * dice.random()
    created = (spans[0].start if spans else changed) - timedelta(days=dice.randint(0, 40), seconds=dice.randint(1, 80_000))
    name = f"Кампания {number % 10_000} от {created:%d.%m.%Y}"
    return Campaign(
        number=number,
        name=name,
        first_name=name,
        old=False,
        unified=dice.random() < _OFTEN,
        per_click=dice.random() > _OFTEN,
        in_search=True,
        in_recommendations=dice.random() < _OFTEN,
        can_change=dice.random() < _OFTEN,
        goods=None if dice.random() < _UNTOLD else cast,
        cast=cast,
        stage=stage,
        created_at=created,
        changed_at=changed,
        started_at=spans[-1].start if spans else None,
        left_at=at if stage is Stage.LEAVING else None,
        spans=spans,
        budget=dice.randint(0, 9_000),
    )


def make_campaigns(dice: Random, *, cards: Sequence[Card], count: int, at: datetime, span: timedelta) -> list[Campaign]:
    """`count` campaigns in all stages, a few of the old kind among them."""
    stages, weights = zip(*_STAGES, strict=True)
    chosen = [*stages, *dice.choices(stages, weights, k=count)][:count]
    made = [
        make_campaign(dice, number=10_000_000 + 137 * place, cards=cards, stage=stage, at=at, span=span)
        for place, stage in enumerate(chosen)
    ]
    olds = int(count * _OLD)
    return made[: count - olds] + [make_old(dice, number=3_000_000 + 91 * place, at=at) for place in range(olds)]


def make_endless(dice: Random, *, cards: Sequence[Card], count: int, at: datetime, span: timedelta) -> list[Campaign]:
    """`count` campaigns that have run without a break for the whole span."""
    since = at - span
    return [
        replace(
            make_campaign(dice, number=20_000_000 + place, cards=cards, stage=Stage.RUNNING, at=at, span=span),
            spans=(Span(since, None),),
            created_at=since,
            changed_at=since,
            started_at=since,
        )
        for place in range(count)
    ]


def make_old(dice: Random, *, number: int, at: datetime) -> Campaign:
    """A campaign of the kind that is made no more, over for more than a year."""
    over = at - _OLD_AGE - DAY * dice.randint(0, 200)
    return Campaign(
        number=number,
        name="",
        first_name="",
        old=True,
        unified=True,
        per_click=False,
        in_search=False,
        in_recommendations=False,
        can_change=False,
        goods=None,
        cast=(),
        stage=Stage.FINISHED,
        created_at=over - DAY * 30,
        changed_at=over,
        started_at=over - DAY * 30,
        left_at=None,
        spans=(),
        budget=0,
    )


def make_promoted(dice: Random, card: Card) -> Promoted:
    """A card in a campaign, with its bids."""
    return Promoted(
        nm_id=card.nm_id,
        subject_id=card.subject_id,
        subject=card.subject,
        title=card.title,
        search_bid=dice.randint(50, 900) * 10,
        recommendations_bid=dice.choice((0, dice.randint(50, 900) * 10)),
    )


def make_top_ups(dice: Random, *, at: datetime, span: timedelta) -> list[TopUp]:
    """Payments of the last `span`, by every means; a payment of yesterday may still be pending."""
    count = max(1, _TOP_UPS_A_MONTH * span // timedelta(days=30))
    moments = sorted(at - span * dice.random() for _ in range(count))
    made: list[TopUp] = []
    for moment in moments:
        means = dice.choice(tuple(Means))
        number = _FIRST_TOP_UP + sum(one.means is means for one in made)
        made.append(make_top_up(dice, number=number, means=means, at=moment, pending=at - moment < DAY))
    return made


def make_top_up(dice: Random, *, number: int, means: Means, at: datetime, pending: bool) -> TopUp:
    """One payment. Cards alone have a state, and only a `pending` one may still wait for it."""
    state = dice.choice(_STATES if pending else _STATES[:-1]) if means is Means.CARD else None
    done = state in {None, CardState.SUCCESS}
    whole = at.replace(microsecond=0) if means is Means.CARD else at
    return TopUp(number=number, means=means, paid_at=whole, total=dice.randint(5, 300) * 100, done=done, state=state)


def make_money(dice: Random, *, at: datetime) -> AdvertMoney:
    """The account, with one or two promotional bonuses or none."""
    cashbacks = tuple(
        Cashback(dice.randint(100, 20_000), dice.choice((10, 30, 50)), at + DAY * dice.randint(20, 90)) for _ in range(dice.randint(0, 2))
    )
    return AdvertMoney(account=dice.randint(0, 50_000), net=dice.choice((0, 18_000)), bonus=dice.randint(0, 20_000), cashbacks=cashbacks)


def _spans(dice: Random, *, stage: Stage, at: datetime, span: timedelta) -> tuple[Span, ...]:
    if stage not in _RAN:
        return ()
    length = min(_LONGEST, span) * (0.2 + 0.8 * dice.random())
    if stage is Stage.RUNNING:
        return (Span(at - length, None),)
    end = at - (span - length) * dice.random()
    pause = end - length * (0.3 + 0.3 * dice.random())
    return (Span(end - length, pause), Span(pause + DAY * 2, end)) if end - pause > 3 * DAY else (Span(end - length, end),)
