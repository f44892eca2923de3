"""The demo's three shops."""

from mpsyncd.sandbox import Core, Request, SandboxOptions
from support.sandbox_caller import BORN, CARDS, ORDERS

SINCE = f"{ORDERS}?dateFrom=2026-01-01"


def test_demo_has_a_whole_token_one_without_a_scope_and_a_base_one() -> None:
    core = Core(SandboxOptions(), born=BORN)
    whole, scope, base = core.demo_shops()

    def status(token: str, method: str, url: str) -> int:
        body: dict[str, object] | None = {} if method == "POST" else None
        return core.handle(Request.to(method, url, token=token, body=body), BORN).status

    assert [status(shop.token, "POST", CARDS) for shop in (whole, scope, base)] == [200, 401, 200]
    assert [status(shop.token, "GET", SINCE) for shop in (whole, scope, base)] == [200, 200, 200]
    assert [status(shop.token, "GET", SINCE) for shop in (whole, scope, base)] == [200, 200, 429]
    assert {shop.source for shop in core.demo_shops()} == {"wildberries"}
    assert len({shop.name for shop in core.demo_shops()}) == 3


def test_demo_has_two_full_pages_of_every_list() -> None:
    options = SandboxOptions()
    core = Core(options, born=BORN)
    big = next(iter(core.world.sellers.values()))

    assert len(big.cards) >= 250
    assert len(big.trash) >= 201
    assert len(big.orders) > 2 * options.orders_cap
    weeks = big.finance.statements(BORN)
    assert min(sum(1 for _ in big.finance.walk([one])) for one in weeks if one.kind == 1) > 2 * options.finance_cap
    assert len(big.adverts.every()) > 2 * 50


def test_tokens_are_the_same_after_a_restart() -> None:
    first, second = (Core(SandboxOptions(), born=BORN).demo_shops() for _ in range(2))

    assert first == second
