"""Fills in the expected.json of a stream's fixture: `python tests/support/expected.py wildberries sales`.

What it writes is what the stream does now, so read it before you believe it. The file must exist with "slice", "rows_at" and "zone".
"""

import asyncio
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a program, not imported by pytest

from mpsyncd.sources import SOURCES
from support.sources import ListApi, fixture_of, page_facts, pages_of, request_facts


def main(source_name: str, stream_name: str) -> None:
    """Read the fixture and write down requests, pages and readings; "extra" is kept, the tests tell what belongs there."""
    [source] = [source for source in SOURCES if source.name == source_name]
    stream = source.stream(stream_name)
    fixture = fixture_of(source, stream)
    api = ListApi(fixture.bodies)
    pages = asyncio.run(pages_of(stream, api, fixture.part))
    tables = {}
    for table in stream.tables:
        documents = fixture.documents(stream)[table.name]
        cured = [(raw, table.row(raw) if table.row else raw) for raw in documents]
        readings = [{key: value for key, value in after.items() if value != before[key]} for before, after in cured]
        extra = fixture.expected.get("tables", {}).get(table.name, {}).get("extra", [])
        tables[table.name] = {"version": table.version, "extra": extra, "readings": readings}
    requests, facts = [request_facts(request) for request in api.asked], [page_facts(page) for page in pages]
    filled = {**fixture.expected, "requests": requests, "pages": facts, "tables": tables}
    path = fixture.folder / "expected.json"
    path.write_text(json.dumps(filled, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{path.name} of {source_name}/{stream_name} written: read it\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
