"""`GET marketplace-api /api/v3/warehouses` and `/api/v3/offices` (wildberries.md §8; official YAML "items" of 2026-08-18).

Both are told whole. They share one bucket with the other methods of the seller's warehouses, and an answer 4XX counts for ten requests.
"""

from collections.abc import Callable

from mpsyncd.sandbox.bucket import Limit
from mpsyncd.sandbox.http import Request, Response, json_response
from mpsyncd.sandbox.wildberries.endpoint import Call, Endpoint
from mpsyncd.sandbox.wildberries.problems import marketplace_refusal
from mpsyncd.sandbox.world.warehouses import Office, Warehouse

_LIMIT = Limit.per(60, limit=300, burst=20)
_REFUSAL_COST = 10


def warehouse_row(one: Warehouse) -> dict[str, object]:
    """A warehouse of the seller as the vendor spells it."""
    return {
        "name": one.name,
        "officeId": one.office_id,
        "id": one.id,
        "cargoType": one.cargo,
        "deliveryType": one.delivery,
        "isDeleting": one.deleting,
        "isProcessing": one.processing,
    }


def office_row(one: Office, *, selected: bool) -> dict[str, object]:
    """An office of the vendor; `selected` when a warehouse of the seller is bound to it."""
    return {
        "address": one.address,
        "name": one.name,
        "city": one.city,
        "id": one.id,
        "longitude": one.longitude,
        "latitude": one.latitude,
        "cargoType": one.cargo,
        "deliveryType": one.delivery,
        "federalDistrict": one.district,
        "selected": selected,
    }


def warehouses(call: Call) -> Response:
    """All warehouses of the seller."""
    return _whole_list(call, [warehouse_row(one) for one in call.seller.warehouses.values()])


def offices(call: Call) -> Response:
    """All offices of the vendor."""
    chosen = {one.office_id for one in call.seller.warehouses.values()}
    return _whole_list(call, [office_row(one, selected=one.id in chosen) for one in call.seller.offices])


def _whole_list(call: Call, rows: list[dict[str, object]]) -> Response:
    if call.request.query:
        return marketplace_refusal(f"{call.request.query[0][0]}: unknown parameter")
    return json_response(rows)


def _cursor(_request: Request) -> object:
    return None


def _endpoint(name: str, answer: Callable[[Call], Response]) -> Endpoint:
    return Endpoint(
        method="GET",
        host="marketplace-api",
        path=f"/api/v3/{name}",
        gate="marketplace.warehouses",
        limit=_LIMIT,
        answer=answer,
        cursor=_cursor,
        empty=b"[]",
        refusal_cost=_REFUSAL_COST,
        enums=frozenset({"cargoType", "deliveryType"}),
    )


ENDPOINTS = (_endpoint("warehouses", warehouses), _endpoint("offices", offices))
