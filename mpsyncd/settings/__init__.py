"""Typed settings, one frozen class a component, and `load`, which reads them from file, environment and credentials.

Says what can be chosen and refuses what makes no sense. What is done with a setting is the business of whoever gets its group.
"""

from mpsyncd.settings.changes import Difference, differences
from mpsyncd.settings.groups import (
    AttachmentSettings,
    DatabaseSettings,
    EngineSettings,
    LogSettings,
    Settings,
    ShopListSettings,
    TransportSettings,
    VaultSettings,
)
from mpsyncd.settings.http import HttpSettings
from mpsyncd.settings.load import Configuration, SettingsRefused, load, read_configuration
from mpsyncd.settings.old_names import KAITEN_TOKEN, KAITEN_URL, OLD_SHOP, OldShop, old_shop
from mpsyncd.settings.problems import Problem
from mpsyncd.settings.schedules import ScheduleGroup, ScheduleSettings
from mpsyncd.settings.shops import ListedShop, SecretField, SecretFields, ShopList
from mpsyncd.settings.sources import KaitenSettings, LimitSettings, SourceGroup, SourceSettings

__all__ = [
    "KAITEN_TOKEN",
    "KAITEN_URL",
    "OLD_SHOP",
    "AttachmentSettings",
    "Configuration",
    "DatabaseSettings",
    "Difference",
    "EngineSettings",
    "HttpSettings",
    "KaitenSettings",
    "LimitSettings",
    "ListedShop",
    "LogSettings",
    "OldShop",
    "Problem",
    "ScheduleGroup",
    "ScheduleSettings",
    "SecretField",
    "SecretFields",
    "Settings",
    "SettingsRefused",
    "ShopList",
    "ShopListSettings",
    "SourceGroup",
    "SourceSettings",
    "TransportSettings",
    "VaultSettings",
    "differences",
    "load",
    "old_shop",
    "read_configuration",
]
