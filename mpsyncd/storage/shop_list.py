"""The shop list against the table: what differs, and all of it written in the caller's one transaction.

Never deletes: a shop whose entry is gone is disabled and keeps its rows, cursors and key. Shops that were added by command are left alone
until an entry of their name takes them over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from mpsyncd.model.errors import ConfigError, Unauthorized
from mpsyncd.model.source import stored_identity
from mpsyncd.model.turns import turn
from mpsyncd.storage.shop_status import other_owner
from mpsyncd.storage.vault import TURN, load_keys

if TYPE_CHECKING:
    from mpsyncd.model.source import Credentials, Identity
    from mpsyncd.storage.pool import Connection
    from mpsyncd.storage.vault import Keyring

Name: TypeAlias = tuple[str, str, str]
"""Customer, source and name: what makes it the same shop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the list says of one shop."""

    name: Name
    line: int
    paused: bool
    secrets: Credentials = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A shop of the table. `secrets` None: its key can not be opened. `line` None beside a `file`: its entry is gone."""

    shop_id: int
    name: Name
    paused: bool
    file: str | None
    line: int | None
    identity: Identity
    secrets: Credentials | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One shop that the list and the table tell differently of; `entry` None: it is gone from the list, `known` None: it is new.

    identity: what a new key says of itself, None for a key that stays.
    """

    entry: Entry | None
    known: Known | None
    identity: Identity | None = None

    @property
    def name(self) -> Name:
        """Whose change it is."""
        return self.entry.name if self.entry is not None else self.known.name if self.known is not None else ("", "", "")

    @property
    def words(self) -> tuple[str, ...]:
        """What people are told of it; nothing when only its line moved."""
        known, entry = self.known, self.entry
        if known is None:
            return ("added",)
        if entry is None:
            return ("gone from the list, disabled",)
        told = {
            "taken over by the list": known.file is None,
            "back in the list": known.file is not None and known.line is None,
            "key changed": self.identity is not None,
            "paused": entry.paused and not known.paused,
            "goes on": known.paused and not entry.paused,
        }
        return tuple(what for what, true in told.items() if true)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the list of `file` would change, and why it can not (`problems`, in words with their lines)."""

    file: str
    changes: tuple[Change, ...]
    problems: tuple[str, ...] = ()

    def words(self) -> tuple[str, ...]:
        """For people: "shop north: added", "shop linen: key changed"."""
        called = Counter(change.name[2] for change in self.changes)
        named = ((change.name[2] if called[change.name[2]] == 1 else "/".join(change.name), change) for change in self.changes)
        return tuple(f"shop {name}: {what}" for name, change in named for what in change.words)


async def listed(connection: Connection) -> int:
    """How many shops of the table have an entry in a list."""
    count: int = await connection.fetchval("SELECT count(*) FROM mpsync.shops WHERE list_line IS NOT NULL AND status <> 'removing'")
    return count


async def plan(
    connection: Connection,
    keyring: Keyring,
    entries: Sequence[Entry],
    *,
    file: str,
    identify: Callable[[str, Credentials], Identity],
    explicit: bool = True,
) -> Plan:
    """Compare the list with the table. `identify` reads a key of a source; it is asked for keys that are not stored yet only.

    `explicit` false: the file does not even say that it lists nothing, so shops that came from it are not switched off for it.
    """
    known = await _known(connection, keyring, entries)
    changes: list[Change] = []
    problems: list[str] = []
    for number, entry in enumerate(entries):
        if number % TURN == 0:
            await turn()
        old = known.pop(entry.name, None)
        identity: Identity | None = None
        if old is None or old.secrets != dict(entry.secrets):
            try:
                identity = identify(entry.name[1], entry.secrets)
                why = None if old is None else other_owner(old.identity, identity)
            except Unauthorized as error:
                why = str(error)
            if why is not None:
                problems.append(f"{file}:{entry.line}: shops.{entry.name[2]}: {why}")
        if old is None or identity is not None or (old.file, old.line, old.paused) != (file, entry.line, entry.paused):
            changes.append(Change(entry=entry, known=old, identity=identity))
    gone = [Change(entry=None, known=old) for old in known.values() if old.line is not None]
    if gone and not entries and not explicit:
        problems.append(
            f"{file}: it lists no shop while {len(gone)} of the table come from it: put them back, or write shops = [] to switch them off"
        )
    return Plan(file=file, changes=(*changes, *gone), problems=tuple(problems))


_KNOWN = """
SELECT s.shop_id, c.name AS customer, s.source, s.name, s.paused, s.list_file, s.list_line, s.identity, s.expires_at
FROM mpsync.shops s JOIN mpsync.customers c USING (customer_id)
WHERE s.status <> 'removing' AND (s.list_file IS NOT NULL OR s.name = ANY ($1::text[])) ORDER BY s.shop_id
"""


async def _known(connection: Connection, keyring: Keyring, entries: Sequence[Entry]) -> dict[Name, Known]:
    """Every shop that came from a list, or that an entry names."""
    rows = await connection.fetch(_KNOWN, [entry.name[2] for entry in entries])
    wanted = {entry.name for entry in entries}
    named = {(row["customer"], row["source"], row["name"]): row for row in rows}
    kept = {name: row for name, row in named.items() if name in wanted or row["list_file"] is not None}
    keys = await load_keys(connection, keyring, [row["shop_id"] for row in kept.values()])
    found: dict[Name, Known] = {}
    for number, (name, row) in enumerate(kept.items()):
        if number % TURN == 0:
            await turn()
        key = keys.get(row["shop_id"])
        found[name] = Known(
            shop_id=row["shop_id"],
            name=name,
            paused=row["paused"],
            file=row["list_file"],
            line=row["list_line"],
            identity=stored_identity(row["identity"], row["expires_at"]),
            secrets=None if key is None or isinstance(key, ConfigError) else key.secrets,
        )
    return found
