"""Settings by the names of variables: from the environment, and from systemd credentials that are named so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource

from mpsyncd.settings import places
from mpsyncd.settings.given import Given, merged, nested, together
from mpsyncd.settings.groups import Settings
from mpsyncd.settings.problems import Problem, leaves, unknown_key
from mpsyncd.settings.references import CREDENTIALS

PREFIX = "MPSYNCD_"
NOT_SETTINGS = frozenset({places.CONFIG_VARIABLE, "MPSYNCD_VAULT_KEY"})
"""Variables of this prefix that others read: where the file is, and the vault's key by its short name."""
TEST_PREFIX = "MPSYNCD_TEST_"


def from_credentials(environ: Mapping[str, str], *, problems: list[Problem]) -> Given:
    """Systemd's LoadCredential: `database.dsn` and `MPSYNCD_DATABASE__DSN` hold that setting; other names belong to somebody else."""
    folder = Path(environ.get(CREDENTIALS) or "")
    tree: dict[str, Any] = {}
    origins: dict[tuple[str, ...], str] = {}
    variables: dict[str, str] = {}
    if not environ.get(CREDENTIALS) or not folder.is_dir():
        return Given(tree, origins)
    for file in sorted(folder.iterdir()):
        path = tuple(file.name.split("."))
        variable = file.name.startswith(PREFIX)
        if not variable and (path[0] not in Settings.model_fields or len(path) == 1):
            continue
        try:
            value = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = f"it can not be read ({error})"
            problems.append(Problem(origin=f"credential {file.name}", key=file.name, value=None, why=why, step="Make it a readable text"))
            continue
        if variable:
            variables[file.name] = value
        else:
            tree = merged(tree, nested(path, value))
            origins[path] = f"credential {file.name}"
    return together([Given(tree, origins), from_variables(variables, place="credential", problems=problems)])


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


def from_variables(environ: Mapping[str, str], *, place: str, problems: list[Problem]) -> Given:
    """Settings by the names of variables, from the environment or from credentials that are named so."""
    ours = {name: value for name, value in environ.items() if name.startswith(PREFIX)}
    ours = {name: value for name, value in ours.items() if name not in NOT_SETTINGS and not name.startswith(TEST_PREFIX)}
    for name in sorted(ours):
        group = name.removeprefix(PREFIX).lower().split("__")[0]
        if group not in Settings.model_fields:
            problems.append(unknown_key(name, known=_variables(Settings, PREFIX), origin=place))
    tree = _Environment(ours)()
    spelt = {tuple(name.removeprefix(PREFIX).lower().split("__")): name for name in ours}
    origins = {path: f"{place} {_spelling(path, spelt)}" for path in leaves(tree)}
    return Given(tree, origins)


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
