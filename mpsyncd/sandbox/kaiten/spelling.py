"""How the vendor writes people, types, tags, properties, spaces, boards, columns, lanes. Takes truth, gives what goes into JSON."""

from datetime import datetime

from mpsyncd.sandbox.kaiten.world.company import Company
from mpsyncd.sandbox.kaiten.world.records import (
    Board,
    CardType,
    Column,
    Lane,
    Person,
    Placement,
    Property,
    Space,
    State,
    Tag,
    Thing,
    Value,
)

Spelled = dict[str, object]

_OWNER, _USER, _DEACTIVATED = 1, 2, 3
_NEVER = -1
_HOUR, _DAY = 60, 1_440
_WARN_DAYS = 7


def zulu(moment: datetime | None) -> str | None:
    """UTC with Z and milliseconds, as everywhere at this vendor."""
    return None if moment is None else moment.isoformat(timespec="milliseconds")[:-6] + "Z"


def stamps(one: Thing) -> Spelled:
    """What everything has."""
    return {"id": one.id, "uid": str(one.uid), "created": zulu(one.created), "updated": zulu(one.updated)}


def person(company: Company, one: Person) -> Spelled:
    """A user, as in the list of users and inside of cards."""
    role = _OWNER if one.owner else _USER
    return stamps(one) | {
        "full_name": one.name,
        "email": f"{one.login}@{company.spec.name}.example",
        "username": one.login,
        "avatar_initials_url": None,
        "avatar_uploaded_url": None,
        "initials": "".join(word[0] for word in one.name.split()),
        "avatar_type": 1,
        "lng": "ru",
        "timezone": "Europe/Moscow",
        "theme": "auto",
        "activated": one.activated,
        "ui_version": 2,
        "virtual": one.virtual,
        "email_blocked": None,
        "email_blocked_reason": None,
        "delete_requested_at": None,
        "company_id": company.id,
        "user_id": one.id,
        "default_space_id": None,
        "role": role if one.activated else _DEACTIVATED,
        "external": one.external,
        "last_request_date": zulu(one.updated) if one.activated else None,
        "last_request_method": "web" if one.activated else None,
        "work_time_settings": {"work_days": [1, 2, 3, 4, 5], "hours_count": 8},
        "locked": False,
    }


def author(company: Company, number: int) -> Spelled:
    """Who did something, as webhooks tell it."""
    one = person(company, company.people[number])
    return {key: one[key] for key in ("id", "full_name", "username", "email")}


def card_type(company: Company, one: CardType) -> Spelled:
    """A type; a built-in one belongs to no company."""
    return stamps(one) | {
        "archived": one.archived,
        "name": one.name,
        "color": one.color,
        "letter": one.letter,
        "description_template": None,
        "company_id": None if one.built_in else company.id,
        "properties": None if one.built_in else {},
    }


def tag(company: Company, one: Tag) -> Spelled:
    """A tag of the company."""
    return stamps(one) | {"archived": one.archived, "name": one.name, "company_id": company.id, "color": one.color}


def custom_property(company: Company, one: Property) -> Spelled:
    """A custom property without its values."""
    return stamps(one) | {
        "type": one.kind,
        "name": one.name,
        "condition": one.condition,
        "show_on_facade": False,
        "multiline": False,
        "author_id": one.author_id,
        "company_id": company.id,
        "colorful": one.kind == "select",
        "multi_select": one.multi,
        "values_creatable_by_users": False,
        "values_type": None,
        "vote_variant": "rating" if one.kind.endswith("vote") else None,
        "data": one.data,
        "protected": False,
        "fields_settings": None,
        "color": None,
        "external_id": None,
        "import_uid": None,
        "is_used_as_progress": False,
    }


def value(company: Company, one: Value) -> Spelled:
    """A value that may be selected, or could be once."""
    return stamps(one) | {
        "custom_property_id": one.property_id,
        "value": one.text,
        "color": one.color,
        "deleted": one.deleted,
        "condition": "inactive" if one.deleted else "active",
        "sort_order": one.sort_order,
        "external_id": None,
        "author_id": one.author_id,
        "company_id": company.id,
    }


def bare_space(company: Company, one: Space) -> Spelled:
    """A space without its boards."""
    return stamps(one) | {
        "title": one.title,
        "archived": one.archived,
        "access": "for_everyone",
        "for_everyone_access_role_id": "3f1c0f34-0000-4000-8000-000000000001",
        "entity_type": "space",
        "path": one.path,
        "sort_order": one.sort_order,
        "parent_entity_uid": None if one.parent is None else str(one.parent),
        "company_id": company.id,
        "external_id": one.external_id,
        "settings": {},
        "allowed_card_type_ids": None,
        "role_permissions": {"root": {"view": True}, "space": {"read": True}, "board": {"read": True}, "card": {"read": True}},
        "role": 1,
        "access_mod": "for_everyone",
        "notifications_enabled": True,
    }


def bare_board(one: Board) -> Spelled:
    """A board without its place, columns, lanes and cards."""
    return stamps(one) | {
        "title": one.title,
        "cell_wip_limits": None,
        "default_card_type_id": one.default_type,
        "description": one.description,
        "external_id": None,
        "email_key": one.uid.hex[:12],
        "move_parents_to_done": True,
        "backward_moves_enabled": True,
        "default_tags": None,
        "first_image_is_cover": False,
        "reset_lane_spent_time": False,
        "automove_cards": False,
        "hide_done_policies": False,
        "hide_done_policies_in_done_column": False,
        "auto_assign_enabled": False,
        "card_properties": [{"key": "due_date", "laneIds": [], "required": False, "columnIds": [], "cardTypeIds": []}],
        "import_uid": None,
    }


def place(board: int, one: Placement) -> Spelled:
    """Where a board lies in a space."""
    return {
        "space_id": one.space_id,
        "board_id": board,
        "top": one.top,
        "left": one.left,
        "sort_order": one.sort_order,
        "type": 1,
    }


def placed_board(one: Board, *, space: int) -> Spelled:
    """A board as its space lists it."""
    lying = next((lies for lies in one.places if lies.space_id == space), one.places[0])
    return bare_board(one) | place(one.id, lying)


def short_column(one: Column) -> Spelled:
    """A column inside of a card."""
    return {
        "id": one.id,
        "uid": str(one.uid),
        "title": one.title,
        "sort_order": one.sort_order,
        "col_count": 1,
        "type": int(one.state),
        "board_id": one.board_id,
        "column_id": one.parent,
        "external_id": None,
        "rules": 0,
        "pause_sla": False,
    }


def column(one: Column) -> Spelled:
    """A column without its subcolumns."""
    return (
        stamps(one)
        | short_column(one)
        | _warning()
        | {
            "wip_limit": one.wip_limit,
            "wip_limit_type": 1,
            "archive_after_days": _NEVER if one.archive_after is None else one.archive_after,
            "default_tags": None,
            "months_to_hide_cards": None,
            "card_hide_after_days": 30 if one.state is State.DONE else None,
        }
    )


def columns_of(company: Company, board: int) -> list[Spelled]:
    """Columns of a board with their subcolumns inside."""
    every = company.columns_of(board)
    return [column(top) | {"subcolumns": [column(one) for one in every if one.parent == top.id]} for top in every if top.parent is None]


def short_columns_of(company: Company, board: int) -> list[Spelled]:
    """The same without limits and ages, as the list of boards tells them."""
    every = company.columns_of(board)
    return [
        short_column(top) | {"subcolumns": [short_column(one) for one in every if one.parent == top.id]}
        for top in every
        if top.parent is None
    ]


def short_lane(one: Lane) -> Spelled:
    """A lane inside of a card or of a list of boards."""
    return {
        "id": one.id,
        "title": one.title,
        "sort_order": one.sort_order,
        "board_id": one.board_id,
        "condition": int(one.condition),
        "external_id": None,
        "default_card_type_id": None,
    }


def lane(one: Lane) -> Spelled:
    """A lane."""
    limits: Spelled = {"row_count": 1, "wip_limit": one.wip_limit, "wip_limit_type": 1, "default_tags": None}
    return stamps(one) | short_lane(one) | _warning() | limits


def _warning() -> Spelled:
    return {
        "last_moved_warning_after_days": _WARN_DAYS,
        "last_moved_warning_after_hours": 0,
        "last_moved_warning_after_minutes": 0,
    }
