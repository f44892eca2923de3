"""How keys get in: a file, stdin or a hidden prompt, never an argument, which every account of the machine could read."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from mpsyncd.model.errors import ConfigError
from mpsyncd.model.source import Credentials, Secret

STDIN = Path("-")
_LONGEST = 65_536


def read_credentials(secrets: Sequence[Secret], token_file: Path | None) -> Credentials:
    """The secret fields of a shop.

    A text with one field is that field. With several fields it has a line `name = value` for each.

    Raises:
        ConfigError: the file can not be read, or a required field is missing.
    """
    if token_file is None and not sys.stdin.isatty():
        message = "stdin is no terminal to ask for the key on"
        raise typer.BadParameter(message + '; give --token-file FILE, or "--token-file -" to read it from stdin')
    if token_file is None:
        given = {secret.name: _asked(secret) for secret in secrets}
    else:
        given = _fields(secrets, _text(token_file), origin="stdin" if token_file == STDIN else str(token_file))
    missing = [secret.name for secret in secrets if secret.required and not given.get(secret.name)]
    if missing:
        raise ConfigError(f"No {' and no '.join(missing)} was given; nothing was changed")
    return {name: value for name, value in given.items() if value}


def _asked(secret: Secret) -> str:
    title = secret.title.get(_language(), secret.title.get("en", secret.name))
    answer: str = typer.prompt(title, hide_input=True, default=None if secret.required else "", show_default=False, err=True)
    return answer.strip()


def _text(token_file: Path) -> str:
    if token_file == STDIN:
        return sys.stdin.read(_LONGEST)
    try:
        return token_file.read_text(encoding="utf-8")[:_LONGEST]
    except (OSError, UnicodeDecodeError) as error:
        message = f"The key can not be read from {token_file} ({error}); nothing was changed"
        raise ConfigError(message) from error


def _fields(secrets: Sequence[Secret], text: str, *, origin: str) -> dict[str, str]:
    if len(secrets) == 1:
        return {secrets[0].name: text.strip()}
    known = {secret.name for secret in secrets}
    pairs = [line.partition("=") for line in text.splitlines() if line.strip()]
    if any(name.strip() not in known for name, _, _ in pairs):  # the line itself may be the key: it is not shown
        raise ConfigError(f"{origin} must have lines `name = value`, the names being {', '.join(sorted(known))}; nothing was changed")
    return {name.strip(): value.strip() for name, _, value in pairs}


def _language() -> str:
    return "ru" if os.environ.get("LC_ALL", os.environ.get("LC_MESSAGES", os.environ.get("LANG", ""))).startswith("ru") else "en"
