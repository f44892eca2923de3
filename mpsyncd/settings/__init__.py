"""Typed settings, one frozen class a component, and `load`, which reads them from file, environment and credentials.

Says what can be chosen and refuses what makes no sense. What is done with a setting is the business of whoever gets its group.
"""

from mpsyncd.settings.groups import (
    DatabaseSettings,
    EngineSettings,
    HttpSettings,
    LogSettings,
    Settings,
    TransportSettings,
    VaultSettings,
)
from mpsyncd.settings.load import SettingsRefused, load
from mpsyncd.settings.problems import Problem
from mpsyncd.settings.schedules import ScheduleGroup, ScheduleSettings
from mpsyncd.settings.sources import LimitSettings, SourceGroup, SourceSettings

__all__ = [
    "DatabaseSettings",
    "EngineSettings",
    "HttpSettings",
    "LimitSettings",
    "LogSettings",
    "Problem",
    "ScheduleGroup",
    "ScheduleSettings",
    "Settings",
    "SettingsRefused",
    "SourceGroup",
    "SourceSettings",
    "TransportSettings",
    "VaultSettings",
    "load",
]
