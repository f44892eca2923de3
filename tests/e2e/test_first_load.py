"""From nothing to everything, with every part a process of its own."""

import json

import pytest

from support.loads import Switches, equal_in_the_end, explained, loaded, one
from support.processes import Install, Installation, SandboxProcess, nobody_works_in
from support.truth import KEYS

QUICKEST = 10_000
SHOPS = {"linen-shop", "small-toys"}
"""The demo compares all of its shops with the truth; here are those whose keys may not read everything."""
LACKING = ("cards", "cards_trash", "funnel", "product_totals")
"""What a key without content can not read, and what waits for that."""
EMPTY = tuple(table for table in KEYS if table.startswith(("wb.card", "wb.trashed", "wb.funnel", "wb.product")))
CLOSED = {"stocks", "seller_stocks", "finance_reports", "acquiring", "acquiring_reports"}
"""What tokens of the base type may not read."""


async def answers(installation: Installation) -> None:
    """The status server tells what there is."""
    [daemon] = installation.daemons
    assert (await daemon.get("/healthz"))[0] == 200
    assert (await daemon.get("/readyz"))[0] == 200
    code, text = await daemon.get("/metrics", accept="*/*")
    assert code == 200
    assert "mpsyncd_feeds_at_work" in text
    code, text = await daemon.get("/status")
    assert code == 200
    status = json.loads(text)
    assert status["ready"] is True
    percent = {shop["name"]: shop["percent"] for shop in status["shops"]}
    assert percent.keys() == SHOPS
    assert percent["linen-shop"] == 100, "what is parked is no part of a first load"
    code, text = await daemon.get("/status", accept="text/html")
    assert code == 200
    assert "linen-shop" in text


@pytest.mark.timeout(420)
async def test_shops_are_loaded_shown_and_left_cleanly(install: Install) -> None:
    with SandboxProcess(limit_scale=QUICKEST, event_rate=10) as sandbox:
        installation = install(sandbox.url, transport={"limit_scale": QUICKEST})
        daemon = await installation.started()
        tokens = {shop["name"]: shop["token"] for shop in sandbox.shops if shop["name"] in SHOPS}
        shops = {name: await installation.add_shop(name, token) for name, token in tokens.items()}
        dsn = await installation.dsn()
        await loaded(dsn, shops["linen-shop"], parked=LACKING, within=180)

        switches, lacking = Switches(sandbox.url), shops["linen-shop"]
        told = [table for table in KEYS if table not in EMPTY]
        await equal_in_the_end(switches, dsn, {"linen-shop": lacking}, tables=told, verdict="partly")
        for table in EMPTY:
            assert await one(dsn, f"SELECT count(*) FROM {table} WHERE shop_id = $1", lacking) == 0
        reasons = {feed["stream"]: feed["reason"] for feed in await explained(dsn, lacking) if feed["state"] == "parked"}
        assert reasons.keys() == set(LACKING)
        assert all("content" in reason for reason in reasons.values())
        # The year of days that a base token reads takes a minute and more: it is not waited for.
        closed = {feed["stream"]: feed["reason"] for feed in await explained(dsn, shops["small-toys"]) if feed["state"] == "parked"}
        assert closed.keys() == CLOSED
        assert all("base type" in reason for reason in closed.values())
        await answers(installation)

        text = daemon.text()
        assert not any(token in text for token in tokens.values())
        assert await daemon.terminate() == 0
        assert [event["event"] for event in daemon.events()][-1] == "daemon_stopped"
        await nobody_works_in(installation.cluster)
        assert (await installation.command("dsn")).code == 75
