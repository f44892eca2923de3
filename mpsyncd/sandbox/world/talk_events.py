"""What happens in chats while the world moves. A seller without chats gets none."""

from datetime import datetime
from random import Random

from mpsyncd.sandbox.world.records import Order
from mpsyncd.sandbox.world.seller import Seller
from mpsyncd.sandbox.world.shelves import OrderBook
from mpsyncd.sandbox.world.talk import Chat, Speaker
from mpsyncd.sandbox.world.talk_birth import make_chat, make_event

_TWIN = 0.3


def chat_opened(seller: Seller, dice: Random, at: datetime) -> None:
    """A buyer writes for the first time."""
    if seller.chats.chats():
        chat = make_chat(dice, _order(seller, dice))
        seller.chats.open(chat)
        seller.chats.add(make_event(dice, chat, at=at, speaker=Speaker.BUYER, opens=True))


def message_sent(seller: Seller, dice: Random, at: datetime) -> None:
    """Somebody writes in a chat that there is, closed ones included; at times two messages share their moment."""
    chat = _any(seller, dice)
    if chat is not None:
        speaker = dice.choice((Speaker.BUYER, Speaker.SELLER))
        for _ in range(1 + (dice.random() < _TWIN)):
            seller.chats.add(make_event(dice, chat, at=at, speaker=speaker))


def chat_closed(seller: Seller, dice: Random, _at: datetime) -> None:
    """A chat is listed no more, or again."""
    chat = _any(seller, dice)
    if chat is not None:
        seller.chats.list(chat, listed=not chat.listed)


def _any(seller: Seller, dice: Random) -> Chat | None:
    chats = seller.chats.chats()
    return dice.choice(chats) if chats else None


def _order(seller: Seller, dice: Random) -> Order | None:
    book = seller.orders
    return book.at(dice.randrange(len(book))) if isinstance(book, OrderBook) and len(book) else None
