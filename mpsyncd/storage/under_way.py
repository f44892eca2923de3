"""Reads what is committed of the slices that feeds are at now, for the arithmetic of `progress`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsyncd.storage.progress import UnderWay

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpsyncd.storage.pool import Connection

# Slices written down together belong together: those that share their moment with an open one. A slice of what is new ends, for this
# purpose, when it was written down. One that tells its own share is measured by it, whether it has two ends or not; a slice of time that
# waits for its sweep is read.
_UNDER_WAY = """
WITH at_work AS (
    SELECT DISTINCT p.feed_id, p.created_at FROM mpsync.slices p JOIN mpsync.feeds f USING (feed_id)
    WHERE p.state IN ('open', 'walked') AND ($1::bigint IS NULL OR f.shop_id = $1)
), measured AS (
    SELECT p.feed_id, p.kind, p.state, p.rows, p.reached_at, p.share, p.starts_at,
           CASE p.kind WHEN 'walk' THEN NULL WHEN 'since' THEN p.created_at ELSE p.ends_at END AS ends_at
    FROM mpsync.slices p JOIN at_work USING (feed_id, created_at) WHERE p.state <> 'dropped'
), spans AS (
    SELECT *, share IS NULL AND (starts_at IS NULL OR ends_at IS NULL) AS unbounded,
           CASE WHEN share IS NULL THEN extract(epoch FROM ends_at - starts_at)
               ELSE greatest(coalesce(extract(epoch FROM ends_at - starts_at), 0), 1) END AS width,
           extract(epoch FROM least(greatest(coalesce(reached_at, starts_at), starts_at), ends_at) - starts_at) AS reached
    FROM measured
), told AS (
    SELECT *, CASE WHEN state IN ('done', 'walked') THEN width WHEN share IS NOT NULL THEN share * width ELSE reached END AS read FROM spans
)
SELECT feed_id, count(*) AS known, count(*) FILTER (WHERE state = 'done') AS done,
       coalesce(sum(width) FILTER (WHERE NOT unbounded), 0)::float8 AS total,
       coalesce(sum(read) FILTER (WHERE NOT unbounded), 0)::float8 AS read,
       count(*) FILTER (WHERE unbounded) AS unbounded, coalesce(sum(rows), 0)::bigint AS rows,
       bool_or(state = 'walked' AND kind = 'walk') AS walked
FROM told GROUP BY feed_id
"""


async def under_way(connection: Connection, *, shop_id: int | None = None) -> Mapping[int, UnderWay]:
    """Return what each feed with open slices has committed of them, by feed id."""
    return {
        row["feed_id"]: UnderWay(
            known=row["known"],
            done=row["done"],
            total=row["total"],
            read=row["read"],
            unbounded=row["unbounded"],
            rows=row["rows"],
            walked=row["walked"],
        )
        for row in await connection.fetch(_UNDER_WAY, shop_id)
    }
