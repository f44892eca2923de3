"""What a method is handed, and how it reads parameters and cuts pages. Unknown parameters are ignored, as the vendor does."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from mpsyncd.sandbox.http import Response, json_response
from mpsyncd.sandbox.kaiten.card_spelling import Ink
from mpsyncd.sandbox.kaiten.packed import PackedPages
from mpsyncd.sandbox.kaiten.shelf import Shelf
from mpsyncd.sandbox.kaiten.world.company import Company

PAGE, WIDE_PAGE = 100, 500
_LONGEST_NUMBER = 15


class BadParameterError(ValueError):
    """A parameter that can not be read; the message is for the caller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that passed the gate: the numbers in its path, its parameters (of a repeated name the last).

    packed: pages that were written before, of a company that does not move.
    """

    company: Company
    ink: Ink
    shelf: Shelf
    packed: PackedPages | None
    numbers: tuple[int, ...]
    params: Mapping[str, str]

    @property
    def number(self) -> int:
        """The first number of the path."""
        return self.numbers[0]

    def flag(self, name: str) -> bool | None:
        """True or false, None when the parameter is not there."""
        text = self.params.get(name)
        if text is None:
            return None
        if text not in {"true", "false", "1", "0"}:
            raise BadParameterError(f"querystring.{name} should be boolean")
        return text in {"true", "1"}

    def whole(self, name: str) -> int | None:
        """A whole number that is not negative."""
        text = self.params.get(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER):
            raise BadParameterError(f"querystring.{name} should be integer")
        return int(text)

    def wholes(self, *names: str) -> frozenset[int]:
        """Numbers out of these parameters, each one number or some with commas between; empty when none of them is there."""
        texts = [text for name in names for text in self.params.get(name, "").split(",") if text]
        if not all(text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER for text in texts):
            raise BadParameterError(f"querystring.{names[0]} should be integers")
        return frozenset(map(int, texts))

    def moment(self, name: str) -> datetime | None:
        """A moment with or without its zone; without one it is UTC."""
        text = self.params.get(name)
        if text is None:
            return None
        try:
            found = datetime.fromisoformat(text.replace(" ", "+"))
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except (ValueError, OverflowError):
            raise BadParameterError(f'querystring.{name} should match format "date-time"') from None

    def stretch(self, most: int = PAGE) -> slice:
        """The places that are asked for; a limit that is too large is lowered without a word."""
        offset, limit = self.whole("offset") or 0, self.whole("limit")
        return slice(offset, offset + min(limit or most, most))

    def page(self, rows: Iterable[object], *, most: int = PAGE) -> Response:
        """The part of the rows that is asked for, as a bare list."""
        return json_response(list(rows)[self.stretch(most)])
