"""What differs between two readings of the settings, in words for people, and which of it a running daemon can not take over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, SecretStr

from mpsyncd.settings.groups import Settings
from mpsyncd.settings.kinds import spell_duration
from mpsyncd.settings.schedules import ScheduleSettings

RESTART = ("database", "vault", "http", "attachments", "engine.lease_ttl", "engine.no_progress", "transport.limit_scale")
"""Groups and settings that a daemon keeps from its start to its end."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting that changed, in the words of `str`: "schedules.frequent: 30 min → 10 min". Secrets are only said to have changed."""

    key: str
    before: str | None
    after: str | None

    @property
    def needs_restart(self) -> bool:
        """Whether a running daemon can not take it over."""
        return needs_restart(self.key)

    def __str__(self) -> str:
        if self.before is self.after is None:
            return f"{self.key}: changed"
        return f"{self.key}: {self.before or 'none'} → {self.after or 'none'}"


def needs_restart(key: str) -> bool:
    """Whether a change of this setting takes effect at the next start only."""
    return any(key == kept or key.startswith(f"{kept}.") for kept in RESTART)


def differences(old: Settings, new: Settings) -> tuple[Difference, ...]:
    """Everything that is not the same, in the order of the settings."""
    before, after = dict(_values(old)), dict(_values(new))
    changed = [key for key in before | after if before.get(key) != after.get(key)]
    return tuple(_difference(key, before.get(key), after.get(key)) for key in changed)


def _values(group: BaseModel, above: str = "") -> Iterator[tuple[str, Any]]:
    for name in type(group).model_fields:
        value = getattr(group, name)
        below = value.items() if isinstance(value, dict) else ()
        if isinstance(value, BaseModel) and not isinstance(value, ScheduleSettings):
            yield from _values(value, f"{above}{name}.")
        elif isinstance(value, dict):
            for key, each in below:
                yield from _values(each, f"{above}{name}.{key}.") if isinstance(each, BaseModel) else ((f"{above}{name}.{key}", each),)
        else:
            yield above + name, value


def _difference(key: str, before: Any, after: Any) -> Difference:
    if isinstance(before, SecretStr) or isinstance(after, SecretStr):
        return Difference(key, None, None)
    return Difference(key, _shown(before), _shown(after))


def _shown(value: Any) -> str | None:
    match value:
        case None:
            return None
        case timedelta():
            return spell_duration(value)
        case ScheduleSettings(every=timedelta() as every, zone="UTC"):
            return spell_duration(every)
        case ScheduleSettings():
            return f"{value.cron or spell_duration(value.every or timedelta(0))} ({value.zone})"
        case bool():
            return "true" if value else "false"
        case _:
            return (", ".join(value) if isinstance(value, tuple) else str(value)) or None
