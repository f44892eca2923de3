"""A dispatcher that is stopped, or goes on with other options."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mpsyncd.engine import dispatcher as dispatching
from mpsyncd.model.run import RunState
from support.engine import Script, make_bench, make_stream
from support.fake_store import make_shop

if TYPE_CHECKING:
    import pytest

    from mpsyncd.model.page import Page
    from mpsyncd.model.work import Work


async def test_a_stop_does_not_wait_for_a_commit_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatching, "_STOP_WITHIN", 0.05)
    bench = make_bench(make_stream(Script([2, 2])), shops=[make_shop()])
    writing, never = asyncio.Event(), asyncio.Event()

    async def before_commit(work: Work, page: Page) -> None:  # noqa: ARG001
        writing.set()
        await never.wait()

    bench.store.before_commit = before_commit
    await bench.dispatcher.tick()
    await writing.wait()
    await bench.dispatcher.stop()
    assert bench.store.released
    assert bench.store.commits == []
    never.set()
    await bench.clock.settle()


async def test_a_run_that_a_person_cancelled_is_called_so_even_at_the_end() -> None:
    started = asyncio.Event()

    async def hang() -> int:
        started.set()
        await asyncio.Event().wait()
        return 1

    bench = make_bench(make_stream(Script([hang])), shops=[make_shop(1), make_shop(2)])
    await bench.dispatcher.tick()
    await started.wait()
    bench.store.cancelled_runs = {1}
    await bench.dispatcher.stop()
    assert [run["state"] for run in bench.store.runs.values()] == [RunState.CANCELLED, RunState.INTERRUPTED]


async def test_another_share_counts_for_runs_that_begin_later() -> None:
    bench = make_bench(make_stream(Script([1])), shops=[make_shop()])
    bench.dispatcher.retune(sweep_share=0.25)
    assert bench.dispatcher._tools.sweep_share == 0.25
