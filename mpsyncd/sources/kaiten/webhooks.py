"""What Kaiten's outgoing webhooks touch (developers.kaiten.ru, external webhooks, read 2026-09-29). Takes no payload for a row.

A body is {"event": "<entity>:<verb>", "data": …}: data is the flat entity for add and remove, `old` and `changes` for update. Nothing is
sent for columns, lanes, checklists, people, custom properties, new spaces, and for cards and boards that are removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mpsyncd.model.errors import BadData
from mpsyncd.model.webhook import Received, Touch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpsyncd.model.request import Document

_ENTITIES = {"timelog": "card_time_log", "time_log": "card_time_log", "member": "card_member", "blocker": "block"}
_VERBS = {
    **dict.fromkeys(("create", "created", "added"), "add"),
    **dict.fromkeys(("updated", "change", "changed", "move", "moved", "archive", "archived", "restore", "restored"), "update"),
    **dict.fromkeys(("delete", "deleted", "removed"), "remove"),
}
"""Spellings that are not on the wire today: with a point, and with the verbs that people know from elsewhere."""
_OF_CARDS = {
    "card_member": ("cards",),
    "block": ("cards",),
    "comment": ("comments", "cards"),
    "file": ("cards",),
    "card_time_log": ("cards",),
}
"""Entities that belong to a card, and the streams that tell of them."""
_WHOLE = {"board": ("boards", "columns", "lanes"), "space": ("spaces",)}
EVENTS = frozenset(
    {
        *("card:add", "card:update", "tag:add", "tag:update", "tag:remove", "board:add", "board:update", "space:update", "block:add"),
        *("block:update", *(f"{entity}:{verb}" for entity in _OF_CARDS if entity != "block" for verb in ("add", "update", "remove"))),
    }
)
"""The 22 that are documented."""


def receive(body: Document) -> Received | None:
    """What a delivery touches; None for an event that is not known.

    Raises:
        BadData: it lacks the number of the card that it is about.
    """
    event = body.get("event")
    if not isinstance(event, str) or (named := _named(event)) not in EVENTS:
        return None
    entity, _, verb = named.partition(":")
    data = body.get("data")
    told: Mapping[str, Any] = data if isinstance(data, dict) else {}
    if verb == "update":
        old = told.get("old")
        told = old if isinstance(old, dict) else {}
    return Received(event=event, touches=_touches(entity, verb, told))


def _named(event: str) -> str:
    """The event as it is on the wire."""
    entity, _, verb = event.strip().lower().replace(".", ":").rpartition(":")
    return f"{_ENTITIES.get(entity, entity)}:{_VERBS.get(verb, verb)}"


def _touches(entity: str, verb: str, told: Mapping[str, Any]) -> tuple[Touch, ...]:
    if entity in _WHOLE:
        return tuple(Touch(stream=stream) for stream in _WHOLE[entity])
    if entity == "tag" and verb == "update":  # renamed: no card is named
        return (Touch(stream="tags"),)
    if entity == "tag":
        return (Touch(stream="cards", key=(_number(told, "card_id"),)), Touch(stream="tags"))
    if entity == "card":
        return (Touch(stream="cards", key=(_number(told, "id"),)),)
    return tuple(Touch(stream=stream, key=(_number(told, "card_id"),)) for stream in _OF_CARDS[entity])


def _number(told: Mapping[str, Any], key: str) -> int:
    number = told.get(key)
    if not isinstance(number, int) or isinstance(number, bool):
        raise BadData(f"{key} is no number")
    return number
