"""Writes the judge's outcome of a feed: its state, its verdict in the run, parks, and the shop's status. One transaction of the caller."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mpsyncd.model.feed import FeedState
from mpsyncd.model.run import FeedVerdict
from mpsyncd.model.shop import CapabilityState
from mpsyncd.storage.feeds import parents_there
from mpsyncd.storage.shop_status import promote
from mpsyncd.storage.shops import set_capabilities

if TYPE_CHECKING:
    from datetime import datetime

    from mpsyncd.model.feed import Feed
    from mpsyncd.model.work import FeedOutcome
    from mpsyncd.storage.pool import Connection

# A refused key parks all feeds of the shop, whose own outcomes are on their way at that very moment: one after the other, or they wait for
# each other in a circle.
_TURN = "SELECT FROM mpsync.shops WHERE shop_id = $1 FOR NO KEY UPDATE"
# A snooze is nobody's fault, so it neither clears nor sets an error; success clears it. What is left to say of a success is its doubt.
_FEED = """
UPDATE mpsync.feeds SET state = $2, next_due_at = $3, not_before = $4, attempts = $5,
    reason = CASE WHEN $9 THEN doubt ELSE $6 END, park_capability = $7, error = CASE WHEN $9 THEN NULL ELSE coalesce($8, error) END,
    error_at = CASE WHEN $9 THEN NULL WHEN $8::jsonb IS NULL THEN error_at ELSE $10 END,
    last_success_at = CASE WHEN $9 THEN $10 ELSE last_success_at END,
    last_full_at = CASE WHEN $2 = 'done' THEN $10 ELSE last_full_at END, waits_for = $11
WHERE feed_id = $1
"""
_RUN_FEED = """
UPDATE mpsync.run_feeds SET verdict = $3, error = $5, ended_at = CASE WHEN $3::text IS NULL THEN NULL ELSE $6::timestamptz END,
    reason = CASE WHEN $3 = 'ok' THEN (SELECT doubt FROM mpsync.feeds f WHERE f.feed_id = $2) ELSE $4 END
WHERE run_id = $1 AND feed_id = $2
"""


async def settle(connection: Connection, run_id: int, feed: Feed, outcome: FeedOutcome, now: datetime) -> None:
    """Write one outcome; the caller holds the fence."""
    await connection.execute(_TURN, feed.shop_id)
    if outcome.waits_for is not None and await parents_there(connection, feed.shop_id, outcome.waits_for):
        outcome = replace(outcome, state=FeedState.SNOOZED, next_due_at=now, waits_for=None)
    succeeded = outcome.verdict is FeedVerdict.OK
    await connection.execute(
        _FEED,
        feed.feed_id,
        outcome.state.value,
        outcome.next_due_at,
        outcome.not_before,
        outcome.attempts,
        outcome.reason,
        outcome.park_capability if outcome.state is FeedState.PARKED else None,
        outcome.error,
        succeeded,
        now,
        outcome.waits_for,
    )
    told = outcome.verdict.value if outcome.verdict else None
    await connection.execute(_RUN_FEED, run_id, feed.feed_id, told, outcome.reason, outcome.error, now)
    if outcome.park_shop:
        await _park_shop(connection, feed.shop_id, outcome, now)
    elif outcome.state is FeedState.PARKED and outcome.park_capability is not None:
        await set_capabilities(connection, feed.shop_id, {outcome.park_capability: (CapabilityState.MISSING, outcome.reason)})
    if succeeded or outcome.state is FeedState.PARKED:
        await promote(connection, feed.shop_id)


_PARK_SHOP = """
UPDATE mpsync.shops SET status = 'disabled', status_message = $2, key_failed_at = $3, updated_at = now()
WHERE shop_id = $1 AND status IN ('syncing', 'active')
"""
_PARK_FEEDS = """
UPDATE mpsync.feeds SET state = 'parked', reason = $2, error = $3, error_at = $4, not_before = NULL, waits_for = NULL
WHERE shop_id = $1 AND state NOT IN ('done', 'parked')
"""


async def _park_shop(connection: Connection, shop_id: int, outcome: FeedOutcome, now: datetime) -> None:
    """Stop everything that the refused key serves; history that is read to its end stays done."""
    await connection.execute(_PARK_SHOP, shop_id, outcome.reason, now)
    await connection.execute(_PARK_FEEDS, shop_id, outcome.reason, outcome.error, now)
