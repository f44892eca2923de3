"""Rows of the truth, straight from what the company has; truth.py lists tables and columns."""

from collections.abc import Callable, Iterable, Iterator

from mpsyncd.sandbox.kaiten import card_spelling, spelling
from mpsyncd.sandbox.kaiten.spelling import Spelled
from mpsyncd.sandbox.kaiten.truth import COLUMNS, KEYS
from mpsyncd.sandbox.kaiten.world.company import Company
from mpsyncd.sandbox.kaiten.world.records import Card, Condition

Row = dict[str, object]
Read = Callable[[Company], Iterator[Row]]

_LEFT: Row = {"_left": True}


def _rows(table: str, told: Iterable[Spelled]) -> Iterator[Row]:
    columns = COLUMNS[table]
    return ({column: one[column] for column in columns} for one in told)


def _left(table: str, *numbers: int) -> Row:
    return dict(zip(KEYS[table], numbers, strict=True)) | _LEFT


def _spaces(company: Company) -> Iterator[Row]:
    yield from _rows("kaiten.spaces", (spelling.bare_space(company, one) for one in company.spaces.values() if one.listed))
    yield from (_left("kaiten.spaces", one.id) for one in company.spaces.values() if not one.listed)


def _users(company: Company) -> Iterator[Row]:
    yield from _rows("kaiten.users", (spelling.person(company, one) for one in company.people.values() if one.listed))
    yield from (_left("kaiten.users", one.id) for one in company.people.values() if not one.listed)


def _card_types(company: Company) -> Iterator[Row]:
    return _rows("kaiten.card_types", (spelling.card_type(company, one) for one in company.types.values()))


def _tags(company: Company) -> Iterator[Row]:
    used = company.used_tags()
    yield from _rows("kaiten.tags", (spelling.tag(company, one) for one in company.tags.values() if one.id in used))
    yield from (_left("kaiten.tags", one.id) for one in company.tags.values() if one.id not in used)


def _custom_properties(company: Company) -> Iterator[Row]:
    return _rows("kaiten.custom_properties", (spelling.custom_property(company, one) for one in company.properties.values()))


def _property_values(company: Company) -> Iterator[Row]:
    return _rows("kaiten.property_values", (spelling.value(company, one) for one in company.values.values()))


def _boards(company: Company) -> Iterator[Row]:
    listed = {number for number in company.boards if company.seen(number) and company.columns_of(number)}
    yield from _rows("kaiten.boards", (spelling.bare_board(company.boards[number]) for number in listed))
    yield from (_left("kaiten.boards", number) for number in company.boards if number not in listed)


def _board_spaces(company: Company) -> Iterator[Row]:
    spaces = [one.id for one in company.spaces.values() if one.listed]
    placed = ((board.id, place) for space in spaces for board in company.boards_in(space) for place in board.places)
    yield from _rows("kaiten.board_spaces", (spelling.place(board, one) for board, one in dict.fromkeys(placed)))


def _columns(company: Company) -> Iterator[Row]:
    every = company.columns.values()
    yield from _rows("kaiten.columns", (spelling.column(one) for one in every if company.seen(one.board_id)))
    yield from (_left("kaiten.columns", one.id) for one in every if not company.seen(one.board_id))


def _lanes(company: Company) -> Iterator[Row]:
    told = {one.id for one in company.lanes.values() if company.seen(one.board_id) and one.condition is not Condition.DELETED}
    yield from _rows("kaiten.lanes", (spelling.lane(company.lanes[number]) for number in told))
    yield from (_left("kaiten.lanes", number) for number in company.lanes if number not in told)


def _cards(company: Company) -> Iterator[Row]:
    remark: Row = {"_may_lack": ["space_id"]}
    for card in company.cards.values():
        told = card_spelling.card_fields(card) | {"space_id": company.spaces_of(card.board_id)[0].id}
        yield from (row | remark for row in _rows("kaiten.cards", (told,)))
    yield from (_left("kaiten.cards", number) | {"deleted": True} for number in company.lost)
    yield from (_left("kaiten.cards", number) for number in company.unseen)


def _card_members(company: Company) -> Iterator[Row]:
    for card in company.cards.values():
        for one in card.members:
            yield {"card_id": card.id, "user_id": one.user_id, "type": card_spelling.kind_of(one), "_may_lack": ["type"]}


def _card_tags(company: Company) -> Iterator[Row]:
    return ({"card_id": card.id, "tag_id": number} for card in company.cards.values() for number in card.tags)


def _card_checklists(company: Company) -> Iterator[Row]:
    told = (card_spelling.checklist_fields(one) | {"card_id": card.id} for card in company.cards.values() for one in card.checklists)
    return _rows("kaiten.card_checklists", told)


def _comments(company: Company) -> Iterator[Row]:
    for card, comments in company.comments.items():
        if card in company.lost:
            yield from (_left("kaiten.comments", one.id) for one in comments)
        else:
            yield from _rows("kaiten.comments", map(card_spelling.comment_fields, comments))


def _files(company: Company) -> Iterator[Row]:
    def of(cards: Iterable[Card]) -> Iterator[Spelled]:
        return (card_spelling.file_fields(one) for card in cards for one in card.files)

    yield from _rows("kaiten.files", of(company.cards.values()))
    yield from (_left("kaiten.files", one.id) for card in company.lost.values() for one in card.files)


TABLES: tuple[tuple[str, Read], ...] = (
    ("kaiten.spaces", _spaces),
    ("kaiten.users", _users),
    ("kaiten.card_types", _card_types),
    ("kaiten.tags", _tags),
    ("kaiten.custom_properties", _custom_properties),
    ("kaiten.property_values", _property_values),
    ("kaiten.boards", _boards),
    ("kaiten.board_spaces", _board_spaces),
    ("kaiten.columns", _columns),
    ("kaiten.lanes", _lanes),
    ("kaiten.cards", _cards),
    ("kaiten.card_members", _card_members),
    ("kaiten.card_tags", _card_tags),
    ("kaiten.card_checklists", _card_checklists),
    ("kaiten.comments", _comments),
    ("kaiten.files", _files),
)
"""Each table with the reading of its rows."""
