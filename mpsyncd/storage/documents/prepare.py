"""The part of a merge that needs no database: keys, hashes, and, when rows will be written, their cells and the rows of their parts.

Runs while PostgreSQL works on the batch before. Writes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mpsyncd.model.errors import UNREADABLE, BadData
from mpsyncd.storage.documents.hashing import digest, dump
from mpsyncd.storage.documents.merge import BAD, RAW, Batch, Breath
from mpsyncd.storage.documents.shape import Item, PartSet, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from mpsyncd.model.request import Document
    from mpsyncd.storage.documents.merge import Merge
    from mpsyncd.storage.documents.shape import Key, Shape

_STEP = 20
_STEP_WITHOUT_PARTS = 60
_NUL = b"\\u0000"
PARENT = "mpsyncd:parent"
"""Where a rejected part keeps what it had from its document."""
DOUBLE = "another part of the same document has this key"


async def prepare(merge: Merge, asked_at: datetime, documents: Sequence[Document]) -> Batch:
    """Find each document's key and hash; of equal keys the last one stays. Rendered already when the merge is eager."""
    breath, items, refused = Breath(), dict[Any, Item](), list[Refusal]()
    quiet = _noise(merge)
    if merge.erased:
        documents = [_blanked(merge, document) for document in documents]
    for first in range(0, len(documents), _STEP):
        for document in documents[first : first + _STEP]:
            try:
                item = _item(merge, document, quiet(document) if quiet else document)
                items[item.key] = item
            except BadData as error:
                refused.append(Refusal(merge.main, document, str(error)))
        await breath()
    ordered = [items[key] for key in sorted(items)]
    batch = Batch(asked_at, ordered, refused, len(documents) - len(ordered) - len(refused))
    if merge.eager:
        batch.items, failed = await render(merge, ordered)
        batch.refused += failed
    return batch


def _blanked(merge: Merge, document: Document) -> Document:
    """What may be known of a document: less than it says, when it belongs to what was erased."""
    erasable = merge.main.table.erasable
    if BAD in document:
        raw = document[RAW]
        return {**document, RAW: _blanked(merge, raw)} if isinstance(raw, dict) else document
    if erasable is None or str(document.get(erasable.by)) not in merge.erased:
        return document
    return erasable.blank(document)


def _item(merge: Merge, document: Document, hashed: Document) -> Item:
    main = merge.main
    if BAD in document:
        raise BadData(document[BAD])
    body = dump(hashed)
    made: tuple[Any, ...] = ()
    if main.table.numbered:
        content = digest(body).hex()
        merge.number[content] += 1
        made = (content, merge.number[content])
    key = main.key_as_told(document, main.layout(document), made)
    cured = None
    if key is None:
        cured = main.cure(document)
        key = main.key_of(main.pick(cured, made))
    return Item(document, key, digest(body, merge.salt), made, nul=_NUL in body, cured=cured)


def _noise(merge: Merge) -> Callable[[Document], Document] | None:
    """What leaves out the noise of a document and of its parts; None when none is declared."""
    noise = merge.main.table.noise
    inner = {shape.table.at: shape.table.noise for shape in merge.parts if shape.table.at and shape.table.noise}
    if not noise and not inner:
        return None

    def quiet(document: Document) -> Document:
        return {key: _quiet_list(value, inner.get(key)) for key, value in document.items() if key not in noise}

    return quiet


def _quiet_list(value: Any, noise: frozenset[str] | None) -> Any:
    if not noise or not isinstance(value, list):
        return value
    return [{key: each[key] for key in each if key not in noise} if isinstance(each, dict) else each for each in value]


async def render(merge: Merge, items: Sequence[Item]) -> tuple[list[Item], list[Refusal]]:
    """Give items their cells and parts; return those that have them, and a refusal for each of the rest."""
    breath, good, refused = Breath(), list[Item](), list[Refusal]()
    step = _STEP if merge.parts else _STEP_WITHOUT_PARTS
    for first in range(0, len(items), step):
        fine, failed = _render_some(merge, items[first : first + step])
        good += fine
        refused += failed
        await breath()
    return good, refused


def _render_some(merge: Merge, items: Sequence[Item]) -> tuple[list[Item], list[Refusal]]:
    main, refused = merge.main, list[Refusal]()
    picked: list[tuple[Item, tuple[Any, ...]]] = []
    for item in items:
        try:
            cured = main.cure(item.document) if item.cured is None else item.cured
            row = main.pick(cured, item.made)
            if item.cured is None and cured is not item.document and not main.has_key(row, item.key):
                raise BadData("the row function changes a key that could be read without it")
            if merge.parts:
                item.parts = tuple(_part_set(shape, item, cured) for shape in merge.parts)
            picked.append((item, row))
        except BadData as error:
            refused.append(Refusal(main, item.document, str(error), item.key))
    if not picked:
        return [], refused
    cells = None if any(item.nul for item, _ in picked) else main.cells([row for _, row in picked])
    if cells is not None:
        for (item, _), told in zip(picked, cells, strict=True):
            item.cells = told
        return [item for item, _ in picked], refused
    good = []
    for item, row in picked:
        try:
            item.cells = main.cells_of(row)
            good.append(item)
        except BadData as error:
            refused.append(Refusal(main, item.document, str(error), item.key))
    return good, refused


def _part_set(shape: Shape, item: Item, cured: Document) -> PartSet:
    """The rows of one part table; BadData when the document does not hold what the declaration says."""
    told = PartSet({}, [])
    for place, (part, made) in enumerate(_part_documents(shape, item, cured)):
        _add_part(shape, told, part, made=made(place), parent=item.key)
    return told


def _part_documents(shape: Shape, item: Item, cured: Document) -> Iterable[tuple[Document, Callable[[int], tuple[Any, ...]]]]:
    table = shape.table
    if table.rows is not None:
        try:
            return [(part, lambda _: ()) for part in table.rows(item.document)]
        except BadData:
            raise
        except UNREADABLE as error:
            raise BadData(f"the rows of {table.name} can not be read: {type(error).__name__}: {error}") from None
    listed = cured.get(table.at or "")
    if listed is None:
        return []
    if not isinstance(listed, list):
        raise BadData(f"{table.at} is not a list")
    link = dict(zip(table.key, item.key, strict=False))  # the key of a part begins with its document's
    carried = tuple(link[name] if name in link else cured.get(key) for name, key in (table.carry or {}).items())
    made = (lambda place: (*carried, place)) if table.position else (lambda _: carried)
    return [(each if isinstance(each, dict) else {"value": each}, made) for each in listed]


def _add_part(shape: Shape, told: PartSet, part: Document, *, made: tuple[Any, ...], parent: Key) -> None:
    key: Key | None = None
    try:
        row = shape.pick(shape.cure(part), made)
        key = shape.key_of(row)
        if key[: shape.link] != parent:
            raise BadData(f"belongs to {key[: shape.link]}, not to the document that holds it")
        if key in told.items:
            raise BadData(DOUBLE)
        cells = shape.cells_of(row)
        told.items[key] = Item(part, key, digest(_joined(cells)), made, cells=cells)
    except BadData as error:
        told.refused.append(Refusal(shape, with_parent(shape, part, made), str(error), key, parent))
        told.whole = told.whole and key is not None


def with_parent(shape: Shape, part: Document, made: tuple[Any, ...]) -> Document:
    """A part that is rejected, with what it had from its document beside it."""
    return {PARENT: dict(zip(shape.made, made, strict=True)), **part} if made else part


def _joined(cells: Sequence[str | None]) -> bytes:
    return "\x1f".join(["\x1e" if cell is None else cell for cell in cells]).encode()


def part_again(shape: Shape, document: Mapping[str, Any]) -> Item:
    """A rejected part, read once more; BadData when it is still unreadable."""
    part = dict(document)
    parent = part.pop(PARENT, {})
    made = tuple(parent.get(name) for name in shape.made)
    row = shape.pick(shape.cure(part), made)
    cells = shape.cells_of(row)
    return Item(part, shape.key_of(row), digest(_joined(cells)), made, cells=cells)
