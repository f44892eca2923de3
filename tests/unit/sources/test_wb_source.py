"""The declaration of Wildberries as a whole: limits by kind of token, hosts, the shop's name."""

from datetime import timedelta

import pytest

from mpsyncd.model.errors import BadData
from mpsyncd.model.rate import Rate, Scope
from mpsyncd.model.source import Identity
from mpsyncd.model.stream import Lane
from mpsyncd.sources.wildberries.hosts import CATEGORIES, HOSTS, capability_of
from mpsyncd.sources.wildberries.source import WILDBERRIES, name_shop
from support.sources import ListApi


def rates(variant: str) -> dict[str, Rate]:
    return {rate.name: rate for rate in WILDBERRIES.rates(Identity(scopes={}, variant=variant, lease_group="x"))}


@pytest.mark.parametrize(
    "variant, interval, burst",
    [("personal", timedelta(minutes=1), 10), ("service", timedelta(minutes=1), 10), ("base", timedelta(hours=3), 1)],
)
def test_orders_are_rare_for_base_tokens(variant: str, interval: timedelta, burst: int) -> None:
    rate = rates(variant)["statistics.orders"]
    assert (rate.interval, rate.burst, rate.scope) == (interval, burst, Scope.SELLER)


@pytest.mark.parametrize("variant", ["personal", "base"])
def test_cards_and_their_trash_have_a_bucket_each(variant: str) -> None:
    for name in ("content.cards", "content"):
        assert (rates(variant)[name].interval, rates(variant)[name].burst) == (timedelta(milliseconds=600), 5)


def test_keys_go_to_hosts_of_the_vendor_only() -> None:
    assert {address for address in HOSTS.values() if not address.endswith("-api.wildberries.ru")} == set()
    assert [category.capability for category in CATEGORIES if capability_of(category.host) != category.capability] == []
    assert capability_of("common-api") is None


def test_every_capability_is_proven_at_its_own_host() -> None:
    assert {name: probe.host for name, probe in WILDBERRIES.probes.items()} == {each.capability: each.host for each in CATEGORIES}
    assert {probe.path for probe in WILDBERRIES.probes.values()} == {"/ping"}


def test_orders_have_a_history_and_cards_are_what_they_are() -> None:
    assert WILDBERRIES.stream("orders").lanes == (Lane.LIVE, Lane.BACKFILL)
    assert WILDBERRIES.stream("cards").lanes == WILDBERRIES.stream("cards_trash").lanes == (Lane.LIVE,)


@pytest.mark.parametrize(
    "told, name",
    [
        ({"name": "ИП Пример", "tradeMark": "Тихий дом"}, "Тихий дом"),
        ({"name": " ИП Пример ", "tradeMark": " "}, "ИП Пример"),
        ({"name": "x", "tradeMark": None}, "x"),
    ],
)
async def test_a_shop_is_called_by_its_trade_name(told: dict[str, object], name: str) -> None:
    api = ListApi([told])
    assert await name_shop(api) == name
    assert api.given[0].closed


@pytest.mark.parametrize("told", [{}, [], None, {"name": 5}])
async def test_a_nameless_seller_is_bad_data(told: object) -> None:
    with pytest.raises(BadData, match="no name"):
        await name_shop(ListApi([told]))
