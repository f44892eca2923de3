"""The right to send one request now, and what has to be told to the gates about it afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsyncd.model.errors import MpsyncdError
from mpsyncd.transport.meter import Moment

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsyncd.transport.closure import Closure
    from mpsyncd.transport.ticket import Ticket

_LATE = 0.1
"""Seconds that a request is on its way at most, as far as limits go."""


class GateClosed(MpsyncdError):
    """A door closed between the grant and the wire: nothing was sent, wait again. Never leaves the transport."""


class Grant:
    """Debited and, if it names a concurrency limit, holding a place until `done`."""

    def __init__(self, ticket: Ticket, *, taken: Moment, now: Callable[[], Moment]) -> None:
        self.ticket = ticket
        self._taken = taken
        self._now = now
        self._written = False
        self._answered = False
        self._done = False

    @property
    def doors(self) -> tuple[Closure, ...]:
        """Every door that the request has to pass."""
        return (*self.ticket.closures, *(gate.door for gate in self.ticket.gates))

    def open(self) -> bool:
        """Whether all doors are still open."""
        now = self._now()
        return all(door.open_at(now) <= now.mono for door in self.doors)

    def written(self) -> None:
        """The request goes to the wire this instant: that is when the vendor's count begins.

        Raises:
            GateClosed: a refusal was read since the grant.
        """
        if not self.open():
            raise GateClosed
        now = self._now()
        for gate in self.ticket.gates:
            gate.moved(self.ticket, self._taken, now)
        self._taken = now
        self._written = True

    def answered(self) -> None:
        """The head of an answer came: the vendor has counted the request by now, and maybe not long ago.

        That is believed up to `_LATE`; an answer that takes longer spends its time in the making and not on the way.
        """
        if self._answered:
            return
        self._answered = True
        now = self._now()
        late = min(now.mono - self._taken.mono, _LATE)
        for gate in self.ticket.gates:
            shift = late - gate.meter.margin
            if shift > 0:
                gate.moved(self.ticket, self._taken, Moment(self._taken.mono + shift, self._taken.wall + shift))

    @property
    def asked(self) -> float:
        """When it was written (monotonic)."""
        return self._taken.mono

    def done(self) -> None:
        """The request is over, one way or another."""
        if self._done:
            return
        self._done = True
        if self._written:
            self.answered()
        for gate in self.ticket.gates:
            gate.meter.give_back()
            gate.nudge()
