"""Calls the sandbox's Kaiten in memory under a clock that the test turns."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from mpsyncd.sandbox import CompanySpec, Core, Fault, Request, Response, SandboxOptions
from mpsyncd.sandbox.kaiten.world.company import Company
from support.sandbox_caller import BORN

ACME = CompanySpec(name="acme", title="ООО Пример")
BASE = "/api/latest"


class KaitenCaller:
    """One core with one company, and a clock that stands until it is turned."""

    def __init__(self, spec: CompanySpec = ACME, **options: Any) -> None:
        self.core = Core(SandboxOptions(sellers=(), companies=(spec,), **options), born=BORN)
        self.now = BORN

    @property
    def company(self) -> Company:
        [company] = self.core.companies.companies.values()
        return company

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def ask(self, path: str, *, token: str | None = None, method: str = "GET", base: str = BASE, **params: Any) -> Response:
        """One request after a second of rest; `token` in place of the company's."""
        self.wait(1)
        key = f"Bearer {self.company.token}" if token is None else token
        url = f"/kaiten/{self.company.spec.name}{base}{path}?{urlencode(params)}"
        return self.core.handle(Request.to(method, url, token=key), self.now)

    def rows(self, path: str, **params: Any) -> list[dict[str, Any]]:
        found: Any = self.ask(path, **params).json()
        return list(found)

    def walk(self, path: str, **params: Any) -> Iterator[dict[str, Any]]:
        """All rows, page by page until one is not full."""
        offset = 0
        while page := self.rows(path, offset=offset, limit=100, **params):
            yield from page
            offset += len(page)

    def arm(self, *faults: Fault) -> None:
        self.core.arm(faults, now=self.now)

    def bare(self, method: str, url: str, body: object = None) -> Any:
        return self.core.handle(Request.to(method, url, body=body), self.now).json()

    def truth(self, table: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.bare("GET", f"/_truth/{self.company.spec.name}/{table}?limit=1000000")["rows"]
        return rows
