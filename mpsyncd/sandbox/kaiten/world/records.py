"""The truth of a Kaiten company in Python's own types: aware UTC moments of whole milliseconds, numbers of ids, tuples.

Nothing here knows how the vendor spells it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from uuid import UUID


class Condition(IntEnum):
    """Of cards and lanes."""

    LIVE = 1
    ARCHIVED = 2
    DELETED = 3


class State(IntEnum):
    """Of cards, and the type of the columns that put them there."""

    QUEUED = 1
    IN_PROGRESS = 2
    DONE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """What everything has."""

    id: int
    uid: UUID
    created: datetime
    updated: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Person(Thing):
    """A user. `listed`: whether the list of users tells of it; others are seen only where they own or do something."""

    name: str
    login: str
    activated: bool
    listed: bool
    virtual: bool
    external: bool
    owner: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Space(Thing):
    """`parent` is the space around it. `listed`: whether the token may see it."""

    title: str
    archived: bool
    listed: bool
    parent: UUID | None
    path: str
    sort_order: float
    external_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CardType(Thing):
    """`built_in`: belongs to no company."""

    name: str
    letter: str
    color: int
    archived: bool
    built_in: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag(Thing):
    """A label of the company."""

    name: str
    color: int
    archived: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Property(Thing):
    """A custom property; `kind` is the vendor's type of it, `condition` active, inactive or removed."""

    kind: str
    name: str
    multi: bool
    condition: str
    data: Mapping[str, object] | None
    author_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Value(Thing):
    """A value that may be selected."""

    property_id: int
    text: str
    color: int
    deleted: bool
    sort_order: float
    author_id: int


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a board lies in a space."""

    space_id: int
    top: int
    left: int
    sort_order: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Board(Thing):
    """`places` has every space it is in."""

    title: str
    description: str | None
    default_type: int
    places: tuple[Placement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Thing):
    """`parent` is the column of a subcolumn. `archive_after` in days, None: never."""

    board_id: int
    parent: int | None
    title: str
    state: State
    sort_order: float
    wip_limit: int | None
    archive_after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane(Thing):
    """A row of a board."""

    board_id: int
    title: str
    sort_order: float
    condition: Condition
    wip_limit: int | None


@dataclass(frozen=True, slots=True)
class Member:
    """Who works on a card."""

    user_id: int
    responsible: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Item(Thing):
    """A line of a checklist."""

    text: str
    sort_order: float
    checker: int | None
    checked_at: datetime | None
    user_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Checklist(Thing):
    """A list of things to do on a card."""

    name: str
    sort_order: float
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class File(Thing):
    """A file of a card."""

    card_id: int
    name: str
    size: int
    external: bool
    author_id: int
    comment_id: int | None
    sort_order: float
    cover: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment(Thing):
    """A remark on a card."""

    card_id: int
    text: str
    edited: bool
    internal: bool
    author_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Card(Thing):
    """A card. `lane_id`, `type_id` may be None; `hidden_children` are told by the list of children only, not by its own numbers."""

    title: str
    description: str
    asap: bool
    due: datetime | None
    sort_order: float
    condition: Condition
    state: State
    board_id: int
    column_id: int
    lane_id: int | None
    owner_id: int
    updater_id: int
    type_id: int | None
    version: int
    moved_at: datetime
    lane_changed_at: datetime
    column_changed_at: datetime
    started_at: datetime | None
    done_at: datetime | None
    size: float | None
    external_id: str | None
    comments: int
    commented_at: datetime | None
    properties: Mapping[str, object] | None
    tags: tuple[int, ...]
    members: tuple[Member, ...]
    checklists: tuple[Checklist, ...]
    files: tuple[File, ...]
    parents: tuple[int, ...]
    children: tuple[int, ...]
    hidden_children: tuple[int, ...]
    blocked: bool
    spent: int
    estimate: int
    planned: tuple[datetime, datetime] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Block(Thing):
    """Why a card waits; `released_by` is set when it does no more."""

    card_id: int
    reason: str | None
    blocker_id: int
    released_by: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLog(Thing):
    """Minutes that somebody spent on a card."""

    card_id: int
    user_id: int
    minutes: int
    comment: str


Record = Space | Board | Tag | Card | Comment | File | Block | TimeLog


@dataclass(frozen=True, slots=True)
class Membership:
    """A member of a card, as an event tells of it."""

    card_id: int
    user_id: int
    responsible: bool


@dataclass(frozen=True, slots=True)
class Tagging:
    """A tag put on a card or taken off, as an event tells of it."""

    card_id: int
    tag_id: int


@dataclass(frozen=True, slots=True)
class Happening:
    """What the vendor would tell a webhook: the event's name, who did it, where, and what was before and after."""

    event: str
    at: datetime
    author_id: int
    spaces: tuple[int, ...]
    before: Record | Membership | Tagging | None
    after: Record | Membership | Tagging | None
