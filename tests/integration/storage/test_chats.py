"""Chats as people look at them: who waits since when, pages that miss nothing, search, statistics."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from mpsyncd.model.errors import NotThere
from mpsyncd.storage import chats
from mpsyncd.storage.chats import ChatView, Wanted
from mpsyncd.storage.pool import Connection, open_database

BEGIN = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
_CHAT = """
INSERT INTO wb.chats (shop_id, chat_id, client_name, last_message, row_hash, first_seen_at, synced_at)
VALUES ($1, $2, $3, $4, $5, now(), now())
"""
_EVENT = """
INSERT INTO wb.chat_events
    (shop_id, event_id, chat_id, sender, client_name, text, add_time, add_timestamp, row_hash, first_seen_at, synced_at)
VALUES (1, $1, $2, $3, $4, $5, $6, $7, 'x', now(), now())
"""


@pytest.fixture
async def connection(database: str) -> AsyncIterator[Connection]:
    async with open_database(database) as pool, pool.connection() as lent:
        yield lent


async def chat(
    connection: Connection, name: str, *said: tuple[str, int, str | None], client: str | None = "Анна", stub: bool = False
) -> None:
    """A chat with what was said: sender, minutes after the beginning, text (None: a mark of the vendor's own)."""
    await connection.execute(_CHAT, 1, name, None if stub else client, None, b"" if stub else b"x")
    for number, (sender, minute, text) in enumerate(said):
        at = BEGIN + timedelta(minutes=minute)
        values = (f"{name}-{number}", name, sender, client if sender == "client" else None, text, at, int(at.timestamp() * 1000))
        await connection.execute(_EVENT, *values)


async def listed(connection: Connection, **wanted: object) -> list[str]:
    return [one.chat_id for one in await chats.list_chats(connection, 1, Wanted(**wanted), before=None, limit=50)]  # type: ignore[arg-type]


async def one(connection: Connection, name: str) -> ChatView:
    return await chats.show_chat(connection, 1, name)


def after(minutes: int) -> datetime:
    return BEGIN + timedelta(minutes=minutes)


async def test_who_waits_and_since_when(connection: Connection) -> None:
    await chat(connection, "answered", ("client", 0, "?"), ("client", 1, "??"), ("seller", 7, "!"), ("wb", 9, None))
    await chat(connection, "again", ("client", 0, "?"), ("seller", 3, "!"), ("client", 10, "and"), ("client", 20, "so"))
    await chat(connection, "never", ("client", 5, "?"), ("wb", 6, "sorry"), stub=True)
    await chat(connection, "seller first", ("seller", 0, "hello"), ("client", 2, "hi"), ("seller", 4, "!"))
    await chat(connection, "silent")
    found = {name: await one(connection, name) for name in ("answered", "again", "never", "seller first", "silent")}
    assert {name: chat.waiting_since for name, chat in found.items()} == {
        "answered": None, "again": after(10), "never": after(5), "seller first": None, "silent": None
    }  # fmt: skip
    assert {name: chat.first_answer for name, chat in found.items() if chat.first_answer} == {
        "answered": timedelta(minutes=7), "again": timedelta(minutes=3), "seller first": timedelta(minutes=2)
    }  # fmt: skip
    assert [found[name].messages for name in found] == [3, 4, 2, 3, 0]
    assert (found["never"].is_stub, found["never"].client_name) == (True, "Анна"), "the name stands in the messages"
    assert await listed(connection, unanswered=True) == ["again", "never"]
    stats = await connection.fetchrow("SELECT * FROM wb.chat_stats WHERE shop_id = 1")
    assert stats is not None
    told = (stats["chats"], stats["stubs"], stats["messages"], stats["unanswered"], stats["oldest_waiting"], stats["median_first_answer"])
    assert told == (5, 1, 12, 2, after(5), timedelta(minutes=3))


async def test_days_are_those_of_moscow(connection: Connection) -> None:
    await chat(connection, "late", ("client", 59, "20:59 UTC"), ("seller", 60, "21:00 UTC"), ("wb", 61, None))
    rows = await connection.fetch("SELECT day::text, messages, of_clients, of_seller FROM wb.chat_days ORDER BY day")
    assert [tuple(row) for row in rows] == [("2026-11-20", 1, 1, 0), ("2026-11-21", 1, 0, 1)]


async def test_pages_miss_nobody_and_show_nobody_twice_though_many_moved_at_once(connection: Connection) -> None:
    names = [f"c{number}" for number in range(7)]
    for name in names:
        await chat(connection, name, ("client", 5, "?"))
    for name in ("empty", "void"):
        await chat(connection, name)
    found: list[ChatView] = []
    before: tuple[datetime, str] | None = None
    while page := await chats.list_chats(connection, 1, Wanted(), before=before, limit=2):
        found += page
        before = (page[-1].last_at or datetime(1970, 1, 1, tzinfo=UTC), page[-1].chat_id)
    assert [one.chat_id for one in found] == [*sorted(names, reverse=True), "void", "empty"]


async def test_messages_of_one_moment_are_paged_too(connection: Connection) -> None:
    await chat(connection, "quick", *[("client", 5, str(number)) for number in range(5)], ("wb", 6, None))
    found: list[str] = []
    after: tuple[int, str] | None = None
    while page := await chats.messages(connection, 1, "quick", after=after, limit=2):
        found += [message.text or "" for message in page]
        after = (page[-1].sent_ms or 0, page[-1].message_id)
    assert found == ["0", "1", "2", "3", "4"]


async def test_search_goes_over_texts_and_names_and_takes_signs_as_they_are(connection: Connection) -> None:
    await chat(connection, "by text", ("client", 1, "Пришло с ТРЕЩИНОЙ, скидка 50%_"), client="Борис")
    await chat(connection, "by name", ("client", 2, "Ау"), client="Трещинов")
    await chat(connection, "other", ("client", 3, "Спасибо"))
    assert await listed(connection, words="трещин") == ["by name", "by text"]
    assert await listed(connection, words="%") == ["by text"]
    assert await listed(connection, words="50%_") == ["by text"]
    assert await listed(connection, since=after(2)) == ["other", "by name"]


async def test_other_shops_are_other_shops(connection: Connection) -> None:
    await chat(connection, "mine", ("client", 1, "?"))
    await connection.execute(_CHAT, 2, "theirs", "Анна", None, b"x")
    assert await listed(connection) == ["mine"]
    with pytest.raises(NotThere, match="no chat 'theirs'"):
        await one(connection, "theirs")
    with pytest.raises(NotThere, match="No message of shop 1"):
        await chats.attachment(connection, 1, "nothing")
