"""The truth against what the vendor's spelling says, column by column; and how it is served."""

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import orjson
import pytest

from support.sandbox_caller import CARDS, PAGED, SMALL, TRASH, Caller

MOSCOW = timezone(timedelta(hours=3))
WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z](?!$))")
NUMBERS = {"total_price", "finished_price", "price_with_disc", "spp", "discount_percent"}


def snake(key: str) -> str:
    return WORD.sub("_", key).lower()


@pytest.fixture(scope="module")
def caller() -> Caller:
    caller = Caller(PAGED, event_rate=0.2, orders_cap=60)
    caller.wait(7_200)
    caller.bare("POST", "/_freeze")
    return caller


def as_moment(text: str) -> datetime:
    """A moment of either spelling in UTC; the vendor's has Moscow's clock when it has no zone."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=MOSCOW)).astimezone(UTC)


def test_orders_rendered_equal_their_truth(caller: Caller) -> None:
    rendered = {row["srid"]: {snake(key): value for key, value in row.items()} for page in caller.order_pages() for row in page}
    truth = {row["srid"]: row for row in caller.truth("wb.orders") if not row.get("_left")}

    assert rendered.keys() == truth.keys()
    for srid, row in truth.items():
        shown = rendered[srid]
        assert shown.keys() == row.keys()
        for column, value in row.items():
            match column:
                case "cancel_date" if value is None:
                    assert shown[column] == "0001-01-01T00:00:00"
                case "date" | "last_change_date" | "cancel_date":
                    assert as_moment(shown[column]) == as_moment(value)
                case _ if column in NUMBERS:
                    assert Decimal(str(shown[column])) == Decimal(value)
                case _:
                    assert shown[column] == value, column


def test_cards_and_their_parts_rendered_equal_their_truth(caller: Caller) -> None:
    cards = {card["nmID"]: card for page in caller.card_pages(CARDS) for card in page}
    truth = {row["nm_id"]: row for row in caller.truth("wb.cards") if not row["deleted"]}

    assert cards.keys() == truth.keys()
    parts = {"photos", "sizes", "characteristics"}
    for nm_id, row in truth.items():
        shown = {snake(key): value for key, value in cards[nm_id].items() if key not in parts}
        for column, value in row.items():
            if column in {"created_at", "updated_at"}:
                assert as_moment(shown[column]) == as_moment(value)
            elif column != "deleted":
                assert shown.get(column) == value, column
        assert shown.keys() <= row.keys()
    assert caller.truth("wb.card_sizes") == [
        {"nm_id": nm_id, "chrt_id": one["chrtID"], "tech_size": one["techSize"], "wb_size": one.get("wbSize"), "skus": one["skus"]}
        for nm_id in truth
        for one in cards[nm_id]["sizes"]
    ]
    assert caller.truth("wb.card_photos") == [
        {"nm_id": nm_id, "position": position, **one} for nm_id in truth for position, one in enumerate(cards[nm_id]["photos"])
    ]
    assert caller.truth("wb.card_characteristics") == [
        {"nm_id": nm_id, **one} for nm_id in truth for one in cards[nm_id]["characteristics"]
    ]


def test_bin_rendered_equals_its_truth(caller: Caller) -> None:
    cards = {card["nmID"]: card for page in caller.card_pages(TRASH) for card in page}
    truth = {row["nm_id"]: row for row in caller.truth("wb.trashed_cards")}

    assert cards.keys() == truth.keys()
    for nm_id, row in truth.items():
        shown = {snake(key): value for key, value in cards[nm_id].items()}
        for column, value in row.items():
            if column.endswith("_at"):
                assert as_moment(shown[column]) == as_moment(value)
            else:
                assert shown.get(column) == value, column
    deleted = {row["nm_id"] for row in caller.truth("wb.cards") if row["deleted"]}
    assert deleted == truth.keys()


def test_truth_is_paged_and_streamed() -> None:
    caller = Caller(SMALL)
    whole = caller.truth("wb.orders")

    page = caller.bare("GET", "/_truth/small/wb.orders?offset=10&limit=5")
    assert page["rows"] == whole[10:15]
    assert (page["total"], page["offset"], page["frozen"]) == (SMALL.orders, 10, False)
    stream = caller.get("/_truth/small/wb.orders?stream=1").stream
    assert stream is not None
    assert [orjson.loads(line) for line in b"".join(stream).splitlines()] == whole


def test_truth_lists_what_it_has_and_refuses_the_rest() -> None:
    caller = Caller(SMALL)

    listed = caller.bare("GET", "/_truth")
    assert listed["sellers"] == ["small"]
    assert "wb.card_photos" in listed["tables"]
    for url in ("/_truth/small/wb.nothing", "/_truth/nobody/wb.orders", "/_truth/small"):
        assert caller.get(url).status == 404


def test_every_number_keeps_its_type() -> None:
    row: Any = Caller(SMALL).truth("wb.orders")[0]

    assert isinstance(row["nm_id"], int)
    assert isinstance(row["g_number"], str)
    assert all(isinstance(row[name], str) for name in NUMBERS)
