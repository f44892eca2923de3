"""From the server's last lines to a sentence for people. The lines are PostgreSQL's own wording."""

from pathlib import Path

import pytest

from mpsyncd.storage.embedded.diagnosis import Cause, Ending, diagnose, in_words

CLUSTER = Path("/srv/data/postgres")


@pytest.mark.parametrize(
    "line, cause",
    [
        ('could not write to file "pg_wal/xlogtemp.77": No space left on device', Cause.DISK_FULL),
        ('could not extend file "base/5/1": Disk quota exceeded', Cause.DISK_FULL),
        ('lock file "postmaster.pid" already exists', Cause.IN_USE),
        ('lock file "/run/mpsyncd/postgres/.s.PGSQL.5432.lock" already exists', Cause.SOCKET_IN_USE),
        ("pre-existing shared memory block (key 1, ID 2) is still in use", Cause.LEFTOVER),
        ('could not bind IPv4 address "127.0.0.1": Address already in use', Cause.PORT_TAKEN),
        ("database files are incompatible with server", Cause.OTHER_MAJOR),
        ('could not access directory "/srv/data/postgres": Permission denied', Cause.PERMISSION),
        ('data directory "/srv/data/postgres" has wrong ownership', Cause.PERMISSION),
        ('could not create lock file "postmaster.pid": Read-only file system', Cause.READ_ONLY),
        ('unrecognized configuration parameter "shared_bufferz"', Cause.BAD_SETTING),
        ('invalid value for parameter "shared_buffers": "lots"', Cause.BAD_SETTING),
        ("could not map anonymous shared memory: Cannot allocate memory", Cause.NO_MEMORY),
        ("could not locate a valid checkpoint record at 0/15", Cause.DAMAGED),
        ("could not execute /opt/bin/postgres: Permission denied", Cause.NOT_EXECUTABLE),
        ("something never seen before", Cause.UNKNOWN),
    ],
)
def test_the_telling_line_gives_the_cause_and_is_quoted_or_explained(line: str, cause: Cause) -> None:
    ending = diagnose(["starting PostgreSQL 18", line, "database system is shut down"] if cause is not Cause.UNKNOWN else [line], code=1)
    assert (ending.cause, ending.line) == (cause, line)
    words = in_words(ending, cluster=CLUSTER)
    assert "{" not in words
    assert str(CLUSTER) in words or "[database] " in words


def test_a_full_disk_explains_what_follows_from_it() -> None:
    lines = ["could not write lock file: Permission denied", "could not write: No space left on device"]
    assert diagnose(lines, code=1).cause is Cause.DISK_FULL


def test_a_signal_is_named() -> None:
    assert "SIGKILL" in in_words(diagnose([], code=-9), cluster=CLUSTER)
    assert "signal 99" in in_words(Ending(cause=Cause.SIGNALLED, line="", code=-99), cluster=CLUSTER)


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_words(cause: Cause) -> None:
    words = in_words(Ending(cause=cause, line="said {so}", code=1), cluster=CLUSTER, holder=77)
    assert words.endswith(('"', "folder", "embedded_binaries", "memory."))
