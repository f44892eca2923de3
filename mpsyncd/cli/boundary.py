"""The top of every command: errors become one clear message on stderr and an exit code that scripts can rely on."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import structlog
from typer.main import get_command

from mpsyncd.cli.app import app
from mpsyncd.cli.codes import Code
from mpsyncd.logs import logging_to
from mpsyncd.model.errors import ConfigError, MpsyncdError, StorageUnavailable
from mpsyncd.settings import LogSettings

log = structlog.get_logger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; always ends in SystemExit."""
    try:
        get_command(app).main(args=arguments, prog_name="mpsyncd")
    except ConfigError as error:
        sys.exit(_told(error, Code.CONFIG))
    except StorageUnavailable as error:
        sys.exit(_told(error, Code.TRY_LATER))
    except MpsyncdError as error:
        sys.exit(_told(error, Code.FAILED))
    except Exception as error:  # boundary 3 of 3: a bug ends in one line for people and the whole story in the log
        with logging_to(LogSettings()):
            log.exception("command_failed")
        sys.exit(_told(error, Code.FAILED, prefix=f"This is a bug in mpsyncd ({type(error).__name__}); the log above has the details: "))


def _told(error: Exception, code: Code, *, prefix: str = "") -> int:
    sys.stderr.write(f"mpsyncd: {prefix}{error}\n")
    return code
