"""What every declared stream promises, checked against its fixture folder alone. A new stream is tested by being declared."""

import ast
import json
import sys
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from mpsyncd.model.naming import snake
from mpsyncd.model.rate import Scope
from mpsyncd.model.request import Request
from mpsyncd.model.source import Identity, Source
from mpsyncd.model.stream import Stream, Write
from mpsyncd.sources import SOURCES
from support.project import files, name
from support.sources import FIXTURES, ListApi, every_stream, fixture_of, page_facts, pages_of, request_facts

every_source = pytest.mark.parametrize("source", [pytest.param(source, id=source.name) for source in SOURCES])


@every_stream
async def test_reading_the_fixture_asks_and_yields_what_is_expected(source: Source, stream: Stream) -> None:
    fixture = fixture_of(source, stream)
    api = ListApi(fixture.bodies)
    pages = await pages_of(stream, api, fixture.part)
    assert [request_facts(request) for request in api.asked] == fixture.expected["requests"]
    assert [page_facts(page) for page in pages] == fixture.expected["pages"]
    assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
    assert {request.rows_at for request in api.asked} == {fixture.expected["rows_at"]}


@every_stream
async def test_reading_goes_on_from_every_committed_page(source: Source, stream: Stream) -> None:
    fixture = fixture_of(source, stream)
    pages = fixture.expected["pages"]
    assert len(pages) > 1 or fixture.expected.get("whole"), "a fixture of one page proves nothing about paging"
    for done in range(1, len(pages)):
        api = ListApi(fixture.answers(done=done))
        rest = await pages_of(stream, api, replace(fixture.part, cursor=pages[done - 1]["cursor"]))
        assert [request_facts(request) for request in api.asked] == fixture.requests(done=done)
        assert [page_facts(page) for page in rest] == pages[done:]


@every_stream
async def test_rows_are_left_to_the_engine(source: Source, stream: Stream) -> None:
    fixture = fixture_of(source, stream)
    api = ListApi(fixture.bodies)
    pages = await pages_of(stream, api, fixture.part)
    left = [rows for rows in api.given if not rows.closed]
    assert [rows.walked for rows in left if rows is not api.given[-1]] == [0] * (len(left) - (api.given[-1] in left))
    assert [row for page in pages async for piece in page.rows.pieces() for row in piece] != []
    for page in pages:
        await page.rows.close()
    assert [rows for rows in api.given if not rows.closed] == [], "no page lets go of this answer's body"


@every_stream
def test_row_functions_read_the_fixture_as_written_down(source: Source, stream: Stream) -> None:
    """Change a reading and you must change `expected.json`; raise the table's `version` with it, or old rows keep the old reading."""
    fixture = fixture_of(source, stream)
    for table in stream.tables:
        told = fixture.expected["tables"][table.name]
        assert table.version == told["version"]
        readings = []
        for document in fixture.documents(stream)[table.name]:
            before = json.dumps(document)
            cured = table.row(document) if table.row else document
            assert json.dumps(document) == before, f"{table.name}: the row function changes its argument"
            assert list(cured) == list(document), f"{table.name}: the row function adds or drops keys"
            assert table.row is None or table.row(cured) == cured, f"{table.name}: cured twice is not cured once"
            readings.append({key: value for key, value in cured.items() if value != document[key]})
        assert readings == told["readings"]


@every_stream
def test_no_two_keys_of_a_document_fall_on_one_column(source: Source, stream: Stream) -> None:
    for table, documents in fixture_of(source, stream).documents(stream).items():
        assert documents, f"the fixture has no row for {table}"
        columns = Counter(snake(key) for key in {key for document in documents for key in document})
        assert [column for column, count in columns.items() if count > 1] == [], table


@every_stream
def test_noise_and_parts_name_keys_that_the_vendor_sends(source: Source, stream: Stream) -> None:
    documents = fixture_of(source, stream).documents(stream)
    keys = {table: {key for document in found for key in document} for table, found in documents.items()}
    for table in stream.tables:
        assert set(table.noise) <= keys[table.name]
        assert table is stream.main or table.part_of == stream.main.name
        assert {table.at, *(table.carry or {}).values()} - {None} <= keys[stream.main.name]


@every_stream
def test_tracked_values_are_json_and_do_not_depend_on_absent_keys(source: Source, stream: Stream) -> None:
    for table, documents in fixture_of(source, stream).documents(stream).items():
        for track in next(each for each in stream.tables if each.name == table).tracks:
            for document in [*documents, {}, dict.fromkeys(documents[0])]:
                json.dumps(track.value(document), allow_nan=False)
            assert track.value({}) == track.value(dict.fromkeys(documents[0])), f"{track.field}: null and absent differ"


@every_stream
async def test_requests_name_a_known_host_and_known_limits(source: Source, stream: Stream) -> None:
    fixture = fixture_of(source, stream)
    api = ListApi(fixture.bodies)
    await pages_of(stream, api, fixture.part)
    asked = {limit for request in api.asked for limit in request.limits}
    assert {request.host for request in api.asked} <= set(source.hosts)
    assert asked, "a request without a limit of its own is sent as fast as the network allows"
    assert asked == set(stream.limits), "plans are made from Stream.limits"
    for identity in _identities(source):
        assert asked <= {rate.name for rate in source.rates(identity)}, identity.variant


@every_stream
def test_streams_fit_their_source(source: Source, stream: Stream) -> None:
    assert stream.capability is None or stream.capability in source.probes
    assert any(stream.name in step.streams for step in source.pipeline)
    tables = {table.name for each in source.streams for table in each.tables}
    assert stream.tombstones is None or stream.tombstones in tables
    assert stream.walk is not None or stream.main.write is not Write.UPSERT or stream.backfill is not None, "nothing ever reads it whole"


@every_source
def test_sources_are_consistent(source: Source) -> None:
    tables = [table.name for stream in source.streams for table in stream.tables]
    assert len(set(tables)) == len(tables), "a table has one stream"
    assert len({stream.name for stream in source.streams}) == len(source.streams)
    assert {name for step in source.pipeline for name in step.streams} <= {stream.name for stream in source.streams}
    titles = [step.title for step in source.pipeline] + [secret.title for secret in source.secrets]
    assert [title for title in titles if not {"en", "ru"} <= set(title)] == []
    assert all(address.startswith("https://") and not address.endswith("/") for address in source.hosts.values())


@every_source
def test_rates_are_named_once_and_probes_are_limited(source: Source) -> None:
    for identity in _identities(source):
        names = [rate.name for rate in source.rates(identity)]
        assert len(set(names)) == len(names)
        for probe in source.probes.values():
            assert probe.host in source.hosts
            assert probe.limits
            assert set(probe.limits) <= set(names)


@every_source
def test_a_key_is_added_and_nothing_else_changes(source: Source) -> None:
    request = Request(method="GET", host=next(iter(source.hosts)), path="/x", params={"a": "1"}, headers={"Accept": "text/plain"})
    signed = source.authorize(request, {secret.name: "invented" for secret in source.secrets})
    assert signed != request
    assert {"Accept": "text/plain"}.items() <= signed.headers.items()
    assert replace(signed, headers=request.headers, params=request.params) == request


def test_sources_import_the_model_and_the_standard_library_only() -> None:
    allowed = ("mpsyncd.model", "mpsyncd.sources")
    foreign = [
        f"{name(path)}: {module}"
        for path in files(".py", under="mpsyncd/sources")
        for module in _imports(ast.parse(path.read_text("utf-8")))
        if not module.startswith(allowed) and module.partition(".")[0] not in sys.stdlib_module_names
    ]
    assert foreign == []


def _imports(tree: ast.Module) -> list[str]:
    nodes = list(ast.walk(tree))
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    return plain + [node.module or "." for node in nodes if isinstance(node, ast.ImportFrom)]


def _identities(source: Source) -> list[Identity]:
    """One identity for each kind of key, as written down beside the source's fixtures."""
    told: list[dict[str, Any]] = json.loads((FIXTURES / source.name / "identities.json").read_text("utf-8"))
    return [Identity(**{**each, "scopes": {Scope(scope): value for scope, value in each["scopes"].items()}}) for each in told]
