"""What happens to statements and to the seller's money while the world moves."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from random import Random

from mpsyncd.sandbox.world.calendar import WEEK, day_of, monday
from mpsyncd.sandbox.world.finance_book import FinanceBook
from mpsyncd.sandbox.world.seller import Seller

_CORRECTED_WEEKS = 2


def corrected(seller: Seller, dice: Random, at: datetime) -> None:
    """A row of one of the last two closed weeks changes, goes away or is added."""
    book = seller.finance
    since = monday(day_of(at)) - _CORRECTED_WEEKS * WEEK
    if isinstance(book, FinanceBook):
        recent = [one for one in book.statements(at) if one.first >= since]
        if recent:
            book.correct(dice.choice(recent), dice=dice)


def settled(seller: Seller, dice: Random, _at: datetime) -> None:
    """A sale is added to the seller's balance, or a part of the balance is paid out."""
    purse = seller.purse
    change = Decimal(dice.randint(-300_000, 400_000)) / 100
    current = purse.current + change
    seller.purse = replace(purse, current=current, withdrawable=min(purse.withdrawable, max(Decimal(0), current)) + abs(change) / 4)
