"""Commands about the database itself: its schema, its address, a prompt in it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import typer

from mpsyncd import daemon
from mpsyncd.cli.output import print_json, print_line
from mpsyncd.cli.session import Session, perform
from mpsyncd.cli.settings import Json
from mpsyncd.model.errors import ConfigError, StorageUnavailable
from mpsyncd.settings import Settings
from mpsyncd.storage.embedded import Runtime, read_runtime
from mpsyncd.storage.embedded.binaries import find_auto


def migrate(context: typer.Context, *, json: Json = False) -> None:
    """Bring the database schema up to this program; says what was done. The daemon does the same at start."""
    applied = perform(context, daemon.migrate)
    if json:
        print_json({"applied": applied})
    else:
        print_line("\n".join(f"applied {name}" for name in applied) or "The schema is current; nothing was done.")


def dsn(context: typer.Context, *, json: Json = False) -> None:
    """Print the address of the database with its password, for tools of your own. Exit code 75 while the own PostgreSQL does not run."""
    session: Session = context.obj
    settings = session.settings()
    address = settings.database.dsn.get_secret_value() if settings.database.dsn is not None else _running(settings).dsn
    if json:
        print_json({"dsn": address, "embedded": settings.database.dsn is None})
    else:
        print_line(address)


def psql(context: typer.Context, arguments: Annotated[list[str] | None, typer.Argument(help="Passed on to psql.")] = None) -> None:
    """Open psql in the database; what follows goes to psql, for example: mpsyncd psql -c 'select count(*) from wb.orders'."""
    session: Session = context.obj
    settings = session.settings()
    if settings.database.dsn is None:
        running = _running(settings)
        folder: Path | None = running.programs
        target: list[str] = []
        environment = running.address.environment()
    else:
        folder = None
        target, environment = without_password(settings.database.dsn.get_secret_value())
    program = _psql(folder)
    os.execve(program, [str(program), *target, *(arguments or [])], {**os.environ, **environment})  # noqa: S606 - no shell is wanted


def without_password(address: str) -> tuple[list[str], dict[str, str]]:
    """The address as an argument for psql, and its password as a variable: arguments can be read by every account of the machine."""
    parts = urlsplit(address)
    query = parse_qsl(parts.query, keep_blank_values=True)
    secret = unquote(parts.password) if parts.password is not None else dict(query).get("password")
    if secret is None:
        return [address], {}
    user, _, host = parts.netloc.rpartition("@")
    netloc = f"{user.partition(':')[0]}@{host}" if user else host
    rest = urlencode([(name, value) for name, value in query if name != "password"], quote_via=quote, safe="/")
    return [urlunsplit(parts._replace(netloc=netloc, query=rest))], {"PGPASSWORD": secret}


def _running(settings: Settings) -> Runtime:
    found = read_runtime(settings.database.data_dir)
    if found is None:
        message = f"The own PostgreSQL in {settings.database.data_dir} does not run; start it with `mpsyncd run`"
        raise StorageUnavailable(message)
    return found


def _psql(folder: Path | None) -> Path:
    folders = [folder] if folder is not None else [found.folder for found in find_auto()]
    candidates = [found / "psql" for found in folders if os.access(found / "psql", os.X_OK)]
    on_path = shutil.which("psql")
    if not candidates and on_path is None:
        message = "No psql was found on this machine; install one (Debian: apt install postgresql-client) or use `mpsyncd dsn` elsewhere"
        raise ConfigError(message)
    return candidates[0] if candidates else Path(str(on_path))
