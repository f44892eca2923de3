"""The sandbox's Kaiten against what others wrote down of the real one."""

from collections.abc import Callable

import pytest

from mpsyncd.sandbox.kaiten.hook_spelling import EVENTS
from mpsyncd.sandbox.kaiten.truth import COLUMNS, NO_COLUMNS
from support.kaiten_caller import KaitenCaller
from support.kaiten_spec import events, faults, needs_specs, observed

pytestmark = needs_specs

PATHS = (
    *("/users", "/users/current", "/card-types", "/tags", "/company/custom-properties", "/spaces", "/spaces/{space_id}"),
    *("/company/custom-properties/{property_id}/select-values", "/spaces/{space_id}/boards"),
    *("/boards/{id}", "/boards/{board_id}/columns", "/boards/{board_id}/lanes"),
    *("/cards", "/cards/{card_id}", "/cards/{card_id}/members", "/cards/{card_id}/tags", "/cards/{card_id}/comments"),
    "/cards/{card_id}/children",
)
ENTITIES = {
    "kaiten.cards": "card_list_item",
    "kaiten.columns": "column",
    "kaiten.lanes": "lane",
    "kaiten.card_types": "card_type",
    "kaiten.custom_properties": "custom_property",
    "kaiten.tags": "tag",
    "kaiten.users": "user",
    "kaiten.boards": "board",
}
BEYOND_OBSERVED = {
    "kaiten.cards": {"space_id"},
    "kaiten.columns": {"last_moved_warning_after_days", "last_moved_warning_after_hours", "card_hide_after_days"},
    "kaiten.lanes": {"last_moved_warning_after_days", "last_moved_warning_after_hours"},
    "kaiten.boards": {"card_properties"},
}
"""Columns that the contract names and that were not in the answers that were seen; the space of a card comes from its path."""
PERSONAL = {"email_settings", "slack_id", "notification_settings", "personal_settings", "permissions", "own_permissions"}
"""Some of what the sandbox leaves out of users."""


@pytest.fixture
def caller() -> KaitenCaller:
    return KaitenCaller()


def numbers(caller: KaitenCaller) -> dict[str, Callable[[], int]]:
    company = caller.company
    full = next(one.id for one in company.cards.values() if one.members and one.tags and one.checklists and one.files and one.comments)
    return {
        "space_id": lambda: next(iter(company.spaces)),
        "board_id": lambda: next(iter(company.boards)),
        "id": lambda: next(iter(company.boards)),
        "card_id": lambda: full,
        "property_id": lambda: next(one.id for one in company.properties.values() if one.kind == "select"),
    }


@pytest.mark.parametrize("path", PATHS)
def test_answers_are_as_the_file_has_them(caller: KaitenCaller, path: str) -> None:
    asked = path
    for name, number in numbers(caller).items():
        asked = asked.replace(f"{{{name}}}", str(number()))
    answer = caller.ask(asked)

    assert answer.status == 200
    assert not list(faults(path, answer.json()))


@pytest.mark.parametrize("table", ENTITIES)
def test_columns_are_the_keys_that_were_seen(table: str) -> None:
    seen, columns = set(observed()[ENTITIES[table]]), set(COLUMNS[table])

    assert columns - seen <= BEYOND_OBSERVED.get(table, set())
    if table == "kaiten.users":
        assert seen - columns >= PERSONAL
    else:
        assert seen - columns <= {key for keys in NO_COLUMNS.values() for key in keys}


def test_cards_have_the_keys_that_were_seen(caller: KaitenCaller) -> None:
    keys = {key for card in caller.walk("/cards") for key in card}

    assert set(observed()["card_list_item"]) - keys <= {"external_links", "blocking_blockers"}


def test_events_are_the_documented_ones() -> None:
    assert set(EVENTS) == events()
