"""A vendor on loopback that answers byte by byte as a test wants: whole, cut off, stalled, reset."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeAlias

import orjson


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came over the wire; `at` is monotonic."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    at: float
    connection: int


Answering: TypeAlias = Callable[[Asked], Awaitable[bytes]]
"""Returns what is written; DROP closes at once, RESET with a reset, an answer that ends in CUT is followed by the end of the connection."""

DROP = b"\0drop"
RESET = b"\0reset"
CUT = b"\0cut"


def answer(body: object = b"", *, status: int = 200, headers: dict[str, str] | None = None, length: int | None = None) -> bytes:
    """An HTTP answer; objects become JSON."""
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(data) if length is None else length}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + data


@dataclass
class Vendor:
    """What was asked, and where it listens."""

    answering: Answering
    asked: list[Asked] = field(default_factory=list)
    url: str = ""
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._one(reader, writer, number):
                    pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        asked = Asked(method, target, headers, body, time.monotonic(), number)
        self.asked.append(asked)
        text = await self.answering(asked)
        if text == RESET:
            writer.transport.abort()
            return False
        if text == DROP:
            return False
        writer.write(text.removesuffix(CUT))
        await writer.drain()
        return not text.endswith(CUT)


@asynccontextmanager
async def vendor(answering: Answering) -> AsyncIterator[Vendor]:
    """A vendor for the time of a test."""
    made = Vendor(answering)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(asyncio.CancelledError):
            await made.serve(reader, writer)
        tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
