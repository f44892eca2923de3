"""`vault`: the key that stored credentials are encrypted with."""

from __future__ import annotations

import os
from dataclasses import dataclass

import typer

from mpsyncd import daemon
from mpsyncd.cli.output import print_json, print_line
from mpsyncd.cli.session import perform
from mpsyncd.cli.settings import Json
from mpsyncd.model.errors import Refused
from mpsyncd.settings import Settings
from mpsyncd.storage import status, vault
from mpsyncd.storage.keyfile import load_keyring, prepend_key, retire_keys

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look after the key of the stored credentials.")


@app.callback()
def vault_commands() -> None:
    """Look after the key of the stored credentials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """What a rotation did: the id of the key in use now, how many secrets were encrypted anew, which keys were taken out."""

    key_id: str
    secrets: int
    retired: tuple[str, ...]


@app.command()
def rotate(context: typer.Context, *, json: Json = False) -> None:
    """Make a new key, encrypt every stored credential with it, and take out keys that nothing needs. Stop the daemon first.

    A key that comes from the settings or a credential is not made here: put the new one before the old one there, then run this.
    """
    done = perform(context, _rotate)
    if json:
        print_json({"key_id": done.key_id, "secrets": done.secrets, "retired": list(done.retired)})
        return
    print_line(f"Key {done.key_id} is in use; {done.secrets} secrets were encrypted with it.")
    if done.retired:
        print_line(f"Taken out of the key file: {', '.join(done.retired)}.")


async def _rotate(settings: Settings) -> Rotated:
    async with daemon.open_storage(settings) as storage:
        async with storage.pool.connection() as connection:
            alive = [each for each in await status.daemons(connection) if each.alive]
        if alive:
            message = f"Daemon {alive[0].pid} on {alive[0].host} works with the old key; stop it, rotate, and start it again"
            raise Refused(message)
        key_file = settings.vault_key_file
        from_file = storage.vault.origin == str(key_file)
        if from_file:
            prepend_key(key_file)
        given = settings.vault.key.get_secret_value() if settings.vault.key is not None else None
        keyring = load_keyring(key=given, key_file=key_file, environ=os.environ)
        changed = await vault.rotate(storage.pool, keyring)
        async with storage.pool.connection() as connection:
            used = await vault.used_key_ids(connection)
        retired = retire_keys(key_file, used=used) if from_file else ()
    return Rotated(key_id=keyring.current, secrets=changed, retired=retired)
