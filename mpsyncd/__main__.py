"""Entrance of `mpsyncd` and `python -m mpsyncd`."""

import signal
import sys


def main() -> None:
    """Run one command; always ends in SystemExit."""
    if "run" in sys.argv[1:]:
        # Until the daemon listens for it: nothing is read yet, so there is nothing to read again, and nothing to die of.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    from mpsyncd.cli.boundary import main as command  # noqa: PLC0415 - the half second of imports comes after the signal

    command()


if __name__ == "__main__":
    main()
