"""The paging of the two lists of cards: position is a moment and an article, copied from the answer word for word."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

from mpsyncd.model.errors import BadData
from mpsyncd.model.page import SliceKind
from mpsyncd.sources.pagers import Turn
from mpsyncd.sources.rows import instant

if TYPE_CHECKING:
    from mpsyncd.model.page import Cursor, Slice
    from mpsyncd.model.request import Answer, Request

_ARTICLE = "nmID"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardsCursor:
    """Ascending walk by (moment, nmID). `moment`: "updatedAt" or "trashedAt". `limit`: cards a page, at most 100.

    The answer's `total` is the number of cards on this page; fewer than `limit` are the last. The last position stays good: asking from it
    later gives what changed since (vendor's page "Work with products", October 2026).
    """

    moment: str
    limit: int = 100

    def ask(self, request: Request, *, part: Slice, cursor: Cursor | None) -> Request:
        settings = request.json["settings"]
        position = {"limit": self.limit, **(cursor or self._begin(part))}
        return request.with_json({**request.json, "settings": {**settings, "cursor": position}})

    async def turn(self, answer: Answer, *, part: Slice, cursor: Cursor | None) -> Turn:
        told = answer.envelope.get("cursor") if isinstance(answer.envelope, dict) else None
        total = told.get("total", answer.rows.count) if isinstance(told, dict) else answer.rows.count
        if not isinstance(total, int) or (total and not answer.rows.count):
            raise BadData(f"the answer holds {answer.rows.count} cards and says there are {str(total)[:20]}")
        end = part.end if part.kind is SliceKind.WINDOW else None
        if not answer.rows.count:
            reached = instant(cursor[self.moment], zone=UTC) if cursor else None
            return Turn(cursor=cursor, last=True, until=end or reached)
        position = self._position(told)
        reached = instant(position[self.moment], zone=UTC)
        last = max(total, answer.rows.count) < self.limit or (end is not None and reached is not None and reached >= end)
        return Turn(cursor=position, last=last, until=end if last and end else reached)

    def _begin(self, part: Slice) -> dict[str, Any]:
        """Without a position everything is read, also by a slice of what is new: a shop without cards leaves none behind."""
        if part.kind is not SliceKind.WINDOW or part.start is None:
            return {}
        return {self.moment: part.start.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z", _ARTICLE: 0}

    def _position(self, told: Any) -> dict[str, Any]:
        try:
            position = {self.moment: told[self.moment], _ARTICLE: told[_ARTICLE]}
        except (KeyError, TypeError):
            raise BadData(
                f"the answer's cursor has no {self.moment} and {_ARTICLE}: there is no telling where the next page begins"
            ) from None
        if not isinstance(position[self.moment], str) or not isinstance(position[_ARTICLE], int):
            raise BadData(f"the answer's cursor has {position} in place of a text and a number")
        return position
