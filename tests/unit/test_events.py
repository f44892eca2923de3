"""The list of log events is what the source logs."""

import re

from support.events import logged_events
from support.project import ROOT

ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| (.+) \|$", flags=re.MULTILINE)
NAME = re.compile(r"[a-z]+(_[a-z]+)+")


def test_every_event_is_listed_with_its_level_and_the_list_has_no_other() -> None:
    logged: dict[str, set[str]] = {}
    for each in logged_events():
        logged.setdefault(each.event, set()).add(each.level)
    expected = {event: levels.pop() if len(levels) == 1 else "several" for event, levels in logged.items() if event != "?"}
    rows = ROW.findall((ROOT / "docs/reference/events.md").read_text(encoding="utf-8"))
    assert {event: level for event, level, _ in rows} == expected
    assert [event for event, _, _ in rows] == sorted(expected)


def test_events_are_plain_words_that_can_be_searched_for() -> None:
    assert [each.place for each in logged_events() if not NAME.fullmatch(each.event)] == []
