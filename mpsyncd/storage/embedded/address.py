"""Where a database listens and who may come in, in the spellings that asyncpg and libpq understand. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_SOCKET_PATH = 107
"""Bytes that fit into `sockaddr_un` before its final zero (Linux)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A database as a client sees it; `host` is the folder of the socket."""

    host: str
    port: int
    user: str
    database: str
    password: str = field(repr=False)

    @property
    def dsn(self) -> str:
        """A URL with the password, for asyncpg, psql and every other libpq program."""
        return self._url(f"{quote(self.user, safe='')}:{quote(self.password, safe='')}@")

    @property
    def public_dsn(self) -> str:
        """The same without the password: for logs, pages and people who use PGPASSFILE."""
        return self._url(f"{quote(self.user, safe='')}@")

    def asyncpg(self) -> dict[str, str | int]:
        """Keyword arguments for `asyncpg.connect` and `asyncpg.create_pool`."""
        return {"host": self.host, "port": self.port, "user": self.user, "database": self.database, "password": self.password}

    def environment(self) -> dict[str, str]:
        """Variables for psql, pg_dump and the like, so that the password is in no argument list."""
        return {
            "PGHOST": self.host,
            "PGPORT": str(self.port),
            "PGUSER": self.user,
            "PGDATABASE": self.database,
            "PGPASSWORD": self.password,
        }

    def _url(self, login: str) -> str:
        where = urlencode({"host": self.host, "port": self.port}, quote_via=quote, safe="/")
        return f"postgresql://{login}/{quote(self.database, safe='')}?{where}"


def socket_path(folder: Path, *, port: int) -> Path:
    """The socket that PostgreSQL makes in `folder`."""
    return folder / f".s.PGSQL.{port}"


def socket_fits(folder: Path, *, port: int) -> bool:
    """Whether the kernel takes the path of the socket, counted in bytes."""
    return len(str(socket_path(folder, port=port)).encode()) <= LONGEST_SOCKET_PATH
