"""When streams are due: named schedules that streams refer to, each an interval or a cron line in a named zone."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Self

from pydantic import Field, model_validator

from mpsyncd.model.schedule import Schedule
from mpsyncd.settings.kinds import Duration, Group, Zone

_CRON_FIELD = re.compile(r"[0-9a-z*/,\-]+", flags=re.IGNORECASE)
_CRON_FIELDS = 5


class ScheduleSettings(Group):
    """One schedule: either `every` so often, or at the times of a `cron` line in the calendar of `zone`."""

    every: Duration | None = Field(default=None, description='Interval, for example "30 min"')
    cron: str | None = Field(
        default=None, examples=["0 3 * * *"], description="Five fields: minute, hour, day of month, month, day of week (mon..sun)"
    )
    zone: Zone = Field(default="UTC", description="Calendar of the cron line, a name of the IANA list")

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.every is None) is (self.cron is None):
            message = "give either every or cron, one of the two"
            raise ValueError(message)
        fields = (self.cron or "* * * * *").split()
        if len(fields) != _CRON_FIELDS or not all(_CRON_FIELD.fullmatch(field) for field in fields):
            message = f"{self.cron!r} is no cron line of five fields, for example 0 3 * * *"
            raise ValueError(message)
        return self

    @property
    def plan(self) -> Schedule:
        """The same as a noun of the model."""
        return Schedule(every=self.every, cron=self.cron, zone=self.zone)


class ScheduleGroup(Group):
    """How often each kind of stream is due."""

    frequent: ScheduleSettings = Field(default=ScheduleSettings(every=timedelta(minutes=30)), description="Orders, stocks, prices")
    daily: ScheduleSettings = Field(default=ScheduleSettings(cron="0 3 * * *", zone="UTC"), description="Cards, finance, reference data")
    ads: ScheduleSettings = Field(default=ScheduleSettings(every=timedelta(minutes=60)), description="Campaigns and bids")
    analytics: ScheduleSettings = Field(default=ScheduleSettings(cron="0 2 * * *", zone="Europe/Moscow"), description="Product analytics")
    kaiten: ScheduleSettings = Field(default=ScheduleSettings(every=timedelta(hours=6)), description="Kaiten")
    metrika: ScheduleSettings = Field(
        default=ScheduleSettings(every=timedelta(minutes=60), zone="Europe/Moscow"), description="Yandex Metrika"
    )

    def plans(self) -> dict[str, Schedule]:
        """Schedules by the names that streams use."""
        return {name: getattr(self, name).plan for name in type(self).model_fields}
