"""The sandbox without sockets: `handle(request, now)` answers, and simulated weeks run in memory.

Knows the vendors' parts and introduces them to the world; adding a vendor is a line in :meth:`Core.handle`.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from mpsyncd.sandbox.control import Control
from mpsyncd.sandbox.faults import FaultBoard
from mpsyncd.sandbox.http import Request, Response, json_response
from mpsyncd.sandbox.journal import Journal
from mpsyncd.sandbox.kaiten.service import Kaiten
from mpsyncd.sandbox.kaiten.world.world import Companies
from mpsyncd.sandbox.options import Fault, SandboxOptions
from mpsyncd.sandbox.shops import DemoShop, demo_companies, demo_shops
from mpsyncd.sandbox.wildberries.service import Wildberries
from mpsyncd.sandbox.world.world import World

_PREFIX, _KAITEN_PREFIX = "/wb/", "/kaiten/"


class Core:
    """One world and everything that answers for it. `url` is set by who listens, before anybody asks for shops."""

    def __init__(self, options: SandboxOptions, *, born: datetime | None = None) -> None:
        self.born = (born or options.born or datetime.now(UTC)).astimezone(UTC)
        self.url = "http://sandbox.invalid"
        self.world = World(options, born=self.born)
        self.companies = Companies(options, born=self.born)
        self.faults = FaultBoard(seed=options.seed)
        self.journal = Journal(size=options.log_size, grace=options.grace)
        self.wildberries = Wildberries(world=self.world, options=options, faults=self.faults, journal=self.journal)
        self.kaiten = Kaiten(world=self.companies, options=options, faults=self.faults, journal=self.journal)
        self._control = Control(
            world=self.world,
            wildberries=self.wildberries,
            companies=self.companies,
            kaiten=self.kaiten,
            faults=self.faults,
            journal=self.journal,
            shops=self.demo_shops,
        )
        self.arm(options.faults, now=self.born)

    def handle(self, request: Request, now: datetime) -> Response:
        """Answer a request that arrives at `now` (aware). Never raises for anything that a client may send."""
        self.world.advance(now)
        self.companies.advance(now)
        if request.path.startswith("/_"):
            return self._control.handle(request, now)
        if request.path.startswith(_PREFIX):
            host, _, path = request.path.removeprefix(_PREFIX).partition("/")
            return self.wildberries.handle(request, host_name=host, path=f"/{path}", now=now)
        if request.path.startswith(_KAITEN_PREFIX):
            company, _, path = request.path.removeprefix(_KAITEN_PREFIX).partition("/")
            return self.kaiten.handle(request, name=company, path=f"/{path}", now=now)
        return json_response({"message": "the sandbox serves /wb/{host}/…, /kaiten/{company}/… and its switches /_…"}, status=404)

    def freeze(self, now: datetime) -> None:
        """Stop all worlds at `now`; limits go on."""
        self.world.freeze(now)
        self.companies.freeze(now)

    def thaw(self, now: datetime) -> None:
        """Let all worlds move again from `now`."""
        self.world.thaw(now)
        self.companies.thaw(now)

    def arm(self, faults: Iterable[Fault], *, now: datetime) -> None:
        """Arm faults; their lives begin now."""
        for fault in faults:
            self.faults.arm(fault, now=now)

    def demo_shops(self) -> list[DemoShop]:
        """Shops with tokens for every seller and every company."""
        return [*demo_shops(self.world, url=self.url, born=self.born), *demo_companies(self.companies, url=self.url)]
