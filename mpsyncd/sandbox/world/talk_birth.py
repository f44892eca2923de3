"""Makes chats and what is said in them out of dice, invented sentences and the seller's orders. Says nothing of any spelling."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from mpsyncd.sandbox.world import phrases
from mpsyncd.sandbox.world.records import Order
from mpsyncd.sandbox.world.talk import Attachment, Bought, Chat, ChatEvent, Moderation, Speaker

_SOURCES = ("rusite", "global", "ios", "android")
_KINDS = (("image/jpeg", "jpg"), ("image/png", "png"), ("application/pdf", "pdf"))
_CLOSED, _WORDLESS, _MARK, _ATTACHED = 0.15, 0.1, 0.05, 0.15
_MODERATION = (Moderation.PASSED, Moderation.PASSED, Moderation.PASSED, Moderation.SLOW, Moderation.REFUSED)
_HOUR = timedelta(hours=1)
_OPTIONS = tuple(phrases.BUYER.values())


def make_chat(dice: Random, order: Order | None) -> Chat:
    """A new chat about an order, or about nothing that was bought."""
    number = f"1:{_uuid(dice)}"
    return Chat(
        number=number,
        buyer=dice.choice(phrases.NAMES),
        bought=None if order is None else bought(order),
        sign=f"{number}:{dice.getrandbits(320):080x}",
        listed=True,
    )


def make_talks(dice: Random, *, orders: Sequence[Order], count: int, messages: int, until: datetime) -> tuple[list[Chat], list[ChatEvent]]:
    """`count` chats with about so many events each, all before `until`; some chats are closed. Events ascend by time."""
    chats: list[Chat] = []
    events: list[ChatEvent] = []
    for _ in range(count):
        order = dice.choice(orders) if orders and dice.random() > _WORDLESS else None
        chat = make_chat(dice, order)
        start = (until - timedelta(days=80)) if order is None else order.created_at
        events.extend(_talk(dice, chat, start=min(start, until - _HOUR), until=until, length=dice.randint(1, 2 * messages)))
        chats.append(replace(chat, listed=dice.random() > _CLOSED))
    return chats, sorted(events, key=lambda event: event.at)


def make_event(dice: Random, chat: Chat, *, at: datetime, speaker: Speaker, opens: bool = False) -> ChatEvent:
    """One event of a chat; the first one tells the goods."""
    mark = not opens and dice.random() < _MARK
    wordless = not opens and dice.random() < _WORDLESS
    attachments = tuple(make_attachment(dice, at=at) for _ in range(dice.randint(1, 3))) if wordless or dice.random() < _ATTACHED else ()
    said = dice.choice(dice.choice(_OPTIONS)) if speaker is Speaker.BUYER else dice.choice(phrases.SELLER)
    source = dice.choice(_SOURCES) if speaker is Speaker.BUYER else dice.choice(("seller-portal", "seller-public-api"))
    return ChatEvent(
        number=str(_uuid(dice)),
        chat=chat.number,
        at=_milliseconds(at),
        speaker=Speaker.MARKET if mark else speaker,
        source="" if mark else source,
        opens=opens,
        text=None if mark or wordless else said,
        attachments=() if mark else attachments,
        bought=chat.bought if opens else None,
    )


def make_attachment(dice: Random, *, at: datetime) -> Attachment:
    """A picture or a document."""
    kind, end = dice.choice(_KINDS)
    number = str(_uuid(dice))
    return Attachment(number=number, kind=kind, name=f"Файл {number[:4]}.{end}", loaded_at=at, moderation=dice.choice(_MODERATION))


def bought(order: Order) -> Bought:
    """The goods of an order as a chat names them."""
    return Bought(nm_id=order.nm_id, price=int(order.finished_price), srid=order.srid, size=order.tech_size)


def _talk(dice: Random, chat: Chat, *, start: datetime, until: datetime, length: int) -> Iterator[ChatEvent]:
    at = start
    for place in range(length):
        pause = timedelta(seconds=dice.choice((0, 20, 600, 7_200, 80_000)) * dice.random())
        at += pause
        if at >= until:
            return
        speaker = Speaker.BUYER if place == 0 else dice.choice((Speaker.BUYER, Speaker.SELLER))
        yield make_event(dice, chat, at=at, speaker=speaker, opens=place == 0)


def _milliseconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1_000 * 1_000)


def _uuid(dice: Random) -> UUID:
    return UUID(int=dice.getrandbits(128), version=4)
