"""What takes part in a reload beside the database: each part prepares new settings, and returns what makes them take effect at once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsyncd.daemon.outward import transport_options
from mpsyncd.daemon.stores import keyring
from mpsyncd.model.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsyncd.daemon.reload import Part
    from mpsyncd.engine.dispatcher import Dispatcher
    from mpsyncd.engine.schedule import Timetable
    from mpsyncd.engine.seats import Seats
    from mpsyncd.logs import Logging
    from mpsyncd.settings import Configuration
    from mpsyncd.storage.vault import Keyring
    from mpsyncd.transport import Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts of one daemon whose settings can change."""

    logs: Logging
    transport: Transport
    timetable: Timetable
    dispatcher: Dispatcher
    seats: Seats
    vault: Keyring

    def all(self) -> tuple[Part, ...]:
        """In the order of the settings."""
        return self._vault, self._logs, self._timetable, self._engine, self._transport

    async def _vault(self, new: Configuration) -> Callable[[], None]:
        """The key may have changed behind its setting: in its file, or in a credential."""
        found = await asyncio.to_thread(keyring, new.settings, create=False)
        if found.keys != self.vault.keys:
            raise ConfigError(f"needs a restart: the vault's key in {found.origin} is another one than at the start")
        return _nothing

    async def _logs(self, new: Configuration) -> Callable[[], None]:
        return self.logs.prepare(new.settings.log)

    async def _timetable(self, new: Configuration) -> Callable[[], None]:
        return self.timetable.prepare(new.settings.schedules.plans())

    async def _engine(self, new: Configuration) -> Callable[[], None]:
        engine = new.settings.engine

        def commit() -> None:
            self.seats.resize(engine.feeds_at_once)
            self.dispatcher.retune(sweep_share=engine.sweep_share)

        return commit

    async def _transport(self, new: Configuration) -> Callable[[], None]:
        return await self.transport.prepare(transport_options(new.settings))


def _nothing() -> None:
    """Nothing changes."""
