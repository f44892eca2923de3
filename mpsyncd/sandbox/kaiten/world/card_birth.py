"""Makes cards with their checklists, files and comments. A large company's cards repeat a few hundred that were really made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

from mpsyncd.sandbox.kaiten.world import words
from mpsyncd.sandbox.kaiten.world.moments import milli
from mpsyncd.sandbox.kaiten.world.records import Card, Checklist, Column, Comment, Condition, File, Item, Member, Property, State

if TYPE_CHECKING:
    from mpsyncd.sandbox.kaiten.world.company import Company

PAGE = 100
_LIFE = timedelta(days=300)
_PATTERNS = 400
_IMPORT_FROM = 40
_SELDOM, _SOMETIMES, _OFTEN = 0.05, 0.25, 0.6


def make_cards(company: Company, dice: Random, *, born: datetime) -> Iterator[tuple[Card, tuple[Comment, ...]]]:
    """Live cards, then archived ones, each with its comments; stamps of `updated` are equal over more than a page, and across borders."""
    spec = company.spec
    patterns: list[Card] = []
    for condition, wanted in ((Condition.LIVE, spec.cards), (Condition.ARCHIVED, spec.archived)):
        for place, stamp in enumerate(_stamps(dice, wanted=wanted, imported=spec.imported, born=born)):
            if spec.large and len(patterns) >= _PATTERNS:
                number = company.number()
                uid = UUID(int=dice.getrandbits(128), version=4)
                pattern = patterns[place % _PATTERNS]
                yield replace(pattern, id=number, uid=uid, updated=stamp, created=min(stamp, pattern.created), condition=condition), ()
                continue
            card = make_card(company, dice, condition=condition, stamp=stamp)
            if spec.large:
                patterns.append(replace(card, checklists=(), files=(), parents=(), children=(), hidden_children=(), comments=0))
                yield patterns[-1], ()
            else:
                comments = tuple(_comments(company, dice, card))
                yield replace(card, comments=len(comments), commented_at=comments[-1].created if comments else None), comments


def _stamps(dice: Random, *, wanted: int, imported: int, born: datetime) -> list[datetime]:
    stamps = sorted(milli(born - _LIFE * dice.random() - timedelta(minutes=1)) for _ in range(wanted))
    for place in range(_IMPORT_FROM, min(wanted, _IMPORT_FROM + imported)):
        stamps[place] = stamps[_IMPORT_FROM]
    for border in range(PAGE, wanted, PAGE):
        stamps[border] = stamps[border - 1]
    return sorted(stamps)


def make_card(company: Company, dice: Random, *, condition: Condition, stamp: datetime) -> Card:
    """A card somewhere on a board that has columns; a few have no lane, one that is archived or deleted, or parents that nobody sees."""
    board = dice.choice([number for number in company.boards if company.columns_of(number)])
    column = _column(company, dice, board=board)
    lanes = company.lanes_of(board) if dice.random() < _SOMETIMES else company.open_lanes(board)
    people = list(company.people)
    created = milli(stamp - _LIFE * dice.random())
    moved = milli(created + (stamp - created) * dice.random())
    number = company.number()
    return Card(
        id=number,
        uid=UUID(int=dice.getrandbits(128), version=4),
        created=created,
        updated=stamp,
        title=make_title(dice),
        description=make_text(dice),
        sort_order=dice.random() * 100,
        condition=condition,
        board_id=board,
        column_id=column.id,
        state=column.state,
        lane_id=None if dice.random() < _SELDOM else dice.choice(lanes).id,
        owner_id=dice.choice(people),
        updater_id=dice.choice(people),
        type_id=None if dice.random() < _SELDOM else dice.choice(list(company.types)),
        version=dice.randint(1, 30),
        moved_at=moved,
        lane_changed_at=created,
        column_changed_at=moved,
        started_at=moved if column.state is not State.QUEUED else None,
        done_at=moved if column.state is State.DONE else None,
        comments=0,
        commented_at=None,
        **_parts(company, dice, card=number, at=created),
        blocked=False,
        spent=dice.choice((0, 0, 30, 95)),
        estimate=dice.choice((0, 0, 60, 240)),
        planned=(created, milli(created + timedelta(days=9))) if dice.random() < _SELDOM else None,
    )


def _parts(company: Company, dice: Random, *, card: int, at: datetime) -> dict[str, Any]:
    """What a card carries, by the names of its fields."""
    people, others, tags = list(company.people), list(company.cards)[-PAGE:], list(company.tags)[: company.spec.tags]
    return {
        "asap": dice.random() < _SELDOM,
        "due": milli(at + timedelta(days=dice.randint(1, 400))) if dice.random() < _SOMETIMES else None,
        "size": dice.choice((None, None, 1.0, 2.5, 8.0)),
        "external_id": f"T-{card}" if dice.random() < _SELDOM else None,
        "properties": make_properties(company, dice) if dice.random() < _OFTEN else None,
        "tags": tuple(dice.sample(tags, min(len(tags), dice.choice((0, 0, 1, 2, 3))))),
        "members": tuple(Member(user, place == 0) for place, user in enumerate(dice.sample(people, dice.choice((0, 1, 1, 2))))),
        "checklists": tuple(_checklists(company, dice, at=at)),
        "files": tuple(make_file(company, dice, card=card, at=at) for _ in range(dice.choice((0, 0, 0, 1, 2)))),
        "parents": _parents(company, dice, others),
        "children": tuple(dice.sample(others, 1)) if others and dice.random() < _SELDOM else (),
        "hidden_children": tuple(dice.sample(others, 1)) if others and dice.random() < _SELDOM else (),
    }


def make_title(dice: Random) -> str:
    """What is to be done."""
    return f"{dice.choice(words.VERBS)} {dice.choice(words.NOUNS)} {dice.randint(1, 999)}"


def make_text(dice: Random) -> str:
    """None to three sentences."""
    return " ".join(dice.sample(words.SENTENCES, dice.randint(0, 3)))


def make_properties(company: Company, dice: Random) -> Mapping[str, object]:
    """Values of some properties, each in the form of its kind."""
    chosen = dice.sample(list(company.properties.values()), min(len(company.properties), dice.randint(1, 5)))
    return {f"id_{one.id}": _property(company, dice, one) for one in sorted(chosen, key=lambda one: one.id)}


def _property(company: Company, dice: Random, one: Property) -> object:
    if one.kind == "select":
        values = [value.id for value in company.values.values() if value.property_id == one.id and not value.deleted]
        return sorted(dice.sample(values, 2 if one.multi else 1))
    forms: Mapping[str, object] = {
        "number": dice.randint(0, 1000) / 8,
        "formula": dice.randint(0, 1000) / 4,
        "date": {"date": f"2026-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}", "time": None, "tzOffset": 180},
        "checkbox": dice.choice((True, False)),
        "catalog": [str(UUID(int=dice.getrandbits(128), version=4))],
        "user": [{"id": dice.choice(list(company.people))}],
        "collective_score": str(dice.randint(1, 10)),
    }
    return forms.get(one.kind, dice.choice(words.NOUNS))


def _column(company: Company, dice: Random, *, board: int) -> Column:
    """A column that cards can stand in: of one with subcolumns one of these."""
    columns = company.columns_of(board)
    split = {one.parent for one in columns}
    return dice.choice([one for one in columns if one.id not in split])


def _parents(company: Company, dice: Random, others: list[int]) -> tuple[int, ...]:
    roll = dice.random()
    if roll < _SELDOM / 2:
        return (dice.choice(company.unseen),)
    return tuple(dice.sample(others, 1)) if others and roll < _SOMETIMES / 2 else ()


def _checklists(company: Company, dice: Random, *, at: datetime) -> Iterator[Checklist]:
    for place in range(dice.choice((0, 0, 0, 1, 2))):
        stamps: dict[str, Any] = {"created": at, "updated": at}
        number, uid = company.number(), UUID(int=dice.getrandbits(128), version=4)
        items = tuple(make_item(company, dice, place=step, at=at) for step in range(dice.randint(0, 4)))
        yield Checklist(id=number, uid=uid, **stamps, name=f"Шаги {place + 1}", sort_order=place + 1 + dice.random(), items=items)


def make_item(company: Company, dice: Random, *, place: int, at: datetime) -> Item:
    """A line of a checklist, perhaps ticked off."""
    user = dice.choice(list(company.people))
    done = dice.random() < _OFTEN
    return Item(
        id=company.number(),
        uid=UUID(int=dice.getrandbits(128), version=4),
        created=at,
        updated=at,
        text=dice.choice(words.STEPS),
        sort_order=place + 1 + dice.random(),
        checker=user if done else None,
        checked_at=at if done else None,
        user_id=user,
    )


def make_file(company: Company, dice: Random, *, card: int, at: datetime) -> File:
    """A file on a card."""
    return File(
        id=company.number(),
        uid=UUID(int=dice.getrandbits(128), version=4),
        created=at,
        updated=at,
        card_id=card,
        name=dice.choice(words.FILES),
        size=dice.randint(100, 5_000_000),
        external=dice.random() < _SELDOM,
        author_id=dice.choice(list(company.people)),
        comment_id=None,
        sort_order=1 + dice.random(),
        cover=False,
    )


def make_comment(company: Company, dice: Random, *, card: int, at: datetime) -> Comment:
    """A remark on a card."""
    return Comment(
        id=company.number(),
        uid=UUID(int=dice.getrandbits(128), version=4),
        created=at,
        updated=at,
        card_id=card,
        text=dice.choice(words.REMARKS),
        edited=False,
        internal=dice.random() < _SELDOM,
        author_id=dice.choice(list(company.people)),
    )


def _comments(company: Company, dice: Random, card: Card) -> Iterator[Comment]:
    step = (card.updated - card.created) / 4
    for place in range(dice.choice((0, 0, 1, 2, 3))):
        yield make_comment(company, dice, card=card.id, at=milli(card.created + step * (place + 1)))
