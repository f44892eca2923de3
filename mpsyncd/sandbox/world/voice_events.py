"""What buyers and the seller say about goods while the world moves. A kind of which a seller has none at birth never comes."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import TypeVar

from mpsyncd.sandbox.world.records import Order
from mpsyncd.sandbox.world.seller import Seller
from mpsyncd.sandbox.world.shelves import OrderBook
from mpsyncd.sandbox.world.voice_birth import arrive, decide, make_answer, make_claim, make_feedback, make_question, make_return, take

T = TypeVar("T")


def asked(seller: Seller, dice: Random, at: datetime) -> None:
    """A new question."""
    drawer = seller.voices.questions
    if drawer.every():
        drawer.put(make_question(dice, card=dice.choice(seller.cards.ascending()), at=at, answer=None))


def question_answered(seller: Seller, dice: Random, at: datetime) -> None:
    """The seller answers a question, or declines it."""
    drawer = seller.voices.questions
    one = _one(dice, (question for question in drawer.every() if question.answer is None and not question.declined))
    if one is not None:
        answered = replace(one, answer=make_answer(dice, at=at), viewed=True)
        drawer.put(answered if dice.random() < 0.8 else replace(one, declined=True, viewed=True))  # noqa: PLR2004 - most are answered


def reviewed(seller: Seller, dice: Random, at: datetime) -> None:
    """A new feedback, or an addition to one that there is."""
    drawer = seller.voices.feedbacks
    if not drawer.every():
        return
    first = _one(dice, (one for one in drawer.every() if one.parent is None and one.child is None)) if dice.choice((True, False)) else None
    made = make_feedback(dice, card=dice.choice(seller.cards.ascending()), at=at, answer=None, parent=first.number if first else None)
    if first is not None:
        made = replace(made, about=first.about, buyer=first.buyer)
        drawer.put(replace(first, child=made.number))
    drawer.put(made)


def feedback_answered(seller: Seller, dice: Random, at: datetime) -> None:
    """The seller answers a feedback, or only looks at it."""
    drawer = seller.voices.feedbacks
    one = _one(dice, (feedback for feedback in drawer.every() if feedback.answer is None))
    if one is not None:
        answer = make_answer(dice, at=at) if dice.choice((True, False)) else None
        drawer.put(replace(one, answer=answer, viewed=True))


def claimed(seller: Seller, dice: Random, at: datetime) -> None:
    """A buyer wants to give goods back."""
    drawer, order = seller.voices.claims, _order(seller, dice)
    if drawer.every() and order is not None:
        title = next((card.title for card in seller.cards.ascending() if card.nm_id == order.nm_id), "")
        drawer.put(make_claim(dice, order=order, title=title, at=at))


def claim_decided(seller: Seller, dice: Random, at: datetime) -> None:
    """A claim is decided and goes to the archive."""
    one = _one(dice, (claim for claim in seller.voices.claims.every() if claim.decided_at is None))
    if one is not None:
        seller.voices.claims.put(decide(dice, one, at=at))


def goods_moved(seller: Seller, dice: Random, at: datetime) -> None:
    """Goods begin their way back, arrive at the point, or are taken."""
    drawer, order = seller.voices.returns, _order(seller, dice)
    one = _one(dice, (goods for goods in drawer.every() if goods.taken_at is None))
    if not drawer.every() or order is None:
        return
    if one is None or dice.choice((True, False, False)):
        drawer.put(make_return(dice, order=order, at=at))
    else:
        drawer.put(arrive(one, at=at) if one.ready_at is None else take(one, at=at))


def _one(dice: Random, things: Iterable[T]) -> T | None:
    found = list(things)
    return dice.choice(found) if found else None


def _order(seller: Seller, dice: Random) -> Order | None:
    book = seller.orders
    return book.at(dice.randrange(len(book))) if isinstance(book, OrderBook) and len(book) else None
