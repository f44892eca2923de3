"""Makes what a company has before it has cards: people, types, tags, properties, spaces, boards with columns and lanes."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from mpsyncd.sandbox.kaiten.world import words
from mpsyncd.sandbox.kaiten.world.moments import milli
from mpsyncd.sandbox.kaiten.world.records import (
    Board,
    CardType,
    Column,
    Condition,
    Lane,
    Person,
    Placement,
    Property,
    Space,
    State,
    Tag,
    Value,
)
from mpsyncd.sandbox.options import CompanySpec

Numbers = Callable[[], int]

_AGE = timedelta(days=900)
_UNLISTED_PEOPLE, _UNUSED_TAGS = 3, 3
_COLORS = 17
_PLAIN_KINDS = (
    *("string", "number", "date", "email", "phone", "url", "checkbox", "formula", "user", "catalog", "attachment"),
    *("vote", "collective_vote", "collective_score"),
)
_CONDITIONS = ("active", "inactive", "removed")
_ARCHIVE_DAYS = 14
_NESTED, _ARCHIVED_SPACE = 3, 4
_MANY_VALUES = 12


def thing(dice: Random, *, number: int, born: datetime) -> dict[str, Any]:
    """The fields that everything has, of something that is older than the birth of the world."""
    created = milli(born - _AGE * (0.2 + 0.8 * dice.random()))
    updated = milli(created + (born - created) * dice.random() * 0.9)
    return {"id": number, "uid": UUID(int=dice.getrandbits(128), version=4), "created": created, "updated": updated}


def make_people(spec: CompanySpec, dice: Random, *, numbers: Numbers, born: datetime) -> Iterator[Person]:
    """Listed people, some of them inactive or virtual, and a few that no list tells of."""
    for place in range(spec.users + _UNLISTED_PEOPLE):
        number = numbers()
        yield Person(
            **thing(dice, number=number, born=born),
            name=f"{dice.choice(words.FIRST)} {dice.choice(words.LAST)}",
            login=f"user{number}",
            activated=place == 0 or place % 9 != 0,
            listed=place < spec.users,
            virtual=place % 14 == 5,  # noqa: PLR2004 - one of many
            external=place % 11 == 7,  # noqa: PLR2004 - one of many
            owner=place == 0,
        )


def make_types(dice: Random, *, numbers: Numbers, born: datetime) -> Iterator[CardType]:
    """The built-in type, whose number is 1 in every company, and those of this one."""
    for place, (name, letter, color) in enumerate(words.TYPES):
        number = numbers() if place else 1
        given = thing(dice, number=number, born=born)
        yield CardType(**given, name=name, letter=letter, color=color, archived=place == len(words.TYPES) - 1, built_in=place == 0)


def make_tags(spec: CompanySpec, dice: Random, *, numbers: Numbers, born: datetime) -> Iterator[Tag]:
    """Tags that cards get, then some that none has."""
    for place in range(spec.tags + _UNUSED_TAGS):
        word = words.TAGS[place % len(words.TAGS)]
        name = word if place < len(words.TAGS) else f"{word} {place}"
        yield Tag(**thing(dice, number=numbers(), born=born), name=name, color=1 + place % _COLORS, archived=False)


def make_properties(spec: CompanySpec, dice: Random, *, numbers: Numbers, author: int, born: datetime) -> Iterator[Property]:
    """One of every plain type, then as many selects as are wanted."""
    kinds = (*_PLAIN_KINDS, *("select" for _ in range(spec.selects)))
    for place, kind in enumerate(kinds):
        yield Property(
            **thing(dice, number=numbers(), born=born),
            kind=kind,
            name=f"Поле {place + 1}",
            multi=kind == "select" and place % 2 == 0,
            condition=_CONDITIONS[place] if place < len(_CONDITIONS) else "active",
            data={"restrictions": {"min": 0, "max": 100}} if kind == "number" else None,
            author_id=author,
        )


def make_values(one: Property, dice: Random, *, numbers: Numbers, born: datetime) -> Iterator[Value]:
    """Values of a select, every fourth of them deleted."""
    for place in range(dice.randint(4, _MANY_VALUES)):
        yield Value(
            **thing(dice, number=numbers(), born=born),
            property_id=one.id,
            text=f"{words.CHOICES[place % len(words.CHOICES)]} {place}",
            color=1 + place % _COLORS,
            deleted=place % 4 == 3,  # noqa: PLR2004 - every fourth
            sort_order=place + dice.random(),
            author_id=one.author_id,
        )


def make_spaces(spec: CompanySpec, dice: Random, *, numbers: Numbers, born: datetime) -> Iterator[Space]:
    """Listed spaces, some inside of the first, some archived; then one that the token may not see."""
    root: Space | None = None
    for place in range(spec.spaces + 1):
        given = thing(dice, number=numbers(), born=born)
        inside = root if place and place % _NESTED == 0 else None
        made = Space(
            **given,
            title=f"{words.SPACES[place % len(words.SPACES)]}{'' if place < len(words.SPACES) else f' {place}'}",
            archived=place % 5 == _ARCHIVED_SPACE and place < spec.spaces,
            listed=place < spec.spaces,
            parent=None if inside is None else inside.uid,
            path=given["uid"].hex if inside is None else f"{inside.path}.{given['uid'].hex}",
            sort_order=place + 1 + dice.random(),
            external_id=f"ext-{place}" if place % 4 == 1 else None,
        )
        root = root or made
        yield made


def make_board(dice: Random, *, number: int, born: datetime, title: str, default_type: int, spaces: tuple[int, ...]) -> Board:
    """A board in these spaces."""
    return Board(
        **thing(dice, number=number, born=born),
        title=title,
        description=dice.choice((None, None, "Доска отдела")),
        default_type=default_type,
        places=tuple(Placement(space, 20 * dice.randint(0, 9), 20 * dice.randint(0, 9), 1 + dice.random()) for space in spaces),
    )


def make_columns(dice: Random, *, board: int, numbers: Numbers, born: datetime) -> Iterator[Column]:
    """Queue, work with two subcolumns, done; done cards are archived by age."""
    for place, (title, state) in enumerate(zip(words.COLUMNS, State, strict=True)):
        top = Column(
            **thing(dice, number=numbers(), born=born),
            board_id=board,
            parent=None,
            title=title,
            state=state,
            sort_order=place + 1 + dice.random(),
            wip_limit=dice.choice((None, 5)),
            archive_after=_ARCHIVE_DAYS if state is State.DONE else None,
        )
        yield top
        for step, name in enumerate(words.SUBCOLUMNS if state is State.IN_PROGRESS else ()):
            given = thing(dice, number=numbers(), born=born)
            order = step + 1 + dice.random()
            yield Column(
                **given, board_id=board, parent=top.id, title=name, state=state, sort_order=order, wip_limit=None, archive_after=None
            )


def make_lanes(dice: Random, *, board: int, numbers: Numbers, born: datetime) -> Iterator[Lane]:
    """Two live lanes, an archived and a deleted one."""
    conditions = (Condition.LIVE, Condition.LIVE, Condition.ARCHIVED, Condition.DELETED)
    for place, (title, condition) in enumerate(zip(words.LANES, conditions, strict=True)):
        given = thing(dice, number=numbers(), born=born)
        wip_limit = dice.choice((None, 8))
        yield Lane(**given, board_id=board, title=title, sort_order=place + 1 + dice.random(), condition=condition, wip_limit=wip_limit)
