"""Answers that are no list in JSON, over real sockets: CSV, ZIP, and a vendor's ways of saying nothing."""

import gzip
import io
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from mpsyncd.model.errors import BadData, BadRequest, NotFound, Transient, Unauthorized
from mpsyncd.model.request import BadRow, Response
from support.transport import get
from support.vendor import CUT, answer, vendor
from support.way import always, in_turn, way

LINES = [f"{number}, Кружка №{number}, 12.50" for number in range(60_000)]
TEXT = ("\ufeffnmID, title, price\r\n" + "\r\n".join(LINES)).encode()
LAST = {"nmID": "59999", "title": "Кружка №59999", "price": "12.50"}


def packed(text: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression=zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("report.csv", text)
    return out.getvalue()


@pytest.mark.parametrize("rows_format", ["csv", "zip+csv"])
@pytest.mark.parametrize("spelling", ["plain", "gzip"])
async def test_rows_come_in_pieces_from_the_spool(rows_format: str, spelling: str, tmp_path: Path) -> None:
    data = TEXT if rows_format == "csv" else packed(TEXT)
    whole = answer(gzip.compress(data), headers={"Content-Encoding": "gzip"}) if spelling == "gzip" else answer(data)
    async with vendor(always(whole)) as there, way(there.url, spool_directory=tmp_path, spool_threshold=100_000) as out:
        answered = await out.api.send(get(rows_format=rows_format))
        pieces = [len(piece) async for piece in answered.rows.pieces()]
        assert (answered.rows.count, answered.rows.last, answered.envelope) == (60_000, LAST, None)
        assert (sum(pieces), len(pieces) > 10) == (60_000, True)
        again = [row async for piece in answered.rows.pieces() for row in piece]
        assert (len(again), again[-1]) == (60_000, LAST)
        await answered.rows.close()
        assert list(tmp_path.iterdir()) == []


BROKEN = {
    "CSV that ends in a cell": ("csv", answer(b'a,b\n1,"2'), "cut off inside a cell"),
    "CSV shorter than it says": ("csv", answer(b"a,b\n1,2", length=90) + CUT, "the answer is cut off"),
    "HTML": ("csv", answer(b"<html>Sorry</html>"), "not CSV"),
    "empty": ("csv", answer(b""), "empty where CSV was promised"),
    "ZIP that is cut off": ("zip+csv", answer(packed(TEXT)[:-40]), "ZIP is cut off"),
    "no ZIP": ("zip+csv", answer(b"oops"), "not a ZIP"),
}


@pytest.mark.parametrize("case", BROKEN)
async def test_a_broken_file_is_asked_for_again_and_told(case: str) -> None:
    rows_format, broken, words = BROKEN[case]
    good = answer(b"a,b\n1,2\n" if rows_format == "csv" else packed(b"a,b\n1,2\n"))
    async with vendor(in_turn(broken, good)) as there, way(there.url) as out:
        assert await out.rows(get(rows_format=rows_format)) == [{"a": "1", "b": "2"}]
        assert len(there.asked) == 2
    async with vendor(always(broken)) as there, way(there.url, tries=2) as out:
        with pytest.raises(Transient, match=words):
            await out.api.send(get(rows_format=rows_format))


async def test_a_bad_row_comes_among_the_good_ones() -> None:
    async with vendor(always(answer(packed(b"a,b\n1,2\n3,4,5\n6,7\n")))) as there, way(there.url) as out:
        bad = BadRow(raw=["3", "4", "5"], reason="the row has 3 cells where the header names 2")
        assert await out.rows(get(rows_format="zip+csv")) == [{"a": "1", "b": "2"}, bad, {"a": "6", "b": "7"}]


async def test_a_zip_bomb_is_refused_with_the_name_of_the_request() -> None:
    async with vendor(always(answer(packed(b"a\n" + b"0" * 5_000_000)))) as there, way(there.url, answer_limit=1_000_000) as out:
        with pytest.raises(BadData, match=r"acme GET api/file of shop 3: 'report.csv' in the answer's ZIP is larger than 1000000 bytes"):
            await out.api.send(get("/file", rows_format="zip+csv"))
        assert len(there.asked) == 1


async def test_memory_does_not_grow_with_a_file() -> None:
    """Twice the rows out of a ZIP: what is held is what a few steps need, in the look through it and in the walk."""
    peaks = []
    for rows in (40_000, 80_000):
        whole = answer(packed(b"nmID, dt, text\n" + b"1234567, 2026-11-01, a quite ordinary row of a report\n" * rows))
        async with vendor(always(whole)) as there, way(there.url) as out:
            tracemalloc.start()
            try:
                answered = await out.api.send(get(rows_format="zip+csv"))
                assert sum([len(piece) async for piece in answered.rows.pieces()]) == answered.rows.count == rows
                peaks.append(tracemalloc.get_traced_memory()[1])
            finally:
                tracemalloc.stop()
    assert peaks[1] < 1.25 * peaks[0]


def nothing_here(response: Response) -> bool:
    return b"no statistics" in response.body


NOTHING = b'{"status":400,"detail":"there are no statistics for this period"}'


@pytest.mark.parametrize("status", [200, 400, 404])
async def test_a_declared_way_of_saying_nothing_is_no_rows(status: int) -> None:
    async with vendor(always(answer(NOTHING, status=status))) as there, way(there.url) as out:
        answered = await out.api.send(get(empty_when=nothing_here))
        assert (answered.status, answered.envelope, answered.rows.count, answered.rows.last) == (status, None, 0, None)
        assert len(there.asked) == 1


async def test_other_answers_mean_what_they_meant() -> None:
    request = get(empty_when=nothing_here)
    async with vendor(always(answer([{"text": "no statistics"}]))) as there, way(there.url) as out:
        assert await out.rows(request) == [{"text": "no statistics"}]
    for status, error in ((200, BadData), (400, BadRequest), (404, NotFound)):
        async with vendor(always(answer(b'{"detail":"invalid ids"}', status=status))) as there, way(there.url) as out:
            with pytest.raises(error):
                await out.api.send(request)
    async with vendor(always(answer(NOTHING, status=401))) as there, way(there.url) as out:
        with pytest.raises(Unauthorized):
            await out.api.send(request)
    async with vendor(always(answer(NOTHING, status=400))) as there, way(there.url) as out:
        with pytest.raises(BadRequest):
            await out.api.send(get())


@pytest.mark.parametrize("rows_format", ["json", "csv", "zip+csv"])
async def test_204_is_no_rows(rows_format: str) -> None:
    async with vendor(always(answer(status=204))) as there, way(there.url) as out:
        answered = await out.api.send(get(rows_format=rows_format))
        assert (answered.envelope, answered.rows.count, [piece async for piece in answered.rows.pieces()]) == (None, 0, [])


@pytest.mark.parametrize("private", [True, False])
async def test_what_people_wrote_gets_into_no_error(*, private: bool) -> None:
    broken = answer(b'{"rows": [{"text": "a secret"}, ')
    async with vendor(always(broken)) as there, way(there.url, tries=1) as out:
        with pytest.raises(Transient) as told:
            await out.rows(get(rows_at="rows", private=private))
    assert ("a secret" in told.value.body) is not private
    assert "a secret" not in str(told.value)


async def test_a_file_is_as_long_as_the_request_allows() -> None:
    async with vendor(always(answer(b"x" * 1000))) as there, way(there.url, tries=1) as out:
        answered = await out.api.send(get(rows_at=None, rows_format="file", longest=1000))
        assert answered.envelope == b"x" * 1000
        with pytest.raises(BadData, match="larger than 999 bytes"):
            await out.api.send(get(rows_at=None, rows_format="file", longest=999))
