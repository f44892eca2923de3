"""What signals mean: stop after the page in hand, stop at once, read the files again. Installed before anything else is done."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger(__name__)

_STDERR = 2


def with_signals(stop: Callable[[], None], *, reload: Callable[[], None] | None = None) -> None:
    """The first SIGTERM or SIGINT calls `stop`; the second one ends the process at once (the database keeps what is committed).

    SIGHUP calls `reload`; from a terminal that was closed it is a stop, since nobody would see the daemon any more.
    """
    loop = asyncio.get_running_loop()
    terminal = os.isatty(_STDERR)

    def first(number: signal.Signals) -> None:
        log.info("signal_received", signal=number.name)
        stop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(each)
            signal.signal(each, signal.SIG_DFL)

    def hung_up() -> None:
        if terminal and not os.isatty(_STDERR):
            first(signal.SIGHUP)
        elif reload is not None:
            log.info("signal_received", signal=signal.SIGHUP.name)
            reload()

    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, first, each)
    if reload is not None:
        # Not by the loop, which would make it deadly again a moment before the process ends.
        signal.signal(signal.SIGHUP, lambda *_: loop.call_soon_threadsafe(hung_up))


def deaf_to_hangups() -> None:
    """A process that begins or ends has nothing to reload, and must not die of the question."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
