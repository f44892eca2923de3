"""Waiting for the server to answer: without end while it says that it recovers, not without end while it says nothing."""

import os
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from mpsyncd.model.errors import StorageUnavailable
from mpsyncd.storage.embedded import EmbeddedPostgres, ServerState
from mpsyncd.storage.embedded.binaries import find_auto
from support.embedded import QUICK, nobody_works_in, options

SILENT = replace(QUICK, silence=timedelta(milliseconds=700), report_every=timedelta(milliseconds=100))
RECOVERING = """
import os, socket, sys, time
real, refusals = sys.argv[1], int(sys.argv[2])
arguments = sys.argv[3:]
folder = next(each.split("=", 1)[1] for each in arguments if each.startswith("--unix_socket_directories="))
fields = b"SFATAL\\0VFATAL\\0C57P03\\0Mthe database system is starting up\\0\\0"
with socket.socket(socket.AF_UNIX) as listener:
    listener.bind(folder + "/.s.PGSQL.5432")
    listener.listen()
    for _ in range(refusals):
        client, _ = listener.accept()
        client.recv(4096)
        client.sendall(b"E" + (len(fields) + 4).to_bytes(4, "big") + fields)
        client.close()
os.unlink(folder + "/.s.PGSQL.5432")
os.execv(real, [real, *arguments])
"""


def wrapped_programs(folder: Path, server: str) -> Path:
    """Programs like the wheel's, but the server is started by the shell line `server`, which finds the real one in $REAL."""
    real = find_auto()[0].folder
    folder.mkdir()
    version = f'if [ "$1" = --version ]; then exec "{real}/postgres" --version; fi'
    (folder / "initdb").write_text(f'#!/bin/sh\nexec "{real}/initdb" "$@"\n')
    (folder / "postgres").write_text(f'#!/bin/sh\nREAL="{real}/postgres"\n{version}\n{server}\n')
    for name in ("initdb", "postgres"):
        (folder / name).chmod(0o755)
    return folder


async def test_a_server_that_says_nothing_is_ended_and_reported(home: Path) -> None:
    programs = wrapped_programs(home / "programs", 'cd "$2"; echo "going to sleep" >&2; exec sleep 600')
    with pytest.raises(StorageUnavailable) as refused:
        async with EmbeddedPostgres(replace(options(home / "data", timing=SILENT), binaries=programs)):
            pass
    assert "did not answer" in str(refused.value)
    assert "going to sleep" in str(refused.value)
    await nobody_works_in(home / "data" / "postgres")


async def test_a_server_that_says_it_recovers_is_waited_for_beyond_every_deadline(home: Path) -> None:
    python = Path(sys.executable).resolve()
    if os.geteuid() == 0 and not python.is_relative_to("/usr"):
        pytest.skip("the database account may not be able to run this Python")
    (home / "recovering.py").write_text(RECOVERING)
    refusals = 10  # at growing pauses up to 0.5 s: about 3 s, four times the silence that is allowed
    programs = wrapped_programs(home / "programs", f'exec "{python}" "{home}/recovering.py" "$REAL" {refusals} "$@"')
    async with EmbeddedPostgres(replace(options(home / "data", timing=SILENT), binaries=programs)) as server:
        assert server.state is ServerState.RUNNING
        connection = await asyncpg.connect(server.dsn)
        await connection.close()
