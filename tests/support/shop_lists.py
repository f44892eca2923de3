"""A shop list beside the settings of an installation, with a file for every key; and asking a daemon to read it again."""

import signal
from pathlib import Path
from typing import Any

from mpsyncd.sandbox.wildberries.tokens import Category
from support.loads import World, ask, one
from support.processes import DaemonProcess, Installation, until

ORDERS_ONLY = frozenset({Category.STATISTICS})
"""What a key may do that opens few streams, so that a load is about orders."""
RELOADED = ("reload_applied", "reload_unchanged", "reload_refused")


class ShopFile:
    """`shops.toml` of an installation. Shops are called like their sellers."""

    def __init__(self, installation: Installation) -> None:
        self.path = installation.home / "shops.toml"
        self.tokens: dict[str, str] = {}

    def key_file(self, name: str) -> Path:
        return self.path.parent / f"{name}.key"

    def set(self, **tokens: str | None) -> None:
        """Add shops or change their keys; None takes a shop out of the list (`_` in a name stands for `-`)."""
        for name, token in tokens.items():
            shop = name.replace("_", "-")
            if token is None:
                self.tokens.pop(shop, None)
            else:
                self.tokens[shop] = token
        self.write()

    def write(self, extra: str = "") -> None:
        """Write the list with its key files; `extra` stands at its end."""
        for name, token in self.tokens.items():
            self.key_file(name).write_text(token)
        entries = [f'[[shops]]\nname = "{name}"\nsource = "wildberries"\ntoken = {{ file = "{name}.key" }}\n' for name in self.tokens]
        self.path.write_text("\n".join(entries) + extra if entries or extra else "shops = []\n", encoding="utf-8")


def orders_token(world: World, seller: str, **claims: Any) -> str:
    """A key of a seller that opens little beside orders."""
    return world.token(seller, categories=ORDERS_ONLY, **claims)


async def reloaded(daemon: DaemonProcess, number: signal.Signals = signal.SIGHUP) -> dict[str, Any]:
    """Send SIGHUP and wait until a reload that began afterwards has come out; what was logged of it."""
    before = len(outcomes(daemon))
    daemon.process.send_signal(number)
    await until(lambda: len(outcomes(daemon)) > before, what="the end of a reload")
    return outcomes(daemon)[-1]


def outcomes(daemon: DaemonProcess) -> list[dict[str, Any]]:
    """What the daemon logged of its reloads, the first application of its list at start not counted."""
    return [event for event in daemon.events() if event.get("event") in RELOADED and event["asked_by"] != ["start"]]


async def shop_id(dsn: str, name: str) -> int:
    """The number of a shop."""
    return int(await one(dsn, "SELECT shop_id FROM mpsync.shops WHERE name = $1 AND status <> 'removing'", name))


async def runs_of(dsn: str, shop: int) -> list[dict[str, Any]]:
    """Runs of a shop with the pages that they committed, oldest first."""
    rows = await ask(
        dsn,
        "SELECT r.run_id, r.state, r.ended_at, (SELECT sum(pages) FROM mpsync.run_feeds f WHERE f.run_id = r.run_id) AS pages "
        "FROM mpsync.runs r WHERE shop_id = $1 ORDER BY run_id",
        shop,
    )
    return [dict(row) for row in rows]
