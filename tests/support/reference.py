"""The generated files and how each is made; `python tests/support/reference.py` writes them, tests compare them."""

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a program, not imported by pytest

from mpsyncd.cli.reference import commands_markdown
from mpsyncd.daemon.configuration import secret_fields
from mpsyncd.settings import reference as settings
from mpsyncd.sources import SOURCES
from mpsyncd.web.app import routes_markdown
from mpsyncd.web.metrics import metrics_markdown
from support.streams_reference import streams_markdown

ROOT = Path(__file__).parents[2]


def generated() -> dict[str, Callable[[], str]]:
    """Path of each generated file -> what must stand in it."""
    return {
        "config/mpsyncd.example.toml": settings.example_toml,
        "config/shops.example.toml": lambda: settings.example_shops(secret_titles(), secret_fields()),
        "docs/reference/commands.md": commands_markdown,
        "docs/reference/metrics.md": metrics_markdown,
        "docs/reference/routes.md": routes_markdown,
        "docs/reference/settings.md": settings.markdown,
        "docs/reference/streams.md": streams_markdown,
    }


def secret_titles() -> dict[str, dict[str, str]]:
    """What a shop of each source must and may give, by the English names."""
    return {source.name: {secret.name: secret.title["en"] for secret in source.secrets} for source in SOURCES}


def main() -> None:
    """Write every generated file that differs."""
    for path, make in generated().items():
        file, text = ROOT / path, make()
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{path} written\n")


if __name__ == "__main__":
    main()
