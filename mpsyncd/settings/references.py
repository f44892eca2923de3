"""Where a key lies that must not stand in a settings file: a variable, a file, or a systemd credential. Never shows what it read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

KINDS = ("env", "file", "credential")
CREDENTIALS = "CREDENTIALS_DIRECTORY"
_LONGEST = 65_536


class Unresolved(Exception):
    """There is no key to be had there; `why` and `step` are words for a Problem, "{field}" stands for the field's name."""

    def __init__(self, why: str, step: str) -> None:
        super().__init__(why)
        self.why = why
        self.step = step


def resolve(reference: Any, environ: Mapping[str, str], *, beside: Path) -> str:
    """The key behind `{ env = … }`, `{ file = … }` or `{ credential = … }`; a relative file is looked for beside the list.

    Raises:
        Unresolved: it is no reference, or nothing usable lies there.
    """
    if isinstance(reference, str):
        raise Unresolved(
            "a key must not stand in this file",
            "Put it into a file of its own that only the account of mpsyncd may read, and write "
            '{field} = { file = "/run/secrets/north" }; or name a variable, { env = "WB_TOKEN_1" }, '
            'or a systemd credential, { credential = "wb_token_1" }. Then replace the key at the vendor: it was readable here',
        )
    kind, name = _named(reference)
    match kind:
        case "env":
            secret = environ.get(name, "")
            if not secret.strip():
                raise Unresolved(f"the variable {name} is not set", f"Set {name} for the daemon; a new value is seen at its next start")
        case "file":
            secret = _text(beside / name)
        case _:
            secret = _text(_credential(name, environ))
    return secret.strip()


def _named(reference: Any) -> tuple[str, str]:
    step = 'Write one of {field} = { env = "…" }, { file = "…" }, { credential = "…" }'
    if not isinstance(reference, Mapping) or len(reference) != 1:
        raise Unresolved("it does not say where the key lies", step)
    [(kind, name)] = reference.items()
    if kind not in KINDS:
        raise Unresolved(f"a key can not come from {kind!r}", step)
    if not isinstance(name, str) or not name.strip():
        raise Unresolved(f"{kind} names nothing", step)
    return kind, name


def _credential(name: str, environ: Mapping[str, str]) -> Path:
    folder = environ.get(CREDENTIALS)
    if "/" in name or name in {".", ".."}:
        raise Unresolved(f"{name!r} is no name of a credential", "Give the name that stands before the colon of LoadCredential=")
    if not folder:
        raise Unresolved(
            f"there are no systemd credentials here ({CREDENTIALS} is not set)",
            f"Add LoadCredential={name}:/path/of/the/key to the unit; only the service itself can see it",
        )
    return Path(folder, name)


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(_LONGEST)
    except FileNotFoundError:
        raise Unresolved(f"there is no file {path}", "Make it, with the key as its content, readable for mpsyncd") from None
    except OSError as error:
        raise Unresolved(f"{path} can not be read ({error.strerror})", "Let the account that runs mpsyncd read it") from None
    except UnicodeDecodeError:
        raise Unresolved(f"{path} is no text", "Give a file whose content is the key") from None
    if not text.strip():
        raise Unresolved(f"{path} is empty", "Write the key into it")
    return text
