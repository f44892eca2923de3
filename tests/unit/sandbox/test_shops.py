"""The demo's three shops."""

from datetime import timedelta

from mpsyncd.sandbox import Core, Request, SandboxOptions
from support.sandbox_caller import BORN, CARDS, ORDERS

TWO_WEEKS = timedelta(days=14)
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
    assert len(big.sales) > 2 * options.orders_cap
    assert big.standings(start=BORN - timedelta(days=31), end=BORN).count > 2 * 500
    weeks = big.finance.statements(BORN)
    assert min(sum(1 for _ in big.finance.walk([one])) for one in weeks if one.kind == 1) > 2 * options.finance_cap
    assert len(big.adverts.every()) > 2 * 50
    assert sum(1 for _ in big.chats.events()) > 2 * options.events_cap
    for decided in (True, False):
        assert (
            sum((claim.decided_at is not None) == decided for claim in big.voices.claims.every() if BORN - claim.at < TWO_WEEKS) > 2 * 200
        )
    assert len(big.voices.returns.every()) > 2 * 1_000


def test_one_demo_seller_pays_for_jam() -> None:
    core = Core(SandboxOptions(), born=BORN)

    assert [seller.spec.jam for seller in core.world.sellers.values()] == [True, False, False]
    assert ["Jam" in shop.note for shop in core.demo_shops()] == [True, False, False]


def test_tokens_are_the_same_after_a_restart() -> None:
    first, second = (Core(SandboxOptions(), born=BORN).demo_shops() for _ in range(2))

    assert first == second
