"""What happens to tags, spaces, boards, columns, lanes, people and values. Webhooks tell of the first three alone."""

from dataclasses import replace
from datetime import datetime
from random import Random
from uuid import UUID

from mpsyncd.sandbox.kaiten.world import words
from mpsyncd.sandbox.kaiten.world.company import Company
from mpsyncd.sandbox.kaiten.world.company_birth import make_board, make_columns, make_lanes
from mpsyncd.sandbox.kaiten.world.records import Condition, Happening, Space, Value

_MOST_NEW_BOARDS = 5
_LIVE_LANES, _FEWEST_VALUES = 2, 2


def tag_renamed(company: Company, dice: Random, at: datetime) -> None:
    """Another name for a tag that cards have."""
    used = sorted(company.used_tags())
    if used:
        old = company.tags[dice.choice(used)]
        new = company.tags[old.id] = replace(old, name=f"{dice.choice(words.TAGS)} {dice.randint(1, 999)}", updated=at)
        company.tell(Happening("tag:update", at, _author(company, dice), tuple(company.spaces), old, new))


def space_renamed(company: Company, dice: Random, at: datetime) -> None:
    """Another title for a space."""
    old = dice.choice(_listed(company))
    new = company.spaces[old.id] = replace(old, title=f"{dice.choice(words.SPACES)} {dice.randint(1, 999)}", updated=at)
    company.tell(Happening("space:update", at, _author(company, dice), (old.id,), old, new))


def board_renamed(company: Company, dice: Random, at: datetime) -> None:
    """Another title for a board."""
    old = dice.choice(list(company.boards.values()))
    new = company.boards[old.id] = replace(old, title=f"{dice.choice(words.BOARDS)} {dice.randint(1, 999)}", updated=at)
    company.tell(Happening("board:update", at, _author(company, dice), tuple(one.space_id for one in old.places), old, new))


def board_added(company: Company, dice: Random, at: datetime) -> None:
    """A new board; after a few of them no more."""
    if len(company.boards) - company.spec.boards < _MOST_NEW_BOARDS:
        space, number = dice.choice(_listed(company)), company.number()
        board = make_board(dice, number=number, born=at, title=dice.choice(words.BOARDS), default_type=1, spaces=(space.id,))
        columns = make_columns(dice, board=number, numbers=company.number, born=at)
        company.lay_board(board, columns, make_lanes(dice, board=number, numbers=company.number, born=at))
        company.tell(Happening("board:add", at, _author(company, dice), (space.id,), None, board))


def column_limited(company: Company, dice: Random, at: datetime) -> None:
    """Another limit of work for a column."""
    old = dice.choice(list(company.columns.values()))
    company.columns[old.id] = replace(old, wip_limit=dice.randint(2, 40), updated=at)


def lane_archived(company: Company, dice: Random, at: datetime) -> None:
    """A lane is archived, if another one stays; its cards stay in it."""
    boards = [number for number in company.boards if len(company.open_lanes(number)) >= _LIVE_LANES]
    if boards:
        old = dice.choice(company.open_lanes(dice.choice(boards)))
        company.lanes[old.id] = replace(old, condition=Condition.ARCHIVED, updated=at)


def person_left(company: Company, dice: Random, at: datetime) -> None:
    """A user is made inactive; half of them always stay."""
    active = [one for one in company.people.values() if one.activated and not one.owner]
    if len(active) * 2 > len(company.people):
        old = dice.choice(active)
        company.people[old.id] = replace(old, activated=False, updated=at)


def value_added(company: Company, dice: Random, at: datetime) -> None:
    """One more value that may be selected."""
    if company.values:
        like = dice.choice(list(company.values.values()))
        new: Value = replace(like, id=company.number(), uid=UUID(int=dice.getrandbits(128), version=4), text=dice.choice(words.NOUNS))
        company.values[new.id] = replace(new, created=at, updated=at, deleted=False, sort_order=like.sort_order + dice.random())


def value_dropped(company: Company, dice: Random, at: datetime) -> None:
    """A value is deleted; a few of its property stay, and cards keep it."""
    free = [one for one in company.values.values() if not one.deleted]
    kept = {one.property_id: sum(other.property_id == one.property_id for other in free) for one in free}
    spare = [one for one in free if kept[one.property_id] > _FEWEST_VALUES]
    if spare:
        old = dice.choice(spare)
        company.values[old.id] = replace(old, deleted=True, updated=at)


def _author(company: Company, dice: Random) -> int:
    return dice.choice(list(company.people))


def _listed(company: Company) -> list[Space]:
    return [one for one in company.spaces.values() if one.listed]
