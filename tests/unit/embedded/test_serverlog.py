"""The server's output: split into lines, cut, levelled, kept within bounds."""

import asyncio
import logging

import pytest

from mpsyncd.storage.embedded.serverlog import LINES_KEPT, LONGEST_LINE, LogLine, ServerLog, parse


async def followed(*chunks: bytes) -> tuple[list[LogLine], ServerLog]:
    stream = asyncio.StreamReader()
    heard: list[LogLine] = []
    log = ServerLog(on_line=heard.append)
    reading = asyncio.create_task(log.follow(stream))
    for chunk in chunks:
        stream.feed_data(chunk)
        for _ in range(3):
            await asyncio.sleep(0)  # let the reader see each chunk by itself
    stream.feed_eof()
    await reading
    return heard, log


@pytest.mark.parametrize(
    "text, severity, message, pid",
    [
        ("[12] LOG:  shutting down", "LOG", "shutting down", 12),
        ("FATAL:  could not execute x: y", "FATAL", "could not execute x: y", None),
        ('initdb: error: could not write file "x"', "", 'initdb: error: could not write file "x"', None),
        ("[7] DEBUG2:  a: b:  c", "DEBUG2", "a: b:  c", 7),
    ],
)
def test_a_line_is_split_into_its_parts(text: str, severity: str, message: str, pid: int | None) -> None:
    assert parse(text) == LogLine(severity=severity, message=message, pid=pid)


@pytest.mark.parametrize(
    "text, level",
    [
        ("[1] LOG:  redo starts at 0/1", logging.INFO),
        ("[1] LOG:  checkpoint starting: time", logging.DEBUG),
        ("[1] WARNING:  out of date", logging.WARNING),
        ("[1] ERROR:  duplicate key value", logging.DEBUG),
        ("[1] FATAL:  the database system is starting up", logging.DEBUG),
        ("[1] FATAL:  out of memory", logging.ERROR),
        ("[1] PANIC:  could not write", logging.CRITICAL),
        ("anything else", logging.DEBUG),
    ],
)
def test_levels_follow_the_severity(text: str, level: int) -> None:
    assert parse(text).level == level


async def test_lines_may_come_in_pieces_and_the_last_needs_no_end() -> None:
    heard, _ = await followed(b"[1] LOG:  fi", b"rst\n\n[1] LOG:  sec", "ond ё".encode()[:5], "ond ё".encode()[5:], b"\nlast")
    assert [line.message for line in heard] == ["first", "second ё", "last"]


async def test_a_line_without_end_is_cut_and_not_gathered() -> None:
    heard, _ = await followed(
        b"[1] LOG:  " + b"x" * LONGEST_LINE, *[b"y" * 50_000] * 20, b"tail\n[1] LOG:  next\n", b"z" * (3 * LONGEST_LINE)
    )
    assert [line.message[:4] for line in heard] == ["xxxx", "next", "zzzz"]
    assert max(len(line.message) for line in heard) <= LONGEST_LINE


async def test_only_the_newest_lines_are_kept() -> None:
    heard, log = await followed(b"".join(b"[1] LOG:  line %d\n" % number for number in range(LINES_KEPT * 3)))
    assert len(heard) == LINES_KEPT * 3
    assert [log.lines[0].message, log.lines[-1].message] == [f"line {LINES_KEPT * 2}", f"line {LINES_KEPT * 3 - 1}"]


async def test_a_failed_statement_of_a_client_does_not_explain_the_end_of_the_server() -> None:
    _, log = await followed(b"[1] LOG:  started\n[9] ERROR:  could not open file: Permission denied\n[1] FATAL:  out of memory\n")
    assert log.telling == ["started", "out of memory"]
