"""Many questions are one reload; what comes while one is under way makes exactly one more."""

import asyncio
from datetime import UTC, datetime

import pytest

from mpsyncd.daemon.asking import Asking
from mpsyncd.model.reload import ReloadOutcome

OUTCOME = ReloadOutcome(state="unchanged", at=datetime(2026, 11, 21, tzinfo=UTC))


async def test_ten_questions_are_one() -> None:
    asking = Asking()
    for _ in range(10):
        asking.ask("signal")
    asking.ask("api")
    asked = await asking.next()
    assert (asked.by, asked.look) == (("signal", "api"), False)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await asking.next()


async def test_questions_during_a_reload_are_for_the_next_one() -> None:
    asking = Asking()
    asking.ask("signal")
    await asking.next()
    for _ in range(3):
        asking.ask("signal")
    waiting = asyncio.create_task(asking.reload("api"))
    await asyncio.sleep(0)
    second = await asking.next()
    assert second.by == ("signal", "api")
    second.answer(OUTCOME)
    assert await waiting == OUTCOME


async def test_everybody_who_waits_is_told_and_who_went_away_is_not_missed() -> None:
    asking = Asking()
    waiting = [asyncio.create_task(asking.reload("api")) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[1].cancel()
    await asyncio.sleep(0)
    (await asking.next()).answer(OUTCOME)
    assert [await waiting[0], await waiting[2]] == [OUTCOME, OUTCOME]


async def test_a_look_alone_is_no_question() -> None:
    asking = Asking()
    asking.look()
    asked = await asking.next()
    assert (asked.by, asked.waiting, asked.look) == ((), (), True)


async def test_nobody_waits_for_ever_when_the_daemon_ends() -> None:
    asking = Asking()
    waiting = asyncio.create_task(asking.reload("api"))
    await asyncio.sleep(0)
    asking.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
