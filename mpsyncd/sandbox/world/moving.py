"""The books of a seller whose truth moves. A large seller has other books, which no event may touch."""

from mpsyncd.sandbox.world.sales import SaleBook
from mpsyncd.sandbox.world.seller import Seller
from mpsyncd.sandbox.world.shelves import OrderBook


def orders_of(seller: Seller) -> OrderBook:
    """The orders that the statistics know.

    Raises:
        TypeError: the seller is large.
    """
    if not isinstance(seller.orders, OrderBook):
        message = f"the orders of the large seller {seller.spec.name} can not change"
        raise TypeError(message)
    return seller.orders


def sales_of(seller: Seller) -> SaleBook:
    """What became of the orders.

    Raises:
        TypeError: the seller is large.
    """
    if not isinstance(seller.sales, SaleBook):
        message = f"the sales of the large seller {seller.spec.name} can not change"
        raise TypeError(message)
    return seller.sales
