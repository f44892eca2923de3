"""Looks at keys: what they say of themselves, then one cheap question per capability, all at once.

Knows no vendor: a source declares what to read and what to ask.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from mpsyncd.model.errors import Forbidden, MpsyncdError, Unauthorized
from mpsyncd.model.shop import CapabilityState, ShopCheck
from mpsyncd.model.source import Key
from mpsyncd.model.stream import Lane

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mpsyncd.model.clock import Clock
    from mpsyncd.model.request import Api, Request
    from mpsyncd.model.source import Credentials, Identity, Source
    from mpsyncd.transport import Transport

log = structlog.get_logger(__name__)

_Finding = tuple[CapabilityState | None, str | None]
"""State and reason; None when the vendor refused the key as such."""


@dataclass(frozen=True, slots=True)
class Doctor:
    """Checks keys of new shops and of stored ones."""

    sources: Mapping[str, Source]
    transport: Transport
    clock: Clock

    async def check(self, source_name: str, credentials: Credentials, *, shop_id: int = 0) -> ShopCheck:
        """Look at a key, of a stored shop or of one that is not stored yet (0); never raises for a key that is bad."""
        source = self.sources[source_name]
        try:
            identity = source.identify(credentials, self.clock.now())
        except Unauthorized as error:
            return ShopCheck(valid=False, error=str(error))
        key = Key(credentials=credentials, identity=identity)
        async with self.transport.open(
            source,
            shop_id=shop_id,
            key=lambda: key,
            lane=Lane.LIVE,
            manual=True,
            reason=_unheard,
        ) as api:
            return await self._examine(source, identity, api)

    async def _examine(self, source: Source, identity: Identity, api: Api) -> ShopCheck:
        known = identity.capabilities
        asked = {name: request for name, request in source.probes.items() if known is None or name in known}
        answers = await asyncio.gather(*(_probe(api, request) for request in asked.values()))
        findings: dict[str, _Finding] = dict(zip(asked, answers, strict=True))
        needed = {stream.capability for stream in source.streams if stream.capability is not None}
        for name in source.probes.keys() - asked.keys():
            findings[name] = (CapabilityState.MISSING, "the key was made without this right")
        refusals = [reason for state, reason in answers if state is None]
        if refusals and len(refusals) == len(answers):
            return ShopCheck(valid=False, identity=identity, error=refusals[0], warnings=identity.warnings)
        capabilities = {name: (state or CapabilityState.UNREACHABLE, reason) for name, (state, reason) in findings.items()}
        warnings = identity.warnings + tuple(
            f"{name}: {reason or 'not reachable'}; streams that need it are parked"
            for name, (state, reason) in sorted(capabilities.items())
            if name in needed and state is not CapabilityState.OK
        )
        called = await _shop_name(source, api)
        return ShopCheck(valid=True, name=called, identity=identity, capabilities=capabilities, warnings=warnings)


async def _probe(api: Api, request: Request) -> _Finding:
    """What one question found."""
    try:
        answer = await api.send(request)
        await answer.rows.close()
    except Unauthorized as error:
        return None, str(error)
    except Forbidden as error:
        return CapabilityState.MISSING, str(error)
    except MpsyncdError as error:
        return CapabilityState.UNREACHABLE, str(error)
    return CapabilityState.OK, None


async def _shop_name(source: Source, api: Api) -> str | None:
    """The vendor's name of the shop; a check does not fail for want of it."""
    if source.name_shop is None:
        return None
    try:
        return await source.name_shop(api)
    except MpsyncdError as error:
        log.info("shop_name_unknown", error=str(error))
        return None


def _unheard(reason: str | None, until: datetime | None) -> None:
    """A check has nobody to tell its waits to."""
