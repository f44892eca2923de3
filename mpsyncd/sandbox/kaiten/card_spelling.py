"""How the vendor writes cards and what hangs on them, in the forms of the list, of one card, and without relations.

What is the same in many cards (people, boards, columns, lanes, types) is written once and put in as it is.
"""

from collections.abc import Callable
from typing import TypeVar

import orjson

from mpsyncd.sandbox.kaiten import spelling
from mpsyncd.sandbox.kaiten.spelling import Spelled, stamps, zulu
from mpsyncd.sandbox.kaiten.world.company import Company
from mpsyncd.sandbox.kaiten.world.records import Card, Checklist, Comment, Condition, File, Item, Member, Person, Thing

T = TypeVar("T", bound=Thing)

_FILE, _COMMENT = 1, 1
_KINDS_OF_NEWS, _RIGHTS = 56, 110
"""So many make a card weigh what a real one does: about 24 KB with everything in it (kaiten.md §5)."""


class Ink:
    """Writes cards of one company. Keeps written pieces for as long as what they tell of does not change.

    In cards of a large company people and spaces have their settings too, most of what a real card weighs.
    """

    def __init__(self, company: Company) -> None:
        self._company = company
        large = company.spec.large
        self._settings: Spelled = {"notification_settings": orjson.Fragment(orjson.dumps(_news()))} if large else {}
        self._rights: Spelled = {"role_permissions": orjson.Fragment(orjson.dumps(_rights()))} if large else {}
        self._dry: dict[tuple[str, int], tuple[Thing, orjson.Fragment]] = {}

    def list_form(self, card: Card) -> Spelled:
        """A card as the list tells it; lists that are empty have no key."""
        company = self._company
        return card_fields(card) | {
            "owner": self.person(card.owner_id),
            "board": self._piece("board", company.boards[card.board_id], lambda one: spelling.placed_board(one, space=-1)),
            "column": self._column(card.column_id),
            "lane": self._lane(card.lane_id),
            "type": self._type(card.type_id),
            "members": [self.member(card, one) for one in card.members],
            "path_data": self._path(card),
            **self._optional(card),
        }

    def single_form(self, card: Card) -> Spelled:
        """A card as it is told alone: a few keys more."""
        return self.list_form(card) | {
            "key": None,
            "milestone_id": None,
            "import_id": None,
            "parent_link_ids": None,
            "iteration": [],
            "slas": [],
            "blockers": [],
            "blocked_by_card_ids": [],
            "blocks_card_ids": [],
            "relates_card_ids": [],
            "sd_external_recipients": None,
            "fts_version": "1",
        }

    def person(self, number: int) -> orjson.Fragment:
        """A user."""
        return self._piece("person", self._company.people[number], self._person)

    def member(self, card: Card, one: Member, *, detailed: bool = False) -> Spelled:
        """A member: the user and what it is on this card. Every other card's list does not say the kind of its members."""
        known = self._person(self._company.people[one.user_id]) | {"user_id": one.user_id, "card_id": card.id}
        return known | {"type": kind_of(one)} if detailed or tells_types(card) else known

    def tag(self, card: Card, number: int) -> Spelled:
        """A tag on a card."""
        one = self._company.tags[number]
        return {"id": one.id, "name": one.name, "color": one.color, "card_id": card.id, "tag_id": one.id}

    def comment(self, one: Comment) -> Spelled:
        """A comment with who wrote it."""
        return comment_fields(one) | {"author": self.person(one.author_id)}

    def file(self, one: File) -> Spelled:
        """A file with who put it there."""
        return file_fields(one) | {"author": self.person(one.author_id)}

    def _person(self, one: Person) -> Spelled:
        return spelling.person(self._company, one) | self._settings

    def _optional(self, card: Card) -> Spelled:
        known = self._company.cards
        lists: dict[str, list[object]] = {
            "tags": [self.tag(card, number) for number in card.tags],
            "checklists": [checklist_fields(one) for one in card.checklists],
            "files": [file_fields(one) for one in card.files],
            "parents": [card_fields(known[number]) for number in card.parents if number in known],
            "children": [card_fields(known[number]) for number in card.children if number in known],
        }
        return {key: told for key, told in lists.items() if told}

    def _path(self, card: Card) -> Spelled:
        company = self._company
        column = company.columns[card.column_id]
        top = column.id if column.parent is None else column.parent
        space = company.spaces_of(card.board_id)[0]
        return {
            "space": self._piece("space", space, lambda one: spelling.bare_space(company, one) | self._rights | {"boards": []}),
            "board": self._piece("board", company.boards[card.board_id], lambda one: spelling.placed_board(one, space=-1)),
            "column": self._column(top),
            "subcolumn": None if column.parent is None else self._column(column.id),
            "lane": self._lane(card.lane_id),
        }

    def _column(self, number: int) -> orjson.Fragment:
        return self._piece("column", self._company.columns[number], spelling.short_column)

    def _lane(self, number: int | None) -> orjson.Fragment | None:
        return None if number is None else self._piece("lane", self._company.lanes[number], spelling.short_lane)

    def _type(self, number: int | None) -> orjson.Fragment | None:
        return (
            None if number is None else self._piece("type", self._company.types[number], lambda one: spelling.card_type(self._company, one))
        )

    def _piece(self, kind: str, one: T, spell: Callable[[T], Spelled]) -> orjson.Fragment:
        known = self._dry.get((kind, one.id))
        if known is None or known[0] is not one:
            known = self._dry[kind, one.id] = (one, orjson.Fragment(orjson.dumps(spell(one))))
        return known[1]


def _news() -> dict[str, dict[str, bool]]:
    return {
        f"card_event_kind_{number}": {"app": True, "email": number % 2 == 0, "push": False, "bot": False}
        for number in range(_KINDS_OF_NEWS)
    }


def _rights() -> dict[str, dict[str, bool]]:
    return {f"right_number_{number}": {"read": True, "update": number % 2 == 0, "delete": False} for number in range(_RIGHTS)}


def tells_types(card: Card) -> bool:
    """Whether the list says of this card's members what they are."""
    return card.id % 2 == 0


def kind_of(one: Member) -> int:
    """1 member, 2 responsible."""
    return 2 if one.responsible else 1


def card_fields(card: Card) -> Spelled:
    """A card without relations."""
    return (
        stamps(card)
        | _what(card)
        | _when(card)
        | _counts(card)
        | {
            "board_id": card.board_id,
            "column_id": card.column_id,
            "lane_id": card.lane_id,
            "owner_id": card.owner_id,
            "type_id": card.type_id,
            "version": card.version,
            "updater_id": card.updater_id,
            "sprint_id": None,
            "external_id": card.external_id,
            "comments_total": card.comments,
            "comment_last_added_at": zulu(card.commented_at),
            "properties": card.properties,
            "counters_recalculated_at": zulu(card.updated),
            "service_id": None,
            "sd_new_comment": False,
            "public": False,
            "share_id": None,
            "share_settings": None,
            "external_user_emails": None,
            "calculated_planned_start": None,
            "calculated_planned_end": None,
            "planned_start": None if card.planned is None else zulu(card.planned[0]),
            "planned_end": None if card.planned is None else zulu(card.planned[1]),
            "estimate_workload": card.estimate,
            "tag_ids": list(card.tags) or None,
            "locked": None,
            "source": "app",
        }
    )


def checklist_fields(one: Checklist) -> Spelled:
    """A checklist with its items."""
    items = [_item(item, checklist=one.id) for item in one.items]
    return stamps(one) | {"name": one.name, "policy_id": None, "checklist_id": one.id, "sort_order": one.sort_order, "items": items}


def file_fields(one: File) -> Spelled:
    """A file without its author's data."""
    return stamps(one) | {
        "url": f"https://files.kaiten.example/{one.uid}",
        "name": one.name,
        "type": _FILE,
        "size": one.size,
        "mime_type": None,
        "deleted": False,
        "card_id": one.card_id,
        "external": one.external,
        "author_id": one.author_id,
        "comment_id": one.comment_id,
        "sort_order": one.sort_order,
        "card_cover": one.cover,
        "custom_property_id": None,
    }


def comment_fields(one: Comment) -> Spelled:
    """A comment without its author's data."""
    return stamps(one) | {
        "text": one.text,
        "type": _COMMENT,
        "edited": one.edited,
        "card_id": one.card_id,
        "author_id": one.author_id,
        "email_addresses_to": None,
        "deleted": False,
        "internal": one.internal,
        "sd_external_recipients_cc": None,
        "notification_sent": zulu(one.created),
        "sd_description": False,
    }


def _what(card: Card) -> Spelled:
    return {
        "archived": card.condition is Condition.ARCHIVED,
        "title": card.title,
        "description": card.description,
        "description_filled": bool(card.description),
        "asap": card.asap,
        "due_date": zulu(card.due),
        "due_date_time_present": card.due is not None,
        "sort_order": card.sort_order,
        "fifo_order": None,
        "state": int(card.state),
        "condition": int(card.condition),
        "expires_later": False,
        "blocking_card": False,
        "blocked": card.blocked,
        "size": card.size,
        "size_unit": None,
        "size_text": None if card.size is None else f"{card.size:g}",
    }


def _when(card: Card) -> Spelled:
    return {
        "completed_on_time": None if card.due is None or card.done_at is None else card.done_at <= card.due,
        "completed_at": zulu(card.done_at),
        "last_moved_at": zulu(card.moved_at),
        "lane_changed_at": zulu(card.lane_changed_at),
        "column_changed_at": zulu(card.column_changed_at),
        "first_moved_to_in_progress_at": zulu(card.started_at),
        "last_moved_to_done_at": zulu(card.done_at),
    }


def _counts(card: Card) -> Spelled:
    items = [item for one in card.checklists for item in one.items]
    return {
        "parents_count": len(card.parents),
        "children_count": len(card.children),
        "children_done": 0,
        "has_blocked_children": False,
        "goals_total": len(items),
        "goals_done": sum(item.checked_at is not None for item in items),
        "time_spent_sum": card.spent,
        "time_blocked_sum": 0,
        "children_number_properties_sum": {"time_spent_sum": card.spent, "estimate_workload": card.estimate} if card.children else None,
        "parent_checklist_ids": None,
        "parents_ids": list(card.parents) or None,
        "children_ids": list(card.children) or None,
    }


def _item(one: Item, *, checklist: int) -> Spelled:
    return stamps(one) | {
        "text": one.text,
        "sort_order": one.sort_order,
        "checked": one.checked_at is not None,
        "checked_at": zulu(one.checked_at),
        "checker_id": one.checker,
        "checklist_id": checklist,
        "due_date": None,
        "responsible_id": None,
        "deleted": False,
        "user_id": one.user_id,
    }
