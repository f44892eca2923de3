"""Turns of the loop: one task that computes after the other, in order, and nobody else waits for all of them."""

import asyncio

from mpsyncd.model.turns import turn

MANY, TURNS = 50, 20


async def test_between_two_turns_of_the_loop_few_of_many_tasks_compute() -> None:
    computed = [0] * MANY
    most, before = 0, 0

    async def compute(number: int) -> None:
        for _ in range(TURNS):
            computed[number] += 1
            await turn()

    tasks = [asyncio.create_task(compute(number)) for number in range(MANY)]
    await asyncio.sleep(0)  # the first step of each, before any has met the others
    before = sum(computed)
    while not all(task.done() for task in tasks):
        await asyncio.sleep(0)
        most, before = max(most, sum(computed) - before), sum(computed)
        assert max(computed) - min(computed) <= 1
    assert computed == [TURNS] * MANY
    assert most <= 2


async def test_a_task_that_is_cancelled_while_it_waits_holds_up_nobody() -> None:
    async def compute() -> None:
        for _ in range(TURNS):
            await turn()

    tasks = [asyncio.create_task(compute()) for _ in range(MANY)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    async with asyncio.timeout(10):
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(each, asyncio.CancelledError) for each in ended] == [number % 2 == 0 for number in range(MANY)]


async def test_a_single_task_goes_on_when_the_loop_has_been_round() -> None:
    rounds = 0

    async def go_round() -> None:
        nonlocal rounds
        while True:
            rounds += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(go_round())
    for _ in range(TURNS):
        await turn()
    other.cancel()
    assert rounds >= TURNS
