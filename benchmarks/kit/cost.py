"""What a process costs, as Linux counts it."""

from __future__ import annotations

import os
import time
from pathlib import Path

MB = 1_000_000
_STEPS = 1_000_000
_TICKS = os.sysconf("SC_CLK_TCK")


def peak(pid: int | str = "self") -> int:
    """The most memory that a process ever held, in bytes (VmHWM; it begins anew with each program, unlike ru_maxrss)."""
    return _field(pid, "VmHWM")


def resident(pid: int | str = "self") -> int:
    """The memory that a process holds now, in bytes."""
    return _field(pid, "VmRSS")


def processor(pid: int | str = "self") -> float:
    """Seconds of processor time that a process used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def pace() -> float:
    """How fast this machine is right now: millions of plain steps of Python in a second. On shared hardware it halves and doubles."""
    began = time.perf_counter()
    total = 0
    for step in range(_STEPS):
        total += step * step % 7
    return _STEPS / (time.perf_counter() - began) / 1_000_000


def _field(pid: int | str, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        label, _, value = line.partition(":")
        if label == name:
            return int(value.split()[0]) * 1024
    raise LookupError(name)
