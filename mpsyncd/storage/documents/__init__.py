"""The document merge: hash first, write only what differs, rows and cursor in the caller's transaction.

Never lose, never double, never lie. The way of a page: `page` → `merge` (state, batches) → `prepare` (keys, hashes, cells) → `write`
(what differs, what wins) → `rows` (COPY, upsert, bad rows) → `parts`, `events`, `rejected`, `history`; a walk ends in `sweep`.
"""

from mpsyncd.storage.documents.again import retry_rejected
from mpsyncd.storage.documents.catalog import Catalog
from mpsyncd.storage.documents.emptiness import check_empty
from mpsyncd.storage.documents.page import write_page
from mpsyncd.storage.documents.reread import write_rereads
from mpsyncd.storage.documents.sweep import sweep_walk

__all__ = ["Catalog", "check_empty", "retry_rejected", "sweep_walk", "write_page", "write_rereads"]
