"""Where slow limits and day counters outlive the process. Defined by its consumer; the daemon hands in one that writes to PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

State: TypeAlias = Mapping[str, Any]
"""What a gate remembers: JSON values only, instants as seconds since the epoch."""


class Ledger(Protocol):
    """Durable states by the name of a gate; both methods may raise StorageUnavailable, and then nothing is sent."""

    async def load(self, gate: str) -> State | None:
        """What was saved last, or None."""
        ...

    async def save(self, gate: str, state: State) -> None:
        """Keep `state`; it is durable when this returns."""
        ...

    async def save_all(self, states: Mapping[str, State]) -> None:
        """Keep many at once."""
        ...


class MemoryLedger:
    """A ledger that forgets: for commands that send a few requests and leave, and for tests."""

    def __init__(self) -> None:
        self.states: dict[str, State] = {}

    async def load(self, gate: str) -> State | None:
        return self.states.get(gate)

    async def save(self, gate: str, state: State) -> None:
        self.states[gate] = dict(state)

    async def save_all(self, states: Mapping[str, State]) -> None:
        self.states |= {gate: dict(state) for gate, state in states.items()}
