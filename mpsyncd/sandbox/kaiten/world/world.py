"""All companies, and the events that move them. The same seed, birth and time always give the same truth.

Knows no request and no clock: every call says what time it is.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

from mpsyncd.sandbox.kaiten.world import card_events as cards
from mpsyncd.sandbox.kaiten.world import part_events as parts
from mpsyncd.sandbox.kaiten.world import structure_events as structure
from mpsyncd.sandbox.kaiten.world.company import Company
from mpsyncd.sandbox.kaiten.world.moments import milli
from mpsyncd.sandbox.options import SandboxOptions
from mpsyncd.sandbox.world.dice import dice

Event = Callable[[Company, Random, datetime], None]

EVENTS: tuple[tuple[Event, int], ...] = (
    (cards.created, 6),
    (cards.retitled, 14),
    (cards.filled, 10),
    (cards.edited_together, 3),
    (cards.moved, 18),
    (cards.lane_changed, 5),
    (cards.archived, 5),
    (cards.restored, 2),
    (cards.deleted, 5),
    (parts.member_joined, 5),
    (parts.member_made_responsible, 3),
    (parts.member_left, 4),
    (parts.tagged, 5),
    (parts.untagged, 3),
    (parts.commented, 8),
    (parts.comment_edited, 3),
    (parts.comment_removed, 2),
    (parts.file_added, 3),
    (parts.file_renamed, 2),
    (parts.file_removed, 1),
    (parts.item_ticked, 3),
    (parts.blocked, 2),
    (parts.released, 2),
    (parts.time_logged, 2),
    (parts.time_log_edited, 1),
    (parts.time_log_removed, 1),
    (structure.tag_renamed, 1),
    (structure.space_renamed, 1),
    (structure.board_renamed, 1),
    (structure.board_added, 1),
    (structure.column_limited, 1),
    (structure.lane_archived, 1),
    (structure.person_left, 1),
    (structure.value_added, 1),
    (structure.value_dropped, 1),
)


class Companies:
    """Companies by name, and the time up to which events have happened."""

    def __init__(self, options: SandboxOptions, *, born: datetime) -> None:
        self.companies = {spec.name: Company(spec, seed=options.seed, born=born) for spec in options.companies}
        self._moving = [company for company in self.companies.values() if not company.spec.large and company.spec.cards]
        self._dice = dice(options.seed, "kaiten events")
        self._step = timedelta(seconds=1 / options.event_rate) if options.event_rate > 0 and self._moving else None
        self._next = born + self._step if self._step else born
        self._frozen: datetime | None = None
        self.events = 0

    def advance(self, now: datetime) -> None:
        """Let everything happen that is due by `now`."""
        if self._step is None or self._frozen is not None:
            return
        while self._next <= now:
            self._happen(self._dice.choice(self._moving), self._next)
            self._next += self._step

    def burst(self, name: str, *, count: int, now: datetime) -> None:
        """Let so many events happen to a company at once; to a large one happens nothing."""
        company = self.companies[name]
        for _ in range(0 if company.spec.large else count):
            self._happen(company, now)

    def freeze(self, now: datetime) -> None:
        """Stop at `now`; what was due has happened."""
        self.advance(now)
        self._frozen = self._frozen or now

    def thaw(self, now: datetime) -> None:
        """Move again from `now`; nothing happened meanwhile."""
        if self._frozen is not None:
            self._next += now - self._frozen
            self._frozen = None

    def _happen(self, company: Company, at: datetime) -> None:
        events, weights = zip(*EVENTS, strict=True)
        self._dice.choices(events, weights)[0](company, self._dice, milli(at))
        company.changes += 1
        self.events += 1
