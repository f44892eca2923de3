"""Chats, questions, feedbacks, claims and returns from a sandbox in memory into a real database: the tables hold the truth."""

from typing import Any

import pytest

from mpsyncd.model.run import Mode
from mpsyncd.sandbox import SellerSpec
from mpsyncd.storage.pool import Database
from support.sandbox_caller import Caller
from support.wb_loading import Killed, Loading

SHOP = SellerSpec(
    name="talk",
    title="ИП Разговоры",
    cards=30,
    trashed=0,
    orders=80,
    chats=60,
    messages=8,
    questions=80,
    feedbacks=120,
    claims=250,
    returns=40,
)
CHATS, VOICES = ("chats", "chat_events"), ("questions", "feedbacks", "claims", "item_returns")
PAGE = 25


async def loading(pool: Database, dsn: str, **options: Any) -> Loading:
    return await Loading.begin(Caller(SHOP, events_cap=PAGE, **options), pool, dsn)


async def test_everything_is_read_and_followed(pool: Database, database: str) -> None:
    shop = await loading(pool, database, event_rate=0.05)
    await shop.load(*CHATS, *VOICES)
    shop.caller.wait(4_000)
    shop.caller.bare("POST", "/_freeze")
    await shop.load(*CHATS, *VOICES)
    assert await shop.untrue("wb.chats", "wb.chat_events", *(f"wb.{name}" for name in VOICES)) == []


async def test_chats_that_left_the_list_are_stubs_and_their_messages_are_there(pool: Database, database: str) -> None:
    shop = await loading(pool, database)
    await shop.load(*CHATS)
    assert await shop.value("SELECT count(*) FROM wb.chats WHERE is_stub") > 0
    assert await shop.value("SELECT count(*) FROM wb.chats WHERE deleted_at IS NOT NULL") == 0
    assert await shop.value("SELECT count(*) FROM wb.chat_messages WHERE is_stub") > 0
    untold = "SELECT count(*) FROM wb.chats c WHERE NOT EXISTS (SELECT FROM public.chat_messages m WHERE m.chat_id = c.chat_id)"
    assert await shop.value(untold) == 0
    shown = "jsonb_array_length(coalesce(attachments -> 'files', '[]')) + jsonb_array_length(coalesce(attachments -> 'images', '[]'))"
    told = await shop.value(f"SELECT sum({shown}) FROM wb.chat_events")
    assert await shop.value("SELECT count(*) FROM wb.chat_attachments") == told > 0


async def test_a_kill_repeats_two_pages_at_most(pool: Database, database: str) -> None:
    shop = await loading(pool, database)
    await shop.load("chats")
    lived = 8
    with pytest.raises(Killed):
        await shop.run("chat_events", lives=lived)
    rest = await shop.run("chat_events")
    events = len(shop.caller.truth("wb.chat_events"))
    assert lived + rest <= -(-events // PAGE) + 2 + 2, "the end is asked for twice, the kill repeats two pages"
    assert await shop.untrue("wb.chat_events") == []


async def test_a_full_run_reads_the_stream_from_its_beginning_and_adds_nothing(pool: Database, database: str) -> None:
    shop = await loading(pool, database)
    await shop.load(*CHATS)
    assert await shop.run("chat_events") == 1, "one look behind the stored position"
    state = "SELECT jsonb_agg(to_jsonb(e) ORDER BY e.event_id) FROM wb.chat_events e"
    before = await shop.value(state)
    assert await shop.run("chat_events", mode=Mode.FULL) > 3
    assert await shop.value(state) == before


@pytest.mark.parametrize("name", CHATS)
async def test_an_empty_answer_by_mistake_loses_nothing(pool: Database, database: str, name: str) -> None:
    shop = await loading(pool, database)
    await shop.load("chats")
    await shop.run(name, trouble=(0 if name == "chats" else 2, "empty_page"))
    await shop.load(*CHATS)
    assert await shop.untrue("wb.chats", "wb.chat_events") == []


async def test_a_stream_that_begins_too_late_is_told_and_does_not_hold_up(pool: Database, database: str) -> None:
    shop = await loading(pool, database)
    await shop.load("chats")
    aged = """UPDATE wb.chats SET last_message = '{"text": "", "addTimestamp": 1600000000000}' WHERE chat_id IN
              (SELECT chat_id FROM wb.chats ORDER BY 1 LIMIT 2)"""
    async with pool.connection() as connection:
        await connection.execute(aged)
    await shop.run("chat_events")
    doubt = "SELECT doubt FROM mpsync.feeds WHERE stream = 'chat_events'"
    assert "but 2 chats of the list have older messages" in await shop.value(doubt)
    assert await shop.value("SELECT cursor IS NOT NULL FROM mpsync.feeds WHERE stream = 'chat_events'")
    async with pool.connection() as connection:
        await connection.execute("UPDATE wb.chats SET last_message = NULL")
    await shop.run("chat_events")
    assert await shop.value(doubt) is None


async def test_the_run_log_counts_chats_and_messages(pool: Database, database: str) -> None:
    shop = await loading(pool, database)
    await shop.load(*CHATS)
    async with pool.connection() as connection:
        await connection.execute("UPDATE mpsync.run_feeds SET verdict = 'ok'")
        rows = await connection.fetch("SELECT chats_total, chats_synced, messages_added, chats_classified FROM sync_logs ORDER BY id")
    events = await shop.value("SELECT count(*) FROM wb.chat_events")
    listed = await shop.value("SELECT count(*) FROM wb.chats WHERE NOT is_stub")
    assert [tuple(row) for row in rows] == [(listed, None, None, 0), (None, None, events, 0)], "two runs, one of either stream"
