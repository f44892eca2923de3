"""What happens to cards. Every event takes the company, dice and the moment; what a reader of cards could see moves version and time."""

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from mpsyncd.sandbox.kaiten.world.card_birth import make_card, make_properties, make_text, make_title
from mpsyncd.sandbox.kaiten.world.company import Company
from mpsyncd.sandbox.kaiten.world.moments import milli
from mpsyncd.sandbox.kaiten.world.records import Card, Condition, Happening, State

_FEWEST = 10
_TOGETHER = 4
_SOON = 20


def created(company: Company, dice: Random, at: datetime) -> None:
    """A new card, without a past."""
    born = make_card(company, dice, condition=Condition.LIVE, stamp=at)
    card = replace(born, created=at, version=1, moved_at=at, lane_changed_at=at, column_changed_at=at, checklists=(), files=())
    company.cards[card.id] = card
    company.tell(Happening("card:add", at, card.owner_id, places(company, card), None, card))


def retitled(company: Company, dice: Random, at: datetime) -> None:
    """Another title or text."""
    changed: dict[str, Any] = {"title": make_title(dice)} if dice.choice((True, False)) else {"description": make_text(dice)}
    edit(company, dice, any_card(company, dice), at, **changed)


def filled(company: Company, dice: Random, at: datetime) -> None:
    """Other properties, another due date or size."""
    card = any_card(company, dice)
    match dice.choice(("properties", "due", "size")):
        case "properties":
            edit(company, dice, card, at, properties=make_properties(company, dice))
        case "due":
            edit(company, dice, card, at, due=milli(at + timedelta(days=dice.randint(1, _SOON))))
        case _:
            edit(company, dice, card, at, size=dice.choice((None, 1.0, 3.5)), asap=not card.asap)


def edited_together(company: Company, dice: Random, at: datetime) -> None:
    """A few cards at once: they share their time of change."""
    for card in dice.sample(live(company), min(_TOGETHER, len(live(company)))):
        edit(company, dice, card, at, estimate=card.estimate + 30)


def moved(company: Company, dice: Random, at: datetime) -> None:
    """To another column, now and then of another board."""
    card = any_card(company, dice)
    boards = [number for number in company.boards if company.columns_of(number) and company.seen(number)]
    board = dice.choice(boards) if dice.random() < 1 / _SOON else card.board_id
    columns = company.columns_of(board)
    split = {one.parent for one in columns}
    column = dice.choice([one for one in columns if one.id not in split])
    elsewhere: dict[str, Any] = {"board_id": board, "lane_id": dice.choice(company.open_lanes(board)).id} if board != card.board_id else {}
    edit(
        company,
        dice,
        card,
        at,
        **elsewhere,
        column_id=column.id,
        state=column.state,
        moved_at=at,
        column_changed_at=at,
        started_at=card.started_at or (at if column.state is not State.QUEUED else None),
        done_at=at if column.state is State.DONE else None,
    )


def lane_changed(company: Company, dice: Random, at: datetime) -> None:
    """To another lane of its board, or out of all lanes."""
    card = any_card(company, dice)
    lanes: list[int | None] = [None, *(one.id for one in company.open_lanes(card.board_id))]
    edit(company, dice, card, at, lane_id=dice.choice(lanes), lane_changed_at=at, moved_at=at)


def archived(company: Company, dice: Random, at: datetime) -> None:
    """A card that was done goes to the archive by its age: nobody did it, the column's rule did."""
    done = [card for card in live(company) if company.columns[card.column_id].archive_after is not None]
    if len(done) > _FEWEST:
        edit(company, dice, min(done, key=lambda card: (card.updated, card.id)), at, condition=Condition.ARCHIVED)


def restored(company: Company, dice: Random, at: datetime) -> None:
    """A card comes back from the archive."""
    kept = [card for card in company.cards.values() if card.condition is Condition.ARCHIVED]
    if len(kept) > _FEWEST:
        edit(company, dice, dice.choice(kept), at, condition=Condition.LIVE)


def deleted(company: Company, dice: Random, _at: datetime) -> None:
    """A card is gone. No webhook tells of it."""
    cards = list(company.cards.values())
    if len(cards) > _FEWEST:
        card = dice.choice(cards)
        company.lost[card.id] = company.cards.pop(card.id)


def edit(company: Company, dice: Random, card: Card, at: datetime, **changed: Any) -> None:
    """Change a card as its readers and webhooks can see."""
    author = dice.choice(list(company.people))
    after = touched(card, at, updater_id=author, **changed)
    company.cards[card.id] = after
    company.tell(Happening("card:update", at, author, places(company, after), card, after))


def touched(card: Card, at: datetime, **changed: Any) -> Card:
    """The card after a change that moves its version and time."""
    return replace(card, version=card.version + 1, updated=at, **changed)


def live(company: Company) -> list[Card]:
    """Cards on boards."""
    return [card for card in company.cards.values() if card.condition is Condition.LIVE]


def any_card(company: Company, dice: Random) -> Card:
    """A card, mostly one on a board."""
    return dice.choice(live(company) or list(company.cards.values()))


def places(company: Company, card: Card) -> tuple[int, ...]:
    """Spaces whose webhooks tell of a card."""
    return tuple(space.id for space in company.spaces_of(card.board_id))
