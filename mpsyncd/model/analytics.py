"""Analytics of products that somebody asked for: a task over some shops, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from uuid import UUID


class TaskState(StrEnum):
    """Where a task stands; the last four are ends."""

    QUEUED = "queued"
    """No daemon took it yet."""
    RUNNING = "running"
    DONE = "done"
    PARTLY = "partly"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskShop:
    """One shop of a task, out of what was committed.

    products, products_done: live products, and the share of them that corresponds to what is committed. errors: why streams of it failed.
    """

    shop_id: int
    name: str
    state: TaskState
    run_id: int | None
    products: int
    products_done: int
    fraction: float
    errors: tuple[str, ...] = ()
    eta: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task with its shops. batch_size: products at a time in which progress is told."""

    task_id: UUID
    batch_size: int
    requested_at: datetime
    ended_at: datetime | None
    shops: tuple[TaskShop, ...]

    @property
    def state(self) -> TaskState:
        """Running as long as a shop is, else the common end, else partly."""
        found = {shop.state for shop in self.shops}
        if found & {TaskState.RUNNING, TaskState.QUEUED}:
            return TaskState.QUEUED if found == {TaskState.QUEUED} else TaskState.RUNNING
        return found.pop() if len(found) == 1 else TaskState.PARTLY
