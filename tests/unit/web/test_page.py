"""The status page and the numbers, without a socket."""

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from uuid import UUID

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mpsyncd.model.feed import FeedState
from mpsyncd.model.overview import DaemonView, Overview
from mpsyncd.model.rate import Scope
from mpsyncd.model.run import RunState
from mpsyncd.model.shop import ShopStatus
from mpsyncd.transport.budgets import Budget
from mpsyncd.web import Sample
from mpsyncd.web.metrics import BY_NAME, METRICS, Metrics
from mpsyncd.web.page import render
from mpsyncd.web.words import LANGUAGES, WORDS
from support.overview import NOW, ports, shop

BUDGET = Budget(
    source="wildberries",
    rate="statistics.orders",
    scope=Scope.SELLER,
    value="4",
    variant="personal",
    available=0,
    next_at=NOW + timedelta(seconds=14),
    closed_until=None,
    waiting=3,
    used_today=7,
)


class _Balanced(HTMLParser):
    """Fails when a tag is closed that is not open."""

    VOID = frozenset({"meta", "link", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("shops", [0, 1, 3, None])
def test_the_page_is_whole_in_every_state(language: str, shops: int | None) -> None:
    overview = None if shops is None else Overview(taken_at=NOW, shops=tuple(shop(f"shop-{number}") for number in range(shops)))
    text = render(ports(budgets=(BUDGET,)), overview, ("stopping",), language=language)
    parser = _Balanced()
    parser.feed(text)
    assert parser.open == []
    assert f'lang="{language}"' in text
    assert text.count("<section>") == (shops or 0) + 2
    assert not re.search(r"(src|href)=\"(?!/style\.css)", text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("status", ShopStatus)
def test_every_state_has_a_word(language: str, status: ShopStatus) -> None:
    one = shop(status=status)
    feed, run = one.feeds[0], one.open_run
    assert run is not None
    for state in FeedState:
        render(ports(), Overview(taken_at=NOW, shops=(replace(one, feeds=(replace(feed, state=state),)),)), (), language=language)
    for outcome in RunState:
        render(ports(), Overview(taken_at=NOW, shops=(replace(one, open_run=replace(run, state=outcome)),)), (), language=language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_refused_reload_is_told_with_every_reason(language: str) -> None:
    reload = {"state": "refused", "problems": ["shops.toml:3: <a>", "needs a restart: database.dsn: changed"], "changes": []}
    text = render(replace(ports(), facts=lambda: {"reload": reload}), None, (), language=language)
    assert WORDS[language]["reload_refused"] in text
    assert "shops.toml:3: &lt;a&gt;" in text
    assert "needs a restart: database.dsn" in text
    good = render(replace(ports(), facts=lambda: {"reload": reload | {"state": "applied"}}), None, (), language=language)
    assert WORDS[language]["reload_refused"] not in good


def test_what_others_wrote_is_escaped() -> None:
    text = render(ports(), Overview(taken_at=NOW, shops=(shop("<script>alert(1)</script>"),)), ("<b>",), language="en")
    assert "<script>" not in text
    assert "<b>" not in text
    assert "no right &lt;content&gt;" in text


def _numbers(text: bytes) -> dict[str, dict[frozenset[str], float]]:
    found: dict[str, dict[frozenset[str], float]] = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[frozenset(sample.labels.values())] = sample.value
    return found


def test_leases_are_those_of_living_daemons() -> None:
    daemon = DaemonView(
        daemon_id=UUID(int=1),
        host="one",
        pid=7,
        version="1",
        started_at=NOW,
        seen_at=NOW,
        alive=True,
        groups=("wildberries:a", "wildberries:b"),
    )
    overview = Overview(taken_at=NOW, shops=(), daemons=(daemon, replace(daemon, host="gone", alive=False)))
    assert _numbers(Metrics().render(ports(), overview, ready=True))["mpsyncd_leases_held"] == {frozenset({"one", "7"}): 2}


def test_numbers_follow_from_the_overview() -> None:
    metrics = Metrics()
    metrics.answered(route="/status", method="GET", status=200, seconds=0.01)
    metrics.answered(route="/status", method="BREW", status=405, seconds=0.01)
    numbers = _numbers(
        metrics.render(ports(budgets=(BUDGET,)), Overview(taken_at=NOW, shops=(shop(), shop(paused=True, shop_id=2))), ready=True)
    )
    assert numbers["mpsyncd_ready"] == {frozenset(): 1}
    assert numbers["mpsyncd_shops"] == {frozenset({"wildberries", "syncing"}): 1, frozenset({"wildberries", "paused"}): 1}
    assert numbers["mpsyncd_feeds"][frozenset({"wildberries", "cards", "live", "parked"})] == 2
    assert numbers["mpsyncd_feed_overdue_seconds"][frozenset({"1", "orders", "backfill"})] == 300
    assert numbers["mpsyncd_feed_overdue_seconds"][frozenset({"1", "cards", "live"})] == 0
    assert numbers["mpsyncd_feed_behind_seconds"][frozenset({"1", "orders"})] == 1200
    assert numbers["mpsyncd_rows"][frozenset({"1", "wb.orders"})] == 12_345
    assert numbers["mpsyncd_runs_open"] == {frozenset({"wildberries", "waiting"}): 2}
    assert numbers["mpsyncd_gate_waiting"][frozenset({"wildberries", "statistics.orders", "seller 4"})] == 3
    assert numbers["mpsyncd_http_requests_total"] == {frozenset({"/status", "GET", "200"}): 1, frozenset({"/status", "other", "405"}): 1}


def test_without_a_database_the_rest_is_still_told() -> None:
    numbers = _numbers(Metrics().render(ports(), None, ready=False))
    assert numbers["mpsyncd_ready"] == {frozenset(): 0}
    assert "mpsyncd_shops" not in numbers


def test_every_number_that_is_rendered_is_documented_and_the_other_way_round() -> None:
    given = [
        Sample(name=each.name, value=1, labels=dict.fromkeys(each.labels, "x"))
        for each in METRICS
        if not each.name.startswith("mpsyncd_http")
    ]
    text = Metrics().render(replace(ports(), samples=lambda: given), None, ready=True).decode()
    declared = dict(re.findall(r"^# TYPE (mpsyncd_\w+) (\w+)$", text, flags=re.MULTILINE))
    assert declared == {each.name: each.kind for each in METRICS}
    assert len(BY_NAME) == len(METRICS)
