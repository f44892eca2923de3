"""One request on the wire and the judgement of its answer.

Never follows a redirect, never lets a key into an error or a log line: an echo of it in the answer is blacked out before anybody sees it.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson
import structlog

from mpsyncd.model.errors import BadData, BadRequest, NotFound, RateLimited, SourceError, Transient
from mpsyncd.model.request import Answer, Response
from mpsyncd.transport import receive
from mpsyncd.transport.address import KEY_AT_LEAST, scrub, signed
from mpsyncd.transport.decoding import opened
from mpsyncd.transport.failures import told
from mpsyncd.transport.headers import request_id, retry_after
from mpsyncd.transport.refusals import charge, heed, refuse
from mpsyncd.transport.rows import FewRows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from yarl import URL

    from mpsyncd.model.clock import Clock
    from mpsyncd.model.request import Request, Rows
    from mpsyncd.model.source import Credentials
    from mpsyncd.transport.grant import Grant
    from mpsyncd.transport.limiter import Limiter
    from mpsyncd.transport.options import TransportOptions
    from mpsyncd.transport.sessions import Sessions
    from mpsyncd.transport.spool import Body
    from mpsyncd.transport.waiting import Visitor

log = structlog.get_logger(__name__)

_REFUSED = frozenset((420, 429))
_REDIRECTS = range(300, 400)
_SUCCESS = range(200, 300)
_HEAD_TIMEOUT = 10.0


class Exchange:
    """One try. Afterwards `asked_at` says when it was written (None: never) and `come_back` how many seconds the vendor asks to wait."""

    def __init__(
        self,
        request: Request,
        url: URL,
        *,
        visitor: Visitor,
        grant: Grant,
        options: TransportOptions,
        clock: Clock,
        limiter: Limiter,
        sessions: Sessions,
    ) -> None:
        self.asked_at: datetime | None = None
        self.come_back: float | None = None
        self._status: int | None = None
        self._request = request
        self._url = url
        self._visitor = visitor
        self._grant = grant
        self._options = options
        self._clock = clock
        self._limiter = limiter
        self._sessions = sessions
        self._where = f"{visitor.source.name} {request.method} {request.host}{request.path} of shop {visitor.shop_id}"

    async def run(self) -> Answer:
        """Send and judge.

        Raises:
            SourceError: as `Source.classify` says, or Transient when there is no whole answer.
            BadData: the answer has another shape than the request declares.
            GateClosed: another request was refused while this one was connecting; it was not sent.
        """
        source, request = self._visitor.source.name, self._request
        credentials = self._visitor.credentials()
        ready = signed(self._visitor.source, request, self._url, credentials)
        secrets = self._visitor.source.confidential(credentials)
        headers, data = dict(ready.headers), None
        if ready.json is not None:
            headers.setdefault("Content-Type", "application/json")
            data = orjson.dumps(ready.json)
        sending = self._sessions.session(source).request(
            request.method, self._url, data=data, headers=headers, trace_request_ctx=self._written, **self._sessions.how(source)
        )
        try:
            async with sending as response:
                self._grant.answered()
                return await self._answer(response, secrets)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            text = told(error, self._options)
        # Raised out here so that the library's exception, which may hold the key, is not chained even as a context.
        raise Transient(f"{self._where}: {text}", status=self._status)

    def _written(self) -> None:
        """Called when connected, just before the first byte goes out."""
        if self.asked_at is not None:  # the library would send it again by itself, past the gates
            raise aiohttp.ServerDisconnectedError
        self._grant.written()
        self.asked_at = self._clock.now()

    async def _answer(self, response: aiohttp.ClientResponse, credentials: Credentials) -> Answer:
        headers = {name.lower(): scrub(value, credentials) for name, value in response.headers.items()}
        self._status = response.status
        try:
            if response.status in _SUCCESS:
                return await self._success(response, headers, credentials)
            error, told = await self._failure(response, headers, credentials)
            if isinstance(error, BadRequest | NotFound) and self._means_nothing(told):
                return self._done(told, None, FewRows([]))
            raise error
        except (BadData, Transient) as error:
            error.args = (scrub(str(error), credentials),)
            if isinstance(error, Transient):
                error.request_id = error.request_id or request_id(headers)
                error.status = response.status if error.status is None else error.status
                error.body = "" if self._request.private else scrub(error.body, credentials)
            raise

    async def _success(self, response: aiohttp.ClientResponse, headers: Mapping[str, str], credentials: Credentials) -> Answer:
        with self._named():
            body = await receive.whole(response, self._options, longest=self._request.longest)
        with ExitStack() as unless_taken:
            unless_taken.callback(body.close)
            self._note(response.status, body.size)
            told = _told(response.status, headers, await body.read(0, receive.HEAD), credentials)
            answer = self._done(told, *await self._content(body, told))
            unless_taken.pop_all()
        return answer

    async def _content(self, body: Body, told: Response) -> tuple[Any, Rows]:
        """The envelope and the rows of an answer that looks like a success; what else it means is raised."""
        error = self._visitor.source.classify(told, self._request)
        try:
            if error is not None:
                await self._consequences(error, told.status, told.headers)
                raise error
            heed(self._limiter, self._grant, told.headers)
            if body.size == 0 and self._means_nothing(told):
                body.close()
                return None, FewRows([])
            with self._named():
                return await opened(body, self._request, status=told.status, limit=self._options.answer_limit)
        except (BadData, BadRequest, NotFound):
            if not self._means_nothing(told):
                raise
        body.close()
        return None, FewRows([])

    def _means_nothing(self, told: Response) -> bool:
        """Whether an answer without the promised rows is the vendor's way of saying that there are none."""
        empty_when = self._request.empty_when
        return empty_when is not None and empty_when(told)

    def _done(self, told: Response, envelope: Any, rows: Rows) -> Answer:
        asked_at = self.asked_at or self._clock.now()
        return Answer(status=told.status, headers=told.headers, envelope=envelope, rows=rows, asked_at=asked_at)

    @contextmanager
    def _named(self) -> Iterator[None]:
        """What is wrong with a body is told with whose it is."""
        try:
            yield
        except (BadData, Transient) as error:
            error.args = (f"{self._where}: {error}",)
            raise

    async def _failure(
        self, response: aiohttp.ClientResponse, headers: Mapping[str, str], credentials: Credentials
    ) -> tuple[SourceError, Response]:
        with ExitStack() as held:
            if response.status in _REFUSED:  # nobody else goes before it is known for how long
                for door in self._grant.doors:
                    door.hold()
                    held.callback(door.let_go)
            try:
                async with asyncio.timeout(_HEAD_TIMEOUT):
                    head = await receive.head(response)
            except (aiohttp.ClientError, TimeoutError, OSError):
                head = b""
            self._note(response.status, len(head))
            told = _told(response.status, headers, head, credentials)
            error = self._visitor.source.classify(told, self._request) or self._unknown(response.status, headers)
            await self._consequences(error, response.status, headers)
            return error, told

    def _unknown(self, status: int, headers: Mapping[str, str]) -> SourceError:
        what = "a redirect, which is not followed" if status in _REDIRECTS else "an error that nobody understands"
        return BadRequest(f"{self._where}: answered {status}, {what}", status=status, request_id=request_id(headers))

    async def _consequences(self, error: SourceError, status: int, headers: Mapping[str, str]) -> None:
        if isinstance(error, RateLimited):
            await refuse(self._limiter, self._grant, self._visitor, error, scale=self._options.limit_scale)
            return
        if isinstance(error, Transient):
            self.come_back = retry_after(headers, wall=self._clock.now().timestamp())
        await charge(self._limiter, self._grant, status=status)

    def _note(self, status: int, size: int) -> None:
        visitor, request = self._visitor, self._request
        log.debug(
            "request_answered",
            source=visitor.source.name,
            shop=visitor.shop_id,
            method=request.method,
            path=request.path,
            status=status,
            bytes=size,
        )


def _told(status: int, headers: Mapping[str, str], head: bytes, credentials: Credentials) -> Response:
    """What the source may see of an answer."""
    for secret in credentials.values():
        head = head.replace(secret.encode(), b"***") if len(secret) >= KEY_AT_LEAST else head
    return Response(status=status, headers=headers, body=head)
