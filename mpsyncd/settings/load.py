"""Reads settings from the TOML file, the environment and the credentials folder, and lists everything that is wrong at once.

The shop list is read with them where a daemon or a check wants it, so that one look finds every problem of both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import ValidationError

from mpsyncd.model.errors import ConfigError
from mpsyncd.settings import places
from mpsyncd.settings.given import Given, together
from mpsyncd.settings.groups import Settings
from mpsyncd.settings.lines import lines_of, place
from mpsyncd.settings.old_names import from_old_names
from mpsyncd.settings.problems import Problem, describe, leaves
from mpsyncd.settings.shops import SecretFields, ShopList, read_shops
from mpsyncd.settings.toml import read_toml
from mpsyncd.settings.variables import from_credentials, from_variables

Check: TypeAlias = Callable[[Settings | None, ShopList | None, Callable[[str], str]], Iterable[Problem]]
"""Settings and list, None where they make no sense, and a function that tells where a setting stands -> further problems."""


class SettingsRefused(ConfigError):
    """The settings can not be used; `problems` says all that is wrong."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("\n  ".join([f"The settings have {count}:", *map(str, problems)]))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Settings and shop list (None: there is none) as they are now. `file`: the settings file. `notes`: what still works but should not."""

    settings: Settings
    file: Path | None
    shops: ShopList | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """One reading of the settings, good or not. `settings` None: they make no sense. `tree`: what they were made of."""

    settings: Settings | None
    tree: Mapping[str, Any]
    origins: Mapping[tuple[str, ...], str]
    file: Path | None
    notes: tuple[str, ...]
    problems: list[Problem]

    def good(self) -> Settings:
        """The settings; raises SettingsRefused when anything is wrong."""
        if self.settings is None or self.problems:
            raise SettingsRefused(tuple(self.problems))
        return self.settings


def load(config_path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read and check the settings alone, for commands that leave shops to the daemon; raises like `read_configuration`."""
    return _settings(config_path, environ).good()


def read_configuration(
    config_path: Path | None, environ: Mapping[str, str], *, fields: SecretFields, check: Check | None = None
) -> Configuration:
    """Read and check everything. The environment wins over credentials, these over the file, the file over old names and defaults.

    `check` finds what only rooms above this one can know, so that it is listed with the rest.

    Raises:
        SettingsRefused: with every problem, in the order file, credentials, environment, shop list.
    """
    read = _settings(config_path, environ)
    listed = read.tree.get("shops")
    path = listed.get("file") if isinstance(listed, Mapping) else None
    shops = read_shops(Path(path), environ, fields=fields, problems=read.problems) if isinstance(path, str | Path) else None
    if check is not None:
        read.problems.extend(check(read.settings, shops, lambda key: _origin(tuple(key.split(".")), read.origins)))
    return Configuration(settings=read.good(), file=read.file, shops=shops, notes=read.notes)


def _settings(config_path: Path | None, environ: Mapping[str, str]) -> _Read:
    problems: list[Problem] = []
    file = places.config_file(config_path, environ)
    given = together(
        (
            _defaults(environ, file[0] if file is not None else None),
            _from_file(*file, problems=problems) if file is not None else Given({}, {}),
            from_credentials(environ, problems=problems),
            from_variables(environ, place="environment", problems=problems),
        )
    )
    old, notes = from_old_names(environ, given.tree, problems=problems)
    given = together((old, given))
    settings: Settings | None = None
    try:
        settings = Settings(**given.tree)
    except ValidationError as error:
        problems += [_problem(each, given) for each in error.errors(include_url=False)]
    return _Read(
        settings=settings,
        tree=given.tree,
        origins=given.origins,
        file=file[0] if file is not None else None,
        notes=notes,
        problems=problems,
    )


def _defaults(environ: Mapping[str, str], file: Path | None) -> Given:
    tree: dict[str, Any] = {"database": {"data_dir": places.data_dir(environ), "runtime_dir": places.runtime_dir(environ)}}
    if (listed := places.shop_list(file)) is not None:
        tree["shops"] = {"file": listed}
    return Given(tree, {})


def _from_file(path: Path, named_by: str, *, problems: list[Problem]) -> Given:
    read = read_toml(path, named_by=named_by, problems=problems)
    if read is None:
        return Given({}, {})
    tree, text = read
    lines = lines_of(text)
    return Given(tree, {leaf: place(path, lines, leaf) for leaf in leaves(tree)})


def _problem(error: Any, given: Given) -> Problem:
    location = tuple(str(part) for part in error["loc"])
    here: Any = given.tree
    for part in location:
        if not isinstance(here, Mapping) or part not in here:
            break
        here = here[part]
    return describe(error, root=Settings, origin=_origin(location, given.origins), value=here)


def _origin(location: tuple[str, ...], origins: Mapping[tuple[str, ...], str]) -> str:
    """Who gave the value, one above it, or those below it."""
    for length in range(len(location), 0, -1):
        if location[:length] in origins:
            return origins[location[:length]]
    below = [origin for path, origin in origins.items() if path[: len(location)] == location]
    return ", ".join(dict.fromkeys(below)) or "defaults"
