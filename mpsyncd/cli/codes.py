"""Exit codes that scripts can rely on."""

from __future__ import annotations

from enum import IntEnum

from mpsyncd.model.run import RunState


class Code(IntEnum):
    """75 and 78 are those of sysexits.h; 2 comes from the parser itself."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PARTLY = 3
    TRY_LATER = 75
    CONFIG = 78
    INTERRUPTED = 130


def of_runs(states: list[RunState]) -> Code:
    """The code of several runs: all done, some of them, none; interrupted ones go on by themselves later."""
    if all(state is RunState.DONE for state in states):
        return Code.DONE
    if any(state in {RunState.DONE, RunState.PARTLY} for state in states):
        return Code.PARTLY
    if any(state is RunState.INTERRUPTED for state in states):
        return Code.TRY_LATER
    return Code.FAILED
