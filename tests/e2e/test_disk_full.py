"""The disk of the own PostgreSQL runs full in the middle of a load: said in words, waited out, nothing lost."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mpsyncd.sandbox import SellerSpec
from support.loads import BEYOND_CORE, CORE, CORE_TABLES, equal_in_the_end, loaded, new_world
from support.processes import SCALE, Install, nobody_works_in, until

SMALL, LARGE = 90, 400
MANY = SellerSpec(name="many", title="ООО Много Заказов", cards=150, trashed=10, orders=40_000)


@contextmanager
def small_disk(folder: Path) -> Iterator[Callable[[], None]]:
    """A small file system under this folder; gives what makes it larger."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    folder.mkdir()
    size = f"size={SMALL}m,mode=711"
    if subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine does not let root mount a file system")

    def grow() -> None:
        subprocess.run(["mount", "-o", f"remount,size={LARGE}m", folder], check=True)

    try:
        yield grow
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.timeout(180)
async def test_a_full_disk_is_waited_out(install: Install) -> None:
    async with new_world(MANY, orders_cap=4_000, limit_scale=2 * SCALE) as world:  # a busy machine would be refused now and then
        installation = install(world.url)
        with small_disk(installation.data) as grow:
            daemon = await installation.started()
            dsn = await installation.dsn()
            shop = await installation.add_shop("many", world.core_token("many"))
            await until(lambda: "disk" in daemon.text() and "full" in daemon.text(), what="words about the disk in the log", within=90)
            assert daemon.alive
            assert (await daemon.get("/healthz"))[0] == 200
            grow()
            await loaded(dsn, shop, within=120, parked=BEYOND_CORE)
            await equal_in_the_end(world, dsn, {"many": shop}, streams=CORE, tables=CORE_TABLES)
            assert await daemon.terminate() == 0
            await nobody_works_in(installation.cluster)
