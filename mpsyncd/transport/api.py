"""`Api.send` for one feed's attempt: gates, tries, snoozes. What one try does stands in `exchange`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from mpsyncd.model.errors import RateLimited, Snooze, SourceError, Transient
from mpsyncd.transport.address import address
from mpsyncd.transport.exchange import Exchange
from mpsyncd.transport.grant import GateClosed, Grant
from mpsyncd.transport.retry import pause
from mpsyncd.transport.words import span

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from mpsyncd.model.clock import Clock
    from mpsyncd.model.request import Answer, Request
    from mpsyncd.transport.lender import Lender
    from mpsyncd.transport.limiter import Limiter
    from mpsyncd.transport.options import TransportOptions
    from mpsyncd.transport.waiting import Visitor

log = structlog.get_logger(__name__)

_REFUSALS_MOST = 5
_WORTH_TELLING = timedelta(seconds=1)


class SourceApi:
    """The `Api` of a shop; any number of requests may be under way at once.

    `visitor` and `options` are asked before every try: a key or a setting may have changed since the last one.
    """

    def __init__(
        self,
        visitor: Callable[[], Visitor],
        *,
        options: Callable[[], TransportOptions],
        clock: Clock,
        random: Random,
        limiter: Limiter,
        lender: Lender,
    ) -> None:
        self._visitor = visitor
        self._options = options
        self._clock = clock
        self._random = random
        self._limiter = limiter
        self._lender = lender

    async def send(self, request: Request) -> Answer:
        """Send, wait for limits, try again what may be repeated.

        Raises:
            SourceError: the vendor refused; Transient only after all tries.
            BadData: the answer has another shape than the request declares.
            Snooze: the wait is longer than the patience, or the vendor keeps refusing.
            StorageUnavailable: the ledger can not be written, nothing was sent.
        """
        failures = refusals = 0
        broken: Transient | None = None
        while True:
            visitor, options = self._visitor(), self._options()
            url = address(visitor.source, visitor.identity, request, options.source(visitor.source.name))
            grant = await self._granted(request, visitor, broken)
            if self._visitor() is not visitor:  # another key came while it waited; what was debited for the old one stays debited
                grant.done()
                continue
            try:
                async with self._lender.lend() as sessions:
                    exchange = Exchange(
                        request,
                        url,
                        visitor=visitor,
                        grant=grant,
                        options=options,
                        clock=self._clock,
                        limiter=self._limiter,
                        sessions=sessions,
                    )
                    return await exchange.run()
            except GateClosed:
                continue
            except RateLimited as error:
                refusals += 1
                if refusals >= _REFUSALS_MOST:
                    raise self._refused_again(error) from None
                continue
            except Transient as error:
                failures += 1
                repeatable = request.repeatable or exchange.asked_at is None
                if not repeatable or failures >= options.tries:
                    raise
                broken = error
            finally:
                grant.done()
            await self._back_off(request, broken, failures=failures, come_back=exchange.come_back)

    async def _granted(self, request: Request, visitor: Visitor, broken: Transient | None) -> Grant:
        """Pass the gates.

        A snooze spends no attempt: behind a slow limit a method that always fails would never be seen to fail, so `broken` goes first.
        """
        try:
            return await self._limiter.acquire(self._limiter.ticket(request, visitor), visitor)
        except Snooze:
            if broken is None:
                raise
            raise broken from None

    def _refused_again(self, error: RateLimited) -> Snooze:
        """Sleeping on does not help: somebody else uses this key, or the published limit is not the real one."""
        visitor = self._visitor()
        wait = max(error.retry_after, self._patience)
        reason = f"{visitor.source.name} of shop {visitor.shop_id} refuses again and again; next try in"
        return Snooze(self._clock.now() + wait, f"{reason} {span(wait.total_seconds())}")

    async def _back_off(self, request: Request, error: SourceError, *, failures: int, come_back: float | None) -> None:
        """Wait before the next try; what the vendor asks for goes before what we would do."""
        visitor, options = self._visitor(), self._options()
        wait = pause(failures, base=options.retry_base, cap=options.retry_cap, random=self._random)
        if come_back is not None:
            wait = max(wait, timedelta(seconds=come_back))
        until = self._clock.now() + wait
        where = f"{visitor.source.name} of shop {visitor.shop_id}"
        if come_back is not None and wait > self._patience:
            raise Snooze(until, f"{where} asks to come back in {span(wait.total_seconds())}")
        level = log.warning if failures == 1 else log.debug
        level("request_failed", source=visitor.source.name, shop=visitor.shop_id, path=request.path, error=str(error))
        told = wait > _WORTH_TELLING
        if told:
            visitor.tell(f"waits {span(wait.total_seconds())} before it tries {where} again: {error}", until)
        try:
            await self._clock.sleep(wait)
        finally:
            if told:
                visitor.tell(None, None)

    @property
    def _patience(self) -> timedelta:
        options = self._options()
        return options.patience / options.limit_scale
