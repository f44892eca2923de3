"""What happens around cards. Members and comments move neither version nor time of their card.

Tags, files, checklists, blocks and time logs move both.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

from mpsyncd.sandbox.kaiten.world import words
from mpsyncd.sandbox.kaiten.world.card_birth import make_comment, make_file
from mpsyncd.sandbox.kaiten.world.card_events import any_card, live, places, touched
from mpsyncd.sandbox.kaiten.world.company import Company
from mpsyncd.sandbox.kaiten.world.records import Block, Card, Comment, Happening, Item, Member, Membership, Record, Tagging, TimeLog

_MINUTES = 120


def member_joined(company: Company, dice: Random, at: datetime) -> None:
    """A user becomes a member."""
    card = any_card(company, dice)
    known = {one.user_id for one in card.members}
    strangers = [number for number in company.people if number not in known]
    if strangers:
        one = Member(dice.choice(strangers), responsible=False)
        company.cards[card.id] = replace(card, members=(*card.members, one))
        _tell(company, dice, "card_member:add", at, card, after=_membership(card, one))


def member_made_responsible(company: Company, dice: Random, at: datetime) -> None:
    """A member becomes responsible, or is it no more."""
    card = _with(company, dice, lambda card: bool(card.members))
    if card is not None:
        first, *others = card.members
        changed = replace(first, responsible=not first.responsible)
        company.cards[card.id] = replace(card, members=(changed, *others))
        _tell(company, dice, "card_member:update", at, card, before=_membership(card, first), after=_membership(card, changed))


def member_left(company: Company, dice: Random, at: datetime) -> None:
    """A member is one no more."""
    card = _with(company, dice, lambda card: bool(card.members))
    if card is not None:
        *others, last = card.members
        company.cards[card.id] = replace(card, members=tuple(others))
        _tell(company, dice, "card_member:remove", at, card, before=_membership(card, last))


def tagged(company: Company, dice: Random, at: datetime) -> None:
    """A tag is put on a card."""
    card = any_card(company, dice)
    free = [number for number in company.tags if number not in card.tags]
    if free:
        tag = dice.choice(free)
        _change(company, card, at, tags=(*card.tags, tag))
        _tell(company, dice, "tag:add", at, card, after=Tagging(card.id, tag))


def untagged(company: Company, dice: Random, at: datetime) -> None:
    """A tag is taken off a card; after the last one the tag is listed no more."""
    card = _with(company, dice, lambda card: bool(card.tags))
    if card is not None:
        tag = dice.choice(card.tags)
        _change(company, card, at, tags=tuple(number for number in card.tags if number != tag))
        _tell(company, dice, "tag:remove", at, card, before=Tagging(card.id, tag))


def commented(company: Company, dice: Random, at: datetime) -> None:
    """Somebody says something."""
    card = any_card(company, dice)
    new = make_comment(company, dice, card=card.id, at=at)
    _put_comments(company, card, (*company.comments.get(card.id, ()), new), at)
    _tell(company, dice, "comment:add", at, card, after=new)


def comment_edited(company: Company, dice: Random, at: datetime) -> None:
    """A comment says something else."""
    card = _with(company, dice, lambda card: bool(company.comments.get(card.id)))
    if card is not None:
        *others, last = company.comments[card.id]
        new = replace(last, text=dice.choice(words.REMARKS), edited=True, updated=at)
        company.comments[card.id] = (*others, new)
        _tell(company, dice, "comment:update", at, card, before=last, after=new)


def comment_removed(company: Company, dice: Random, at: datetime) -> None:
    """A comment is gone."""
    card = _with(company, dice, lambda card: bool(company.comments.get(card.id)))
    if card is not None:
        first, *others = company.comments[card.id]
        _put_comments(company, card, tuple(others), card.commented_at)
        _tell(company, dice, "comment:remove", at, card, before=first)


def file_added(company: Company, dice: Random, at: datetime) -> None:
    """A file is put on a card."""
    card = any_card(company, dice)
    new = make_file(company, dice, card=card.id, at=at)
    _change(company, card, at, files=(*card.files, new))
    _tell(company, dice, "file:add", at, card, after=new)


def file_renamed(company: Company, dice: Random, at: datetime) -> None:
    """A file gets another name."""
    card = _with(company, dice, lambda card: bool(card.files))
    if card is not None:
        first, *others = card.files
        new = replace(first, name=f"v{card.version} {dice.choice(words.FILES)}", updated=at)
        _change(company, card, at, files=(new, *others))
        _tell(company, dice, "file:update", at, card, before=first, after=new)


def file_removed(company: Company, dice: Random, at: datetime) -> None:
    """A file is gone."""
    card = _with(company, dice, lambda card: bool(card.files))
    if card is not None:
        *others, last = card.files
        _change(company, card, at, files=tuple(others))
        _tell(company, dice, "file:remove", at, card, before=last)


def item_ticked(company: Company, dice: Random, at: datetime) -> None:
    """A line of a checklist is ticked off, or is no more. No webhook tells of it."""
    card = _with(company, dice, lambda card: any(one.items for one in card.checklists))
    if card is not None:
        lists = tuple(replace(one, items=(_ticked(one.items[0], at), *one.items[1:])) if one.items else one for one in card.checklists)
        _change(company, card, at, checklists=lists)


def blocked(company: Company, dice: Random, at: datetime) -> None:
    """A card waits for something."""
    card = _with(company, dice, lambda card: not card.blocked)
    if card is not None:
        new = Block(
            **_made(company, dice, at), card_id=card.id, reason=dice.choice(words.REASONS), blocker_id=card.owner_id, released_by=None
        )
        company.blocks[new.id] = new
        _change(company, card, at, blocked=True)
        _tell(company, dice, "block:add", at, card, after=new)


def released(company: Company, dice: Random, at: datetime) -> None:
    """A card waits no more."""
    waiting = [one for one in company.blocks.values() if one.card_id in company.cards]
    if waiting:
        old = dice.choice(waiting)
        card = company.cards[old.card_id]
        del company.blocks[old.id]
        _change(company, card, at, blocked=False)
        _tell(company, dice, "block:update", at, card, before=old, after=replace(old, released_by=card.owner_id, updated=at))


def time_logged(company: Company, dice: Random, at: datetime) -> None:
    """Somebody writes down minutes."""
    card = any_card(company, dice)
    minutes = dice.randint(1, _MINUTES)
    new = TimeLog(**_made(company, dice, at), card_id=card.id, user_id=card.owner_id, minutes=minutes, comment=dice.choice(words.REMARKS))
    company.logs[new.id] = new
    _change(company, card, at, spent=card.spent + minutes)
    _tell(company, dice, "card_time_log:add", at, card, after=new)


def time_log_edited(company: Company, dice: Random, at: datetime) -> None:
    """It was more, or less."""
    old = _log(company, dice)
    if old is not None:
        new = replace(old, minutes=dice.randint(1, _MINUTES), updated=at)
        card = company.cards[old.card_id]
        company.logs[old.id] = new
        _change(company, card, at, spent=card.spent - old.minutes + new.minutes)
        _tell(company, dice, "card_time_log:update", at, card, before=old, after=new)


def time_log_removed(company: Company, dice: Random, at: datetime) -> None:
    """It was nothing."""
    old = _log(company, dice)
    if old is not None:
        card = company.cards[old.card_id]
        del company.logs[old.id]
        _change(company, card, at, spent=card.spent - old.minutes)
        _tell(company, dice, "card_time_log:remove", at, card, before=old)


def _with(company: Company, dice: Random, wanted: Callable[[Card], bool]) -> Card | None:
    fitting = [card for card in live(company) if wanted(card)]
    return dice.choice(fitting) if fitting else None


def _log(company: Company, dice: Random) -> TimeLog | None:
    known = [one for one in company.logs.values() if one.card_id in company.cards]
    return dice.choice(known) if known else None


def _made(company: Company, dice: Random, at: datetime) -> dict[str, Any]:
    return {"id": company.number(), "uid": UUID(int=dice.getrandbits(128), version=4), "created": at, "updated": at}


def _ticked(one: Item, at: datetime) -> Item:
    ticked = one.checked_at is None
    return replace(one, checked_at=at if ticked else None, checker=one.user_id if ticked else None, updated=at)


def _membership(card: Card, one: Member) -> Membership:
    return Membership(card.id, one.user_id, one.responsible)


def _put_comments(company: Company, card: Card, comments: tuple[Comment, ...], at: datetime | None) -> None:
    company.comments[card.id] = comments
    company.cards[card.id] = replace(card, comments=len(comments), commented_at=at)


def _change(company: Company, card: Card, at: datetime, **changed: Any) -> None:
    company.cards[card.id] = touched(card, at, **changed)


def _tell(
    company: Company,
    dice: Random,
    event: str,
    at: datetime,
    card: Card,
    *,
    before: Record | Membership | Tagging | None = None,
    after: Record | Membership | Tagging | None = None,
) -> None:
    author = dice.choice(list(company.people))
    company.tell(Happening(event, at, author, places(company, card), before, after))
