"""Makes questions, feedbacks, claims and returns of goods out of dice, invented sentences and the seller's cards and orders."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from mpsyncd.sandbox.world import phrases
from mpsyncd.sandbox.world import vocabulary as words
from mpsyncd.sandbox.world.calendar import DAY, day_of
from mpsyncd.sandbox.world.records import Card, Order
from mpsyncd.sandbox.world.talk import Answer, Claim, Feedback, GoodsReturn, Question, Subject

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_ID = 20
_RARELY, _SELDOM, _OFTEN, _MOSTLY = 0.05, 0.2, 0.5, 0.7
_FITS = ("", "ok", "smaller", "bigger")
_ORDER_STATES = ("buyout", "buyout", "buyout", "rejected", "returned", "notSpecified")


def make_question(dice: Random, *, card: Card, at: datetime, answer: Answer | None) -> Question:
    """A question about a card."""
    return Question(
        number=_text(dice),
        at=at,
        nanoseconds=dice.randint(1, 499),
        text=dice.choice(phrases.QUESTIONS),
        about=about(card),
        answer=answer,
        declined=answer is None and dice.random() < _RARELY,
        viewed=answer is not None or dice.random() < _OFTEN,
        suspicious=dice.random() < _RARELY,
    )


def make_feedback(dice: Random, *, card: Card, at: datetime, answer: Answer | None, parent: str | None = None) -> Feedback:
    """A feedback on a card, or an addition to another feedback."""
    bare = dice.random() < _SELDOM
    return Feedback(
        number=_text(dice),
        at=at.replace(microsecond=0),
        stars=dice.choice((5, 5, 5, 4, 3, 2, 1)),
        text="" if bare else dice.choice(phrases.TEXTS),
        pros="" if bare else dice.choice(phrases.PROS),
        cons="" if bare else dice.choice(phrases.CONS),
        about=about(card, size=dice.choice(card.sizes).tech_size),
        photos=0 if bare else dice.choice((0, 0, 1, 3)),
        video=dice.random() < _RARELY,
        answer=answer,
        viewed=answer is not None or dice.random() < _OFTEN,
        buyer=dice.choice(phrases.NAMES),
        order_state=dice.choice(_ORDER_STATES),
        fit=dice.choice(_FITS),
        tags=tuple(dice.sample(phrases.TAGS, dice.randint(1, 2))) if dice.random() < _OFTEN else None,
        label=dice.randint(10**9, 10**11),
        bought_at=(at - DAY * dice.randint(2, 30)).replace(microsecond=0),
        color=dice.choice(words.COLORS),
        parent=parent,
        child=None,
    )


def make_answer(dice: Random, *, at: datetime) -> Answer:
    """What the seller says."""
    return Answer(dice.choice(phrases.ANSWERS), at.replace(microsecond=0), dice.random() < _OFTEN)


def make_claim(dice: Random, *, order: Order, title: str, at: datetime) -> Claim:
    """A claim about an order that nobody has decided yet."""
    return Claim(
        number=str(UUID(int=dice.getrandbits(128), version=4)),
        at=at,
        decided_at=None,
        approved=False,
        from_chat=dice.random() < _SELDOM,
        nm_id=order.nm_id,
        title=title,
        comment=dice.choice(phrases.CLAIMS),
        reply=None,
        photos=dice.randint(0, 3),
        video=dice.random() < _SELDOM,
        price=order.finished_price,
        srid=order.srid,
        ordered_at=order.created_at,
        delivered_at=min(at, order.created_at + DAY * 3),
    )


def decide(dice: Random, claim: Claim, *, at: datetime) -> Claim:
    """The claim with the decision of the vendor or the seller."""
    approved = dice.random() < _OFTEN
    return replace(claim, decided_at=at, approved=approved, reply="Одобрено" if approved else "В заявке отказано")


def make_return(dice: Random, *, order: Order, at: datetime) -> GoodsReturn:
    """Goods that began their way back at a moment."""
    kind = dice.choice(phrases.RETURNS)
    number = f"{dice.getrandbits(120):030x}"
    return GoodsReturn(
        srid=f"mp.{number}.r",
        ordered=day_of(at),
        ready_at=None,
        taken_at=None,
        expires_at=None,
        nm_id=order.nm_id,
        brand=order.brand,
        subject=order.subject,
        tech_size=order.tech_size,
        barcode=order.barcode,
        label=dice.randint(10**9, 10**11),
        assembly=dice.randint(10**9, 10**10),
        kind=kind,
        reason=dice.choice(phrases.REASONS) if kind == phrases.RETURNS[1] else None,
        marking=f"01{order.barcode:0>14}21{dice.randrange(10**9):09}" if dice.random() < _SELDOM else None,
    )


def arrive(goods: GoodsReturn, *, at: datetime) -> GoodsReturn:
    """The goods wait at the point for three days."""
    at = at.replace(microsecond=0)
    return replace(goods, ready_at=at, expires_at=at + 3 * DAY)


def take(goods: GoodsReturn, *, at: datetime) -> GoodsReturn:
    """The seller has the goods."""
    return replace(goods, taken_at=at.replace(microsecond=0))


def about(card: Card, *, size: str = "") -> Subject:
    """The card as it is now."""
    return Subject(
        nm_id=card.nm_id,
        imt_id=card.imt_id,
        title=card.title,
        vendor_code=card.vendor_code,
        brand=card.brand,
        size=size,
        subject_id=card.subject_id,
        subject=card.subject,
    )


def make_questions(dice: Random, *, cards: Sequence[Card], count: int, until: datetime, span: timedelta) -> list[Question]:
    """Questions of the last `span`, most of them answered."""
    moments = [until - span * dice.random() for _ in range(count if cards else 0)]
    return [make_question(dice, card=dice.choice(cards), at=at, answer=_answered(dice, at, until)) for at in moments]


def make_feedbacks(dice: Random, *, cards: Sequence[Card], count: int, until: datetime, span: timedelta) -> list[Feedback]:
    """Feedbacks of the last `span`: answered and not, some added to later."""
    made: list[Feedback] = []
    while cards and len(made) < count:
        at = until - span * dice.random()
        first = make_feedback(dice, card=dice.choice(cards), at=at, answer=_answered(dice, at, until))
        if dice.random() < _RARELY and len(made) + 1 < count:
            later = at + (until - at) * dice.random()
            card = next(card for card in cards if card.nm_id == first.about.nm_id)
            second = make_feedback(dice, card=card, at=later, answer=None, parent=first.number)
            made.append(second)
            first = replace(first, child=second.number)
        made.append(first)
    return made


def make_claims(dice: Random, *, orders: Sequence[Order], titles: dict[int, str], count: int, until: datetime) -> list[Claim]:
    """Claims of the last twenty days, half of them decided."""
    made = []
    for _ in range(count if orders else 0):
        order = dice.choice(orders)
        at = max(order.created_at, until - 20 * DAY * dice.random())
        claim = make_claim(dice, order=order, title=titles.get(order.nm_id, ""), at=at)
        made.append(decide(dice, claim, at=at + (until - at) * dice.random()) if dice.random() < _OFTEN else claim)
    return made


def make_returns(dice: Random, *, orders: Sequence[Order], count: int, until: datetime, span: timedelta) -> list[GoodsReturn]:
    """Returns of the last `span`: on the way, waiting, taken."""
    made = []
    for _ in range(count if orders else 0):
        at = until - span * dice.random()
        goods = make_return(dice, order=dice.choice(orders), at=at)
        if dice.random() < _MOSTLY:
            goods = arrive(goods, at=at + (until - at) * 0.5 * dice.random())
            if dice.random() < _MOSTLY and goods.ready_at is not None:
                goods = take(goods, at=goods.ready_at + (until - goods.ready_at) * 0.5 * dice.random())
        made.append(goods)
    return made


def _answered(dice: Random, at: datetime, until: datetime) -> Answer | None:
    return make_answer(dice, at=at + (until - at) * 0.5 * dice.random()) if dice.random() < _MOSTLY else None


def _text(dice: Random) -> str:
    return "".join(dice.choices(ALPHABET, k=_ID))
