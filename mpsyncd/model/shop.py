"""Shops: one set of credentials at one source, belonging to a customer who can be switched off as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mpsyncd.model.source import Identity


class ShopStatus(StrEnum):
    """What people see of a shop."""

    SYNCING = "syncing"
    """The first load is not finished."""
    ACTIVE = "active"
    DISABLED = "disabled"
    """Not worked: its key failed, or somebody switched it off; the status message says which."""
    REMOVING = "removing"
    """Deleted by a person; its rows are purged in the background."""


class CapabilityState(StrEnum):
    """What is known of one capability of a key."""

    OK = "ok"
    MISSING = "missing"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A shop as stored, without its secrets. `works` is false for a paused shop, a disabled one and one of a customer switched off.

    list_file, list_line: where the shop list has it; no line while its entry is gone, no file for a shop that was added by command.
    """

    shop_id: int
    customer: str
    source: str
    name: str
    status: ShopStatus
    lease_group: str
    paused: bool
    works: bool
    created_at: datetime
    status_message: str | None = None
    expires_at: datetime | None = None
    identity: Mapping[str, Any] = field(default_factory=dict)
    list_file: str | None = None
    list_line: int | None = None

    def lacks(self, capability: str | None) -> bool:
        """Whether the key itself says that it can not do this (a key that says nothing lacks nothing)."""
        known = self.identity.get("capabilities")
        return capability is not None and known is not None and capability not in known


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopCheck:
    """What a look at a key found. `error` says why the key can not be used at all; `identity` is None then and `valid` false.

    capabilities: capability -> (state, reason or None), asked of the vendor.
    """

    valid: bool
    name: str | None = None
    identity: Identity | None = None
    capabilities: Mapping[str, tuple[CapabilityState, str | None]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    error: str | None = None
