"""The project as files, for tests that hold the rules of the house."""

import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TEXTS = {".cfg", ".conf", ".html", ".ini", ".json", ".md", ".py", ".service", ".sh", ".sql", ".toml", ".txt", ".yaml", ".yml", ""}
MADE_BY_TOOLS = {"__pycache__", "build", "dist", "node_modules", "var"}


def files(*suffixes: str, under: str = ".") -> Iterator[Path]:
    """Files of the project with one of these suffixes, any when none is named; nothing that tools or git made."""
    for folder, below, names in os.walk(ROOT / under):
        below[:] = sorted(each for each in below if each == ".ci" or not (each in MADE_BY_TOOLS or each.startswith(".")))
        for path in (Path(folder, each) for each in sorted(names)):
            if not suffixes or path.suffix in suffixes:
                yield path


def texts() -> Iterator[tuple[str, str]]:
    """Name and content of every text file."""
    for path in files(*TEXTS):
        yield name(path), path.read_text(encoding="utf-8")


def name(path: Path) -> str:
    """The path as people say it, from the top of the project."""
    return path.relative_to(ROOT).as_posix()


def pyproject() -> dict[str, Any]:
    """The parsed `pyproject.toml`."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
