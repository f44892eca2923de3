"""Wrong access tokens, counted by peer: who sent too many waits. In memory and bounded; a restart forgives."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

BURST = 10
EVERY_SECONDS = 6.0
"""A peer may send BURST wrong tokens at once, and one more each EVERY_SECONDS."""
_PEERS, _PROVEN = 1000, 200


class Tries:
    """One per server. A token that was right once is never made to wait: behind a proxy all peers look alike."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._debts: dict[str, float] = {}
        self._proven: dict[bytes, None] = {}

    def wait(self, peer: str, token: str) -> float:
        """Seconds until the peer may try this token, 0 for now."""
        if _mark(token) in self._proven:
            return 0.0
        debt = self._debts.get(peer, 0.0) - self._monotonic()
        return max(0.0, debt - (BURST - 1) * EVERY_SECONDS)

    def failed(self, peer: str, token: str) -> None:
        """Note a wrong token. The peer that was quiet longest is forgotten first."""
        self._proven.pop(_mark(token), None)
        self._debts[peer] = max(self._monotonic(), self._debts.pop(peer, 0.0)) + EVERY_SECONDS
        if len(self._debts) > _PEERS:
            del self._debts[next(iter(self._debts))]

    def passed(self, token: str) -> None:
        """Note a right token."""
        mark = _mark(token)
        self._proven.pop(mark, None)
        self._proven[mark] = None
        if len(self._proven) > _PROVEN:
            del self._proven[next(iter(self._proven))]


def _mark(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
