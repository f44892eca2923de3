"""Settings and shops that change under a running daemon: all or nothing, and nobody else notices."""

import asyncio
import json
import signal
from datetime import UTC, datetime, timedelta

import pytest

from mpsyncd.sandbox import SellerSpec
from support.loads import World, ask, new_world, one, rows_of
from support.processes import DaemonProcess, Install, Installation, until
from support.shop_lists import ShopFile, orders_token, outcomes, reloaded, runs_of, shop_id

NORTH, LINEN = (SellerSpec(name=name, title=f"ИП {name}", cards=12, trashed=3, orders=3_000) for name in ("north", "linen"))
SLOW = {'sources__wildberries__limits__"statistics.orders"': {"limit": 1, "per": "500 s", "burst": 1}}
"""A page in half a second, so that a load lasts as long as a test looks at it."""


async def at_work(dsn: str, name: str, rows: int = 200) -> int:
    """Wait for the first rows of a shop; its number."""

    async def some() -> bool:
        known = await one(dsn, "SELECT count(*) FROM mpsync.shops WHERE name = $1", name)
        return bool(known) and await rows_of(dsn, "wb.orders", await shop_id(dsn, name)) >= rows

    await until(some, what=f"orders of {name}")
    return await shop_id(dsn, name)


async def grows(dsn: str, shop: int, by: int = 200) -> None:
    """Wait until a shop has more rows than now."""
    before = await rows_of(dsn, "wb.orders", shop)

    async def more() -> bool:
        return await rows_of(dsn, "wb.orders", shop) >= before + by

    await until(more, what=f"more orders of shop {shop}")


async def statuses(world: World, seller: str, since: int = 0) -> set[int]:
    """What a seller's requests were answered, from a place of the log on."""
    return {request["status"] for request in await world.asked(since) if request["seller"] == seller}


async def working(install: Install, world: World, dsn: str) -> tuple[Installation, ShopFile, DaemonProcess, int]:
    """A daemon in the middle of the load of the list's one shop."""
    installation = install(world.url, dsn=dsn, **SLOW)
    shops = ShopFile(installation)
    shops.set(north=orders_token(world, "north"))
    daemon = await installation.started()
    return installation, shops, daemon, await at_work(dsn, "north")


async def test_shops_come_and_go_while_another_one_goes_on_undisturbed(install: Install, database: str) -> None:
    async with new_world(NORTH, LINEN) as world:
        _, shops, daemon, north = await working(install, world, database)
        [run] = await runs_of(database, north)

        token = orders_token(world, "linen")
        shops.set(linen=token)
        assert (await reloaded(daemon))["changes"] == ["shop linen: added"]
        linen = await at_work(database, "linen")

        shops.set(linen=None)
        assert (await reloaded(daemon))["changes"] == ["shop linen: gone from the list, disabled"]

        async def stopped() -> bool:
            return all(run["ended_at"] for run in await runs_of(database, linen))

        await until(stopped, what="the end of the run of the shop that is gone")
        assert [run["state"] for run in await runs_of(database, linen)] == ["interrupted"]
        rows, asked = await rows_of(database, "wb.orders", linen), len(await world.asked())
        await grows(database, north)
        assert await rows_of(database, "wb.orders", linen) == rows
        assert not [request for request in await world.asked(asked) if request["seller"] == "linen"]

        cursors = {str(each["cursor"]) for each in await world.asked() if each["seller"] == "linen" and "orders" in each["path"]}
        asked = len(await world.asked())
        shops.set(linen=token)
        assert (await reloaded(daemon))["changes"] == ["shop linen: back in the list"]
        await grows(database, linen)
        again = [str(each["cursor"]) for each in await world.asked(asked) if each["seller"] == "linen" and "orders" in each["path"]]
        assert len([cursor for cursor in again if cursor in cursors]) <= 2, "the load of a shop that came back began anew"

        [same] = await runs_of(database, north)
        assert (same["run_id"], same["ended_at"]) == (run["run_id"], None)
        assert same["pages"] > run["pages"]
        assert await daemon.terminate() == 0


async def test_a_changed_key_is_used_by_the_next_request_of_a_run(install: Install, database: str) -> None:
    """The old one can be revoked as soon as the reload is over: not one request is refused."""
    async with new_world(NORTH) as world:
        installation, shops, daemon, north = await working(install, world, database)
        old = shops.tokens["north"]
        shops.set(north=orders_token(world, "north", expires=datetime.now(UTC) + timedelta(days=50)))
        assert (await reloaded(daemon))["changes"] == ["shop north: key changed"]
        await world.revoke(old)
        asked = len(await world.asked())
        await grows(database, north)
        assert await statuses(world, "north", asked) == {200}
        run, *others = await runs_of(database, north)
        assert run["ended_at"] is None
        assert all(other["pages"] == 0 for other in others)  # what the old key had no right for was tried again
        assert old not in daemon.text() + installation.settings_file.read_text()


async def test_a_key_that_is_replaced_by_command_is_used_by_the_next_request(install: Install, database: str) -> None:
    async with new_world(NORTH) as world:
        installation = install(world.url, dsn=database, **SLOW)
        daemon = await installation.started()
        old = orders_token(world, "north")
        north = await installation.add_shop("north", old)
        await at_work(database, "north")
        new = orders_token(world, "north", expires=datetime.now(UTC) + timedelta(days=50))
        await installation.good("shops", "rotate-key", "north", "--token-file", "-", stdin=new)
        await grows(database, north, by=1)  # the page in hand
        await world.revoke(old)
        asked = len(await world.asked())
        await grows(database, north)
        assert await statuses(world, "north", asked) == {200}
        run, *others = await runs_of(database, north)
        assert run["ended_at"] is None
        assert all(other["pages"] == 0 for other in others)
        assert await daemon.terminate() == 0


async def test_a_parked_shop_goes_on_with_a_new_key(install: Install, database: str) -> None:
    async with new_world(NORTH) as world:
        _, shops, daemon, north = await working(install, world, database)
        await world.revoke(shops.tokens["north"])

        async def status() -> bool:
            return bool(await one(database, "SELECT status = 'disabled' FROM mpsync.shops WHERE shop_id = $1", north))

        await until(status, what="the shop to be parked")
        shops.set(north=orders_token(world, "north", expires=datetime.now(UTC) + timedelta(days=50)))
        assert (await reloaded(daemon))["changes"] == ["shop north: key changed"]
        await grows(database, north)


async def test_bad_files_change_nothing_and_are_told_everywhere(install: Install, database: str) -> None:
    async with new_world(NORTH, LINEN) as world:
        installation, shops, daemon, north = await working(install, world, database)
        before = await ask(database, "SELECT * FROM mpsync.shops")
        shops.set(linen=orders_token(world, "linen"))
        shops.write('\n[[shops]]\nname = "third"\nsource = "wildberries"\ntoken = "hush"\n')
        good = installation.settings_file.read_text()
        installation.settings_file.write_text(f'{good}\n[schedules]\nfrequent = {{ every = "10" }}\ndaily = {{ cron = "61 3 * * *" }}\n')
        refused = await reloaded(daemon)
        assert refused["event"] == "reload_refused"
        line = good.count("\n") + 3
        assert len(refused["problems"]) == 2
        assert f"{installation.settings_file}:{line}: schedules.frequent.every" in refused["problems"][0]
        assert f"{shops.path}:14: shops.third.token" in refused["problems"][1]
        assert await ask(database, "SELECT * FROM mpsync.shops") == before
        _, told = await daemon.get("/status")
        assert json.loads(told)["daemon"]["reload"]["problems"] == refused["problems"]
        _, metrics = await daemon.get("/metrics", accept="text/plain")
        assert 'mpsyncd_reload_total{outcome="refused"} 1.0' in metrics
        ended = await installation.command("runs", "list", "--config", str(installation.settings_file))
        assert ended.code != 0  # the command finds the same
        installation.settings_file.write_text(good)
        [kept] = json.loads(await installation.good("runs", "list", "--json", "--limit", "1"))
        assert (kept["kind"], kept["outcome"]["state"], kept["asked_by"]) == ("reload", "refused", ["signal"])
        await grows(database, north)
        assert "hush" not in daemon.text()
        assert await daemon.terminate() == 0


async def test_what_needs_a_restart_is_refused_as_a_whole(install: Install, database: str) -> None:
    async with new_world(NORTH, LINEN) as world:
        installation, shops, daemon, _ = await working(install, world, database)
        shops.set(linen=orders_token(world, "linen"))
        installation.set(http={"port": 8099}, log={"level": "debug"}, database={"dsn": "postgresql://u:hush@elsewhere/db"})
        refused = await reloaded(daemon)
        assert refused["problems"] == ["needs a restart: database.dsn: changed", "needs a restart: http.port: 0 → 8099"]
        assert await one(database, "SELECT count(*) FROM mpsync.shops") == 1
        assert not daemon.events("request_answered")  # the level of the log is what it was
        installation.set(http={"port": 0}, log={"level": "info"}, database={"dsn": database})
        asked = await installation.command("reload")
        assert (asked.code, asked.out) == (0, "shop linen: added\n")


async def test_the_command_prints_what_changed_and_ends_as_it_came_out(install: Install, database: str) -> None:
    async with new_world(NORTH, LINEN) as world:
        installation = install(world.url, dsn=database, **SLOW)
        shops = ShopFile(installation)
        nobody = await installation.command("reload")
        assert (nobody.code, nobody.out) == (1, "")
        assert "No daemon runs" in nobody.err
        daemon = await installation.started()
        assert await installation.good("reload") == "Nothing has changed.\n"
        shops.set(north=orders_token(world, "north"))
        installation.set(schedules={"frequent": {"every": "10 min"}})
        changes = [f"shops.file: none → {shops.path}", "schedules.frequent: 30 min → 10 min", "shop north: added"]
        assert (await installation.good("reload")).splitlines() == changes
        shops.set(north=orders_token(world, "linen"))
        refused = await installation.command("reload", "--json")
        assert refused.code == 78
        [told] = json.loads(refused.out)
        assert told["daemon"]["pid"] == daemon.pid
        assert "another seller" in told["reload"]["problems"][0]
        listed = json.loads(await installation.good("runs", "list", "--json"))
        reloads = [run for run in listed if run["kind"] == "reload"]
        assert [run["outcome"]["state"] for run in reloads] == ["refused", "applied", "unchanged"]
        assert all(run["asked_by"][0].startswith("cli:") for run in reloads)
        shown = await installation.good("runs", "show", str(reloads[1]["run_id"]))
        assert "schedules.frequent: 30 min → 10 min" in shown
        managed = await installation.command("shops", "pause", "north")
        assert managed.code == 1
        assert f"line 1 of {shops.path}" in managed.err


async def test_a_shorter_interval_takes_effect_now(install: Install, database: str) -> None:
    small = SellerSpec(name="small", title="ИП Малый", cards=3, trashed=1, orders=40)
    async with new_world(small) as world:
        installation = install(world.url, dsn=database, schedules={"frequent": {"every": "1 d"}})
        ShopFile(installation).set(small=orders_token(world, "small"))
        daemon = await installation.started()

        first = "SELECT count(*) FROM mpsync.feeds WHERE stream = 'orders' AND lane = 'live' AND last_success_at IS NOT NULL"

        async def read() -> bool:
            return bool(await one(database, first))

        await until(read, what="the first read")
        installation.set(schedules={"frequent": {"every": "2 s"}})
        assert (await reloaded(daemon))["changes"] == ["schedules.frequent: 1 d → 2 s"]

        async def twice() -> bool:
            return bool(await one(database, "SELECT count(*) >= 2 FROM mpsync.runs WHERE trigger = 'schedule' AND ended_at IS NOT NULL"))

        await until(twice, what="two more runs within seconds")


async def test_a_storm_of_signals_is_one_or_two_reloads(install: Install, database: str) -> None:
    async with new_world(NORTH, LINEN) as world:
        _, shops, daemon, north = await working(install, world, database)
        shops.set(linen=orders_token(world, "linen"))
        for _ in range(10):
            daemon.process.send_signal(signal.SIGHUP)
        await until(lambda: outcomes(daemon), what="a reload")
        await grows(database, north)
        assert 1 <= len(outcomes(daemon)) <= 2
        assert outcomes(daemon)[0]["changes"] == ["shop linen: added"]
        assert await one(database, "SELECT count(*) FROM mpsync.reloads WHERE asked_by = '{signal}'") == len(outcomes(daemon))


async def test_a_log_file_that_was_put_aside_is_let_go(install: Install, database: str) -> None:
    async with new_world(NORTH) as world:
        installation = install(world.url, dsn=database)
        path = installation.home / "own.log"
        installation.set(log={"file": str(path)})
        daemon = await installation.started()
        path.rename(installation.home / "old.log")
        await reloaded(daemon)
        assert "reload_unchanged" in path.read_text()
        assert "reload_unchanged" not in (installation.home / "old.log").read_text()


@pytest.mark.parametrize("embedded", [True, False])
async def test_a_signal_during_the_start_is_done_after_it(embedded: bool, install: Install, database: str) -> None:
    async with new_world(NORTH) as world:
        installation = install(world.url, dsn=None if embedded else database)
        ShopFile(installation).set(north=orders_token(world, "north"))
        daemon = installation.start()
        while not daemon.events("daemon_ready"):
            if daemon.text() or daemon.process.poll() is not None:  # Python itself has begun
                daemon.process.send_signal(signal.SIGHUP)
            await asyncio.sleep(0.02)
            assert daemon.alive
        await until(lambda: outcomes(daemon), what="the reload after the start")
        events = [event["event"] for event in daemon.events()]
        assert events.index("daemon_ready") < events.index("reload_unchanged")
        assert await daemon.terminate() == 0


async def test_signals_during_the_stop_are_ignored(install: Install, database: str) -> None:
    async with new_world(NORTH) as world:
        _, _, daemon, _ = await working(install, world, database)
        daemon.process.send_signal(signal.SIGTERM)
        while daemon.alive:
            daemon.process.send_signal(signal.SIGHUP)
            await asyncio.sleep(0.001)
        assert daemon.process.wait() == 0
        assert outcomes(daemon) == []


async def test_a_list_that_can_not_be_applied_ends_the_start(install: Install, database: str) -> None:
    async with new_world(NORTH) as world:
        installation = install(world.url, dsn=database)
        shops = ShopFile(installation)
        shops.set(north=orders_token(world, "north", expires=datetime(2026, 1, 1, tzinfo=UTC)))
        daemon = installation.start()
        assert await daemon.ended() == 78
        assert f"{shops.path}:1: shops.north: The Wildberries token expired" in daemon.text()
        assert await one(database, "SELECT count(*) FROM mpsync.shops") == 0
