"""What a card becomes: the list and the single card tell it with whole people, boards and other cards inside, of which keys are kept.

A member's last visit or a board's new title would else look like a change of every card. Both forms give one and the same document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mpsyncd.sources.rows import number, together, utc_time, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mpsyncd.model.request import Document

_ELSEWHERE = frozenset(
    {"owner", "board", "column", "lane", "type", "path_data", "counters_recalculated_at", "fts_version", "blocking_blockers", "blockers"}
)
"""Rows of other tables, and what changes without a meaning."""
_SINGLE = frozenset(
    {
        *("key", "milestone_id", "import_id", "parent_link_ids", "iteration", "slas", "sd_external_recipients"),
        *("blocked_by_card_ids", "blocks_card_ids", "relates_card_ids"),
    }
)
"""Told of a single card only: kept, they would come and go with the form that was asked for last."""
_RELATED = ("parents", "children")
_DELETED = 3
_CHECKLIST = frozenset({"fts_version"})

CARD = together(
    utc_time(
        *("created", "updated", "due_date", "completed_at", "last_moved_at", "lane_changed_at", "column_changed_at"),
        *("first_moved_to_in_progress_at", "last_moved_to_done_at", "comment_last_added_at"),
        *("calculated_planned_start", "calculated_planned_end", "planned_start", "planned_end"),
    ),
    whole(
        *("id", "fifo_order", "state", "condition", "parents_count", "children_count", "children_done", "goals_total", "goals_done"),
        *("board_id", "column_id", "lane_id", "owner_id", "type_id", "version", "updater_id", "sprint_id", "comments_total"),
        *("service_id", "space_id"),
    ),
    number("sort_order", "size", "time_spent_sum", "time_blocked_sum", "estimate_workload"),
)
MEMBER = whole("user_id", "type")
TAG = whole("tag_id")
CHECKLIST = together(utc_time("created", "updated"), whole("id", "policy_id", "checklist_id"), number("sort_order"))
FILE = together(
    utc_time("created", "updated"), whole("id", "type", "size", "author_id", "comment_id", "custom_property_id"), number("sort_order")
)


def document(card: Document) -> Iterator[Document]:
    """The card as it is kept, none of one that was deleted; the space is told with the path to it, and nowhere else."""
    if card.get("condition") == _DELETED:
        return
    kept = {key: value for key, value in card.items() if key not in _ELSEWHERE and key not in _SINGLE}
    kept["space_id"] = _space(card.get("path_data"))
    if kept.get("members"):
        kept["members"] = [{"user_id": each.get("user_id", each.get("id")), "type": each.get("type")} for each in kept["members"]]
    if kept.get("tags"):
        kept["tags"] = [{"tag_id": each.get("tag_id", each.get("id"))} for each in kept["tags"]]
    if kept.get("checklists"):
        kept["checklists"] = [_slim(each, _CHECKLIST) for each in kept["checklists"]]
    if kept.get("files"):
        kept["files"] = [_slim(each, frozenset({"author"})) for each in kept["files"]]
    for key in _RELATED:
        if kept.get(key):
            kept[key] = [each["id"] for each in kept[key]]
    yield kept


def _space(path: Any) -> Any:
    space = path.get("space") if isinstance(path, dict) else None
    return space.get("id") if isinstance(space, dict) else None


def _slim(told: Document, keys: frozenset[str]) -> Document:
    return {key: value for key, value in told.items() if key not in keys and key != "card_id"}
