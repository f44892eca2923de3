"""The example files and the reference page of settings, made of the classes themselves. Pure: text out, nothing read."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from mpsyncd.settings.changes import needs_restart
from mpsyncd.settings.groups import Settings
from mpsyncd.settings.kinds import spell_duration
from mpsyncd.settings.schedules import ScheduleSettings
from mpsyncd.settings.shops import SecretFields
from mpsyncd.settings.sources import LimitSettings, SourceSettings

_WIDTH = 110
_SHOP_OPTIONS = ('customer = "default"  # Whose shop it is; made when it is new', "paused = false  # Whether it rests")
_MADE_UP = '"name.of.rate"'
_HEAD = """\
# All settings of mpsyncd with their defaults; a line without its leading "#" takes effect.
# Read from --config, MPSYNCD_CONFIG, ./mpsyncd.toml or /etc/mpsyncd/mpsyncd.toml, the first of these that is there.
# The environment wins over this file: MPSYNCD_HTTP__PORT=8081 is port under [http]. systemd credentials come between the two: a
# credential of the name database.dsn, or MPSYNCD_DATABASE__DSN, is dsn under [database]. A running daemon reads it again on SIGHUP.
# Made from the classes in mpsyncd/settings; do not edit by hand."""
_PAGE = """\
# Settings

Made from the classes in `mpsyncd/settings` by `tests/support/reference.py`; a test keeps it true. The same as a file to copy:
[`config/mpsyncd.example.toml`](../../config/mpsyncd.example.toml).

Settings are read from the first of `--config`, `MPSYNCD_CONFIG`, `./mpsyncd.toml` and `/etc/mpsyncd/mpsyncd.toml`. A systemd credential
named like the setting (`database.dsn`, `vault.key`) or like its variable wins over the file, and the environment wins over both:
`MPSYNCD_<GROUP>__<SETTING>`, for example `MPSYNCD_HTTP__PORT`. An unknown key is refused. `mpsyncd check-config` lists everything that is
wrong at once.

A running daemon takes over what changed when it is [asked to read again](../howto/reload.md). Column *change*: `reload` says that this is
enough, `restart` that a reload with such a change is refused as a whole.

Durations have a unit: `30 s`, `15 min`, `6 h`, `90 d`.

Names of older programs are understood as long as the setting itself is not given, and `mpsyncd check-config` says what to write instead:
`METRIKA_SYNC_INTERVAL_MINUTES` and `SYNC_INTERVAL_MINUTES` are `every` of `[schedules.metrika]` (the first wins), `APP_TIMEZONE` is its
`zone`. `KAITEN_API_URL` and `KAITEN_API_TOKEN` together (with `KAITEN_WEBHOOK_SECRET`, if there is one) make the shop `kaiten` at the start
of a daemon, and give it that key whenever they differ from what it has."""
_SHOPS_HEAD = """\
# The shop list of mpsyncd: copy it to shops.toml beside the settings file, or name it with [shops] file.
# Shops that are added with `mpsyncd shops add` live beside these; a shop of this list is changed here only.
# After a change: mpsyncd reload (or SIGHUP). A new entry is added and its first load begins, an entry that is gone stops its shop and
# keeps its data, an entry that comes back goes on where it stopped. `name` is what makes it the same shop: another name is another shop.
#
# A key never stands here, only where it lies:
#   { file = "/run/secrets/north" }    a file with the key as its content; a relative path is looked for beside this list
#   { credential = "wb_token_1" }      LoadCredential=wb_token_1:… of the systemd unit
#   { env = "WB_TOKEN_1" }             a variable; its changes are seen at the next start of the daemon only
# Every daemon that works on one database gets the same list, or only one of them gets one. `shops = []` alone stops all of its shops.
# Made from the code; do not edit by hand."""


def example_toml() -> str:
    """A settings file in which every setting stands commented out with its default, or with an example where there is none."""
    tables = []
    for heading, model, fields in _tables():
        lines = [f"# {line}" for line in textwrap.wrap(_doc(model), _WIDTH)]
        lines.append(f"# [{heading}]" if _MADE_UP in heading else f"[{heading}]")
        lines += [f"# {name} = {_toml(_example(field))}  # {field.description}" for name, field in fields]
        tables.append("\n".join(lines))
    return "\n\n".join([_HEAD, *tables]) + "\n"


def markdown() -> str:
    """The reference page."""
    parts = [_PAGE]
    for heading, model, fields in _tables():
        rows = [
            f"| `{name}` | {_kind(field.annotation)} | {_shown(field)} | {_change(f'{heading}.{name}')} | {field.description} |"
            for name, field in fields
        ]
        head = ["| setting | kind | default | change | meaning |", "|---|---|---|---|---|"]
        parts.append("\n".join([f"## [{heading}]", "", _doc(model), "", *head, *rows]))
    schedule = [
        f"| `{name}` | {_kind(field.annotation)} | {_shown(field)} | {field.description} |" for name, field in _fields(ScheduleSettings)
    ]
    parts.append(
        "\n".join(["## A schedule", "", _doc(ScheduleSettings), "", "| key | kind | default | meaning |", "|---|---|---|---|", *schedule])
    )
    return "\n\n".join(parts) + "\n"


def example_shops(titles: Mapping[str, Mapping[str, str]], fields: SecretFields) -> str:
    """A shop list in which every entry stands commented out. `titles`: source -> field -> what it is called; `fields`: of which kind."""
    entries = []
    for number, (source, called) in enumerate(titles.items(), start=1):
        head = [f"# A shop at {source}.", "# [[shops]]", f'# name = "shop-{number}"', f'# source = "{source}"']
        kept = f"/run/secrets/shop-{number}-"
        given = {name: '"…"' if fields[source][name].public else f'{{ file = "{kept}{name}" }}' for name in called}
        secrets = [f"# {name} = {given[name]}  # {title}" for name, title in called.items()]
        entries.append("\n".join([*head, *secrets, *(f"# {line}" for line in _SHOP_OPTIONS)]))
    return "\n\n".join([_SHOPS_HEAD, *entries]) + "\n"


def _tables() -> Iterator[tuple[str, type[BaseModel], list[tuple[str, FieldInfo]]]]:
    """Heading, class and fields of every table of the file."""
    for name, field in Settings.model_fields.items():
        group: Any = field.annotation
        below = [
            (inner, part)
            for inner, part in group.model_fields.items()
            if isinstance(part.annotation, type) and issubclass(part.annotation, SourceSettings)
        ]
        if not below:
            yield name, group, _fields(group)
        for inner, part in below:
            kind: Any = part.annotation
            yield f"{name}.{inner}", kind, _fields(kind)
            yield f"{name}.{inner}.limits.{_MADE_UP}", LimitSettings, _fields(LimitSettings)


def _fields(model: type[BaseModel]) -> list[tuple[str, FieldInfo]]:
    """The settings of one table; limits have tables of their own."""
    return [(name, field) for name, field in model.model_fields.items() if name != "limits"]


def _example(field: FieldInfo) -> object:
    if field.default in (None, ()) or field.default_factory is not None:
        return (field.examples or [""])[0]
    return field.default


def _toml(value: object) -> str:
    match value:
        case bool() | int() | float():
            return json.dumps(value)
        case timedelta():
            return f'"{spell_duration(value)}"'
        case ScheduleSettings():
            given = {name: getattr(value, name) for name in ScheduleSettings.model_fields if name in value.model_fields_set}
            return "{ " + ", ".join(f"{name} = {_toml(each)}" for name, each in given.items()) + " }"
        case dict():
            return "{}"
        case tuple() | list():
            return f"[{', '.join(map(_toml, value))}]"
        case _:
            return json.dumps(str(value), ensure_ascii=False)


def _shown(field: FieldInfo) -> str:
    if isinstance(field.json_schema_extra, dict):
        return str(field.json_schema_extra["shown"])
    return "none" if field.default is None or field.default in ({}, ()) else f"`{_toml(field.default)}`"


def _kind(annotation: Any) -> str:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin in {Union, UnionType}:
        return " or ".join(_kind(part) for part in parts if part is not NoneType)
    if origin is Literal:
        return ", ".join(f"`{part}`" for part in parts)
    if origin is dict:
        return "table"
    if origin is tuple:
        return "list"
    if hasattr(annotation, "__metadata__"):
        return _kind(annotation.__origin__)
    names = {
        bool: "true or false",
        int: "whole number",
        float: "number",
        str: "text",
        Path: "path",
        timedelta: "duration",
        SecretStr: "secret",
    }
    return names.get(annotation, "schedule")


def _change(key: str) -> str:
    return "restart" if needs_restart(key) else "reload"


def _doc(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").split())
