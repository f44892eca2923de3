"""What the vendor posts to a webhook: the shapes of its 22 events (kaiten.md §6). There is no signature, no number of the delivery."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from mpsyncd.sandbox.kaiten import spelling
from mpsyncd.sandbox.kaiten.card_spelling import card_fields, checklist_fields, comment_fields, file_fields, kind_of
from mpsyncd.sandbox.kaiten.spelling import Spelled, stamps
from mpsyncd.sandbox.kaiten.world.company import Company
from mpsyncd.sandbox.kaiten.world.records import (
    Block,
    Board,
    Card,
    Comment,
    File,
    Happening,
    Member,
    Membership,
    Record,
    Space,
    Tag,
    Tagging,
    TimeLog,
)

EVENTS = (
    *("card:add", "card:update"),
    *("card_member:add", "card_member:update", "card_member:remove"),
    *("tag:add", "tag:update", "tag:remove"),
    *("board:add", "board:update", "space:update"),
    *("block:add", "block:update"),
    *("comment:add", "comment:update", "comment:remove"),
    *("file:add", "file:update", "file:remove"),
    *("card_time_log:add", "card_time_log:update", "card_time_log:remove"),
)
_NOT_ON_ADD = ("tag_ids", "counters_recalculated_at")


def body_of(company: Company, one: Happening) -> Spelled:
    """The whole body: added and removed things flat, changed ones as they were and what of them changed."""
    author = {"author": spelling.author(company, one.author_id)}
    if one.before is None or one.after is None:
        told = one.after if one.after is not None else one.before
        return {"event": one.event, "data": (_new(company, told) if one.event.endswith(":add") else _told(company, told)) | author}
    old, new = _told(company, one.before), _told(company, one.after)
    changes = {key: value for key, value in new.items() if old[key] != value and key != "counters_recalculated_at"}
    return {"event": one.event, "data": {"old": old, "changes": changes} | author}


def _new(company: Company, one: Record | Membership | Tagging | None) -> Spelled:
    match one:
        case Card():
            return _new_card(company, one)
        case Board():
            columns, lanes = spelling.columns_of(company, one.id), [spelling.lane(lane) for lane in company.open_lanes(one.id)]
            return spelling.placed_board(one, space=one.places[0].space_id) | {"columns": columns, "lanes": lanes}
        case Membership():
            return spelling.person(company, company.people[one.user_id]) | _told(company, one)
        case _:
            return _told(company, one)


def _new_card(company: Company, card: Card) -> Spelled:
    known = {key: value for key, value in card_fields(card).items() if key not in _NOT_ON_ADD}
    return known | {
        "owner": spelling.person(company, company.people[card.owner_id]),
        "type": None if card.type_id is None else spelling.card_type(company, company.types[card.type_id]),
        "checklists": [checklist_fields(one) for one in card.checklists],
        "files": [file_fields(one) for one in card.files],
        "external_links": [],
    }


def _told(company: Company, one: Record | Membership | Tagging | None) -> Spelled:
    return {} if one is None else _FORMS[type(one)](company, one)


def _membership(_company: Company, one: Membership) -> Spelled:
    kind = kind_of(Member(one.user_id, one.responsible))
    return {"id": one.user_id, "card_id": one.card_id, "user_id": one.user_id, "type": kind}


def _log(_company: Company, one: TimeLog) -> Spelled:
    return stamps(one) | {"card_id": one.card_id, "user_id": one.user_id, "time_spent": one.minutes, "comment": one.comment}


def _block(company: Company, one: Block) -> Spelled:
    waiting = company.cards.get(one.card_id)
    return stamps(one) | {
        "reason": one.reason,
        "card_id": one.card_id,
        "blocker_id": one.blocker_id,
        "blocker_card_id": None,
        "released": one.released_by is not None,
        "released_by_id": one.released_by,
        "card": None if waiting is None else card_fields(waiting),
        "blocked_card": None if waiting is None else card_fields(waiting),
        "blocker": spelling.person(company, company.people[one.blocker_id]),
    }


_FORMS: Mapping[type, Callable[[Company, Any], Spelled]] = MappingProxyType(
    {
        Card: lambda _, one: card_fields(one),
        Comment: lambda _, one: comment_fields(one),
        File: lambda _, one: file_fields(one),
        Board: lambda _, one: spelling.bare_board(one),
        Space: spelling.bare_space,
        Tag: spelling.tag,
        Tagging: lambda company, one: spelling.tag(company, company.tags[one.tag_id]) | {"card_id": one.card_id},
        Membership: _membership,
        Block: _block,
        TimeLog: _log,
    }
)
