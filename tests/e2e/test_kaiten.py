"""A Kaiten company by real processes: first load, changes, kills, what its tariff lacks, what answers lack, the old variables."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from mpsyncd.model.run import Mode
from mpsyncd.sandbox import CompanySpec, Fault, FaultKind, SandboxOptions, serve
from support.kaiten_truth import untrue
from support.loads import World, ask, explained, one, run, unread
from support.processes import SCALE, DaemonProcess, Install, Installation, until

COMPANY = CompanySpec(name="acme", title="ООО Акме", spaces=3, boards=5, users=12, cards=125, archived=110, imported=105)
LOOPBACK = {"hosts": ["127.0.0.1"]}
TRUSTING = {"sweep_share": 1.0}
"""The sandbox's people delete more of a small board than anybody would believe."""
SLOW = {"limit": 5, "per": "500 s", "burst": 5}
"""Ten requests in a second, whatever headers say, so that the load outlives its killers."""
KILLS = 4


@dataclass
class Company:
    """A sandbox with one company that moves."""

    world: World
    address: str
    token: str
    environ: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.environ = {"KAITEN_API_URL": self.address, "KAITEN_API_TOKEN": self.token}

    def install(self, install: Install, dsn: str, **tables: Any) -> Installation:
        given = {"sources__kaiten": LOOPBACK, "engine": TRUSTING} | tables
        return install(self.world.url, dsn=dsn, **given)

    async def add(self, installation: Installation) -> int:
        text = f"api_url = {self.address}\napi_token = {self.token}\n"
        out = await installation.good("shops", "add", "kaiten", "--token-file", "-", "--name", "acme", "--json", stdin=text)
        return int(json.loads(out)["shop"]["shop_id"])

    async def equal(self, dsn: str, shop: int) -> None:
        """Compare every table with the truth."""
        assert await untrue(dsn, self.world.url, COMPANY.name, shop_id=shop) == [], "not equal to the truth"


@pytest.fixture
async def company() -> AsyncIterator[Company]:
    options = SandboxOptions(sellers=(), companies=(COMPANY,), limit_scale=SCALE, event_rate=20.0)
    async with await serve(options) as sandbox:
        [shop] = sandbox.demo_shops()
        yield Company(World(sandbox), shop.base_url, shop.token)


async def read_whole(dsn: str, shop: int, *, without: tuple[str, ...] = ()) -> None:
    """Wait until every feed was read once, but for those that are parked."""

    async def none_left() -> bool:
        left = await unread(dsn, shop)
        return left is not None and not [each for each in left if not each.startswith(without or ("-",))]

    try:
        await until(none_left, what="the first load")
    except AssertionError as error:
        raise AssertionError(f"{error}; {await explained(dsn, shop)}") from None


async def settled(company: Company, dsn: str, shop: int, *, mode: Mode = Mode.FULL) -> None:
    """Stop the world, read it once more, compare."""
    await company.world.freeze()
    came_out = await run(dsn, shop, mode=mode)
    assert came_out == "done", await explained(dsn, shop)
    await company.equal(dsn, shop)


async def test_the_first_load_changes_and_deletions(company: Company, install: Install, database: str) -> None:
    installation = company.install(install, database)
    daemon = await installation.started()
    shop, dsn = await company.add(installation), database
    await read_whole(dsn, shop)
    before = len(await company.world.asked())
    await company.world.freeze()
    assert await run(dsn, shop, streams=("cards",)) == "done"
    asked = [each["path"] for each in (await company.world.asked())[before:]]
    assert set(asked) == {"/cards"}, "what changed on boards and in the archive, and nothing else"
    kept = {row["id"]: row["version"] for row in await ask(dsn, "SELECT id, version FROM kaiten.cards WHERE shop_id = $1", shop)}
    true = {row["id"]: row["version"] for row in await _true(company, "kaiten.cards") if not row.get("_left")}
    assert {card: kept.get(card) for card in true} == true
    await settled(company, dsn, shop)
    assert (await company.world.stats())["throttled"] == 0
    assert await one(dsn, "SELECT count(*) FROM kaiten.users WHERE is_stub") > 0
    assert await daemon.terminate() == 0


async def _true(company: Company, table: str) -> list[dict[str, Any]]:
    answer = await company.world._ask("GET", f"/_truth/{COMPANY.name}/{table}?limit=10000")
    return list(answer["rows"])


async def test_killed_during_the_first_load(company: Company, install: Install, database: str) -> None:
    moments = random.Random(20_261_121)
    installation = company.install(install, database, sources__kaiten__limits__api=SLOW)
    daemon = await installation.started()
    shop, dsn = await company.add(installation), database
    for _ in range(KILLS):
        await asyncio.sleep(moments.uniform(0.5, 2.0))
        await daemon.kill()
        assert await unread(dsn, shop) != [], "the killers came too late to disturb anything"
        daemon = await installation.started()
    installation.set(sources__kaiten__limits__api={"limit": 5, "per": "1 s", "burst": 200})
    daemon = await installation.restarted(daemon)
    await read_whole(dsn, shop)
    await settled(company, dsn, shop)
    assert await daemon.terminate() == 0


async def test_what_the_tariff_lacks_is_parked_and_an_empty_body_deletes_nothing(company: Company, install: Install, database: str) -> None:
    company.world.arm(Fault(kind=FaultKind.NOT_IN_TARIFF, path="/company/custom-properties"))
    installation = company.install(install, database, engine={"sweep_share": 0.5})
    daemon = await installation.started()
    await company.world.freeze()
    shop, dsn = await company.add(installation), database
    await read_whole(dsn, shop, without=("custom_properties", "property_values"))
    feeds = {row["stream"]: row for row in await explained(dsn, shop)}
    assert feeds["custom_properties"]["state"] == "parked"
    assert "tariff does not include it" in feeds["custom_properties"]["reason"]
    await company.world.cure()
    company.world.arm(Fault(kind=FaultKind.EMPTY_BODY, path="/cards", count=1))
    living = "SELECT count(*) FROM kaiten.cards WHERE shop_id = $1 AND deleted_at IS NULL"
    before = await one(dsn, living, shop)
    await run(dsn, shop, mode=Mode.FULL, streams=("cards",))
    assert await one(dsn, living, shop) == before
    await company.world.cure()
    await settled(company, dsn, shop)
    assert await daemon.terminate() == 0


async def test_settings_allow_addresses_and_old_variables_make_a_shop(
    company: Company, install: Install, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = company.install(install, database, sources__kaiten={"hosts": ["*.kaiten.ru"]})
    text = f"api_url = {company.address}\napi_token = {company.token}\n"
    refused = await installation.command("shops", "add", "kaiten", "--token-file", "-", "--name", "acme", stdin=text)
    assert 'add "127.0.0.1" to hosts under [sources.kaiten] in the settings' in refused.err
    assert await company.world.asked() == [], "the key was sent to an address that settings do not allow"
    installation.set(sources__kaiten=LOOPBACK)
    ended = await installation.command("sync", "kaiten")
    assert (ended.code, ended.err.splitlines()[-1]) == (78, "mpsyncd: KAITEN_API_TOKEN is not set")
    for name, value in company.environ.items():
        monkeypatch.setenv(name, value)
    daemon: DaemonProcess = await installation.started()
    dsn = database
    shop = await one(dsn, "SELECT shop_id FROM mpsync.shops WHERE source = 'kaiten' AND name = 'kaiten'")
    await read_whole(dsn, shop)
    daemon = await installation.restarted(daemon)
    assert await one(dsn, "SELECT count(*) FROM mpsync.shops") == 1
    assert company.token not in daemon.text()
    assert await daemon.terminate() == 0
