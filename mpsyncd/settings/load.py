"""Reads settings from the TOML file, the environment and the credentials folder, and lists everything that is wrong at once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource

from mpsyncd.model.errors import ConfigError
from mpsyncd.settings import places
from mpsyncd.settings.groups import Settings
from mpsyncd.settings.problems import Problem, describe, leaves, unknown_key

PREFIX = "MPSYNCD_"
NOT_SETTINGS = frozenset({places.CONFIG_VARIABLE, "MPSYNCD_VAULT_KEY"})
"""Variables of this prefix that others read: where the file is, and the vault's key by its short name."""
TEST_PREFIX = "MPSYNCD_TEST_"


class SettingsRefused(ConfigError):
    """The settings can not be used; `problems` says all that is wrong."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("\n  ".join([f"The settings have {count}:", *map(str, problems)]))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class _Given:
    """What one place gives: a tree of tables, and the name of the place for each value in it."""

    tree: dict[str, Any]
    origins: dict[tuple[str, ...], str]


def load(config_path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read and check all settings. The environment wins over credentials, these over the file, the file over the defaults.

    Raises:
        SettingsRefused: with every problem, in the order file, credentials, environment.
    """
    problems: list[Problem] = []
    file = places.config_file(config_path, environ)
    given = [
        _defaults(environ),
        _from_file(*file, problems=problems) if file is not None else _Given({}, {}),
        _from_credentials(environ, problems=problems),
        _from_environment(environ, problems=problems),
    ]
    tree: dict[str, Any] = {}
    origins: dict[tuple[str, ...], str] = {}
    for each in given:
        tree = _merged(tree, each.tree)
        origins |= each.origins
    try:
        settings = Settings(**tree)
    except ValidationError as error:
        problems += [_problem(each, tree=tree, origins=origins) for each in error.errors(include_url=False)]
        raise SettingsRefused(tuple(problems)) from None
    if problems:
        raise SettingsRefused(tuple(problems))
    return settings


def _defaults(environ: Mapping[str, str]) -> _Given:
    database: dict[str, Any] = {"data_dir": places.data_dir(environ), "runtime_dir": places.runtime_dir(environ)}
    return _Given({"database": database}, {})


def _from_file(path: Path, named_by: str, *, problems: list[Problem]) -> _Given:
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        why, step = f"there is no such file (named by {named_by})", "Correct the path, or leave it out to use the defaults"
    except OSError as error:
        why, step = f"it can not be read ({error.strerror})", "Let the account that runs mpsyncd read it"
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        why, step = f"it is no TOML ({error})", "Correct the line; texts stand in quotes"
    else:
        return _Given(tree, dict.fromkeys(leaves(tree), str(path)))
    problems.append(Problem(origin=str(path), key="file", value=None, why=why, step=step))
    return _Given({}, {})


def _from_credentials(environ: Mapping[str, str], *, problems: list[Problem]) -> _Given:
    """Systemd's LoadCredential: a file `database.dsn` holds that setting; files of other names belong to somebody else."""
    folder = Path(environ.get("CREDENTIALS_DIRECTORY") or "")
    tree: dict[str, Any] = {}
    origins: dict[tuple[str, ...], str] = {}
    if not environ.get("CREDENTIALS_DIRECTORY") or not folder.is_dir():
        return _Given(tree, origins)
    for file in sorted(folder.iterdir()):
        path = tuple(file.name.split("."))
        if path[0] not in Settings.model_fields or len(path) == 1:
            continue
        try:
            value = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = f"it can not be read ({error})"
            problems.append(Problem(origin=f"credential {file.name}", key=file.name, value=None, why=why, step="Make it a readable text"))
            continue
        tree = _merged(tree, _nested(path, value))
        origins[path] = f"credential {file.name}"
    return _Given(tree, origins)


class _Environment(EnvSettingsSource):
    """pydantic-settings' reading of variables, from a given environment; what is no JSON stays a text and is reported with the rest."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        super().__init__(Settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in self._environ.items()}

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


def _from_environment(environ: Mapping[str, str], *, problems: list[Problem]) -> _Given:
    ours = {name: value for name, value in environ.items() if name.startswith(PREFIX)}
    ours = {name: value for name, value in ours.items() if name not in NOT_SETTINGS and not name.startswith(TEST_PREFIX)}
    for name in sorted(ours):
        group = name.removeprefix(PREFIX).lower().split("__")[0]
        if group not in Settings.model_fields:
            problems.append(unknown_key(name, known=_variables(Settings, PREFIX), origin="environment"))
    tree = _Environment(ours)()
    spelt = {tuple(name.removeprefix(PREFIX).lower().split("__")): name for name in ours}
    origins = {path: f"environment {_spelling(path, spelt)}" for path in leaves(tree)}
    return _Given(tree, origins)


def _spelling(path: tuple[str, ...], spelt: Mapping[tuple[str, ...], str]) -> str:
    """The variable that gave a value: its own, or one above it that holds JSON."""
    return next((spelt[path[:length]] for length in range(len(path), 0, -1) if path[:length] in spelt), PREFIX + "__".join(path).upper())


def _variables(model: type[BaseModel], prefix: str) -> list[str]:
    names: list[str] = []
    for name, field in model.model_fields.items():
        below = field.annotation
        if isinstance(below, type) and issubclass(below, BaseModel):
            names += _variables(below, f"{prefix}{name.upper()}__")
        else:
            names.append(prefix + name.upper())
    return names


def _problem(error: Any, *, tree: Mapping[str, Any], origins: Mapping[tuple[str, ...], str]) -> Problem:
    location = tuple(str(part) for part in error["loc"])
    here: Any = tree
    for part in location:
        if not isinstance(here, Mapping) or part not in here:
            break
        here = here[part]
    return describe(error, root=Settings, origin=_origin(location, origins), value=here)


def _origin(location: tuple[str, ...], origins: Mapping[tuple[str, ...], str]) -> str:
    """Who gave the value, one above it, or those below it."""
    for length in range(len(location), 0, -1):
        if location[:length] in origins:
            return origins[location[:length]]
    below = {origin for path, origin in origins.items() if path[: len(location)] == location}
    return ", ".join(sorted(below)) or "defaults"


def _nested(path: tuple[str, ...], value: object) -> dict[str, Any]:
    for part in reversed(path):
        value = {part: value}
    return value if isinstance(value, dict) else {}


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for name, value in over.items():
        below = result.get(name)
        result[name] = _merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return result
