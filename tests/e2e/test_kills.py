"""Twenty times kill -9 during a first load: nothing is lost, hardly anything is asked twice, no server stays behind."""

import random

import pytest

from mpsyncd.sandbox import SellerSpec
from support.loads import BEYOND_CORE, CORE, CORE_TABLES, LIVE_PAGES, equal_in_the_end, loaded, new_world, repeats, rows_of
from support.processes import DaemonProcess, Install, Installation, nobody_works_in

KILLS = 20
LONG = SellerSpec(name="long", title="ООО Длинная Загрузка", cards=1_240, trashed=530, orders=3_000)
SLOW = {"limit": 1, "per": "700 s", "burst": 1}
"""A page in 0.7 s, so that the load outlives its killers."""
LANES = {"/api/v1/supplier/orders": 2, "/content/v2/get/cards/list": 1, "/content/v2/get/cards/trash": 1}


async def killed_at(daemon: DaemonProcess, moment: float) -> None:
    """Kill it so many seconds after its birth, ready or not."""
    try:
        await daemon.ended(within=moment)
    except AssertionError:
        await daemon.kill()
    else:
        pytest.fail(f"the daemon ended by itself with {daemon.process.returncode}:\n{daemon.text()[-2000:]}")


@pytest.mark.timeout(300)
async def test_killed_twenty_times_during_the_first_load(install: Install) -> None:
    slow = {f'sources__wildberries__limits__"{name}"': SLOW for name in ("statistics.orders", "content.cards", "content")}
    moments = random.Random(20_261_121)
    async with new_world(LONG) as world:
        installation: Installation = install(world.url, **slow)
        daemon = await installation.started()
        shop = await installation.add_shop("long", world.core_token("long"))
        dsn, before = await installation.dsn(), len(await world.asked())
        lives = []
        for kill in range(KILLS):
            await killed_at(daemon, moments.uniform(0.2, 3.0))
            if kill % 4 == 0:  # at other times the next daemon meets the old server on its way out
                await nobody_works_in(installation.cluster)
            lives.append(await world.asked(before))
            before += len(lives[-1])
            daemon = installation.start()
        await daemon.ready()
        assert not await world_is_read(dsn, shop)
        await loaded(dsn, shop, within=90, parked=BEYOND_CORE)
        lives.append(await world.asked(before))
        for life, again in enumerate(repeats(lives)):
            for path, times in again.items():
                assert times <= LIVE_PAGES * LANES.get(path, 2), f"life {life} asked {times} pages of {path} again"
        await equal_in_the_end(world, dsn, {"long": shop}, streams=CORE, tables=CORE_TABLES)
        assert await daemon.terminate() == 0
        await nobody_works_in(installation.cluster)


async def world_is_read(dsn: str, shop: int) -> bool:
    """Whether the killers came too late to disturb anything."""
    return await rows_of(dsn, "wb.orders", shop) >= LONG.orders
