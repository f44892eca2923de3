"""What buyers and the seller say to each other: chats with their events, questions, feedbacks, claims; and goods that come back.

In Python's own types; nothing here knows a vendor's spelling.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, auto


class Speaker(Enum):
    """Who sent a message."""

    BUYER = auto()
    SELLER = auto()
    MARKET = auto()


class Moderation(Enum):
    """What becomes of an attachment."""

    PASSED = auto()
    SLOW = auto()
    REFUSED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """The goods that a chat is about. `srid` is the order's."""

    nm_id: int
    price: int
    srid: str
    size: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file or a picture. A SLOW one is moderated for some minutes after `loaded_at`."""

    number: str
    kind: str
    name: str
    loaded_at: datetime
    moderation: Moderation

    @property
    def is_picture(self) -> bool:
        """Whether it is shown among the pictures."""
        return self.kind.startswith("image/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A chat with one buyer. A closed one is not listed any more; its events stay."""

    number: str
    buyer: str
    bought: Bought | None
    sign: str
    listed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatEvent:
    """Something that happened in a chat. `said` None: a mark of the vendor's own, with no message at all."""

    number: str
    chat: str
    at: datetime
    speaker: Speaker
    source: str
    opens: bool
    text: str | None
    attachments: tuple[Attachment, ...]
    bought: Bought | None

    @property
    def is_message(self) -> bool:
        """Whether there is anything in it."""
        return self.text is not None or bool(self.attachments) or self.bought is not None


@dataclass(frozen=True, slots=True)
class Answer:
    """The seller's answer to a question or a feedback."""

    text: str
    at: datetime
    editable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The card that somebody asks or tells about, as it stood then."""

    nm_id: int
    imt_id: int
    title: str
    vendor_code: str
    brand: str
    size: str
    subject_id: int
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A buyer's question. A declined one is shown to nobody."""

    number: str
    at: datetime
    nanoseconds: int
    text: str
    about: Subject
    answer: Answer | None
    declined: bool
    viewed: bool
    suspicious: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """A buyer's feedback. `parent` and `child` link a feedback with the one that adds to it."""

    number: str
    at: datetime
    stars: int
    text: str
    pros: str
    cons: str
    about: Subject
    photos: int
    video: bool
    answer: Answer | None
    viewed: bool
    buyer: str
    order_state: str
    fit: str
    tags: tuple[str, ...] | None
    label: int
    bought_at: datetime
    color: str
    parent: str | None
    child: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A buyer's wish to give goods back. `decided_at` None while nobody has decided."""

    number: str
    at: datetime
    decided_at: datetime | None
    approved: bool
    from_chat: bool
    nm_id: int
    title: str
    comment: str
    reply: str | None
    photos: int
    video: bool
    price: Decimal
    srid: str
    ordered_at: datetime
    delivered_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodsReturn:
    """Goods on their way back to the seller: ready at the point, then taken."""

    srid: str
    ordered: date
    ready_at: datetime | None
    taken_at: datetime | None
    expires_at: datetime | None
    nm_id: int
    brand: str
    subject: str
    tech_size: str
    barcode: str
    label: int
    assembly: int
    kind: str
    reason: str | None
    marking: str | None
