"""The composition root: builds every part, introduces them, runs them, stops them. Does nothing itself; only `cli` imports it."""

from mpsyncd.daemon.check import check_shop
from mpsyncd.daemon.configuration import configuration, expired
from mpsyncd.daemon.plan import plan
from mpsyncd.daemon.reload import Files
from mpsyncd.daemon.run import run, run_once
from mpsyncd.daemon.stores import Storage, migrate, open_storage

__all__ = ["Files", "Storage", "check_shop", "configuration", "expired", "migrate", "open_storage", "plan", "run", "run_once"]
