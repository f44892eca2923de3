"""Reads a TOML file, or says in words why it can not be read."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from mpsyncd.settings.problems import Problem


def read_toml(path: Path, *, problems: list[Problem], named_by: str | None = None) -> tuple[dict[str, Any], str] | None:
    """The tables of the file and its text; None, with a problem, when there is nothing to use."""
    try:
        text = path.read_text(encoding="utf-8")
        return tomllib.loads(text), text
    except FileNotFoundError:
        by = f" (named by {named_by})" if named_by is not None else ""
        why, step = f"there is no such file{by}", "Correct the path, or leave it out to use the defaults"
    except OSError as error:
        why, step = f"it can not be read ({error.strerror})", "Let the account that runs mpsyncd read it"
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        why, step = f"it is no TOML ({error})", "Correct the line; texts stand in quotes"
    problems.append(Problem(origin=str(path), key="file", value=None, why=why, step=step))
    return None
