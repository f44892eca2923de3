"""A stop that comes before the daemon is ready: it takes effect at once, and the next start finds nothing in its way."""

import asyncio
import os
import pty
import signal
import socket
import subprocess
import sys
from contextlib import closing

import pytest

from support.loads import World
from support.processes import Install, environment, nobody_works_in, until, working_in


@pytest.mark.parametrize(
    "event, number",
    [
        ("postgres_state_changed", signal.SIGTERM),
        ("postgres_cluster_created", signal.SIGINT),
        ("postgres_started", signal.SIGTERM),
        ("migration_applied", signal.SIGINT),
    ],
)
async def test_a_start_is_given_up_at_every_step(event: str, number: signal.Signals, world: World, install: Install) -> None:
    installation = install(world.url)
    daemon = installation.start()
    await until(lambda: daemon.events(event), what=event)
    daemon.process.send_signal(number)
    assert await daemon.ended(within=20) == 0
    assert [each["event"] for each in daemon.events()][-1] == "start_given_up"
    assert not daemon.events("daemon_ready")
    await nobody_works_in(installation.cluster)
    again = await installation.started()
    assert await again.terminate() == 0


async def test_a_start_that_waits_for_its_database_is_given_up_at_once(world: World, install: Install) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:  # takes connections and never answers
        installation = install(
            world.url, dsn=f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/db", database={"connect_timeout": "60 s"}
        )
        daemon = installation.start()
        silent.settimeout(30)
        connection, _ = await asyncio.to_thread(silent.accept)
        with closing(connection):
            daemon.process.terminate()
            assert await daemon.ended(within=5) == 0


async def test_a_signal_in_the_first_moments_leaves_nothing_behind(world: World, install: Install) -> None:
    """Before Python has come to the handlers the process simply ends; afterwards the start is given up. Either way the next one works."""
    installation = install(world.url)
    for moment in (0.05, 0.3, 0.6, 0.9, 1.2):
        daemon = installation.start()
        await asyncio.sleep(moment)
        daemon.process.terminate()
        assert await daemon.ended(within=20) in {0, -signal.SIGTERM}
        await until(lambda: not working_in(installation.cluster), what="the end of its server")
    assert await (await installation.started()).terminate() == 0


async def test_a_closed_terminal_stops_the_daemon(world: World, install: Install, database: str) -> None:
    """A daemon in the foreground must not go on unseen when its window is closed."""
    installation = install(world.url, dsn=database, log={"format": "json"})
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "mpsyncd", "--config", str(installation.settings_file), "run"]
    process = await asyncio.to_thread(
        subprocess.Popen, command, stdin=follower, stdout=follower, stderr=follower, start_new_session=True, env=environment()
    )
    os.close(follower)
    try:
        told = b""

        async def ready() -> bool:
            nonlocal told
            told += await asyncio.to_thread(os.read, leader, 65_536)
            return b"daemon_ready" in told

        await until(ready, what="daemon_ready on the terminal")
    finally:
        os.close(leader)
    process.send_signal(signal.SIGHUP)
    try:
        assert await asyncio.to_thread(process.wait, 20) == 0
    finally:
        process.kill()
