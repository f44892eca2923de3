"""Kaiten's streams against the community's OpenAPI file: what they ask for exists, and what it tells has a place."""

import re

import pytest

from mpsyncd.model.naming import snake
from mpsyncd.model.stream import Stream
from mpsyncd.sources.kaiten.source import KAITEN
from support.kaiten_spec import keys, needs_specs, parameters
from support.sources import fixture_of

PATHS = {
    r"/boards/\d+/columns": "/boards/{board_id}/columns",
    r"/boards/\d+/lanes": "/boards/{board_id}/lanes",
    r"/cards/\d+/comments": "/cards/{card_id}/comments",
    r"/company/custom-properties/\d+/select-values": "/company/custom-properties/{property_id}/select-values",
}
TO_EXTRA = {
    "card_types": {"suggest_fields", "card_properties", "locked", "author_uid"},
    "cards": {"external_links", "milestone_id"},
    "columns": {"locked"},
    "custom_properties": {"calculation_method"},
    "lanes": {"uid", "locked"},
    "spaces": {"entity_uid", "user_id"},
    "tags": {"locked", "fts_version"},
}
"""Documented keys without a column: they are kept in `extra`."""
DROPPED = {
    "boards": {"id", "columns", "lanes"},
    "cards": {
        *("owner", "board", "column", "lane", "type", "counters_recalculated_at", "fts_version", "members", "tags", "checklists", "files"),
        *("parents", "children", "key", "milestone_id", "import_id", "parent_link_ids", "iteration", "slas", "sd_external_recipients"),
        *("blocked_by_card_ids", "blocks_card_ids", "relates_card_ids", "external_links"),
    },
    "spaces": {"boards", "access_mod"},
}
"""Documented keys that other tables have, or that only the form of a single card tells."""
every = pytest.mark.parametrize("stream", [pytest.param(stream, id=stream.name) for stream in KAITEN.streams])


def documented(path: str) -> str:
    """The file's name of a path."""
    return next((name for form, name in PATHS.items() if re.fullmatch(form, path)), path)


@needs_specs
@every
def test_what_is_asked_for_is_in_the_file(stream: Stream) -> None:
    for asked in fixture_of(KAITEN, stream).expected["requests"]:
        path = documented(asked["path"])
        assert set(asked["params"]) <= parameters(path), path


@needs_specs
@every
def test_what_the_file_tells_has_a_column_or_is_known_not_to(stream: Stream) -> None:
    fixture = fixture_of(KAITEN, stream)
    path = "/spaces/{space_id}/boards" if stream.name == "boards" else documented(fixture.expected["requests"][0]["path"])
    told = {snake(key) for table in fixture.documents(stream).values() for document in table for key in document}
    missing = keys(path) - told - TO_EXTRA.get(stream.name, set()) - DROPPED.get(stream.name, set())
    assert sorted(missing) == []
