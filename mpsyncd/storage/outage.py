"""What an error of the connection or the server means, in words: an outage that passes, or a refusal that never will. Pure."""

from __future__ import annotations

import errno
from types import MappingProxyType

import asyncpg

DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""What asyncpg raises; `outage` tells which of them mean that the database is away."""

# By SQLSTATE, the longest prefix wins. What is not here is a bug of ours and stays what it is.
_OUTAGES = MappingProxyType(
    {
        "08": "the connection to PostgreSQL broke; it is opened again by itself",
        "25006": "PostgreSQL is read-only (a standby, or a full disk); point the DSN at the primary",
        "25P03": "PostgreSQL ended a transaction that was idle for too long",
        "25P04": "PostgreSQL ended a transaction that took too long",
        "28": "PostgreSQL refuses the account or its password",
        "3D000": "the database of the DSN does not exist any more",
        "40001": "two transactions collided; the work is repeated",
        "40P01": "two transactions waited for each other; the work is repeated",
        "42501": "the account lacks a right in this database; mpsyncd must own its tables",
        "53": "PostgreSQL is out of resources",
        "53100": "the disk of PostgreSQL is full: free some space, work goes on by itself",
        "53200": "PostgreSQL is out of memory",
        "53300": "PostgreSQL has no free connection: raise max_connections or lower database.pool_max",
        "55P03": "a table or row is locked by somebody else for too long; the work is repeated",
        "57014": "PostgreSQL cancelled a statement that took too long",
        "57P01": "PostgreSQL is being stopped or restarted",
        "57P02": "PostgreSQL crashed and recovers",
        "57P03": "PostgreSQL is starting up, or takes no connections now",
        "57P04": "the database was dropped while we worked",
        "57P05": "PostgreSQL closed an idle connection",
        "58030": "PostgreSQL could not read or write its disk",
    }
)
_UNREACHABLE = MappingProxyType(
    {
        errno.ENOENT: "PostgreSQL does not run here: its socket is not there",
        errno.ECONNREFUSED: "PostgreSQL does not run there: the connection was refused",
    }
)
_REFUSALS = MappingProxyType(
    {
        "28": "PostgreSQL refuses the account or its password.",
        "3D000": "The database does not exist; create it (CREATE DATABASE) or name another.",
        "42501": "The account may not connect to this database.",
        "08P01": "Whoever answers there does not speak PostgreSQL's protocol.",
    }
)


def outage(error: BaseException) -> str | None:
    """Return what is the matter when the database is away for now, None when the error is something else."""
    match error:
        case asyncpg.PostgresError():
            return _by_state(_OUTAGES, error)
        case asyncpg.InterfaceError():
            return _OUTAGES["08"] if _means_closed(error) else None
        case asyncpg.InternalClientError():  # the server's last words came between two statements
            return _OUTAGES["08"]
        case TimeoutError():
            return "PostgreSQL did not answer in time"
        case OSError():
            return _UNREACHABLE.get(error.errno or 0) or f"PostgreSQL can not be reached: {error.strerror or type(error).__name__}"
        case _:
            return None


def refusal(error: BaseException) -> str | None:
    """Return why connecting can never work with these settings, None when it may work later."""
    return _by_state(_REFUSALS, error) if isinstance(error, asyncpg.PostgresError) else None


def _by_state(words: MappingProxyType[str, str], error: asyncpg.PostgresError) -> str | None:
    state = error.sqlstate or ""
    return next((words[state[:length]] for length in (5, 2) if state[:length] in words), None)


def _means_closed(error: asyncpg.InterfaceError) -> bool:
    """Asyncpg has one class for "you used it wrongly" and "it is closed"; a lent connection that breaks "has been released"."""
    return not isinstance(error, ValueError) and any(word in str(error) for word in ("clos", "terminat", "released back"))
