"""One invented company: what it has, by number. Changed only by its birth and by events; keeps what webhooks would tell of it."""

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import count
from typing import TypeVar
from uuid import UUID

from mpsyncd.sandbox.kaiten.world import company_birth as birth
from mpsyncd.sandbox.kaiten.world import words
from mpsyncd.sandbox.kaiten.world.card_birth import make_cards
from mpsyncd.sandbox.kaiten.world.records import (
    Block,
    Board,
    Card,
    Column,
    Comment,
    Condition,
    Happening,
    Lane,
    Space,
    Thing,
    TimeLog,
)
from mpsyncd.sandbox.options import CompanySpec
from mpsyncd.sandbox.world.dice import dice

T = TypeVar("T", bound=Thing)

_FIRST_NUMBER = 1_000


class Company:
    """Everything by its number. `cards` are those that can be read; `lost` were deleted; `unseen` can not be seen and are named as parents.

    `comments` by card; `blocks` that hold; `logs` of time. `changes` grows with everything that happens. `told` waits for the webhooks,
    and is filled while `hooked`.
    """

    def __init__(self, spec: CompanySpec, *, seed: str, born: datetime) -> None:
        rolls = dice(seed, "company", spec.name)
        self.spec, self.born = spec, born
        self.id = rolls.randint(10**4, 10**6)
        self.token = str(UUID(int=rolls.getrandbits(128), version=4))
        numbers = count(_FIRST_NUMBER + rolls.randrange(10**5), 3).__next__
        self.number = numbers
        self.people = _by_number(birth.make_people(spec, rolls, numbers=numbers, born=born))
        self.types = _by_number(birth.make_types(rolls, numbers=numbers, born=born))
        self.tags = _by_number(birth.make_tags(spec, rolls, numbers=numbers, born=born))
        author = next(iter(self.people))
        self.properties = _by_number(birth.make_properties(spec, rolls, numbers=numbers, author=author, born=born))
        selects = [one for one in self.properties.values() if one.kind == "select"]
        self.values = _by_number(value for one in selects for value in birth.make_values(one, rolls, numbers=numbers, born=born))
        self.spaces = _by_number(birth.make_spaces(spec, rolls, numbers=numbers, born=born))
        self.boards: dict[int, Board] = {}
        self.columns: dict[int, Column] = {}
        self.lanes: dict[int, Lane] = {}
        self._layout: dict[int, tuple[tuple[int, ...], tuple[int, ...]]] = {}
        self._lay_boards(seed, born)
        self.cards: dict[int, Card] = {}
        self.comments: dict[int, tuple[Comment, ...]] = {}
        self.blocks: dict[int, Block] = {}
        self.logs: dict[int, TimeLog] = {}
        self.lost: dict[int, Card] = {}
        self.unseen = tuple(numbers() for _ in range(2))
        self.changes = 0
        self.hooked = False
        self.told: deque[Happening] = deque()
        for card, comments in make_cards(self, dice(seed, "cards", spec.name), born=born):
            self.cards[card.id] = card
            if comments:
                self.comments[card.id] = comments

    def columns_of(self, board: int) -> list[Column]:
        """Columns and subcolumns of a board."""
        return [self.columns[number] for number in self._layout[board][0]]

    def lanes_of(self, board: int) -> list[Lane]:
        """Lanes of a board, deleted ones too."""
        return [self.lanes[number] for number in self._layout[board][1]]

    def spaces_of(self, board: int) -> tuple[Space, ...]:
        """The spaces that a board is in; the first is the one that its cards name."""
        return tuple(self.spaces[place.space_id] for place in self.boards[board].places)

    def seen(self, board: int) -> bool:
        """Whether the token may see a board."""
        return any(space.listed for space in self.spaces_of(board))

    def boards_in(self, space: int) -> Iterator[Board]:
        """Boards that a space lists: those that have a column and a lane."""
        for board in self.boards.values():
            if any(place.space_id == space for place in board.places) and self._layout[board.id][0]:
                yield board

    def open_lanes(self, board: int) -> list[Lane]:
        """Lanes that take cards."""
        return [one for one in self.lanes_of(board) if one.condition is Condition.LIVE]

    def used_tags(self) -> set[int]:
        """Tags that at least one card has."""
        return {tag for card in self.cards.values() for tag in card.tags}

    def tell(self, happening: Happening) -> None:
        """Something happened."""
        if self.hooked:
            self.told.append(happening)

    def lay_board(self, board: Board, columns: Iterable[Column], lanes: Iterable[Lane]) -> None:
        """Take a board in."""
        new_columns, new_lanes = _by_number(columns), _by_number(lanes)
        self.boards[board.id] = board
        self.columns |= new_columns
        self.lanes |= new_lanes
        self._layout[board.id] = tuple(new_columns), tuple(new_lanes)

    def _lay_boards(self, seed: str, born: datetime) -> None:
        """Boards in listed spaces, the second in two of them; then one without columns, and one in the space that can not be seen."""
        rolls = dice(seed, "boards", self.spec.name)
        *listed, hidden = self.spaces
        for place in range(self.spec.boards + 2):
            space = listed[place % len(listed)]
            spaces = (space, listed[0]) if place == 1 and space != listed[0] else (space,)
            spaces = spaces if place <= self.spec.boards else (hidden,)
            number = self.number()
            title = f"{words.BOARDS[place % len(words.BOARDS)]} {place + 1}"
            board = birth.make_board(rolls, number=number, born=born, title=title, default_type=1, spaces=spaces)
            if place == self.spec.boards:
                self.lay_board(board, (), ())
                continue
            columns = birth.make_columns(rolls, board=number, numbers=self.number, born=born)
            self.lay_board(board, columns, birth.make_lanes(rolls, board=number, numbers=self.number, born=born))


def _by_number(things: Iterable[T]) -> dict[int, T]:
    return {one.id: one for one in things}
