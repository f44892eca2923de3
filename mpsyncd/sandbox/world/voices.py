"""Questions, feedbacks, claims and returns of one seller, each by its number. Knows no vendor and no clock."""

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from mpsyncd.sandbox.world.talk import Claim, Feedback, GoodsReturn, Question

T = TypeVar("T")


class Drawer(Generic[T]):
    """Things by number, in the order in which they came."""

    def __init__(self, things: Iterable[T], *, number: Callable[[T], str]) -> None:
        self._number = number
        self._things = {number(thing): thing for thing in things}

    def put(self, thing: T) -> None:
        """Add a thing, or replace the one with its number."""
        self._things[self._number(thing)] = thing

    def every(self) -> list[T]:
        """All of them."""
        return list(self._things.values())


class Voices:
    """What buyers want to know, liked, and bring back."""

    def __init__(
        self, *, questions: Iterable[Question], feedbacks: Iterable[Feedback], claims: Iterable[Claim], returns: Iterable[GoodsReturn]
    ) -> None:
        self.questions = Drawer(questions, number=lambda one: one.number)
        self.feedbacks = Drawer(feedbacks, number=lambda one: one.number)
        self.claims = Drawer(claims, number=lambda one: one.number)
        self.returns = Drawer(returns, number=lambda one: one.srid)
