"""Outages and refusals told apart by code, addresses without passwords, names that were meant, plans of migrations."""

import errno

import asyncpg
import pytest

from mpsyncd.model.errors import ConfigError
from mpsyncd.model.run import FeedVerdict, RunState
from mpsyncd.storage.migrate import Migration, outstanding
from mpsyncd.storage.outage import outage, refusal
from mpsyncd.storage.pool import redact
from mpsyncd.storage.runs import verdict
from mpsyncd.storage.words import did_you_mean


@pytest.mark.parametrize(
    "error,words",
    [
        (asyncpg.DiskFullError("x"), "disk"),
        (asyncpg.TooManyConnectionsError("x"), "max_connections"),
        (asyncpg.CannotConnectNowError("x"), "starting up"),
        (asyncpg.AdminShutdownError("x"), "stopped or restarted"),
        (asyncpg.LockNotAvailableError("x"), "locked"),
        (asyncpg.ReadOnlySQLTransactionError("x"), "read-only"),
        (asyncpg.ConnectionDoesNotExistError("x"), "broke"),
        (asyncpg.InterfaceError("connection is closed"), "broke"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), "refused"),
        (FileNotFoundError(errno.ENOENT, "x"), "socket"),
        (TimeoutError(), "in time"),
    ],
)
def test_an_outage_is_told_in_words(error: Exception, words: str) -> None:
    assert words in (outage(error) or "")


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.UndefinedTableError("x"),
        asyncpg.UniqueViolationError("x"),
        asyncpg.DataError("invalid input for query argument: closed"),
        asyncpg.InterfaceError("cannot perform operation: another operation is in progress"),
        ValueError("x"),
    ],
)
def test_a_bug_stays_a_bug(error: Exception) -> None:
    assert outage(error) is None


def test_what_can_never_work_is_a_refusal() -> None:
    assert "password" in (refusal(asyncpg.InvalidPasswordError("x")) or "")
    assert "does not exist" in (refusal(asyncpg.InvalidCatalogNameError("x")) or "")
    assert refusal(asyncpg.CannotConnectNowError("x")) is None


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://me:hunter2@db.example:5432/x",
        "postgresql://me:hun@ter2@db.example/x",
        "postgres://me:hunter2%40@db.example/x?sslmode=require",
        "postgresql://me@db.example/x?password=hunter2&sslmode=require",
        "postgresql://db.example/x?sslpassword=hunter2",
    ],
)
def test_an_address_is_shown_without_its_password(dsn: str) -> None:
    assert "hunter2" not in redact(dsn)
    assert "ter2" not in redact(dsn)
    assert "db.example" in redact(dsn)


def test_an_address_without_a_password_stays() -> None:
    assert redact("postgresql://me@db.example/x?host=/run") == "postgresql://me@db.example/x?host=/run"


def test_close_matches_are_named() -> None:
    assert did_you_mean("norht", ["north", "south"]) == "Did you mean 'north'?"
    assert did_you_mean("zzz", ["b", "a"]) == "There are: a, b."
    assert did_you_mean("zzz", []) == "There is none yet."


def _migration(version: int, checksum: str = "c") -> Migration:
    return Migration(version=version, name=f"{version:04d}_x", checksum=checksum, sql="")


def _applied(*versions: int) -> dict[int, tuple[str, str]]:
    return {version: (f"{version:04d}_x", "c") for version in versions}


def test_a_new_source_below_a_later_block_is_no_gap() -> None:
    available = [_migration(1), _migration(101), _migration(102), _migration(201)]
    assert [one.version for one in outstanding(available, _applied(1, 101, 201))] == [102]


def test_a_skipped_number_of_a_block_is_refused() -> None:
    available = [_migration(1), _migration(101), _migration(102), _migration(103)]
    with pytest.raises(ConfigError, match="0102_x was skipped: the database already has 0103_x"):
        outstanding(available, _applied(1, 101, 103))


def test_a_newer_database_is_refused() -> None:
    with pytest.raises(ConfigError, match="newer than this program: it has 0002_x"):
        outstanding([_migration(1)], _applied(1, 2))


def test_a_changed_file_is_refused() -> None:
    with pytest.raises(ConfigError, match="another wording"):
        outstanding([_migration(1, checksum="d")], _applied(1))


OK, FAILED, PARKED, CUT = FeedVerdict.OK, FeedVerdict.FAILED, FeedVerdict.PARKED, FeedVerdict.CANCELLED


@pytest.mark.parametrize(
    "feeds,state",
    [
        ([OK, OK], RunState.DONE),
        ([], RunState.DONE),
        ([OK, FAILED], RunState.PARTLY),
        ([OK, None], RunState.PARTLY),
        ([PARKED, FAILED], RunState.FAILED),
        ([None], RunState.FAILED),
        ([CUT], RunState.CANCELLED),
    ],
)
def test_the_verdict_of_a_run_is_that_of_its_feeds(feeds: list[FeedVerdict | None], state: RunState) -> None:
    assert verdict(feeds) is state
