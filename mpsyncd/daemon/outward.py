"""Settings of the way out, in the words of transport."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsyncd.settings import KaitenSettings
from mpsyncd.transport import LimitOverride, SourceOptions, TransportOptions

if TYPE_CHECKING:
    from mpsyncd.settings import Settings, SourceSettings


def transport_options(settings: Settings) -> TransportOptions:
    """Make the options of transport; secrets (a proxy's password) are opened here and nowhere else."""
    given = settings.transport
    return TransportOptions(
        sources={name: _source(each) for name, each in settings.sources.by_name().items()},
        limit_scale=given.limit_scale,
        connections=given.connections,
        connect_timeout=given.connect_timeout,
        read_timeout=given.read_timeout,
        answer_timeout=given.answer_timeout,
        patience=given.patience,
        tries=given.tries,
    )


def _source(given: SourceSettings) -> SourceOptions:
    return SourceOptions(
        base_url=given.base_url,
        hosts=given.hosts if isinstance(given, KaitenSettings) else (),
        proxy=given.proxy.get_secret_value() if given.proxy is not None else None,
        ca_bundle=given.ca_bundle,
        limits={
            name: LimitOverride(limit=override.limit, per=override.per, burst=override.burst) for name, override in given.limits.items()
        },
    )
