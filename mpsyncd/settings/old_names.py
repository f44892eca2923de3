"""Variables of the programs that mpsyncd replaces: what their names mean here. A setting under its own name always wins.

The three of the scheduler belonged to the program that read Yandex Metrika, so they set the schedule of that name and no other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mpsyncd.settings.given import Given, nested
from mpsyncd.settings.problems import Problem
from mpsyncd.settings.schedules import ScheduleGroup

SCHEDULE = "metrika"
ZONE = "APP_TIMEZONE"
INTERVALS = ("METRIKA_SYNC_INTERVAL_MINUTES", "SYNC_INTERVAL_MINUTES")
"""The first that is set counts."""
KAITEN_URL, KAITEN_TOKEN, KAITEN_WEBHOOKS = "KAITEN_API_URL", "KAITEN_API_TOKEN", "KAITEN_WEBHOOK_SECRET"
OLD_SHOP = "kaiten"
"""The name of the shop that these three make, one Kaiten company, at the start of a daemon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OldShop:
    """A shop that old variables tell of. `webhook_secret`: the one that its vendor sends along, None for one of our making."""

    source: str
    name: str
    secrets: Mapping[str, str] = field(repr=False)
    webhook_secret: str | None = field(repr=False)


def old_shop(environ: Mapping[str, str]) -> OldShop | None:
    """The shop that these variables tell of, None where they do not tell all of it."""
    url, token, secret = (environ.get(name, "").strip() for name in (KAITEN_URL, KAITEN_TOKEN, KAITEN_WEBHOOKS))
    if not url or not token:
        return None
    return OldShop(source="kaiten", name=OLD_SHOP, secrets={"api_url": url, "api_token": token}, webhook_secret=secret or None)


def from_old_names(environ: Mapping[str, str], tree: Mapping[str, Any], *, problems: list[Problem]) -> tuple[Given, tuple[str, ...]]:
    """What old variables add to the settings in `tree`, and notes for people on what to write instead."""
    schedule = _schedule(tree)
    values: dict[str, Any] = {}
    origins: dict[tuple[str, ...], str] = {}
    notes: list[str] = []

    def use(name: str, key: str, value: str, *, used: bool) -> None:
        notes.append(_note(name, used=used, key=key, value=value))
        if used:
            values[key] = value
            origins["schedules", SCHEDULE, key] = f"environment {name}"

    for name in INTERVALS:
        text = environ.get(name, "").strip()
        if text and not (text.isascii() and text.isdecimal() and int(text) > 0):
            why, step = "it is no whole number of minutes", f"{_instead('every', '60 min')}, and leave {name} out"
            problems.append(Problem(origin=f"environment {name}", key=name, value=repr(text), why=why, step=step))
        elif text:
            use(name, "every", f"{int(text)} min", used=not schedule.keys() & {"every", "cron"} and "every" not in values)
    if zone := environ.get(ZONE, "").strip():
        use(ZONE, "zone", zone, used="zone" not in schedule)
    if "zone" in values and not (schedule.keys() | values.keys()) & {"every", "cron"}:  # a zone alone is no schedule
        values["every"] = ScheduleGroup().metrika.every
    notes += _of_kaiten(environ)
    return Given(nested(("schedules", SCHEDULE), values) if values else {}, origins), tuple(notes)


def _of_kaiten(environ: Mapping[str, str]) -> Iterator[str]:
    """What to write in place of the variables of the Kaiten shop, or which of them is missing."""
    given = [name for name in (KAITEN_URL, KAITEN_TOKEN, KAITEN_WEBHOOKS) if environ.get(name, "").strip()]
    missing = [name for name in (KAITEN_URL, KAITEN_TOKEN) if name not in given]
    for name in given:
        if missing:
            yield f"{name} is an old name and is not used: {' and '.join(missing)} is not set"
        else:
            yield f'{name} is an old name: it makes the shop "kaiten"; write that shop into the shop list, and leave it out'


def _schedule(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the new names say of the schedule; nothing where they are of a wrong kind, which is reported elsewhere."""
    here: Any = tree
    for part in ("schedules", SCHEDULE):
        here = here.get(part) if isinstance(here, Mapping) else None
    return here if isinstance(here, Mapping) else {}


def _note(name: str, *, used: bool, key: str, value: str) -> str:
    if not used:
        return f"{name} is an old name and is not used, because [schedules] {SCHEDULE} is set by another; leave it out"
    return f"{name} is an old name: {_instead(key, value)}, and leave it out"


def _instead(key: str, value: str) -> str:
    return f'write {key} = "{value}" under [schedules.{SCHEDULE}] (or the variable MPSYNCD_SCHEDULES__{SCHEDULE.upper()}__{key.upper()})'
