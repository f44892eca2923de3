"""Structured logs: JSON or console on stderr and optionally a rotated file, for structlog and the standard library alike.

A last line of defence hides what looks like a key. It is no licence to log keys: nobody hands one to a logger.
"""

from __future__ import annotations

import errno
import logging
import logging.handlers
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from mpsyncd.model.errors import ConfigError
from mpsyncd.settings import LogSettings

HIDDEN = "[hidden]"
_SECRET_NAME = re.compile(r"(?:^|_)(?:token|secret|password|passwd|authorization|cookie|api_?key|credentials?|dsn)$", flags=re.IGNORECASE)
_SECRET_TEXT = re.compile(
    r"eyJ[\w-]{6,}\.[\w-]+(?:\.[\w-]*)?"  # JWT
    r"|mps_[0-9a-f]{12}_[\w-]+"  # access token
    r"|(?<=://)[^\s/@:]*:(?!\*\*\*@)[^\s/@]+(?=@)"  # user and password inside an address
    r"|(?<=(?i:bearer) )\S+"
    r"|(?<![\w/.-])(?=\S*[0-9])(?=\S*[A-Z])(?=\S*[a-z])[\w+-]{40,}={0,2}(?![\w/.-])",  # long random text
    flags=re.ASCII,
)
_NOISY = ("aiohttp.access", "apscheduler", "asyncio")


class Logging:
    """Where this process logs to, for the time of `logging_to`; settings can be changed in between."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._handlers: list[logging.Handler] = []

    def prepare(self, settings: LogSettings) -> Callable[[], None]:
        """Return what makes these settings take effect; until then nothing is changed.

        Raises:
            ConfigError: the file can not be written.
        """
        console = settings.format == "console" or (settings.format == "auto" and self._stream.isatty())
        handlers: list[logging.Handler] = [_handler(logging.StreamHandler(self._stream), console=console, colors=self._stream.isatty())]
        if settings.file is not None:
            handlers.append(_handler(_file(settings), console=False, colors=False))

        def commit() -> None:
            root = logging.getLogger()
            root.handlers[:] = handlers
            root.setLevel(settings.level.upper())
            for name in _NOISY:
                logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
            self.close()
            self._handlers = handlers

        return commit

    def reopen(self) -> None:
        """Let go of the log file: the next line opens the path again, so that whoever put the old file aside has it alone."""
        for handler in self._handlers:
            if isinstance(handler, logging.handlers.RotatingFileHandler):
                handler.acquire()
                try:
                    stream, handler.stream = handler.stream, None  # the library's own sign for "not open"
                    if stream is not None:
                        stream.close()
                finally:
                    handler.release()

    def close(self) -> None:
        """Close what is logged to now."""
        for handler in self._handlers:
            handler.close()


@contextmanager
def logging_to(settings: LogSettings, *, stream: TextIO | None = None) -> Iterator[Logging]:
    """Log as the settings say until the end of the block; `stream` stands in for stderr.

    Raises:
        ConfigError: the file can not be written.
    """
    mine = Logging(stream or sys.stderr)
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    mine.prepare(settings)()
    _configure_structlog()
    try:
        yield mine
    finally:
        root.handlers[:], level = before
        root.setLevel(level)
        mine.close()
        structlog.reset_defaults()


def hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace what has a secret's name or looks like a key; a processor of structlog."""
    return {name: HIDDEN if _SECRET_NAME.search(name) and value is not None else _cleaned(value) for name, value in event.items()}


def hidden(text: str) -> str:
    """The text without what looks like a key."""
    return _SECRET_TEXT.sub(HIDDEN, text)


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return hidden(value)
        case Mapping():
            return hide_secrets(None, "", dict(value))
        case list() | tuple() | set() | frozenset():
            return [_cleaned(each) for each in value]
        case _:
            return value


def _configure_structlog() -> None:
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # tests and commands configure more than once
    )


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _handler(handler: logging.Handler, *, console: bool, colors: bool) -> logging.Handler:
    last: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.format_exc_info, hide_secrets]
    if console:
        last.append(structlog.dev.ConsoleRenderer(colors=colors, pad_event_to=32))
    else:
        last.append(structlog.processors.JSONRenderer(serializer=_json))
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_shared(), processors=last))
    return handler


def _json(event: EventDict, **_options: object) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _file(settings: LogSettings) -> logging.Handler:
    """The handler of the file, which is opened by the first line that is logged: a preparation may still be given up."""
    assert settings.file is not None  # noqa: S101 - asked before
    path = settings.file.absolute()
    try:
        if path.exists():
            path.open("ab").close()
        elif not os.access(path.parent, os.W_OK | os.X_OK):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT if not path.parent.exists() else errno.EACCES))
    except OSError as error:
        message = f"The log file {settings.file} can not be opened ({error.strerror}); create its folder or change [log] file"
        raise ConfigError(message) from error
    return logging.handlers.RotatingFileHandler(
        path, maxBytes=settings.file_mb * 1_000_000, backupCount=settings.file_count, encoding="utf-8", delay=True
    )
