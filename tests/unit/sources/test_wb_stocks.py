"""Rows of stock: their key has names, which the vendor may leave out."""

from typing import Any

import pytest

from mpsyncd.sources.wildberries.stocks import SELLER_STOCKS, STOCKS

ROW: dict[str, Any] = {"nmId": 7, "chrtId": 70, "warehouseId": 5, "warehouseName": "Тихий", "regionName": "Южный", "quantity": 3}


@pytest.mark.parametrize("stream", [STOCKS, SELLER_STOCKS])
@pytest.mark.parametrize(
    "told, name, region",
    [
        (ROW, "Тихий", "Южный"),
        ({**ROW, "regionName": None}, "Тихий", ""),
        ({key: value for key, value in ROW.items() if not key.endswith("Name")}, "", ""),
    ],
)
def test_a_name_that_is_left_out_is_empty(stream: Any, told: dict[str, Any], name: str, region: str) -> None:
    cured = stream.main.row(told)
    assert (cured["warehouseName"], cured["regionName"], cured["quantity"]) == (name, region, 3)
