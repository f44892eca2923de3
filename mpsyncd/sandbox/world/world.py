"""The world: all sellers and the events that move them. The same seed, birth and time always give the same truth.

Knows no vendor, no request and no clock: every call says what time it is.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

from mpsyncd.sandbox.options import SandboxOptions
from mpsyncd.sandbox.world import advert_events as adverts
from mpsyncd.sandbox.world import card_events as cards
from mpsyncd.sandbox.world import finance_events as finance
from mpsyncd.sandbox.world import goods_events as goods
from mpsyncd.sandbox.world import order_events as orders
from mpsyncd.sandbox.world import sale_events as sales
from mpsyncd.sandbox.world import talk_events as talk
from mpsyncd.sandbox.world import voice_events as voices
from mpsyncd.sandbox.world.dice import dice
from mpsyncd.sandbox.world.seller import Seller

Event = Callable[[Seller, Random, datetime], None]

CARD_PAGE = 100
"""Cards on the vendor's largest page: the world puts ties of its times of change across these borders."""

_EVENTS: tuple[tuple[Event, int], ...] = (
    (orders.ordered, 40),
    (orders.cancelled, 10),
    (orders.changed_late, 20),
    (sales.taken, 20),
    (sales.brought_back, 3),
    (sales.settled, 5),
    (sales.ordered_on_credit, 4),
    (sales.paid_late, 4),
    (sales.never_paid, 1),
    (goods.repriced, 5),
    (goods.restocked, 12),
    (goods.warehouse_changed, 1),
    (finance.corrected, 3),
    (finance.settled, 3),
    (adverts.campaign_made, 1),
    (adverts.campaign_started, 2),
    (adverts.campaign_stopped, 2),
    (adverts.campaign_dropped, 1),
    (adverts.campaign_edited, 2),
    (adverts.budget_spent, 3),
    (adverts.topped_up, 2),
    (talk.chat_opened, 1),
    (talk.message_sent, 8),
    (talk.chat_closed, 1),
    (voices.asked, 2),
    (voices.question_answered, 2),
    (voices.reviewed, 3),
    (voices.feedback_answered, 3),
    (voices.claimed, 1),
    (voices.claim_decided, 1),
    (voices.goods_moved, 2),
    (cards.created, 1),
    (cards.retitled, 3),
    (cards.described, 3),
    (cards.photographed, 4),
    (cards.moved_on_network, 3),
    (cards.checked, 2),
    (cards.characterised, 2),
    (cards.size_dropped, 2),
    (cards.size_added, 2),
    (cards.barcode_added, 2),
    (cards.trashed, 3),
    (cards.restored, 3),
)


class World:
    """Sellers by name, and the time up to which events have happened."""

    def __init__(self, options: SandboxOptions, *, born: datetime) -> None:
        pages = {"order_page": options.orders_cap, "card_page": CARD_PAGE, "event_page": options.events_cap}
        self.sellers = {spec.name: Seller(spec, seed=options.seed, born=born, **pages) for spec in options.sellers}
        self._moving = [seller for seller in self.sellers.values() if not seller.spec.large and seller.spec.cards]
        self._dice = dice(options.seed, "events")
        self._step = timedelta(seconds=1 / options.event_rate) if options.event_rate > 0 and self._moving else None
        self._next = born + self._step if self._step else born
        self._frozen: datetime | None = None
        self.events = 0

    @property
    def frozen(self) -> bool:
        """Whether the world stands still."""
        return self._frozen is not None

    def moment(self, now: datetime) -> datetime:
        """The world's own time: stands still while it is frozen."""
        return self._frozen or now

    def advance(self, now: datetime) -> None:
        """Let everything happen that is due by `now`."""
        if self._step is None or self.frozen:
            return
        events, weights = zip(*_EVENTS, strict=True)
        while self._next <= now:
            seller = self._dice.choice(self._moving)
            event = self._dice.choices(events, weights)[0]
            event(seller, self._dice, self._next)
            self.events += 1
            self._next += self._step

    def freeze(self, now: datetime) -> None:
        """Stop the world at `now`; what was due has happened."""
        self.advance(now)
        self._frozen = self._frozen or now

    def thaw(self, now: datetime) -> None:
        """Let the world move again from `now`; nothing happened meanwhile."""
        if self._frozen is not None:
            self._next += now - self._frozen
            self._frozen = None

    def find(self, name_or_sid: str) -> Seller | None:
        """The seller with this name or sid."""
        if name_or_sid in self.sellers:
            return self.sellers[name_or_sid]
        return next((seller for seller in self.sellers.values() if seller.sid == name_or_sid), None)
