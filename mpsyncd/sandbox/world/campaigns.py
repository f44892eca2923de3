"""Advertising: campaigns, what they cost and brought, and the account they are paid from. Sums are in the currency's base units.

Nothing here knows a vendor's spelling.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, auto


class Stage(Enum):
    """Where a campaign stands in its life. A LEAVING one is gone for good some minutes later."""

    LEAVING = auto()
    READY = auto()
    FINISHED = auto()
    CANCELLED = auto()
    RUNNING = auto()
    PAUSED = auto()


class Platform(Enum):
    """Where an advertisement was shown."""

    SITE = auto()
    ANDROID = auto()
    IOS = auto()


class PaidFrom(Enum):
    """What a bill was paid from."""

    BALANCE = auto()
    BONUS = auto()
    ACCOUNT = auto()
    CASHBACK = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoted:
    """A card in a campaign. Bids are in hundredths of the currency."""

    nm_id: int
    subject_id: int
    subject: str
    title: str
    search_bid: int
    recommendations_bid: int


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which a campaign ran; `end` None: it runs."""

    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """One campaign. `old` is one of the kind that is made no more, of which hardly anything is told.

    goods: None where the list is not told at all. cast: what it promoted when it was made, and what its statistics are about.
    first_name: the name on its bills. left_at: when it began to leave.
    """

    number: int
    name: str
    first_name: str
    old: bool
    unified: bool
    per_click: bool
    in_search: bool
    in_recommendations: bool
    can_change: bool
    goods: tuple[Promoted, ...] | None
    cast: tuple[Promoted, ...]
    stage: Stage
    created_at: datetime
    changed_at: datetime
    started_at: datetime | None
    left_at: datetime | None
    spans: tuple[Span, ...]
    budget: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was shown, done and paid in some stretch."""

    views: int
    clicks: int
    baskets: int
    orders: int
    pieces: int
    cancelled: int
    cost: Decimal
    revenue: Decimal

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            views=self.views + other.views,
            clicks=self.clicks + other.clicks,
            baskets=self.baskets + other.baskets,
            orders=self.orders + other.orders,
            pieces=self.pieces + other.pieces,
            cancelled=self.cancelled + other.cancelled,
            cost=self.cost + other.cost,
            revenue=self.revenue + other.revenue,
        )


NOTHING = Figures(views=0, clicks=0, baskets=0, orders=0, pieces=0, cancelled=0, cost=Decimal(0), revenue=Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignDay:
    """A day of a campaign: figures by platform and card, and the mean place of cards where that is told."""

    day: date
    figures: tuple[tuple[Platform, tuple[tuple[Promoted, Figures], ...]], ...]
    places: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """A bill for one campaign. `number` 0 is the usual one; `timed` says whether the bill tells its time."""

    number: int
    charged_at: datetime
    timed: bool
    total: int
    campaign: int
    name: str
    old: bool
    paid_from: PaidFrom
    stage: Stage


class Means(Enum):
    """How the advertising account was topped up."""

    ACCOUNT = auto()
    BALANCE = auto()
    CARD = auto()


class CardState(Enum):
    """What became of a payment by card."""

    SUCCESS = auto()
    FAIL = auto()
    PENDING = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUp:
    """A payment into the advertising account. Numbers are counted apart for each means; `state` is told of cards only."""

    number: int
    means: Means
    paid_at: datetime
    total: int
    done: bool
    state: CardState | None


@dataclass(frozen=True, slots=True)
class Cashback:
    """Promotional bonuses that may pay `percent` of a top-up until they expire."""

    total: int
    percent: int
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvertMoney:
    """Money for advertising: the account, what may be taken from sales to come, bonuses."""

    account: int
    net: int
    bonus: int
    cashbacks: tuple[Cashback, ...]
