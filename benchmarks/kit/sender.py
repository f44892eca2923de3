"""A sender of webhooks as a process of its own: plain sockets, one request at a time each, as cheap as can be.

Usage: python -m kit.sender URL METHOD CONNECTIONS RATE SECONDS BYTES. Rate 0: each connection sends the next when the last was answered;
else so many a second over all, whether answered or not: a latency counts from when its request should have left.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from kit.children import arguments_after, tell

_CARDS = 500


@dataclass
class Seen:
    """Latencies in seconds, statuses, and how long it all took."""

    latencies: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)


def request(url: str, method: str, number: int, size: int) -> bytes:
    """One request, whole."""
    parts = urlsplit(url)
    told = {"event": "card:update", "data": {"old": {"id": number % _CARDS + 1, "title": "x" * size}, "changes": {"version": number}}}
    body = json.dumps(told).encode() if method == "POST" else b""
    head = (
        f"{method} {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def talk(url: str, seen: Seen, *, method: str, size: int, every: float, first: float, until: float) -> None:
    """Send on one connection until the time is over."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    due, number = first, 0
    while (now := time.perf_counter()) < until:
        if every:
            await asyncio.sleep(max(0.0, due - now))
            began, due = due, due + every
        else:
            began = now
        number += 1
        writer.write(request(url, method, number, size))
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        await reader.readexactly(length)
        seen.latencies.append(time.perf_counter() - began)
        seen.statuses[head[9:12].decode()] += 1
    writer.close()


async def main(url: str, method: str, *, connections: int, rate: float, seconds: float, size: int) -> None:
    """All connections side by side, their first requests spread over the interval."""
    seen, began = Seen(), time.perf_counter()
    every = connections / rate if rate else 0.0
    firsts = [began + every * number / connections for number in range(connections)]
    await asyncio.gather(*(talk(url, seen, method=method, size=size, every=every, first=first, until=began + seconds) for first in firsts))
    took, ordered = time.perf_counter() - began, sorted(seen.latencies)
    quantiles = {str(share): ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.99)}
    tell(requests=len(ordered), seconds=took, quantiles=quantiles, statuses=dict(seen.statuses))


if __name__ == "__main__":
    given = arguments_after(sys.argv, "url", "method", "connections", "rate", "seconds", "size")
    asyncio.run(
        main(
            given["url"],
            given["method"],
            connections=int(given["connections"]),
            rate=float(given["rate"]),
            seconds=float(given["seconds"]),
            size=int(given["size"]),
        )
    )
