"""What a sandbox can be told at start: sellers, speed of the world, speed of the limits, faults.

Only values; nothing here acts.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

VENDOR_FINANCE_CAP, VENDOR_REPORTS_CAP = 100_000, 1_000
"""Rows, and heads, on the largest page of the real finance methods (wildberries.md §5)."""
VENDOR_ORDERS_CAP = 80_000
"""Rows after which the real orders method cuts an answer (wildberries.md §3.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerSpec:
    """One invented seller. `name` is its handle in control paths; sizes are those at the birth of the world.

    `large` makes a seller for benchmarks: `orders` rows prepared once, in vendor spelling, that no event touches.
    `jam`: whether the seller pays for Wildberries' subscription that opens the funnel's CSV reports. `named_warehouses`: whether it is
    told the vendor's warehouses apart, as before summer 2026.
    `weeks`: closed weeks with a weekly statement of about `operations` rows each. `campaigns`: advertising campaigns, those of which there
    are figures have them within `advert_history`. `chats` have about so many `messages` each. `returns`: goods on their way back.
    """

    name: str
    title: str
    cards: int = 40
    trashed: int = 6
    orders: int = 300
    history: timedelta = timedelta(days=89)
    large: bool = False
    jam: bool = False
    named_warehouses: bool = False
    weeks: int = 6
    operations: int = 30
    campaigns: int = 8
    advert_history: timedelta = timedelta(days=60)
    chats: int = 5
    messages: int = 10
    questions: int = 12
    feedbacks: int = 25
    claims: int = 8
    returns: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanySpec:
    """One invented Kaiten company. `name` is its handle in control paths and in its address; sizes are those at the birth of the world.

    Spaces, boards, users, tags are those that lists tell of; a few more of each are there and no list tells of them. `selects`: custom
    properties with values. `cards` live and `archived`; `imported`: of each how many have one time of change.
    `large` makes a company for benchmarks: cards without checklists, files and comments that weigh what real ones do and that no event
    touches; their pages are written beforehand, which takes half a minute for 100,000.
    `old_headers`: 5 requests a second and the headers of the older documentation; otherwise 50 and those that were measured.
    """

    name: str
    title: str
    spaces: int = 5
    boards: int = 8
    users: int = 25
    tags: int = 20
    selects: int = 4
    cards: int = 240
    archived: int = 230
    imported: int = 130
    large: bool = False
    old_headers: bool = False


class FaultKind(StrEnum):
    """Ways in which the vendor or the network can go wrong."""

    TOO_MANY = "too_many"
    GLOBAL_LIMIT = "global_limit"
    SERVER_ERROR = "server_error"
    RESET = "reset"
    STALL = "stall"
    TRUNCATED = "truncated"
    HTML = "html"
    EMPTY_PAGE = "empty_page"
    NO_CONTENT = "no_content"
    REPEATED_PAGE = "repeated_page"
    UNKNOWN_FIELDS = "unknown_fields"
    CHANGED_TYPES = "changed_types"
    UNKNOWN_VALUES = "unknown_values"
    NULL_LISTS = "null_lists"
    REVOKED = "revoked"
    BASE_REFUSED = "base_refused"
    JAM_LOST = "jam_lost"
    SNAPSHOT_EXPIRED = "snapshot_expired"
    REPORT_FAILED = "report_failed"
    REPORT_RETRY = "report_retry"
    HEAVY_BATCH = "heavy_batch"
    TRICKLE = "trickle"
    EMPTY_BODY = "empty_body"
    NOT_IN_TARIFF = "not_in_tariff"
    HOOK_LOST = "hook_lost"
    HOOK_DOUBLED = "hook_doubled"
    HOOK_LATE = "hook_late"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault to arm: what goes wrong, for which requests, how often and for how long.

    host        short host name; None is every host
    path        beginning of the vendor's path; None is every path
    seller      seller's name; None is every seller
    probability share of matching requests that are hit (seeded)
    count       hits after which the fault is spent; None is no bound
    seconds     life of the fault since it was armed; None is no bound
    status      of SERVER_ERROR
    pause       seconds: the wait told by a 429, the length of a stall, the wait between the pieces of a trickle, how late a webhook is
    """

    kind: FaultKind
    host: str | None = None
    path: str | None = None
    seller: str | None = None
    probability: float = 1.0
    count: int | None = None
    seconds: float | None = None
    status: int = 500
    pause: float = 2.0


DEMO_SELLERS = (
    SellerSpec(
        name="north-wind",
        title="ИП Северный Ветер",
        cards=260,
        trashed=210,
        orders=3_600,
        jam=True,
        weeks=50,
        operations=120,
        campaigns=110,
        advert_history=timedelta(days=170),
        chats=60,
        messages=12,
        questions=300,
        feedbacks=900,
        claims=1_200,
        returns=2_100,
    ),
    SellerSpec(name="linen-shop", title="ООО Льняная Лавка", cards=120, trashed=12, orders=1_500, weeks=26, operations=40, campaigns=30),
    SellerSpec(name="small-toys", title="ИП Малые Игрушки", cards=35, trashed=4, orders=240, operations=15, campaigns=0),
)
DEMO_COMPANIES = (CompanySpec(name="quiet-yard", title="ООО Тихий Двор"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOptions:
    """Settings of one sandbox.

    born            moment at which the world's history ends and its events begin; None is the moment of start
    event_rate      events of the world per second, over all sellers; as many over all companies
    limit_scale     how many times faster than published the limits refill; nothing else is scaled
    orders_cap      rows after which an orders answer is cut, small so that small worlds have several pages
    orders_boundary "at": rows changed at dateFrom or later, a tie may be cut in its middle (the vendor's text of the
                    flag parameter); "after": only later rows, and a tie is never cut (how some clients saw it)
    finance_cap     rows after which an answer of the detailed reports is cut, whatever limit was asked for
    reports_cap     heads of reports after which a list is cut likewise
    events_cap      events of chats in one answer
    grace           seconds after a 429 in which arrivals count as overtaken on the wire, not as violations
    log_size        requests kept for `/_requests`
    """

    host: str = "127.0.0.1"
    port: int = 0
    seed: str = "mpsyncd"
    sellers: tuple[SellerSpec, ...] = DEMO_SELLERS
    companies: tuple[CompanySpec, ...] = ()
    born: datetime | None = None
    event_rate: float = 0.0
    limit_scale: float = 1.0
    orders_cap: int = 1_000
    orders_boundary: Literal["at", "after"] = "at"
    finance_cap: int = 30
    reports_cap: int = VENDOR_REPORTS_CAP
    events_cap: int = 50
    faults: tuple[Fault, ...] = ()
    grace: float = 0.25
    log_size: int = 10_000
