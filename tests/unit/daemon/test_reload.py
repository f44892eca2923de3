"""The two phases of a reload: everything is prepared before anything is changed, and a refusal of one part leaves all as they were."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from mpsyncd.daemon.asking import Asking
from mpsyncd.daemon.keys import Keys
from mpsyncd.daemon.notify import Notifier
from mpsyncd.daemon.reload import Files, Reloader
from mpsyncd.daemon.table import Note, Table
from mpsyncd.logs import Logging
from mpsyncd.model.errors import ConfigError, StorageUnavailable
from mpsyncd.model.reload import ReloadOutcome
from mpsyncd.settings import Configuration, HttpSettings, Problem, ScheduleGroup, ScheduleSettings, Settings, SettingsRefused
from support.virtual_clock import VirtualClock

SETTINGS = Settings()
FASTER = SETTINGS.model_copy(update={"schedules": ScheduleGroup(frequent=ScheduleSettings(every=timedelta(minutes=10)))})


@dataclass
class Scene:
    """A reloader between parts that are played; `happened` is everything in order."""

    happened: list[str] = field(default_factory=list)
    new: Settings | Exception = SETTINGS
    shop_problems: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    away: bool = False
    late_problems: tuple[str, ...] = ()
    refusing: str | None = None
    kept: list[ReloadOutcome] = field(default_factory=list)
    hold: asyncio.Event | None = None

    def __post_init__(self) -> None:
        self.clock = VirtualClock()
        self.asking = Asking()
        happened = self.happened

        class Ear(Notifier):
            def send(self, *messages: str) -> None:
                happened.append(" ".join(message.partition("=")[0] for message in messages))

        first = Configuration(settings=SETTINGS, file=Path("mpsyncd.toml"), shops=None, notes=())
        self.reloader = Reloader(
            Files(first=first, read=self.read, logs=cast("Logging", self)),
            self.asking,
            table=cast("Table", self),
            keys=cast("Keys", self),
            parts=[self.part("logs"), self.part("transport")],
            applied=lambda: happened.append("applied"),
            notifier=Ear(address="@ear"),
            clock=self.clock,
        )

    def reopen(self) -> None:
        self.happened.append("reopen")

    def read(self) -> Configuration:
        self.happened.append("read")
        if isinstance(self.new, Exception):
            raise self.new
        return Configuration(settings=self.new, file=None, shops=None, notes=())

    def part(self, name: str) -> Callable[[Configuration], Awaitable[Callable[[], None]]]:
        async def prepare(_new: Configuration) -> Callable[[], None]:
            self.happened.append(f"prepare {name}")
            if self.refusing == name:
                raise ConfigError(f"{name} can not")
            return lambda: self.happened.append(f"commit {name}")

        return prepare

    async def problems(self, _shops: object) -> tuple[str, ...]:
        if self.hold is not None:
            await self.hold.wait()
        if self.away:
            raise StorageUnavailable("the database is away")
        return self.shop_problems

    async def write(
        self, _old: Configuration, _new: Configuration, *, told: Sequence[str], note: Note
    ) -> tuple[ReloadOutcome, Mapping[int, Any]]:
        assert note.by
        self.happened.append("write")
        if self.late_problems:
            return ReloadOutcome(state="refused", problems=self.late_problems, at=self.clock.now()), {}
        words = (*told, *self.words)
        return ReloadOutcome(state="applied" if words else "unchanged", changes=words, at=self.clock.now()), {7: "key"}

    async def keep(self, outcome: ReloadOutcome, _note: Note) -> None:
        self.kept.append(outcome)

    async def asked(self) -> tuple[object, ...]:
        return ()

    def swap(self, keys: Mapping[int, object]) -> None:
        self.happened.append(f"swap {sorted(keys)}")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.reloader.run())
        yield
        assert not task.done()
        task.cancel()
        await asyncio.wait({task})

    async def reload(self) -> ReloadOutcome:
        async with self.running():
            return await self.asking.reload("api")


PREPARED = ["RELOADING MONOTONIC_USEC STATUS", "reopen", "read", "prepare logs", "prepare transport"]


async def test_everything_is_prepared_before_anything_is_changed() -> None:
    scene = Scene(new=FASTER, words=("shop north: added",))
    with capture_logs() as logs:
        outcome = await scene.reload()
    assert (outcome.state, outcome.changes) == ("applied", ("schedules.frequent: 30 min → 10 min", "shop north: added"))
    assert scene.happened == [*PREPARED, "write", "commit logs", "commit transport", "swap [7]", "applied", "READY STATUS"]
    assert scene.reloader.settings == FASTER
    assert scene.reloader.counts == {"applied": 1, "unchanged": 0, "refused": 0}
    assert [(log["event"], log["asked_by"]) for log in logs] == [("reload_applied", ["api"])]


async def test_one_part_that_can_not_keeps_all_others_from_it() -> None:
    scene = Scene(new=FASTER.model_copy(update={"http": HttpSettings(port=1)}), refusing="logs", shop_problems=("shops.toml:3: no",))
    outcome = await scene.reload()
    assert outcome.problems == ("needs a restart: http.port: 8080 → 1", "logs can not", "shops.toml:3: no")
    assert scene.happened == [*PREPARED, "READY STATUS"]
    assert scene.kept == [outcome]
    assert scene.reloader.settings == SETTINGS
    told = scene.reloader.facts()
    assert told is not None
    assert (told["state"], told["asked_by"], len(told["problems"])) == ("refused", ["api"], 3)
    assert scene.reloader.refusal == "the last reload was refused: needs a restart: http.port: 8080 → 1 (and 2 more)"


async def test_files_that_can_not_be_read_are_refused_with_every_problem() -> None:
    problems = tuple(Problem(origin="mpsyncd.toml:3", key=key, value=None, why="no") for key in ("a", "b"))
    scene = Scene(new=SettingsRefused(problems))
    outcome = await scene.reload()
    assert outcome.problems == ("mpsyncd.toml:3: a: no.", "mpsyncd.toml:3: b: no.")
    assert "write" not in scene.happened


async def test_a_database_that_is_away_changes_nothing() -> None:
    scene = Scene(new=FASTER, away=True)
    outcome = await scene.reload()
    assert (outcome.state, outcome.problems) == ("refused", ("the database is away",))
    assert not [step for step in scene.happened if step.startswith("commit")]


async def test_a_table_that_came_to_contradict_the_list_changes_nothing() -> None:
    scene = Scene(new=FASTER, late_problems=("somebody was first",))
    assert (await scene.reload()).problems == ("somebody was first",)
    assert not [step for step in scene.happened if step.startswith("commit")]
    assert scene.reloader.settings == SETTINGS


async def test_a_bug_ends_its_reload_and_not_the_daemon() -> None:
    scene = Scene(new=ZeroDivisionError("oh"))
    with capture_logs() as logs:
        async with scene.running():
            crashed = await scene.asking.reload("api")
            scene.new = FASTER
            again = await scene.asking.reload("api")
    assert (crashed.state, again.state) == ("refused", "applied")
    assert "a bug in mpsyncd" in crashed.problems[0]
    assert [log["event"] for log in logs] == ["reload_crashed", "reload_applied"]
    assert scene.reloader.refusal is None


async def test_questions_during_a_reload_are_one_more_after_it() -> None:
    hold = asyncio.Event()
    scene = Scene(hold=hold)
    async with scene.running():
        first = asyncio.create_task(scene.asking.reload("api"))
        while "prepare transport" not in scene.happened:
            await asyncio.sleep(0)
        others = [asyncio.create_task(scene.asking.reload("api")) for _ in range(5)]
        for _ in range(10):
            scene.asking.ask("signal")
        await asyncio.sleep(0)
        hold.set()
        await asyncio.gather(first, *others)
    assert scene.happened.count("read") == 2


async def test_secrets_in_addresses_are_hidden() -> None:
    sources = SETTINGS.sources.model_copy(
        update={"wildberries": SETTINGS.sources.wildberries.model_copy(update={"base_url": "http://u:hush@127.0.0.1/{host}"})}
    )
    outcome = await Scene(new=SETTINGS.model_copy(update={"sources": sources})).reload()
    assert outcome.state == "applied"
    assert "hush" not in outcome.changes[0]


async def test_a_long_list_of_changes_is_logged_in_part() -> None:
    scene = Scene(words=tuple(f"shop {number}: added" for number in range(1_000)))
    with capture_logs() as logs:
        outcome = await scene.reload()
    assert len(outcome.changes) == 1_000
    [log] = logs
    assert log["changes"][-1] == "and 950 more"


async def test_a_start_applies_the_list_and_names_every_reason_against_it() -> None:
    scene = Scene(words=("shop north: added",))
    with capture_logs() as logs:
        await scene.reloader.begin()
    assert [(log["event"], log["asked_by"]) for log in logs] == [("reload_applied", ["start"])]
    scene.late_problems = ("shops.toml:1: a", "shops.toml:9: b")
    with pytest.raises(ConfigError) as refused:
        await scene.reloader.begin()
    assert str(refused.value).splitlines() == ["The shop list can not be applied:", "  shops.toml:1: a", "  shops.toml:9: b"]
