"""How documents of one table become rows of text: which JSON key feeds which column, what goes to `extra`, what is the key.

Layouts are learned from the documents themselves: documents of one stream nearly always have the same keys in the same order, so the work
per document is one look-up. Touches no database.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeAlias

from mpsyncd.model.errors import UNREADABLE, BadData
from mpsyncd.model.naming import snake
from mpsyncd.storage.documents.hashing import digest, dump, dump_anything, fingerprint
from mpsyncd.storage.documents.kinds import RENDER, Kind, key_value, render_column
from mpsyncd.storage.documents.statements import Statements

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from mpsyncd.model.request import Document
    from mpsyncd.model.stream import Table
    from mpsyncd.storage.documents.catalog import Column

Key: TypeAlias = tuple[Any, ...]
Cells: TypeAlias = tuple[str | None, ...]

_LAYOUTS = 256
_KEY_TEXT = 500
_INT64 = 2**63


@dataclass(slots=True)
class Stored:
    """What the database holds of a document: start of the request that wrote it, of the walk that missed it, the guard."""

    synced_at: datetime
    deleted_at: datetime | None
    guard: Any


@dataclass(slots=True)
class Item:
    """A document on its way.

    made: the columns that do not come from the document. nul: the character NUL is somewhere in it. cured: what the row function made of
    it, where that was needed to find the key. cells: its row, once rendered.
    """

    document: Document
    key: Key
    digest: bytes
    made: tuple[Any, ...] = ()
    nul: bool = False
    cured: Document | None = None
    cells: Cells | None = None
    stored: Stored | None = None
    parts: tuple[PartSet, ...] = ()


@dataclass(slots=True)
class PartSet:
    """The rows that one document has in one part table. `whole` is false when one of them has no readable key."""

    items: dict[Key, Item]
    refused: list[Refusal]
    whole: bool = True


@dataclass(slots=True)
class Refusal:
    """A document that can not be written. `key` is None when it could not be read; `parent` is the key of the document it is part of."""

    shape: Shape
    document: Document
    reason: str
    key: Key | None = None
    parent: Key | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the columns stand in (values of the document, values made, None).

    keys: the document's keys for the table's key, None when one of them is made or missing. extra: its keys that have no column.
    """

    pick: Callable[[Sequence[Any]], tuple[Any, ...]]
    keys: tuple[str, ...] | None
    extra: tuple[str, ...]


class Shape:
    """One declared table with its columns. `owned` are the keys of its documents that part tables own; layouts are remembered."""

    def __init__(
        self, table: Table, columns: Sequence[Column], *, parent: Table | None = None, owned: frozenset[str] = frozenset()
    ) -> None:
        self.table = table
        self.owned = owned
        self.names = tuple(column.name for column in columns)
        self.kinds = tuple(column.kind for column in columns)
        self.types = tuple(column.type for column in columns)
        self.link = len(parent.key) if parent else 0
        self.made = self._made_columns()
        self.key_at = tuple(self.names.index(name) for name in table.key)
        self.key_kinds = tuple(self.kinds[at] for at in self.key_at)
        self.guard_at = self.names.index(table.guard) if table.guard else None
        self.json = frozenset(name for name, kind in zip(self.names, self.kinds, strict=True) if kind is Kind.JSON)
        self.sql = Statements(table, self.names, self.key_kinds)
        self._layouts: dict[tuple[Any, ...], Layout] = {}

    def _made_columns(self) -> tuple[str, ...]:
        table = self.table
        if table.part_of is not None and table.rows is None:
            return (*(table.carry or {}), *((table.position,) if table.position else ()))
        return table.numbered or ()

    def facts(self) -> tuple[str, ...]:
        """What the reading of this table's documents depends on."""
        tracks = sorted(f"track {track.field} {track.version}" for track in self.table.tracks)
        columns = sorted(f"{name} {kind}" for name, kind in zip(self.names, self.types, strict=True))
        return (self.table.name, f"version {self.table.version}", *tracks, *columns)

    def layout(self, document: Document) -> Layout:
        """Where the columns stand in this document."""
        told = tuple(document)
        known = self._layouts.get(told)
        if known is None:
            if len(self._layouts) >= _LAYOUTS:
                self._layouts.clear()
            known = self._layouts[told] = self._learn(told)
        return known

    def _learn(self, told: tuple[str, ...]) -> Layout:
        places = dict(zip(self.made, range(len(told), len(told) + len(self.made)), strict=True))
        columns, extra = frozenset(self.names), []
        for place, key in enumerate(told):
            if key in self.owned:
                continue
            name = snake(key)
            if name in columns and name not in places:
                places[name] = place
            else:
                extra.append(key)
        nothing = len(told) + len(self.made)
        order = [places.get(name, nothing) for name in self.names]
        pick = itemgetter(*order) if len(order) > 1 else lambda values: (values[order[0]],)
        own = all(order[at] < len(told) for at in self.key_at)
        return Layout(pick, tuple(told[order[at]] for at in self.key_at) if own else None, tuple(extra))

    def key_as_told(self, document: Document, layout: Layout, made: tuple[Any, ...]) -> Key | None:
        """The key where it is spelt as plainly as it is stored, else None: then `cure` has to look first."""
        if layout.keys is not None:
            key = tuple([document[name] for name in layout.keys])
        else:
            row = layout.pick((*document.values(), *made, None))
            key = tuple([row[at] for at in self.key_at])
        for value, kind in zip(key, self.key_kinds, strict=True):
            if value.__class__ is str:
                plain = kind is Kind.TEXT and "\x00" not in value
            else:
                plain = value.__class__ is int and kind is Kind.INTEGER and -_INT64 <= value < _INT64
            if not plain:
                return None
        return key

    def has_key(self, row: Sequence[Any], key: Key) -> bool:
        """Whether a picked row has this key; BadData when it has none."""
        return tuple([row[at] for at in self.key_at]) == key or self.key_of(row) == key

    def key_of(self, row: Sequence[Any]) -> Key:
        """The key of a picked row; BadData names the column."""
        key = []
        for at, kind in zip(self.key_at, self.key_kinds, strict=True):
            try:
                key.append(key_value(kind, row[at]))
            except BadData as error:
                raise BadData(f"key column {self.names[at]} {error}") from None
        return tuple(key)

    def key_text(self, key: Key) -> str:
        """A key as JSON text, {"nm_id":1}; one too long for an index is cut and told apart by its hash."""
        told = dump_anything(dict(zip(self.table.key, key, strict=True)))
        return told if len(told) <= _KEY_TEXT else dump_anything({"cut": told[:_KEY_TEXT], "hash": digest(told.encode()).hex()})

    def cure(self, document: Document) -> Document:
        """What the row function makes of the document; BadData when it can not."""
        if self.table.row is None:
            return document
        try:
            return self.table.row(document)
        except BadData:
            raise
        except UNREADABLE as error:
            raise BadData(f"the row function can not read it: {type(error).__name__}: {error}") from None

    def pick(self, cured: Document, made: tuple[Any, ...]) -> tuple[Any, ...]:
        """The values of the columns in their order, `extra` last as JSON text or None."""
        layout = self.layout(cured)
        row = layout.pick((*cured.values(), *made, None))
        return (*row, dump({key: cured[key] for key in layout.extra}).decode() if layout.extra else None)

    def cells(self, rows: Sequence[tuple[Any, ...]]) -> list[Cells] | None:
        """Many picked rows as text; None when one of them can not be (`cells_of` finds it)."""
        columns = list(zip(*rows, strict=True))
        try:
            told = [render_column(kind, column) for kind, column in zip(self.kinds, columns, strict=False)]
        except BadData:
            return None
        return list(zip(*told, columns[-1], strict=True))

    def cells_of(self, row: tuple[Any, ...]) -> Cells:
        """One picked row as text; BadData names the column."""
        cells = []
        for name, kind, value in zip(self.names, self.kinds, row, strict=False):
            try:
                told = None if value is None else RENDER[kind](value)
                if told is not None and "\x00" in told:
                    raise BadData("holds the character NUL, which PostgreSQL can not store")
            except BadData as error:
                raise BadData(f"column {name}: {error}") from None
            cells.append(told)
        return (*cells, row[-1])


def salt_of(main: Shape, parts: Sequence[Shape]) -> bytes:
    """The salt under which documents of a main table with these parts are hashed."""
    return fingerprint(fact for shape in (main, *parts) for fact in shape.facts())
