"""What a buyer said is forgotten: nowhere in the database, not after everything was read again, not in what is said later."""

from dataclasses import replace
from typing import Any

import pytest

from mpsyncd.model.errors import NotThere
from mpsyncd.model.run import Mode
from mpsyncd.sandbox import SellerSpec
from mpsyncd.sandbox.world.talk import Attachment, Chat, ChatEvent, Moderation, Speaker
from mpsyncd.storage import privacy
from mpsyncd.storage.pool import Database
from support.sandbox_caller import Caller
from support.wb_loading import Loading

SHOP = SellerSpec(name="talk", title="ИП Разговоры", cards=20, trashed=0, orders=60, chats=20, messages=5)
SECRET, NAME, FILE, SIGN = "секрет сорок два", "Аглая Тихая", "d-secret-file", "sign-secret"
TRACES = (SECRET, NAME, FILE, SIGN)
_TABLES = """
SELECT n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname IN ('wb', 'mpsync', 'public')
"""


async def traces(shop: Loading) -> list[str]:
    """Every table that holds something of what was said, with what it is."""
    found = []
    async with shop.pool.connection() as connection:
        for row in await connection.fetch(_TABLES):
            holds = f"SELECT count(*) FROM {row['name']} t WHERE strpos(t::text, $1) > 0"
            found += [f"{row['name']}: {trace}" for trace in TRACES if await connection.fetchval(holds, trace)]
    return sorted(found)


def say(shop: Loading, chat: Chat, number: str) -> None:
    """A message that has everything, in the buyer's name."""
    at = shop.caller.now
    file = Attachment(number=FILE, kind="application/pdf", name=f"{SECRET}.pdf", loaded_at=at, moderation=Moderation.PASSED)
    event = ChatEvent(
        number=number, chat=chat.number, at=at, speaker=Speaker.BUYER, source="rusite", opens=number == "e-1", text=SECRET,
        attachments=(file,), bought=chat.bought,
    )  # fmt: skip
    shop.caller.core.world.sellers["talk"].chats.add(event)


def chat_of(shop: Loading, *, listed: bool) -> Chat:
    book = shop.caller.core.world.sellers["talk"].chats
    made = replace(book.chats()[0], number="1:secret-chat", buyer=NAME, sign=SIGN, listed=listed)
    book.open(made)
    say(shop, made, "e-1")
    shop.caller.wait(1)
    return made


async def counts(shop: Loading) -> Any:
    return await shop.value("SELECT to_jsonb(s) FROM (SELECT shop_id, chats, stubs, messages, unanswered FROM wb.chat_stats) s")


async def erase(shop: Loading, *chats: str) -> privacy.Erased:
    async with shop.pool.connection() as connection:
        return await privacy.erase(connection, shop.shop.shop_id, chats, by="a test")


async def loaded(pool: Database, dsn: str, *, listed: bool) -> tuple[Loading, Chat]:
    shop = await Loading.begin(Caller(SHOP, events_cap=25), pool, dsn)
    chat = chat_of(shop, listed=listed)
    await shop.load("chats", "chat_events")
    return shop, chat


@pytest.mark.parametrize("listed", [True, False])
async def test_nothing_is_left_and_nothing_comes_back(pool: Database, database: str, *, listed: bool) -> None:
    shop, chat = await loaded(pool, database, listed=listed)
    async with pool.connection() as connection:
        await connection.execute(
            "INSERT INTO mpsync.rejected_rows (shop_id, stream, table_name, document, document_hash, reason, asked_at) "
            "VALUES ($1, 'chat_events', 'wb.chat_events', $2, 'x', 'bad', now())",
            shop.shop.shop_id,
            f'{{"chatID": "{chat.number}", "text": "{SECRET}"}}',
        )
        await connection.execute("""UPDATE mpsync.feeds SET error = jsonb_build_object('body', $1::text)""", SECRET)
    assert len(await traces(shop)) >= 5
    before = await counts(shop)
    done = await erase(shop, chat.number)
    assert (done.chats, done.events, done.attachments, list(done.downloads)) == (1, 1, 1, [FILE])
    assert await traces(shop) == []
    assert await counts(shop) == before
    say(shop, chat, "e-2")
    shop.caller.wait(1)
    for mode in (Mode.INCREMENTAL, Mode.FULL):
        await shop.run("chats", mode=mode)
        await shop.run("chat_events", mode=mode)
        assert await traces(shop) == []
    said = await pool_rows(pool, "SELECT text, client_name, erased FROM wb.chat_messages WHERE chat_id = '1:secret-chat' ORDER BY 1")
    assert said == [("", None, True), ("", None, True)], "what is said later is only counted"
    assert await counts(shop) == before | {"messages": before["messages"] + 1}
    left = "SELECT live - (SELECT count(*) FROM wb.chat_attachments) FROM mpsync.table_counts WHERE table_name = 'wb.chat_attachments'"
    assert await shop.value(left) == 0


async def pool_rows(pool: Database, query: str) -> list[tuple[Any, ...]]:
    async with pool.connection() as connection:
        return [tuple(row) for row in await connection.fetch(query)]


async def test_a_row_that_is_refused_later_is_blanked_too(pool: Database, database: str) -> None:
    shop, chat = await loaded(pool, database, listed=True)
    await erase(shop, chat.number)
    shop.caller.bare("POST", "/_faults", [{"kind": "changed_types"}])
    await shop.run("chats", mode=Mode.FULL)
    await shop.run("chat_events", mode=Mode.FULL)
    assert await traces(shop) == []


async def test_other_chats_keep_what_they_hold(pool: Database, database: str) -> None:
    shop, chat = await loaded(pool, database, listed=True)
    others = "SELECT jsonb_agg(to_jsonb(e) ORDER BY event_id) FROM wb.chat_events e WHERE chat_id <> '1:secret-chat'"
    before = await shop.value(others)
    await erase(shop, chat.number)
    await shop.run("chat_events", mode=Mode.FULL)
    assert await shop.value(others) == before


async def test_buyers_are_found_by_name_and_strangers_are_refused(pool: Database, database: str) -> None:
    shop, chat = await loaded(pool, database, listed=False)
    async with pool.connection() as connection:
        assert await privacy.chats_of(connection, shop.shop.shop_id, NAME.lower()) == [chat.number]
        assert await privacy.chats_of(connection, shop.shop.shop_id, "nobody") == []
    with pytest.raises(NotThere, match="nothing was erased"):
        await erase(shop, chat.number, "1:unknown")
    assert len(await traces(shop)) >= 4
