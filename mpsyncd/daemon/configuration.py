"""Settings and shop list as a daemon wants them: with everything checked that can be checked without database and network."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mpsyncd.engine.schedule import Timetable
from mpsyncd.model.errors import ConfigError, Unauthorized
from mpsyncd.settings import Problem, SecretField, read_configuration
from mpsyncd.sources import SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from mpsyncd.model.source import Source
    from mpsyncd.settings import Configuration, ListedShop, SecretFields, Settings, ShopList

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
"""No key has expired yet: whether it can be read at all does not depend on the day."""


def configuration(config: Path | None, environ: Mapping[str, str]) -> Configuration:
    """Read and check everything.

    Raises:
        SettingsRefused: with every problem of both files at once.
    """
    return read_configuration(config, environ, fields=secret_fields(), check=_problems)


def secret_fields() -> SecretFields:
    """Source -> field -> what a shop of it must and may give."""
    return {
        source.name: {secret.name: SecretField(required=secret.required, public=secret.public) for secret in source.secrets}
        for source in SOURCES
    }


def expired(shops: ShopList | None, now: datetime) -> tuple[str, ...]:
    """What listed keys say of themselves that can be read and can not work today."""
    if shops is None:
        return ()
    told = ((shop, refusal(shop, now)) for shop in shops.shops)
    return tuple(f"{shops.file}:{shop.line}: shops.{shop.name}: {why}" for shop, why in told if why is not None)


def refusal(shop: ListedShop, now: datetime) -> str | None:
    """Why the key of a listed shop can not work, None when it can."""
    try:
        _SOURCES[shop.source].identify(shop.secrets, now)
    except Unauthorized as error:
        return str(error)
    return None


_SOURCES: Mapping[str, Source] = {source.name: source for source in SOURCES}


def _problems(settings: Settings | None, shops: ShopList | None, where: Callable[[str], str]) -> Iterator[Problem]:
    for name, plan in settings.schedules.plans().items() if settings is not None else ():
        try:
            Timetable({name: plan})
        except ConfigError as error:
            yield Problem(origin=where(f"schedules.{name}"), key=f"schedules.{name}", value=None, why=str(error))
    if shops is None:
        return
    for shop in shops.shops:
        if (why := refusal(shop, _LONG_AGO)) is not None:
            yield Problem(origin=f"{shops.file}:{shop.line}", key=f"shops.{shop.name}", value=None, why=why)
