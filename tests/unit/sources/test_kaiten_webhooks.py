"""Which reads an event of Kaiten leads to: the documented ones, other spellings of them, and what nobody knows."""

from typing import Any

import pytest

from mpsyncd.model.errors import BadData
from mpsyncd.model.webhook import Touch
from mpsyncd.sources.kaiten.source import KAITEN
from mpsyncd.sources.kaiten.webhooks import EVENTS, receive

CARD, NUMBERS = Touch(stream="cards", key=(41,)), {"id": 7, "card_id": 41}
COMMENTS = Touch(stream="comments", key=(41,))
BOARDS = tuple(Touch(stream=name) for name in ("boards", "columns", "lanes"))


def _data(event: str, **told: Any) -> dict[str, Any]:
    """A body of the documented shape."""
    return {"event": event, "data": {"old": told, "changes": {"title": "new"}} if event.endswith(":update") else told}


@pytest.mark.parametrize(
    "entity, verbs, touches",
    [
        ("card", ("add", "update"), (Touch(stream="cards", key=(7,)),)),
        ("card_member", ("add", "update", "remove"), (CARD,)),
        ("tag", ("add", "remove"), (CARD, Touch(stream="tags"))),
        ("tag", ("update",), (Touch(stream="tags"),)),
        ("board", ("add", "update"), BOARDS),
        ("space", ("update",), (Touch(stream="spaces"),)),
        ("block", ("add", "update"), (CARD,)),
        ("comment", ("add", "update", "remove"), (COMMENTS, CARD)),
        ("file", ("add", "update", "remove"), (CARD,)),
        ("card_time_log", ("add", "update", "remove"), (CARD,)),
    ],
)
def test_every_documented_event_names_what_it_touches(entity: str, verbs: tuple[str, ...], touches: tuple[Touch, ...]) -> None:
    for verb in verbs:
        received = receive(_data(f"{entity}:{verb}", **NUMBERS))
        assert received is not None
        assert (received.event, received.touches) == (f"{entity}:{verb}", touches)


def test_all_documented_events_are_known_and_touch_streams_that_there_are() -> None:
    assert len(EVENTS) == 22
    streams = {stream.name: stream for stream in KAITEN.streams}
    for event in EVENTS:
        received = receive(_data(event, **NUMBERS))
        assert received is not None
        for touch in received.touches:
            again = streams[touch.stream].again
            assert not touch.key or (again is not None and len(again.by) == len(touch.key)), event


@pytest.mark.parametrize(
    "event, like",
    [
        ("card.create", "card:add"), ("card.update", "card:update"), ("card.move", "card:update"), ("card.archive", "card:update"),
        ("board.create", "board:add"), ("board.update", "board:update"), ("Card:Update", "card:update"),
        ("timelog:add", "card_time_log:add"), ("comment.deleted", "comment:remove"),
    ],
)  # fmt: skip
def test_other_spellings_mean_the_same(event: str, like: str) -> None:
    body = _data(like, **NUMBERS)
    meant, told = receive(body), receive(body | {"event": event})
    assert meant is not None
    assert told is not None
    assert (told.event, told.touches) == (event, meant.touches)


@pytest.mark.parametrize("event", ["card:remove", "column:add", "user:update", "card", "", ":", "card:", None, 7, ["card:add"]])
def test_what_nobody_knows_is_none(event: object) -> None:
    assert receive({"event": event, "data": NUMBERS}) is None


@pytest.mark.parametrize("data", [None, [], {}, {"id": "7"}, {"id": True}, {"card_id": 41}, {"old": {"id": 7}}])
def test_a_body_without_its_number_is_bad(data: object) -> None:
    with pytest.raises(BadData, match="id is no number"):
        receive({"event": "card:add", "data": data})
