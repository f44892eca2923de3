"""A request that wants to go: its place in every line that it stands in, and what wakes it."""

from __future__ import annotations

import asyncio
from enum import IntEnum
from typing import TYPE_CHECKING

from mpsyncd.model.stream import Lane

if TYPE_CHECKING:
    from mpsyncd.transport.closure import Closure
    from mpsyncd.transport.gate import Gate


class Priority(IntEnum):
    """Who goes first. The value is the head start in seconds that WEBHOOK has; whoever waits longer than that is overtaken no more."""

    WEBHOOK = 0
    MANUAL = 5
    LIVE = 10
    BACKFILL = 30
    PATIENT = 120


def priority(lane: Lane, *, manual: bool, webhook: bool) -> Priority:
    """The priority of a feed's requests."""
    if webhook:
        return Priority.WEBHOOK
    if manual:
        return Priority.MANUAL
    return Priority.LIVE if lane is Lane.LIVE else Priority.BACKFILL


class Ticket:
    """One request before its grant. `order` is the same in all lines, so that no two requests can wait for each other."""

    __slots__ = ("closures", "cost", "gates", "named", "order", "priority", "shop_id", "wake")

    def __init__(
        self,
        *,
        named: tuple[Gate, ...],
        closures: tuple[Closure, ...],
        shop_id: int,
        priority: Priority,
        cost: int,
        order: tuple[float, int],
    ) -> None:
        self.named = named
        # The slow ones first: nobody stands at the head of a fast line while it waits for a slow one.
        self.gates = tuple(sorted(named, key=lambda gate: (-gate.rate.interval, gate.name)))
        self.closures = closures
        self.shop_id = shop_id
        self.priority = priority
        self.cost = cost
        self.order = order
        self.wake = asyncio.Event()

    @property
    def spare(self) -> bool:
        """Whether it may use what is reserved for the live lane."""
        return self.priority is not Priority.BACKFILL
