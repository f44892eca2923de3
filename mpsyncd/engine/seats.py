"""How many feeds are read at once in this process; the number may change while seats are taken."""

from __future__ import annotations

import asyncio


class Seats(asyncio.Semaphore):
    """A semaphore whose size can change. When there are fewer seats than are taken, those that come back are not given out again."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self._count = count
        self._owed = 0

    def resize(self, count: int) -> None:
        """Have so many seats from now on; nobody is asked to stand up."""
        change, self._count = count - self._count, count
        self._owed -= change
        while self._owed > 0 and not self.locked():
            self._value -= 1
            self._owed -= 1
        while self._owed < 0:
            self._owed += 1
            super().release()

    def release(self) -> None:
        """Give a seat back."""
        if self._owed > 0:
            self._owed -= 1
        else:
            super().release()
