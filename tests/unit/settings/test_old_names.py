"""Names of older programs: understood, noted, and never stronger than the new ones."""

from datetime import timedelta
from pathlib import Path

import pytest

from mpsyncd.model.schedule import Schedule
from mpsyncd.settings import SettingsRefused, old_shop, read_configuration


def _read(folder: Path, text: str = "", **environ: str) -> tuple[Schedule, tuple[str, ...]]:
    path = folder / "mpsyncd.toml"
    path.write_text(text)
    found = read_configuration(path, environ, fields={})
    return found.settings.schedules.plans()["metrika"], found.notes


@pytest.mark.parametrize(
    "environ, every, zone",
    [
        ({}, 60, "Europe/Moscow"),
        ({"SYNC_INTERVAL_MINUTES": "20"}, 20, "UTC"),
        ({"SYNC_INTERVAL_MINUTES": "20", "METRIKA_SYNC_INTERVAL_MINUTES": "15"}, 15, "UTC"),
        ({"METRIKA_SYNC_INTERVAL_MINUTES": " 90 ", "APP_TIMEZONE": "Asia/Omsk"}, 90, "Asia/Omsk"),
        ({"APP_TIMEZONE": "Asia/Omsk"}, 60, "Asia/Omsk"),
        ({"APP_TIMEZONE": "", "SYNC_INTERVAL_MINUTES": ""}, 60, "Europe/Moscow"),
        ({"SYNC_INTERVAL_MINUTES": "20", "MPSYNCD_SCHEDULES__METRIKA__EVERY": "5 min"}, 5, "UTC"),
    ],
)
def test_they_set_the_schedule_of_metrika(environ: dict[str, str], every: int, zone: str, tmp_path: Path) -> None:
    plan, notes = _read(tmp_path, **environ)
    assert (plan.every, plan.zone) == (timedelta(minutes=every), zone)
    assert [note.split(" ")[0] for note in notes] == [
        name for name in ("METRIKA_SYNC_INTERVAL_MINUTES", "SYNC_INTERVAL_MINUTES", "APP_TIMEZONE") if environ.get(name)
    ]


def test_new_names_win(tmp_path: Path) -> None:
    plan, notes = _read(tmp_path, '[schedules.metrika]\ncron = "0 4 * * *"\n', SYNC_INTERVAL_MINUTES="20", APP_TIMEZONE="Asia/Omsk")
    assert plan == Schedule(cron="0 4 * * *", zone="Asia/Omsk")
    assert notes[0] == "SYNC_INTERVAL_MINUTES is an old name and is not used, because [schedules] metrika is set by another; leave it out"
    assert notes[1].startswith('APP_TIMEZONE is an old name: write zone = "Asia/Omsk" under [schedules.metrika]')


@pytest.mark.parametrize("text", ["0", "-5", "soon", "1.5", "٣"])
def test_what_is_no_number_of_minutes_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused) as refused:
        _read(tmp_path, SYNC_INTERVAL_MINUTES=text)
    [problem] = refused.value.problems
    assert (problem.origin, problem.why) == ("environment SYNC_INTERVAL_MINUTES", "it is no whole number of minutes")


def test_a_zone_that_is_none_is_told_with_its_variable(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused) as refused:
        _read(tmp_path, APP_TIMEZONE="Mars/Olympus")
    [problem] = refused.value.problems
    assert (problem.origin, problem.key) == ("environment APP_TIMEZONE", "schedules.metrika.zone")


def test_those_of_kaiten_make_a_shop_and_are_never_shown(tmp_path: Path) -> None:
    environ = {"KAITEN_API_TOKEN": " hush ", "KAITEN_API_URL": "https://hush.example", "KAITEN_WEBHOOK_SECRET": "hush-hush"}
    _, notes = _read(tmp_path, **environ)
    assert [note.split(" ")[0] for note in notes] == ["KAITEN_API_URL", "KAITEN_API_TOKEN", "KAITEN_WEBHOOK_SECRET"]
    told = old_shop(environ)
    assert told is not None
    assert (told.source, told.name, told.secrets) == ("kaiten", "kaiten", {"api_url": "https://hush.example", "api_token": "hush"})
    assert told.webhook_secret == "hush-hush"
    assert "hush" not in "".join(notes) + repr(told)


def test_half_of_what_a_kaiten_shop_needs_makes_none(tmp_path: Path) -> None:
    _, notes = _read(tmp_path, KAITEN_API_URL="https://hush.example", KAITEN_API_TOKEN="")
    assert notes == ("KAITEN_API_URL is an old name and is not used: KAITEN_API_TOKEN is not set",)
    assert old_shop({"KAITEN_API_URL": "https://hush.example"}) is None
