"""Seats that become more or fewer while some are taken."""

import asyncio

from mpsyncd.engine.seats import Seats


async def _sit(seats: Seats, count: int) -> int:
    """Try to take so many; how many there were."""
    taken = 0
    for _ in range(count):
        if seats.locked():
            break
        await seats.acquire()
        taken += 1
    return taken


async def test_more_seats_let_those_in_who_wait() -> None:
    seats = Seats(2)
    assert await _sit(seats, 9) == 2
    waiting = [asyncio.create_task(seats.acquire()) for _ in range(4)]
    await asyncio.sleep(0)
    seats.resize(5)
    await asyncio.wait(waiting[:3])
    await asyncio.sleep(0)
    assert not waiting[3].done()
    seats.release()
    await waiting[3]


async def test_fewer_seats_are_waited_for() -> None:
    seats = Seats(5)
    assert await _sit(seats, 4) == 4
    seats.resize(2)
    assert seats.locked()
    for _ in range(2):
        seats.release()
        assert seats.locked()
    seats.release()
    assert await _sit(seats, 9) == 1


async def test_changes_back_and_forth_lose_no_seat() -> None:
    seats = Seats(3)
    assert await _sit(seats, 3) == 3
    for count in (1, 4, 2, 1, 6, 3):
        seats.resize(count)
    assert seats.locked()
    for _ in range(3):
        seats.release()
    assert await _sit(seats, 9) == 3
