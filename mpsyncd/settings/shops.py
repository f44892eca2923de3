"""The shop list: a TOML file that says which shops there are and where their keys lie. Every problem of it is found at once.

A key never stands in the list itself, so that it can be kept with the other settings; what is read from elsewhere is not shown again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mpsyncd.settings.lines import lines_of, place
from mpsyncd.settings.problems import Problem, unknown_key
from mpsyncd.settings.references import Unresolved, resolve
from mpsyncd.settings.toml import read_toml

_ENTRY = {"name": "text", "source": "text", "customer": "text", "paused": "true or false"}
_KINDS: dict[str, type] = {"text": str, "true or false": bool}


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretField:
    """What a shop of a source gives beside its name. `public`: it may stand in the list itself."""

    required: bool = True
    public: bool = False


SecretFields = Mapping[str, Mapping[str, SecretField]]
"""Source -> field -> what is wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedShop:
    """One entry of the list with its key. `line`: where it begins."""

    name: str
    source: str
    customer: str
    paused: bool
    line: int
    secrets: Mapping[str, str] = field(repr=False)

    @property
    def identity(self) -> tuple[str, str, str]:
        """What makes it the same shop the next time."""
        return self.customer, self.source, self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopList:
    """The whole list. `explicit` is false for a file that does not even say `shops`: more likely cut than meant."""

    file: Path
    shops: tuple[ListedShop, ...]
    explicit: bool


def read_shops(file: Path, environ: Mapping[str, str], *, fields: SecretFields, problems: list[Problem]) -> ShopList | None:
    """Read the list and every key that it refers to; what is wrong goes to `problems`. None when the file itself can not be used."""
    read = read_toml(file, problems=problems)
    if read is None:
        return None
    tree, text = read
    reader = _Reader(file, lines_of(text), environ, fields, problems)
    problems += [unknown_key(key, known=("shops",), origin=reader.place(key)) for key in tree if key != "shops"]
    entries = tree.get("shops", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        why, step = "it is no list of shops", 'Begin every shop with a line [[shops]] and give it name = "…"'
        problems.append(Problem(origin=reader.place("shops"), key="shops", value=None, why=why, step=step))
        entries = []
    found = [shop for number, entry in enumerate(entries) if (shop := reader.shop(number, entry)) is not None]
    reader.refuse_twins(found)
    return ShopList(file=file, shops=tuple(found), explicit="shops" in tree)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the entries of one file."""

    file: Path
    lines: Mapping[tuple[str, ...], int]
    environ: Mapping[str, str]
    fields: SecretFields
    problems: list[Problem]

    def place(self, *path: str) -> str:
        """File and line of a key, or of what it stands in."""
        return place(self.file, self.lines, path)

    def shop(self, number: int, entry: Mapping[str, Any]) -> ListedShop | None:
        """One entry, None when anything is wrong with it."""
        before = len(self.problems)
        called = entry.get("name") if isinstance(entry.get("name"), str) else f"#{number + 1}"
        key, at = f"shops.{called}", ("shops", str(number))
        self.problems.extend(self._wrong_kinds(entry, key=key, at=at))
        source = entry.get("source")
        if isinstance(source, str) and source not in self.fields:
            self._refuse(key, "source", at, value=repr(source), why="there is no such source", step=f"Known: {', '.join(self.fields)}")
        wanted = self.fields.get(source, {}) if isinstance(source, str) else {}
        for name in entry.keys() - _ENTRY.keys() - wanted.keys() if wanted else ():
            problem = unknown_key(f"{key}.{name}", known=(*_ENTRY, *wanted), origin=self.place(*at, name))
            self.problems.append(problem)
        secrets = {name: secret for name in wanted if (secret := self._secret(entry, name, wanted[name], key=key, at=at)) is not None}
        if len(self.problems) > before:
            return None
        return ListedShop(
            name=entry["name"].strip(),
            source=entry["source"],
            customer=entry.get("customer", "default").strip(),
            paused=entry.get("paused", False),
            line=self.lines[at],
            secrets=secrets,
        )

    def _wrong_kinds(self, entry: Mapping[str, Any], *, key: str, at: tuple[str, ...]) -> Iterator[Problem]:
        for name, kind in _ENTRY.items():
            value = entry.get(name)
            if value is None and name in {"name", "source"}:
                example = f'{name} = "{"north" if name == "name" else next(iter(self.fields))}"'
                yield Problem(origin=self.place(*at), key=f"{key}.{name}", value=None, why="it is missing", step=f"Write {example}")
            elif value is not None and (not isinstance(value, _KINDS[kind]) or value == "" or str(value).isspace()):
                origin = self.place(*at, name)
                yield Problem(origin=origin, key=f"{key}.{name}", value=None, why=f"{kind} is wanted here", step="Correct the value")

    def _secret(self, entry: Mapping[str, Any], name: str, wanted: SecretField, *, key: str, at: tuple[str, ...]) -> str | None:
        if name not in entry:
            if wanted.required:
                step = f'Say where the key lies: {name} = {{ file = "/run/secrets/north" }}, or env = "…", or credential = "…"'
                self._refuse(key, name, at, why="it is missing", step=f'Write {name} = "…"' if wanted.public else step)
            return None
        if wanted.public and isinstance(entry[name], str) and entry[name].strip():
            return str(entry[name]).strip()
        try:
            return resolve(entry[name], self.environ, beside=self.file.parent)
        except Unresolved as error:
            self._refuse(key, name, at, why=error.why, step=error.step.replace("{field}", name))
            return None

    def _refuse(self, key: str, name: str, at: tuple[str, ...], *, why: str, step: str, value: str | None = None) -> None:
        self.problems.append(Problem(origin=self.place(*at, name), key=f"{key}.{name}", value=value, why=why, step=step))

    def refuse_twins(self, found: list[ListedShop]) -> None:
        """Two entries of one name would take turns in changing each other's key."""
        first: dict[tuple[str, str, str], ListedShop] = {}
        for shop in found:
            twin = first.setdefault(shop.identity, shop)
            if twin is not shop:
                why, step = f"line {twin.line} has a shop of the same name, source and customer", "Give one of them another name"
                self.problems.append(Problem(origin=f"{self.file}:{shop.line}", key=f"shops.{shop.name}", value=None, why=why, step=step))
