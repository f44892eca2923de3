"""Where the vault's keys come from: settings, environment, a systemd credential, or a file that is made once. Touches no database."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import structlog

from mpsyncd.model.errors import ConfigError
from mpsyncd.storage.vault import KEY_BYTES, Keyring

log = structlog.get_logger(__name__)

VARIABLE = "MPSYNCD_VAULT_KEY"
CREDENTIALS = ("vault_key", "vault.key", VARIABLE)
_ID_LENGTH = 8
_FORM = "lines of the form key_id:base64 of 32 bytes are wanted, the key that encrypts first"


def load_keyring(*, key: str | None, key_file: Path, environ: Mapping[str, str], create: bool = True) -> Keyring:
    """Return the keys of the first place that has any: `key` (the settings), the environment, the systemd credential, the file.

    The file is made with a new key when nothing is there and `create`; it must not be readable by others.

    Raises:
        ConfigError: what is there is no key, or others may read the file.
    """
    if key:
        return parse_keys(key, origin="the setting vault.key")
    if environ.get(VARIABLE):
        return parse_keys(environ[VARIABLE], origin=VARIABLE)
    folder = environ.get("CREDENTIALS_DIRECTORY")
    for name in CREDENTIALS if folder else ():
        credential = Path(folder or "", name)
        if credential.is_file():
            return parse_keys(_text(credential), origin=f"the credential {name}")
    if not key_file.exists() and create:
        _make(key_file)
    return parse_keys(_private_text(key_file), origin=str(key_file))


def parse_keys(text: str, *, origin: str) -> Keyring:
    """Read `key_id:base64` lines (a lone base64 gets an id made of its hash). ConfigError never quotes what it read."""
    keys: dict[str, bytes] = {}
    for number, line in enumerate(text.replace(",", "\n").splitlines(), start=1):
        entry = line.strip()
        if not entry or entry.startswith("#"):
            continue
        key_id, _, encoded = entry.rpartition(":")
        key = _decoded(encoded, where=f"Line {number} of {origin}")
        key_id = key_id.strip() or hashlib.sha256(key).hexdigest()[:_ID_LENGTH]
        if key_id in keys:
            raise ConfigError(f"Line {number} of {origin} has the key id {key_id!r} a second time; give every key an id of its own.")
        keys[key_id] = key
    if not keys:
        raise ConfigError(f"There is no key in {origin}: {_FORM}.")
    return Keyring(keys, origin)


def new_key_line() -> str:
    """Make a key: `key_id:base64`, the id made of its hash."""
    key = secrets.token_bytes(KEY_BYTES)
    return f"{hashlib.sha256(key).hexdigest()[:_ID_LENGTH]}:{base64.b64encode(key).decode()}"


def prepend_key(key_file: Path) -> str:
    """Put a new key before the others, so that it encrypts from the next start on; return its id. A crash leaves the old file."""
    old = _private_text(key_file)
    parse_keys(old, origin=str(key_file))
    line = new_key_line()
    temporary = _written(key_file, f"{line}\n{old}")
    temporary.replace(key_file)
    return line.partition(":")[0]


def retire_keys(key_file: Path, *, used: frozenset[str]) -> tuple[str, ...]:
    """Take the keys out that encrypt nothing any more (the first one stays); return their ids."""
    keyring = parse_keys(_private_text(key_file), origin=str(key_file))
    kept = [key_id for key_id in keyring.key_ids if key_id in used or key_id == keyring.current]
    lines = [f"{key_id}:{base64.b64encode(keyring.keys[key_id]).decode()}\n" for key_id in kept]
    _written(key_file, "".join(lines)).replace(key_file)
    return tuple(key_id for key_id in keyring.key_ids if key_id not in kept)


def _decoded(encoded: str, *, where: str) -> bytes:
    try:
        key = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise ConfigError(f"{where} is no base64: {_FORM}.") from None
    if len(key) != KEY_BYTES:
        raise ConfigError(f"{where} is a key of {len(key)} bytes: {_FORM}.")
    return key


def _make(key_file: Path) -> None:
    try:
        key_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = _written(key_file, new_key_line() + "\n")
        try:
            # A link fails when another process was first; its key wins.
            with suppress(FileExistsError):
                os.link(temporary, key_file)
                log.info("vault_key_made", file=str(key_file))
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(
            f"The vault's key can not be made at {key_file}: {error.strerror}. Make the folder writable, or set vault.key_file."
        ) from error


def _written(key_file: Path, text: str) -> Path:
    temporary = key_file.with_name(f".{key_file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return temporary


def _private_text(key_file: Path) -> str:
    text = _text(key_file)
    mode = key_file.stat().st_mode & 0o777
    if mode & 0o077:
        raise ConfigError(f"The vault's key file {key_file} may be read by others (mode {mode:04o}). Run: chmod 600 {key_file}")
    return text


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigError(
            f"The vault's key can not be read from {path}: {why}. Without it the stored credentials of shops can not be used; "
            "restore the file, or set vault.key_file to where it is."
        ) from None
