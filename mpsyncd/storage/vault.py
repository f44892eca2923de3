"""Secrets of shops at rest: authenticated encryption with keys that live outside the database.

The associated data is the shop and the field, so a ciphertext can not be moved. Of several keys the first encrypts and all decrypt.
A secret or a key never gets into a repr, a log or an exception.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mpsyncd.model.errors import ConfigError
from mpsyncd.model.turns import turn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mpsyncd.storage.pool import Connection, Database, Record

KEY_BYTES = 32
_NONCE_BYTES = 12
_BATCH = 200
TURN = 50
"""Keys that are worked on in one turn of the loop."""
WEBHOOK = "mpsyncd:webhook"
"""Field of a shop's webhook secret, which is ours: no part of the key that opens the shop, and not replaced with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """One encrypted field as stored."""

    key_id: str
    nonce: bytes
    ciphertext: bytes


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys by id, the one that encrypts first. `origin` says where they came from, for messages."""

    keys: Mapping[str, bytes] = field(repr=False)
    origin: str

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids, the encrypting key's first."""
        return tuple(self.keys)

    @property
    def current(self) -> str:
        """Id of the key that encrypts."""
        return next(iter(self.keys))

    def seal(self, secret: str, *, shop_id: int, name: str) -> Sealed:
        """Encrypt one field of one shop."""
        nonce = os.urandom(_NONCE_BYTES)
        ciphertext = AESGCM(self.keys[self.current]).encrypt(nonce, secret.encode(), _associated(shop_id, name))
        return Sealed(key_id=self.current, nonce=nonce, ciphertext=ciphertext)

    def open(self, sealed: Sealed, *, shop_id: int, name: str) -> str:
        """Decrypt one field of one shop.

        Raises:
            ConfigError: the key is not here, is another key under the same id, or the stored secret was tampered with.
        """
        key = self.keys.get(sealed.key_id)
        if key is None:
            raise ConfigError(
                f"The secrets of shop {shop_id} were encrypted with key {sealed.key_id!r}, which is not in {self.origin} "
                f"(it has {', '.join(self.key_ids)}). Put it back, or give the shop its key again: mpsyncd shops rotate-key {shop_id}."
            )
        try:
            return AESGCM(key).decrypt(sealed.nonce, sealed.ciphertext, _associated(shop_id, name)).decode()
        except InvalidTag:
            raise ConfigError(
                f"Field {name!r} of shop {shop_id} can not be decrypted with key {sealed.key_id!r} of {self.origin}: it is another key "
                f"of the same id, or the stored value was changed. Put the right key back, or run mpsyncd shops rotate-key {shop_id}."
            ) from None


@dataclass(frozen=True, slots=True)
class StoredKey:
    """The decrypted secrets of a shop by field. `version` grows with every change, so that of two readings the later one is known."""

    version: int
    secrets: dict[str, str] = field(repr=False)


_FORGET = "DELETE FROM mpsync.shop_secrets WHERE shop_id = ANY ($1::bigint[]) AND field <> 'mpsyncd:webhook'"
_SAVE = """
INSERT INTO mpsync.shop_secrets (shop_id, field, key_id, nonce, ciphertext)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bytea[], $5::bytea[])
RETURNING shop_id, version
"""


async def save_secrets(connection: Connection, keyring: Keyring, *, shop_id: int, secrets: Mapping[str, str]) -> None:
    """Replace all secrets of a shop; the caller's transaction."""
    await replace_keys(connection, keyring, {shop_id: secrets})


async def replace_keys(connection: Connection, keyring: Keyring, keys: Mapping[int, Mapping[str, str]]) -> dict[int, StoredKey]:
    """Replace all secrets of these shops, in the caller's transaction; return them as they are stored now."""
    rows: list[tuple[int, str, Sealed]] = []
    for number, (shop_id, secrets) in enumerate(sorted(keys.items())):
        if number % TURN == 0:
            await turn()
        rows += [(shop_id, name, keyring.seal(secret, shop_id=shop_id, name=name)) for name, secret in secrets.items()]
    await connection.execute(_FORGET, list(keys))
    versions: dict[int, int] = {}
    for saved in await connection.fetch(
        _SAVE,
        [shop_id for shop_id, _, _ in rows],
        [name for _, name, _ in rows],
        [sealed.key_id for _, _, sealed in rows],
        [sealed.nonce for _, _, sealed in rows],
        [sealed.ciphertext for _, _, sealed in rows],
    ):
        versions[saved["shop_id"]] = max(versions.get(saved["shop_id"], 0), saved["version"])
    return {shop_id: StoredKey(version, dict(keys[shop_id])) for shop_id, version in versions.items()}


_LOAD = """
SELECT shop_id, field, key_id, nonce, ciphertext, version FROM mpsync.shop_secrets
WHERE shop_id = ANY ($1::bigint[]) AND field <> 'mpsyncd:webhook' ORDER BY shop_id
"""


async def load_keys(connection: Connection, keyring: Keyring, shop_ids: Sequence[int]) -> dict[int, StoredKey | ConfigError]:
    """The keys of these shops, or why one can not be decrypted; a shop without any secret is left out."""
    found: dict[int, StoredKey | ConfigError] = {}
    every = groupby(await connection.fetch(_LOAD, list(shop_ids)), key=lambda row: int(row["shop_id"]))
    for number, (shop_id, rows) in enumerate(every):
        if number % TURN == 0:
            await turn()
        fields = list(rows)
        try:
            secrets = {row["field"]: keyring.open(_sealed(row), shop_id=shop_id, name=row["field"]) for row in fields}
        except ConfigError as error:
            found[shop_id] = error
        else:
            found[shop_id] = StoredKey(max(row["version"] for row in fields), secrets)
    return found


async def load_key(connection: Connection, keyring: Keyring, shop_id: int) -> StoredKey:
    """The key of one shop, empty when none is stored; raises like `Keyring.open`."""
    key = (await load_keys(connection, keyring, [shop_id])).get(shop_id, StoredKey(0, {}))
    if isinstance(key, ConfigError):
        raise key
    return key


async def load_secrets(connection: Connection, keyring: Keyring, shop_id: int) -> dict[str, str]:
    """Return the decrypted secrets of a shop by field; raises like `Keyring.open`."""
    return (await load_key(connection, keyring, shop_id)).secrets


_VERSIONS = """
SELECT shop_id, max(version) AS version FROM mpsync.shop_secrets
WHERE shop_id = ANY ($1::bigint[]) AND field <> 'mpsyncd:webhook' GROUP BY shop_id
"""


async def key_versions(connection: Connection, shop_ids: Sequence[int]) -> dict[int, int]:
    """The versions of the keys that these shops have now."""
    rows = await connection.fetch(_VERSIONS, list(shop_ids))
    return {row["shop_id"]: row["version"] for row in rows}


_WEBHOOK = "SELECT shop_id, field, key_id, nonce, ciphertext FROM mpsync.shop_secrets WHERE shop_id = $1 AND field = 'mpsyncd:webhook'"
_SAVE_WEBHOOK = """
INSERT INTO mpsync.shop_secrets (shop_id, field, key_id, nonce, ciphertext) VALUES ($1, 'mpsyncd:webhook', $2, $3, $4)
ON CONFLICT (shop_id, field) DO UPDATE SET key_id = $2, nonce = $3, ciphertext = $4, updated_at = now()
"""


async def webhook_secret(connection: Connection, keyring: Keyring, shop_id: int) -> str | None:
    """The webhook secret of a shop, None when it has none; raises like `Keyring.open`."""
    row = await connection.fetchrow(_WEBHOOK, shop_id)
    return None if row is None else keyring.open(_sealed(row), shop_id=shop_id, name=WEBHOOK)


async def save_webhook_secret(connection: Connection, keyring: Keyring, shop_id: int, secret: str) -> None:
    """Set or replace the webhook secret of a shop."""
    new = keyring.seal(secret, shop_id=shop_id, name=WEBHOOK)
    await connection.execute(_SAVE_WEBHOOK, shop_id, new.key_id, new.nonce, new.ciphertext)


def _sealed(row: Record) -> Sealed:
    return Sealed(key_id=row["key_id"], nonce=row["nonce"], ciphertext=row["ciphertext"])


async def used_key_ids(connection: Connection) -> frozenset[str]:
    """Ids of the keys that stored secrets need; a key that is not among them may be taken out of the key file."""
    return frozenset(row["key_id"] for row in await connection.fetch("SELECT DISTINCT key_id FROM mpsync.shop_secrets"))


async def check_keyring(connection: Connection, keyring: Keyring) -> None:
    """Decrypt one secret of every key id in use, so that a wrong key is known at start and not at the first run.

    Raises:
        ConfigError: see `Keyring.open`.
    """
    rows = await connection.fetch(
        "SELECT DISTINCT ON (key_id) shop_id, field, key_id, nonce, ciphertext FROM mpsync.shop_secrets ORDER BY key_id, shop_id, field"
    )
    for row in rows:
        keyring.open(_sealed(row), shop_id=row["shop_id"], name=row["field"])


_STALE = """
SELECT shop_id, field, key_id, nonce, ciphertext FROM mpsync.shop_secrets
WHERE key_id <> $1 ORDER BY shop_id, field LIMIT $2 FOR UPDATE
"""


_RESEAL = """
UPDATE mpsync.shop_secrets SET key_id = $3, nonce = $4, ciphertext = $5, updated_at = now() WHERE shop_id = $1 AND field = $2
"""


async def rotate(database: Database, keyring: Keyring, *, batch: int = _BATCH) -> int:
    """Encrypt everything with the first key of the keyring, batch by batch; return how many fields changed their key.

    May be interrupted and repeated. Raises like `Keyring.open`; batches before the bad field stay rotated.
    """
    changed = 0
    while True:
        async with database.transaction() as connection:
            rows = await connection.fetch(_STALE, keyring.current, batch)
            for row in rows:
                secret = keyring.open(_sealed(row), shop_id=row["shop_id"], name=row["field"])
                new = keyring.seal(secret, shop_id=row["shop_id"], name=row["field"])
                await connection.execute(_RESEAL, row["shop_id"], row["field"], new.key_id, new.nonce, new.ciphertext)
        changed += len(rows)
        if len(rows) < batch:
            return changed


def _associated(shop_id: int, name: str) -> bytes:
    return f"mpsyncd:{shop_id}:{name}".encode()
