"""A daemon of a few lines: runs the embedded PostgreSQL and commits rows, telling each one after its commit. Started by tests, and killed.

Arguments: data directory, major. Lines on stdout: `ready <server pid>`, then the number of each committed row. SIGTERM ends it cleanly.
"""

import asyncio
import signal
import sys
from itertools import count
from pathlib import Path

import asyncpg

from mpsyncd.storage.embedded import EmbeddedOptions, EmbeddedPostgres


async def main(data_dir: Path, major: int) -> None:
    """Insert until the end."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    options = EmbeddedOptions(data_dir=data_dir, major=major, settings={"shared_buffers": "16MB"})
    async with EmbeddedPostgres(options) as server:
        connection = await asyncpg.connect(server.dsn)
        await connection.execute("CREATE TABLE IF NOT EXISTS kept (number bigint PRIMARY KEY)")
        sys.stdout.write(f"ready {server.status.pid}\n")
        for number in count(1):
            await connection.execute("INSERT INTO kept VALUES ($1)", number)
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()
            if stop.is_set():
                break
        await connection.close()


if __name__ == "__main__":
    import logging

    import structlog

    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr), wrapper_class=structlog.make_filtering_bound_logger(logging.INFO)
    )
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
