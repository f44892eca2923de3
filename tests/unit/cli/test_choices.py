"""Words that people type."""

from datetime import UTC, datetime

import pytest
import typer

from mpsyncd.cli.choices import moment, source_named, stream_names
from mpsyncd.cli.codes import Code, of_runs
from mpsyncd.cli.database import without_password
from mpsyncd.model.run import RunState

WB = source_named("wildberries")


def test_near_names_are_told() -> None:
    with pytest.raises(typer.BadParameter, match="did you mean wildberries"):
        source_named("wildbery")
    with pytest.raises(typer.BadParameter, match="did you mean orders"):
        stream_names(WB, ["order"])
    with pytest.raises(typer.BadParameter, match="there are orders, sales"):
        stream_names(WB, ["zzz"])


def test_days_are_those_of_the_source() -> None:
    assert moment("2026-11-01", source=WB) == datetime(2026, 10, 31, 21, tzinfo=UTC)
    assert moment("2026-11-01T12:00:00+05:00", source=WB) == datetime(2026, 11, 1, 7, tzinfo=UTC)
    assert moment(None, source=WB) is None
    with pytest.raises(typer.BadParameter, match="2026-11-01"):
        moment("01.11.2026", source=WB)


@pytest.mark.parametrize(
    "states, code",
    [
        ([RunState.DONE, RunState.DONE], Code.DONE),
        ([RunState.DONE, RunState.FAILED], Code.PARTLY),
        ([RunState.PARTLY], Code.PARTLY),
        ([RunState.FAILED, RunState.CANCELLED], Code.FAILED),
        ([RunState.INTERRUPTED], Code.TRY_LATER),
    ],
)
def test_exit_codes_of_runs(states: list[RunState], code: Code) -> None:
    assert of_runs(states) is code


@pytest.mark.parametrize(
    "address, bare, password",
    [
        ("postgresql://u:p%40ss@h:5433/db?sslmode=require", "postgresql://u@h:5433/db?sslmode=require", "p@ss"),
        ("postgresql://u@h/db", "postgresql://u@h/db", None),
        ("postgresql:///db?host=/run/x", "postgresql:///db?host=/run/x", None),
        ("postgresql://u@h/db?password=hush&sslmode=require", "postgresql://u@h/db?sslmode=require", "hush"),
    ],
)
def test_the_password_leaves_the_arguments(address: str, bare: str, password: str | None) -> None:
    arguments, environment = without_password(address)
    assert arguments == [bare]
    assert environment.get("PGPASSWORD") == password
