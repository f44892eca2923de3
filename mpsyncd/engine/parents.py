"""When children may be read: not before their parents' list was read whole, for a read of nobody's children would be called done.

Pure: the run and the parents' feed in, a decision out.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from mpsyncd.engine.slicing import EVERYTHING
from mpsyncd.model.feed import FeedState
from mpsyncd.model.stream import Lane

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable

    from mpsyncd.engine.runner import Run
    from mpsyncd.model.feed import Feed

_TROUBLES = MappingProxyType({FeedState.PARKED: "is parked", FeedState.FAILED: "failed", FeedState.SNOOZED: "waits itself"})


def parents_feed(feeds: Iterable[Feed], stream: str) -> Feed | None:
    """The live feed of the parents' stream among a shop's feeds, None when the shop has none."""
    return next((one for one in feeds if one.stream == stream and one.lane is Lane.LIVE), None)


def complete(parent: Feed | None) -> bool:
    """Whether the parents' list was ever read whole."""
    return parent is not None and parent.last_walk_at is not None


def worth_waiting(run: Run, parent: Feed | None, stream: str) -> asyncio.Event | None:
    """The event after which the children may be read; None when there is nothing to wait for.

    A run reads parents before their children, so that it finds the children of what it found. A list that was never complete, and every
    list in a run that reads everything, is waited for to the parents' verdict; else until their feed rests for long.
    """
    anew = run.mode in EVERYTHING and run.start is None
    event = (run.ended if anew or not complete(parent) else run.rested).get(stream)
    return None if event is None or event.is_set() else event


def why_waiting(run: Run, parent: Feed | None, stream: str) -> str:
    """Why the parents' list is not there although nothing of this run will bring it any more."""
    if parent is None:
        return f"waits for {stream}, which this shop does not have"
    if parent.state in _TROUBLES:
        return f"waits for {stream}, which {_TROUBLES[parent.state]}: {parent.reason}"
    missing = "was never read whole" if stream in run.ended else "is not part of this run"
    return f"waits for {stream}, which {missing}"
