"""The socket in front of the application. Knows neither routes nor ports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from aiohttp import web

from mpsyncd.model.errors import ConfigError
from mpsyncd.settings import HttpSettings
from mpsyncd.web.access_log import AccessLog

log = structlog.get_logger(__name__)

_LAST_ANSWERS_SECONDS = 2.0


@asynccontextmanager
async def serving(app: web.Application, settings: HttpSettings) -> AsyncIterator[str]:
    """Listen until the end of the block; gives the address, such as http://127.0.0.1:8080.

    Raises:
        ConfigError: the port is taken, or the address is not this machine's.
    """
    runner = web.AppRunner(app, access_log_class=AccessLog, handle_signals=False, shutdown_timeout=_LAST_ANSWERS_SECONDS)
    await runner.setup()
    try:
        host = settings.host.strip("[]")
        try:
            await web.TCPSite(runner, host, settings.port).start()
        except OSError as error:
            message = (
                f"The status server can not listen on {settings.host}:{settings.port} ({error.strerror or error}); "
                "stop the program that uses the port, or set [http] port to another one (0 takes a free one)"
            )
            raise ConfigError(message) from error
        port = runner.addresses[0][1]
        url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        log.info("http_started", url=url)
        yield url
    finally:
        await runner.cleanup()
