"""Entrance of `mpsyncd` and `python -m mpsyncd`."""

from mpsyncd.cli.boundary import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
