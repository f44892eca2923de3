"""Questions to a database that may hang."""

import asyncio
from datetime import timedelta

import pytest

from mpsyncd.daemon.question import Question
from mpsyncd.model.errors import StorageUnavailable


class Server:
    """Answers with the number of the question, as soon as it may."""

    def __init__(self) -> None:
        self.asked = 0
        self.may = asyncio.Event()

    async def ask(self) -> int:
        self.asked += 1
        await self.may.wait()
        return self.asked


async def test_an_answer_in_time_is_passed_on() -> None:
    server = Server()
    server.may.set()
    question = Question(server.ask, within=timedelta(seconds=10))
    assert [await question.answer(), await question.answer()] == [1, 2]


async def test_a_server_that_hangs_is_not_waited_for_and_asked_once() -> None:
    server = Server()
    question = Question(server.ask, within=timedelta(milliseconds=10))
    for _ in range(3):
        with pytest.raises(StorageUnavailable, match="has not answered"):
            await question.answer()
    assert server.asked == 1
    server.may.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert await question.answer() == 2


async def test_a_failure_reaches_who_asks_and_ends_the_question() -> None:
    async def ask() -> int:
        raise StorageUnavailable("away")

    question = Question(ask, within=timedelta(seconds=10))
    for _ in range(2):
        with pytest.raises(StorageUnavailable, match="away"):
            await question.answer()
