"""The thin shell: a socket in front of the core. Carries out deliveries, good and faulty; decides nothing about answers."""

import asyncio
import gzip
import socket
import struct
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Self

import structlog
from aiohttp import web

from mpsyncd.sandbox.core import Core
from mpsyncd.sandbox.http import Manner, Request, Response
from mpsyncd.sandbox.options import Fault, SandboxOptions
from mpsyncd.sandbox.postman import Postman
from mpsyncd.sandbox.shops import DemoShop

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]

_WORTH_PACKING = 1_024
_IN_THREAD = 1 << 20
_PIECE = 1 << 18
_TRICKLES = 8
_LINGER_ZERO = struct.pack("ii", 1, 0)


def steady_clock() -> Clock:
    """The wall clock as of now, moved on by the monotonic one: limits do not jump when somebody sets the clock."""
    start, mark = datetime.now(UTC), time.monotonic()
    return lambda: start + timedelta(seconds=time.monotonic() - mark)


class Sandbox:
    """A sandbox that listens. Made by :func:`serve`; closed by :meth:`close` or at the end of `async with`."""

    def __init__(self, core: Core, *, clock: Clock) -> None:
        self.core = core
        self._clock = clock
        self._postman = Postman(core, clock=clock)
        self._runner = web.ServerRunner(web.Server(self._answer), shutdown_timeout=0.5)

    @property
    def url(self) -> str:
        """Address without a path, such as http://127.0.0.1:9100."""
        return self.core.url

    def demo_shops(self) -> list[DemoShop]:
        """Shops that a client can add, with invented tokens."""
        return self.core.demo_shops()

    def arm(self, *faults: Fault) -> None:
        """Arm faults now."""
        self.core.arm(faults, now=self._clock())

    def freeze(self) -> None:
        """Stop the world now; limits go on."""
        self.core.freeze(self._clock())

    def thaw(self) -> None:
        """Let the world move again from now."""
        self.core.thaw(self._clock())

    async def close(self) -> None:
        """Stop listening; answers and webhooks under way are cut."""
        await self._postman.stop()
        await self._runner.cleanup()
        log.info("sandbox_stopped", url=self.url)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def listen(self, *, host: str, port: int) -> None:
        """Open the socket; port 0 takes a free one.

        Raises:
            OSError: the port is taken or the address is not ours.
        """
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        taken = self._runner.addresses[0][1]
        self.core.url = f"http://{host}:{taken}"
        if self.core.companies.companies:
            self._postman.start()
        log.info("sandbox_started", url=self.url, sellers=list(self.core.world.sellers), companies=list(self.core.companies.companies))

    async def _answer(self, incoming: web.BaseRequest) -> web.StreamResponse:
        request = await _read(incoming)
        response = self.core.handle(request, self._clock())
        if response.later is not None:
            response = await asyncio.to_thread(response.ready)
        match response.delivery.manner:
            case Manner.RESET:
                return _cut(incoming, hard=True)
            case Manner.STALL:
                await asyncio.sleep(response.delivery.pause)
                return _cut(incoming, hard=False)
            case _:
                try:
                    return await _send(incoming, response)
                except ConnectionResetError:  # the client went away in the middle: nobody is left to be told
                    return web.Response()


async def serve(options: SandboxOptions, *, clock: Clock | None = None) -> Sandbox:
    """Build the world and listen. The caller closes the sandbox.

    Raises:
        OSError: the port is taken or the address is not ours.
    """
    ticking = clock or steady_clock()
    core = await asyncio.to_thread(Core, options, born=options.born or ticking())
    sandbox = Sandbox(core, clock=ticking)
    await sandbox.listen(host=options.host, port=options.port)
    return sandbox


async def _read(incoming: web.BaseRequest) -> Request:
    return Request(
        method=incoming.method,
        path=incoming.path,
        query=tuple(incoming.query.items()),
        headers={name.lower(): value for name, value in incoming.headers.items()},
        body=await incoming.read(),
    )


async def _send(incoming: web.BaseRequest, response: Response) -> web.StreamResponse:
    headers = {**response.headers, "Content-Type": response.content_type}
    if response.stream is not None and not (response.gzipped and _takes_gzip(incoming)):
        answer = web.StreamResponse(status=response.status, headers=headers)
        await answer.prepare(incoming)
        for piece in response.stream:
            await answer.write(piece)
        await answer.write_eof()
        return answer
    body, packed = await _packed(incoming, response)
    if packed:
        headers["Content-Encoding"] = "gzip"
    answer = web.StreamResponse(status=response.status, headers=headers)
    answer.content_length = len(body)
    await answer.prepare(incoming)
    if response.delivery.manner is Manner.TRUNCATED:
        await answer.write(body[: len(body) // 2])
        return _cut(incoming, hard=False)
    slow = response.delivery.manner is Manner.TRICKLE
    step = max(1, len(body) // _TRICKLES) if slow else _PIECE
    view = memoryview(body)
    for place in range(0, len(view), step):
        await answer.write(view[place : place + step])
        if slow:
            await asyncio.sleep(response.delivery.pause)
    await answer.write_eof()
    return answer


async def _packed(incoming: web.BaseRequest, response: Response) -> tuple[bytes | memoryview, bool]:
    if response.gzipped is not None and _takes_gzip(incoming):
        return response.gzipped, True
    if not _takes_gzip(incoming) or len(response.body) < _WORTH_PACKING:
        return response.body, False
    if len(response.body) < _IN_THREAD:
        return gzip.compress(response.body, 1), True
    return await asyncio.to_thread(gzip.compress, response.body, 1), True


def _takes_gzip(incoming: web.BaseRequest) -> bool:
    return "gzip" in incoming.headers.get("Accept-Encoding", "")


def _cut(incoming: web.BaseRequest, *, hard: bool) -> web.StreamResponse:
    """Drop the connection: with a reset, or by closing it before the answer is whole."""
    transport = incoming.transport
    if transport is not None:
        line = transport.get_extra_info("socket")
        if hard and line is not None:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
            transport.abort()
        else:
            transport.close()
    return web.Response()
