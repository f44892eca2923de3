"""The one file of a ZIP: what is read, what is refused before a byte of it is unpacked, what is noticed on the way."""

import io
import struct
import zipfile
import zlib
from typing import Any

import pytest

from mpsyncd.model.errors import BadData, MpsyncdError, Transient
from mpsyncd.transport.archive import STEP, member
from mpsyncd.transport.decoding import opened
from mpsyncd.transport.spool import MemoryBody
from support.transport import get

LIMIT = 8 << 20
TEXT = b"nmID, dt\n" + b"".join(b"%d, 2026-11-%02d\n" % (number, number % 30 + 1) for number in range(100_000))


def packed(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED, comment: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression=method) as archive:
        archive.comment = comment
        for name, content in files:
            archive.writestr(name, content)
    return out.getvalue()


def streamed(name: str, content: bytes) -> bytes:
    """As a server writes it that does not know the sizes beforehand: they stand behind the file and in the directory."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.data += data
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", compression=zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return bytes(pipe.data)


async def unpacked(data: bytes, *, limit: int = LIMIT) -> bytes:
    found = await member(MemoryBody(data), limit=limit)
    text = b"".join([chunk async for chunk in found.chunks()])
    assert b"".join([chunk async for chunk in found.chunks()]) == text
    return text


@pytest.mark.parametrize(
    "data",
    [
        packed(("report.csv", TEXT)),
        packed(("report.csv", TEXT), method=zipfile.ZIP_STORED),
        packed(("folder/", b""), ("folder/отчёт.csv", TEXT), comment=b"made for nobody"),
        streamed("report.csv", TEXT),
    ],
    ids=["deflated", "stored", "in a folder", "streamed"],
)
async def test_the_file_comes_out_as_it_went_in(data: bytes) -> None:
    assert await unpacked(data) == TEXT


async def test_it_comes_in_small_steps() -> None:
    found = await member(MemoryBody(packed(("zeros.csv", b"0" * LIMIT))), limit=LIMIT)
    assert max([len(chunk) async for chunk in found.chunks()]) <= STEP


async def test_rows_of_a_zip() -> None:
    body = MemoryBody(packed(("report.csv", TEXT)))
    envelope, rows = await opened(body, get(rows_format="zip+csv"), status=200, limit=LIMIT)
    walked = [row async for piece in rows.pieces() for row in piece]
    assert envelope is None
    assert rows.count == len(walked) == 100_000
    assert rows.last == walked[-1] == {"nmID": "99999", "dt": "2026-11-10"}
    assert [row async for piece in rows.pieces() for row in piece] == walked
    await rows.close()
    assert body.size == 0


async def test_nothing_at_all_is_no_rows() -> None:
    _, rows = await opened(MemoryBody(b""), get(rows_format="zip+csv"), status=204, limit=LIMIT)
    assert (rows.count, rows.last) == (0, None)


@pytest.mark.parametrize(
    "data, words",
    [
        (packed(("a.csv", b"a\n"), ("b.csv", b"b\n")), "holds 2 files where one was promised: a.csv, b.csv"),
        (packed(("folder/", b"")), "holds 0 files"),
        (packed(("a.csv", TEXT), method=zipfile.ZIP_LZMA), "packed in an unknown way"),
        (packed(("bomb.csv", b"0" * (LIMIT + 1))), f"larger than {LIMIT} bytes, the setting answer_limit"),
    ],
    ids=["two files", "a folder", "an unknown way", "too large"],
)
async def test_what_would_have_to_be_guessed_or_grows_too_large_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(BadData, match=words):
        await unpacked(data)


async def test_an_encrypted_file_is_refused() -> None:
    data = bytearray(packed(("a.csv", TEXT)))
    data[data.rindex(b"PK\1\2") + 8] |= 1
    with pytest.raises(BadData, match="encrypted"):
        await unpacked(bytes(data))


async def test_a_directory_of_millions_is_not_read() -> None:
    data = bytearray(packed(("a.csv", TEXT)))
    struct.pack_into("<L", data, data.rindex(b"PK\5\6") + 12, 2 << 20)
    with pytest.raises(BadData, match="more than 1 MB"):
        await unpacked(bytes(data))


async def test_a_bomb_that_lies_about_its_size_is_stopped_at_what_it_says() -> None:
    data = bytearray(packed(("bomb.csv", b"0" * LIMIT)))
    struct.pack_into("<L", data, data.rindex(b"PK\1\2") + 24, 1000)
    found, seen = await member(MemoryBody(bytes(data)), limit=LIMIT), 0
    with pytest.raises(Transient, match="longer than it says"):
        async for chunk in found.chunks():
            seen += len(chunk)
    assert seen <= 1000


@pytest.mark.parametrize("left", [0.001, 0.3, 0.9, 0.9999])
async def test_a_zip_that_is_cut_off_is_tried_again(left: float) -> None:
    data = packed(("report.csv", TEXT))
    with pytest.raises(Transient):
        await unpacked(data[: max(2, int(len(data) * left))])


async def test_what_is_no_zip_is_tried_again_and_shown() -> None:
    with pytest.raises(Transient, match="is not a ZIP") as caught:
        await unpacked(b"<html>Sorry</html>")
    assert caught.value.body == "<html>Sorry</html>"


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("place", range(1, 10))
async def test_a_byte_that_fell_over_is_noticed(place: int, method: int) -> None:
    data = bytearray(packed(("report.csv", TEXT), method=method))
    data[len(data) * place // 10] ^= 0x55
    with pytest.raises(MpsyncdError):
        assert zlib.crc32(await unpacked(bytes(data))) == zlib.crc32(TEXT)
