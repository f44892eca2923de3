"""`GET /cards`: all cards that the token sees, live and archived apart (kaiten.md §5)."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TypeAlias

import orjson

from mpsyncd.sandbox.http import Response
from mpsyncd.sandbox.kaiten.call import PAGE, BadParameterError, Call
from mpsyncd.sandbox.kaiten.card_spelling import card_fields
from mpsyncd.sandbox.kaiten.shelf import FIELDS, Order
from mpsyncd.sandbox.kaiten.world.records import Card, Condition

Test: TypeAlias = Callable[[Card], bool]

_STANDING = frozenset({"archived", "condition", "relations", "offset", "limit", "order_by", "order_direction"})
_CONDITIONS = {1: Condition.LIVE, 2: Condition.ARCHIVED}
_BY_TIME = frozenset({(("updated", False),), (("updated", False), ("id", False))})
"""Orders in which the cards of a time are found without looking at all others."""
_NUMBERED: tuple[tuple[tuple[str, ...], Callable[[Card], Collection[int | None]]], ...] = (
    (("board_id",), lambda card: (card.board_id,)),
    (("column_id", "column_ids"), lambda card: (card.column_id,)),
    (("lane_id",), lambda card: (card.lane_id,)),
    (("type_id", "type_ids"), lambda card: (card.type_id,)),
    (("tag_ids",), lambda card: card.tags),
    (("member_ids",), lambda card: [one.user_id for one in card.members]),
    (("owner_id", "owner_ids"), lambda card: (card.owner_id,)),
    (("states",), lambda card: (card.state,)),
)
"""Parameters that name numbers, with the numbers of a card of which one must be among them."""


def list_cards(call: Call) -> Response:
    """A page; of a company that does not move perhaps one that was written before."""
    condition, order, bare = _condition(call), _order(call), call.params.get("relations") == "none"
    part = call.stretch(PAGE)

    def write() -> bytes:
        return _written(call, _chosen(call, condition, order)[part], bare=bare)

    if call.packed is None or not call.params.keys() <= _STANDING:
        return Response(body=write())
    return call.packed.answer((condition, order, bare, part.start, part.stop), write)


def _written(call: Call, cards: Sequence[Card], *, bare: bool) -> bytes:
    return orjson.dumps([card_fields(card) if bare else call.ink.list_form(card) for card in cards])


def _condition(call: Call) -> Condition | None:
    """Live cards, unless archived ones are asked for by either parameter; None when both ask for different ones."""
    archived, number = call.flag("archived"), call.whole("condition")
    if number is not None and number not in _CONDITIONS:
        raise BadParameterError("querystring.condition should be equal to one of the allowed values")
    told = None if archived is None else Condition.ARCHIVED if archived else Condition.LIVE
    wanted = told if number is None else _CONDITIONS[number]
    return None if told is not None and wanted is not told else wanted or Condition.LIVE


def _order(call: Call) -> Order:
    """Pairs of names and directions, place by place; names that are not known here are left out."""
    names = [name for name in call.params.get("order_by", "").split(",") if name]
    ways = call.params.get("order_direction", "").split(",")
    if not set(ways) <= {"asc", "desc", ""}:
        raise BadParameterError("querystring.order_direction should be asc or desc")
    ways += [ways[-1]] * len(names)
    return tuple((name, way == "desc") for name, way in zip(names, ways, strict=False) if name in FIELDS)


def _chosen(call: Call, condition: Condition | None, order: Order) -> Sequence[Card]:
    since = call.moment("updated_after")
    tests = [*_by_number(call), *_by_moment(call)]
    if condition is None:
        return ()
    if since is None:
        found = call.shelf.cards(condition, order)
    elif order in _BY_TIME:
        found = call.shelf.since(condition, since)
    else:
        found = [card for card in call.shelf.cards(condition, order) if card.updated >= since]
    return [card for card in found if all(test(card) for test in tests)] if tests else found


def _by_number(call: Call) -> Iterator[Test]:
    company = call.company
    if spaces := call.wholes("space_id"):
        yield lambda card: any(space.id in spaces for space in company.spaces_of(card.board_id))
    for names, numbers_of in _NUMBERED:
        if wanted := call.wholes(*names):
            yield _names_any(wanted, numbers_of)
    if (external := call.params.get("external_id")) is not None:
        yield lambda card: card.external_id == external


def _names_any(wanted: frozenset[int], numbers_of: Callable[[Card], Collection[int | None]]) -> Test:
    return lambda card: not wanted.isdisjoint(numbers_of(card))


def _by_moment(call: Call) -> Iterator[Test]:
    if (before := call.moment("updated_before")) is not None:
        yield lambda card: card.updated <= before
    if (born_after := call.moment("created_after")) is not None:
        yield lambda card: card.created >= born_after
    if (born_before := call.moment("created_before")) is not None:
        yield lambda card: card.created <= born_before
