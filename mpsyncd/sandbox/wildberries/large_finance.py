"""Rows of a large seller's sales reports by the hundred thousand: each pattern is spelled once, with gaps for what differs."""

from collections.abc import Iterator, Sequence
from datetime import UTC
from itertools import islice

import orjson

from mpsyncd.sandbox.http import Response
from mpsyncd.sandbox.rendered import Rendered
from mpsyncd.sandbox.wildberries.finance_fields import head, spell
from mpsyncd.sandbox.wildberries.spelling import zulu
from mpsyncd.sandbox.world.finance_large import LargeFinance
from mpsyncd.sandbox.world.operations import Operation, Statement

_BATCH = 500
_GAPS = {"rrdId": b"%d", "saleDt": b'"%b"', "rrDate": b'"%b"', "shkId": b"%d", "srid": b'"%b"'}


class LargeReports:
    """Pages of one seller, written when they are first asked for and kept."""

    def __init__(self, book: LargeFinance) -> None:
        self._book = book
        self._rendered = Rendered()
        self._forms: list[bytes] = []

    def page(self, statements: Sequence[Statement], *, after: int, cap: int) -> Response:
        """The page of these reports that begins behind the row `after`; 204 when there is none.

        Raises:
            UnknownRowError: there is no such row.
        """
        if next(self._book.places(statements, after=after), None) is None:
            return Response(status=204)
        key = (statements[0].number, statements[-1].number, after, cap)
        return self._rendered.answer(key, lambda: self._pieces(statements, after=after, cap=cap))

    def _pieces(self, statements: Sequence[Statement], *, after: int, cap: int) -> Iterator[bytes]:
        if not self._forms:
            self._forms = [_form(statements[0], pattern) for pattern in self._book.patterns]
        heads = {one.number: orjson.dumps(head(one))[1:-1] for one in statements}
        places = islice(self._book.places(statements, after=after), cap)
        start = b"["
        while rows := [self._row(statement, place, heads[statement.number]) for statement, place in islice(places, _BATCH)]:
            yield start + b",".join(rows)
            start = b","
        yield b"]"

    def _row(self, statement: Statement, place: int, top: bytes) -> bytes:
        own = self._book.traits(statement, place)
        sold, day = zulu(own.sold_at.astimezone(UTC)), own.day.isoformat()
        return self._forms[place % len(self._forms)] % (top, own.number, sold.encode(), day.encode(), own.label, own.srid.encode())


def _form(statement: Statement, pattern: Operation) -> bytes:
    """The row with a gap for the head and one for each trait, in the order of the keys."""
    row = spell(statement, pattern)
    rest = {key: f"<{key}>" if key in _GAPS else value for key, value in row.items() if key not in head(statement)}
    text = orjson.dumps(rest).replace(b"%", b"%%")
    for key, gap in _GAPS.items():
        text = text.replace(f'"<{key}>"'.encode(), gap)
    return b"{%b," + text[1:]
