"""What is wrong with settings, in words: where it stands, which key, what value (never a secret), why, and the next step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from mpsyncd.settings.kinds import spell_duration

_SHOWN = 80
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing to correct. `origin` is a file, a variable or a credential; `value` is None where it is secret or says nothing."""

    origin: str
    key: str
    value: str | None
    why: str
    step: str = ""

    def __str__(self) -> str:
        value = f" = {self.value}" if self.value is not None else ""
        return f"{self.origin}: {self.key}{value}: {self.why.rstrip('.')}. {self.step}".rstrip()


def describe(error: Mapping[str, Any], *, root: type[BaseModel], origin: str, value: object) -> Problem:
    """Put one error of pydantic into words. `value` is what was given at the error's place."""
    path = key_path(root, error["loc"])
    key = ".".join(path)
    if error["type"] == "extra_forbidden":
        return unknown_key(key, known=keys_beside(root, path), origin=origin)
    why = error["msg"].removeprefix("Value error, ")
    shown = None if _is_secret(root, path) or isinstance(value, Mapping) else repr(value)[:_SHOWN]
    return Problem(origin=origin, key=key, value=shown, why=why[:1].lower() + why[1:], step=_expected(root, path))


def unknown_key(key: str, *, known: Sequence[str], origin: str) -> Problem:
    """A key that nobody knows, with the nearest known ones. Its value is never shown: it may be a secret under a misspelt name."""
    *parents, last = key.split(".")
    near = get_close_matches(last, known, n=2, cutoff=0.6)
    place = ".".join([*parents, ""])
    step = f"Did you mean {' or '.join(place + name for name in near)}?" if near else f"Known here: {', '.join(known) or 'nothing'}"
    return Problem(origin=origin, key=key, value=None, why="there is no such setting", step=step)


def key_path(root: type[BaseModel], location: Sequence[str | int]) -> Path:
    """The place of an error without the branches of unions that pydantic adds at its end."""
    path: list[str] = []
    here: Any = root
    for part in location:
        if here is None:
            break
        path.append(str(part))
        here = _below(here, str(part))
    return tuple(path)


def keys_beside(root: type[BaseModel], path: Path) -> list[str]:
    """What could stand where the last part of the path stands."""
    here: Any = root
    for part in path[:-1]:
        here = _below(here, part)
    model = _model(here)
    return sorted(model.model_fields) if model is not None else []


def leaves(tree: Mapping[str, Any], above: Path = ()) -> Iterator[Path]:
    """The path of every value in a tree of tables."""
    for name, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, (*above, name))
        else:
            yield (*above, name)


def _expected(root: type[BaseModel], path: Path) -> str:
    model = root
    for part in path[:-1]:
        model = _model(_below(model, part)) or model
    field = model.model_fields.get(path[-1]) if path else None
    if field is None or not field.description:
        return "Correct it or leave it out"
    default = field.default
    if default is None or field.is_required() or field.default_factory is not None or isinstance(default, BaseModel | dict):
        return f"Expected: {field.description}"
    shown = spell_duration(default) if hasattr(default, "total_seconds") else default
    return f"Expected: {field.description} (default {shown})"


def _below(here: Any, part: str) -> Any:
    """The annotation one step down, None where a value ends."""
    for each in (here, *get_args(here)):
        if get_origin(each) is dict:
            return get_args(each)[1]
    model = _model(here)
    field = model.model_fields.get(part) if model is not None else None
    return field.annotation if field is not None else None


def _model(annotation: Any) -> type[BaseModel] | None:
    several = () if get_origin(annotation) is dict else get_args(annotation)
    return next((each for each in (annotation, *several) if isinstance(each, type) and issubclass(each, BaseModel)), None)


def _is_secret(root: type[BaseModel], path: Path) -> bool:
    here: Any = root
    for part in path:
        here = _below(here, part)
    return "SecretStr" in repr(here)
