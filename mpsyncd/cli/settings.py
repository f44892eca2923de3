"""`check-config`: everything that is wrong with the settings and the shop list, or where they came from and what they say."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Annotated, Any

import typer

from mpsyncd import daemon
from mpsyncd.cli.codes import Code
from mpsyncd.cli.output import print_json, print_line, say
from mpsyncd.cli.session import Session
from mpsyncd.model.clock import SystemClock
from mpsyncd.settings import Settings, SettingsRefused, places

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def check_config(context: typer.Context, *, json: Json = False) -> None:
    """Check the settings and the shop list, list every problem at once, and print what takes effect. Exit code 78 for problems.

    Secrets are masked. Keys of shops are read, but nobody is asked whether they work.
    """
    session: Session = context.obj
    file = places.config_file(session.config, os.environ)
    name = str(file[0]) if file is not None else None
    try:
        found = daemon.configuration(session.config, os.environ)
    except SettingsRefused as refused:
        if not json:
            raise
        print_json({"valid": False, "file": name, "problems": [asdict(problem) for problem in refused.problems]})
        raise typer.Exit(Code.CONFIG) from None
    effective = _plain(found.settings)
    notes = (*found.notes, *daemon.expired(found.shops, SystemClock().now()))
    listed = [shop.name for shop in found.shops.shops] if found.shops is not None else None
    if json:
        print_json({"valid": True, "file": name, "settings": effective, "shops": listed, "notes": notes})
        return
    for note in notes:
        say(f"note: {note}")
    print_line(f"The settings are good. File: {name or 'none, defaults and environment only'}.")
    if found.shops is not None:
        print_line(f"The shop list is good. File: {found.shops.file}, {len(found.shops.shops)} shops.")
    for key, value in _flat(effective):
        print_line(f"{key} = {value}")


def _plain(settings: Settings) -> dict[str, Any]:
    return settings.model_dump(mode="json")


def _flat(tree: dict[str, Any], above: str = "") -> list[tuple[str, object]]:
    lines: list[tuple[str, object]] = []
    for name, value in tree.items():
        lines += _flat(value, f"{above}{name}.") if isinstance(value, dict) else [(above + name, value)]
    return [(key, value) for key, value in lines if value is not None]
