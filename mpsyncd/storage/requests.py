"""Run requests: what people and programs ask for, until a daemon takes it. A request that can not be served is refused with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsyncd.model.errors import NotThere, Refused
from mpsyncd.model.run import Mode, RunRequest, Trigger
from mpsyncd.model.shop import ShopStatus
from mpsyncd.storage import shops
from mpsyncd.storage.nudge import notify
from mpsyncd.storage.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from mpsyncd.model.shop import Shop
    from mpsyncd.storage.pool import Connection, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestView:
    """A request with what came of it: nothing yet, taken, a run, or a refusal."""

    request: RunRequest
    requested_by: str
    requested_at: datetime
    taken_at: datetime | None = None
    run_id: int | None = None
    refused: str | None = None


_SAME = """
SELECT request_id FROM mpsync.run_requests
WHERE shop_id = $1 AND trigger = $2 AND mode = $3 AND streams = $4 AND starts_at IS NOT DISTINCT FROM $5 AND ends_at IS NOT DISTINCT FROM $6
  AND taken_at IS NULL
"""
# Equal requests that come at the same time take turns, or none would see the other. Commits of pages do not wait for this lock.
_TURN = "SELECT 1 FROM mpsync.shops WHERE shop_id = $1 FOR NO KEY UPDATE"
_CREATE = """
INSERT INTO mpsync.run_requests (shop_id, trigger, mode, streams, starts_at, ends_at, requested_by)
VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING request_id
"""


async def create(
    connection: Connection,
    *,
    shop_id: int,
    mode: Mode,
    requested_by: str,
    trigger: Trigger = Trigger.MANUAL,
    streams: Sequence[str] = (),
    start: datetime | None = None,
    end: datetime | None = None,
) -> int:
    """Ask for a run and wake the holder of the shop; an equal request that nobody took yet is not doubled. Return the request's id.

    Raises:
        NotThere: the shop or a stream of it is unknown.
        Refused: the shop is not worked (the message says why), or the wish contradicts itself.
    """
    shop = await shops.get(connection, shop_id)
    if (why := idle_because(shop)) is not None:
        raise Refused(why)
    _check_wish(mode, streams, start, end)
    await _check_streams(connection, shop, streams)
    wish = (shop_id, trigger.value, mode.value, sorted(set(streams)), start, end)
    async with connection.transaction():
        if await connection.fetchval(_TURN, shop_id) is None:
            raise NotThere(f"Shop {shop_id} was removed meanwhile.")
        request_id: int = await connection.fetchval(_SAME, *wish) or await connection.fetchval(_CREATE, *wish, requested_by)
        await notify(connection, shop_id)
        return request_id


def idle_because(shop: Shop) -> str | None:
    """Return why a shop is not worked and what to do, None when it is."""
    called = f"Shop {shop.name!r} (id {shop.shop_id})"
    if shop.works:
        return None
    if shop.status is ShopStatus.REMOVING:
        return f"{called} is being removed."
    if shop.status is ShopStatus.DISABLED:
        why = shop.status_message or "no reason was given"
        return f"{called} is disabled: {why}. Give it a new key: mpsyncd shops rotate-key {shop.shop_id}"
    if shop.paused:
        return f"{called} is paused. Let it go on: mpsyncd shops resume {shop.shop_id}"
    return f"{called} belongs to customer {shop.customer!r}, who is switched off; switch it on: mpsyncd customers on {shop.customer!r}"


def _check_wish(mode: Mode, streams: Sequence[str], start: datetime | None, end: datetime | None) -> None:
    if mode is Mode.SELECTIVE and not streams:
        raise Refused("A selective run needs the streams that it shall read.")
    if start is None and end is not None:
        raise Refused("A range needs its first day too.")
    if any(moment is not None and moment.tzinfo is None for moment in (start, end)):
        raise Refused("The bounds of a range need a time zone.")
    if start is not None and end is not None and end <= start:
        raise Refused("The range ends before it begins.")


_STREAMS = """
SELECT stream FROM mpsync.feeds WHERE shop_id = $1
UNION SELECT stream FROM mpsync.stream_tables WHERE source = $2 AND declared ORDER BY stream
"""


async def _check_streams(connection: Connection, shop: Shop, streams: Sequence[str]) -> None:
    known = [row["stream"] for row in await connection.fetch(_STREAMS, shop.shop_id, shop.source)] if streams else []
    for stream in streams:
        if stream not in known:
            raise NotThere(f"{shop.source} has no stream {stream!r}. {did_you_mean(stream, known)}")


# Whoever asks first also clears away what nobody can serve.
_REFUSE = """
UPDATE mpsync.run_requests q SET taken_at = now(), refused = CASE
    WHEN s.status = 'removing' THEN 'the shop is being removed'
    WHEN s.status = 'disabled' THEN 'the shop is disabled: ' || coalesce(s.status_message, 'no reason was given')
    WHEN s.paused THEN 'the shop is paused'
    ELSE 'the customer is switched off' END
FROM mpsync.shops s JOIN mpsync.customers c USING (customer_id)
WHERE q.shop_id = s.shop_id AND q.taken_at IS NULL AND (s.status NOT IN ('syncing', 'active') OR s.paused OR NOT c.enabled)
"""
_TAKE = """
UPDATE mpsync.run_requests q SET taken_by = $1, taken_at = now()
FROM mpsync.shops s JOIN mpsync.customers c USING (customer_id) JOIN mpsync.leases l USING (lease_group)
WHERE q.shop_id = s.shop_id AND q.taken_at IS NULL AND l.holder = $1
  AND s.status IN ('syncing', 'active') AND NOT s.paused AND c.enabled
RETURNING q.request_id, q.shop_id, q.trigger, q.mode, q.streams, q.starts_at, q.ends_at
"""


async def take(connection: Connection, daemon: UUID) -> Sequence[RunRequest]:
    """Take the open requests for shops that the daemon holds, oldest first; those for shops that nobody works are refused."""
    if not await connection.fetchval("SELECT EXISTS (SELECT FROM mpsync.run_requests WHERE taken_at IS NULL)"):
        return []
    await connection.execute(_REFUSE)
    return sorted((_request(row) for row in await connection.fetch(_TAKE, daemon)), key=lambda request: request.request_id)


async def withdraw(connection: Connection, request_id: int, *, by: str) -> None:
    """Take back a request that no daemon took yet.

    Raises:
        NotThere: there is no such request.
        Refused: it is taken; its run can be cancelled instead.
    """
    told = await connection.execute(
        "UPDATE mpsync.run_requests SET taken_at = now(), refused = $2 WHERE request_id = $1 AND taken_at IS NULL",
        request_id,
        f"withdrawn by {by}",
    )
    if told == "UPDATE 0":
        view = await show(connection, request_id)
        became = f"became run {view.run_id}; cancel that" if view.run_id else "was taken already"
        raise Refused(f"Request {request_id} {became}.")


_VIEW = """
SELECT request_id, shop_id, trigger, mode, streams, starts_at, ends_at, requested_by, requested_at, taken_at, run_id, refused
FROM mpsync.run_requests
"""


async def show(connection: Connection, request_id: int) -> RequestView:
    """One request as it stands; NotThere when there is none."""
    row = await connection.fetchrow(_VIEW + "WHERE request_id = $1", request_id)
    if row is None:
        raise NotThere(f"There is no request {request_id}.")
    return _view(row)


async def list_requests(connection: Connection, *, shop_id: int | None = None, limit: int = 50) -> Sequence[RequestView]:
    """The newest requests, of one shop or of all."""
    rows = await connection.fetch(_VIEW + "WHERE $1::bigint IS NULL OR shop_id = $1 ORDER BY request_id DESC LIMIT $2", shop_id, limit)
    return [_view(row) for row in rows]


def _request(row: Record) -> RunRequest:
    return RunRequest(
        request_id=row["request_id"],
        shop_id=row["shop_id"],
        trigger=Trigger(row["trigger"]),
        mode=Mode(row["mode"]),
        streams=tuple(row["streams"]),
        start=row["starts_at"],
        end=row["ends_at"],
    )


def _view(row: Record) -> RequestView:
    return RequestView(
        request=_request(row),
        requested_by=row["requested_by"],
        requested_at=row["requested_at"],
        taken_at=row["taken_at"],
        run_id=row["run_id"],
        refused=row["refused"],
    )
