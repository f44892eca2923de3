"""Chats by real processes: the truth after a load that was killed and a world that moved, and files through the daemon."""

import json
import socket

import aiohttp
import pytest

from mpsyncd.sandbox import Category, SellerSpec
from mpsyncd.sandbox.wildberries.chats import content
from mpsyncd.sandbox.world.talk import Attachment, Moderation
from support.loads import World, ask, equal_in_the_end, new_world, one, rows_of
from support.processes import Install, until

SHOP = SellerSpec(name="talk", title="ИП Разговоры", cards=20, trashed=0, orders=60, chats=40, messages=12)
SECOND = SellerSpec(name="second", title="ИП Второй", cards=10, trashed=0, orders=30, chats=8, messages=4)
STREAMS, TABLES = ("chats", "chat_events"), ("wb.chats", "wb.chat_events")
ONLY_CHATS = frozenset({Category.CHAT})
SLOW = {"limit": 1, "per": "300 s", "burst": 1}
"""A page in three tenths of a second, so that a kill meets the stream in its middle."""


async def read(dsn: str, *shops: int) -> None:
    async def all_read() -> bool:
        unread = "SELECT count(*) FILTER (WHERE last_success_at IS NOT NULL) FROM mpsync.feeds WHERE shop_id = $1 AND stream = ANY ($2)"
        return all([await one(dsn, unread, shop, list(STREAMS)) == len(STREAMS) for shop in shops])

    await until(all_read, what="the first load of chats", within=60)


def attachments(world: World, seller: str, moderation: Moderation) -> list[Attachment]:
    book = world.sandbox.core.world.sellers[seller].chats
    return [one for event in book.events() for one in event.attachments if one.moderation is moderation]


@pytest.mark.timeout(120)
async def test_the_tables_are_true_after_a_kill_in_the_stream_and_messages_meanwhile(install: Install, database: str) -> None:
    async with new_world(SHOP, SECOND, event_rate=20, events_cap=25) as world:
        installation = install(world.url, dsn=database, **{'sources__wildberries__limits__"chat.events"': SLOW})
        daemon = await installation.started()
        shops = {name: await installation.add_shop(name, world.token(name, categories=ONLY_CHATS)) for name in ("talk", "second")}

        async def in_the_middle() -> bool:
            return await rows_of(database, "wb.chat_events", shops["talk"]) >= 50

        await until(in_the_middle, what="two pages of events")
        await daemon.kill()
        there = len(list(world.sandbox.core.world.sellers["talk"].chats.events()))
        assert await rows_of(database, "wb.chat_events", shops["talk"]) < there, "the kill came too late"
        await installation.started()
        await read(database, *shops.values())
        await equal_in_the_end(world, database, shops, tables=TABLES, streams=STREAMS)
        logged = await ask(
            database, "SELECT chats_total, chats_synced, messages_added, chats_classified FROM sync_logs WHERE error IS NULL"
        )
        assert all(row["chats_classified"] in {0, None} for row in logged)
        assert any(row["chats_total"] == row["chats_synced"] > 0 for row in logged if row["chats_total"] is not None)


@pytest.mark.timeout(120)
async def test_files_come_through_the_daemon_and_are_kept(install: Install, database: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with new_world(SHOP, event_rate=0) as world:
        installation = install(world.url, dsn=database, http={"port": port})
        shop = await installation.add_shop("talk", world.token("talk", categories=ONLY_CHATS))
        await installation.started()
        await read(database, shop)
        good, refused = attachments(world, "talk", Moderation.PASSED)[0], attachments(world, "talk", Moderation.REFUSED)[0]
        token = json.loads(await installation.good("tokens", "create", "reader", "--role", "viewer", "--json"))["token"]
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as client:
            first, again = [await (await client.get(f"/api/shops/{shop}/attachments/{good.number}")).read() for _ in range(2)]
            assert first == again == content(good)
            assert (await client.get(f"/api/shops/{shop}/attachments/{refused.number}")).status == 451
            chats = (await (await client.get(f"/api/shops/{shop}/chats", params={"limit": "200"})).json())["chats"]
            assert {chat["chat_id"] for chat in chats} == {row[0] for row in await ask(database, "SELECT chat_id FROM wb.chats")}
        paths = [request["path"] for request in await world.asked()]
        assert sum("download" in path for path in paths) == 2, "the second time it came from the disk"
        out = installation.home / "file"
        await installation.good("chats", "attachment", "talk", good.number, "-o", str(out))
        assert out.read_bytes() == content(good)
        assert await one(database, "SELECT count(*) FROM mpsync.access_tokens") == 1, "a command leaves no token behind"
