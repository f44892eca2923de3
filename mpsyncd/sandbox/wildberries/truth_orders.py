"""The truth of orders, sales and the order feed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from mpsyncd.sandbox.wildberries.canonical import LEFT, Read, Row, utc
from mpsyncd.sandbox.wildberries.order_feed import CURRENCY, DEPTH
from mpsyncd.sandbox.wildberries.order_feed import row as feed_row
from mpsyncd.sandbox.wildberries.statistics import RETENTION
from mpsyncd.sandbox.world.records import Fulfilment, Order
from mpsyncd.sandbox.world.sales import Sale, Standing
from mpsyncd.sandbox.world.seller import Seller

_FIRST = datetime.min.replace(tzinfo=UTC)
_BORDER = timedelta(hours=1)
"""What leaves the feed within the hour may be missed by whom reads it by the clock."""


def order_row(order: Order, *, moment: datetime) -> Row:
    """A row of wb.orders."""
    left = LEFT if order.created_at < moment - RETENTION else {}
    return {
        **_shared(order),
        "date": utc(order.created_at),
        "last_change_date": utc(order.changed_at),
        "finished_price": str(order.finished_price),
        "price_with_disc": str(order.price_with_discount),
        "is_cancel": order.cancelled_at is not None,
        "cancel_date": None if order.cancelled_at is None else utc(order.cancelled_at),
    } | left


def sale_row(sale: Sale, *, moment: datetime) -> Row:
    """A row of wb.sales."""
    left = LEFT if sale.order.created_at < moment - RETENTION else {}
    known = sale.settled(moment)
    return {
        **_shared(sale.order),
        "sale_id": sale.sale_id,
        "date": utc(sale.happened_at),
        "last_change_date": utc(sale.changed_at(moment)),
        "payment_sale_amount": str(sale.wallet),
        "for_pay": str(sale.for_pay) if known else "0",
        "finished_price": str(sale.order.finished_price) if known else "0",
        "price_with_disc": str(sale.order.price_with_discount) if known else "0",
    } | left


def standing_row(one: Standing, *, moment: datetime) -> Row:
    """A row of wb.order_feed."""
    left = LEFT if one.since < moment - DEPTH + _BORDER else {}
    spelled = feed_row(one)
    return {
        "srid": one.order.srid,
        "nm_id": one.order.nm_id,
        "chrt_id": one.order.chrt_id,
        "created_at": utc(one.order.created_at),
        "updated_at": utc(one.since),
        "status": spelled["status"],
        "cancel_type": spelled.get("cancelType"),
        "warehouse_name": spelled["warehouseName"],
        "warehouse_region": spelled["warehouseRegion"],
        "is_mp": one.order.fulfilment is Fulfilment.SELLER,
        "destination_city": spelled["destinationCity"],
        "destination_district": spelled["destinationDistrict"],
        "seller_price": str(one.order.price_with_discount),
        "currency": CURRENCY,
        "is_b2b": spelled["isB2b"],
    } | left


def _shared(order: Order) -> Row:
    return {
        "srid": order.srid,
        "warehouse_name": order.warehouse,
        "warehouse_type": "Склад WB" if order.fulfilment is Fulfilment.MARKETPLACE else "Склад продавца",
        "country_name": order.country,
        "oblast_okrug_name": order.district,
        "region_name": order.region,
        "supplier_article": order.vendor_code,
        "nm_id": order.nm_id,
        "barcode": order.barcode,
        "category": order.category,
        "subject": order.subject,
        "brand": order.brand,
        "tech_size": order.tech_size,
        "income_id": order.income_id,
        "is_supply": order.is_supply,
        "is_realization": order.is_realization,
        "total_price": str(order.total_price),
        "discount_percent": str(order.discount_percent),
        "spp": str(order.spp),
        "sticker": order.sticker,
        "g_number": order.cart,
    }


def _orders(seller: Seller, moment: datetime) -> Iterator[Row]:
    return (order_row(order, moment=moment) for order in seller.orders.every())


def _sales(seller: Seller, moment: datetime) -> Iterator[Row]:
    return (sale_row(sale, moment=moment) for sale in seller.sales.every(at=moment))


def _order_feed(seller: Seller, moment: datetime) -> Iterator[Row]:
    every = seller.standings(start=_FIRST, end=moment)
    return (standing_row(every.at(place), moment=moment) for place in range(every.count))


TABLES: tuple[tuple[str, Read], ...] = (("wb.orders", _orders), ("wb.sales", _sales), ("wb.order_feed", _order_feed))
