"""A seller's chats and the one stream of events of all of them, ascending by time. Knows no vendor and no clock."""

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from mpsyncd.sandbox.world.talk import Attachment, Chat, ChatEvent


class ChatBook:
    """Chats by number, in the order in which they were opened."""

    def __init__(self, chats: Iterable[Chat], events: Iterable[ChatEvent]) -> None:
        self._chats = {chat.number: chat for chat in chats}
        self._events = sorted(events, key=_at)
        self._last: dict[str, ChatEvent] = {}
        self._attachments: dict[str, Attachment] = {}
        for event in self._events:
            self._know(event)

    def chats(self) -> list[Chat]:
        """All chats, those that are listed no more included."""
        return list(self._chats.values())

    def chat(self, number: str) -> Chat:
        """The chat with this number.

        Raises:
            KeyError: there is no such chat.
        """
        return self._chats[number]

    def last_message(self, chat: Chat) -> ChatEvent | None:
        """The newest event of a chat that says or shows something."""
        return self._last.get(chat.number)

    def events(self, *, after: datetime | None = None) -> Iterator[ChatEvent]:
        """Events later than a moment, or all."""
        start = 0 if after is None else bisect_right(self._events, after, key=_at)
        for place in range(start, len(self._events)):
            yield self._events[place]

    def attachment(self, number: str) -> Attachment | None:
        """The attachment with this number."""
        return self._attachments.get(number)

    def open(self, chat: Chat) -> None:
        """A new chat."""
        self._chats[chat.number] = chat

    def list(self, chat: Chat, *, listed: bool) -> None:
        """From now on the chat is listed, or not."""
        self._chats[chat.number] = replace(chat, listed=listed)

    def add(self, event: ChatEvent) -> None:
        """Something happened in a chat that there is."""
        insort(self._events, event, key=_at)
        self._know(event)

    def _know(self, event: ChatEvent) -> None:
        if event.is_message:
            self._last[event.chat] = event
        self._attachments |= {one.number: one for one in event.attachments}


def _at(event: ChatEvent) -> datetime:
    return event.at
