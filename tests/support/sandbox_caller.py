"""Calls a sandbox in memory under a clock that the test turns. Shared by the tests of the sandbox."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from mpsyncd.sandbox import Core, Request, Response, SandboxOptions, SellerSpec, TokenType, make_token

BORN = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ORDERS = "/wb/statistics-api/api/v1/supplier/orders"
CARDS = "/wb/content-api/content/v2/get/cards/list"
TRASH = "/wb/content-api/content/v2/get/cards/trash"
SELLER_INFO = "/wb/common-api/api/v1/seller-info"
EARLIEST = "2026-01-01"

SMALL = SellerSpec(name="small", title="ИП Малый", cards=12, trashed=3, orders=40)
PAGED = SellerSpec(name="paged", title="ООО Страницы", cards=260, trashed=210, orders=260)


class Caller:
    """One core, one token at a time, a clock that stands until it is turned."""

    def __init__(self, *sellers: SellerSpec, **options: Any) -> None:
        self.core = Core(SandboxOptions(sellers=sellers or (SMALL,), **options), born=BORN)
        self.now = BORN
        self.token = self.make()

    def make(self, seller: str | None = None, **claims: Any) -> str:
        owner = self.core.world.sellers[seller or next(iter(self.core.world.sellers))]
        given: dict[str, Any] = {"expires": BORN + timedelta(days=180), "type": TokenType.PERSONAL, **claims}
        return make_token(sid=owner.sid, oid=owner.oid, **given)

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def get(self, url: str, *, token: str | None = None) -> Response:
        return self.core.handle(Request.to("GET", url, token=token or self.token), self.now)

    def post(self, url: str, body: object = None, *, token: str | None = None) -> Response:
        return self.core.handle(Request.to("POST", url, token=token or self.token, body=body), self.now)

    def bare(self, method: str, url: str, body: object = None) -> Any:
        return self.core.handle(Request.to(method, url, body=body), self.now).json()

    def stats(self) -> Any:
        return self.bare("GET", "/_stats")

    def truth(self, table: str, seller: str | None = None) -> list[dict[str, Any]]:
        name = seller or next(iter(self.core.world.sellers))
        rows: list[dict[str, Any]] = self.bare("GET", f"/_truth/{name}/{table}?limit=1000000")["rows"]
        return rows

    def order_pages(self, start: str = EARLIEST) -> Iterator[list[dict[str, Any]]]:
        """Pages as a patient client reads them: it waits for the limit and stops when the position stands still."""
        since = start
        while True:
            page: Any = self.get(f"{ORDERS}?dateFrom={since}").json()
            self.wait(60)
            if not page:
                return
            yield page
            if page[-1]["lastChangeDate"] == since:
                return
            since = page[-1]["lastChangeDate"]

    def card_pages(self, url: str = CARDS, *, ascending: bool = True, limit: int = 100) -> Iterator[list[dict[str, Any]]]:
        """Pages of cards until one is not full."""
        cursor: dict[str, Any] = {"limit": limit}
        while True:
            body: Any = self.post(url, {"settings": {"sort": {"ascending": ascending}, "cursor": cursor}}).json()
            self.wait(1)
            yield body["cards"]
            if body["cursor"]["total"] < limit:
                return
            cursor = {"limit": limit, **{key: value for key, value in body["cursor"].items() if key != "total"}}
