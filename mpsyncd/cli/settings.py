"""`check-config`: everything that is wrong with the settings, or where they came from and what they say."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Annotated, Any

import typer

from mpsyncd.cli.codes import Code
from mpsyncd.cli.output import print_json, print_line
from mpsyncd.cli.session import Session
from mpsyncd.engine.schedule import Timetable
from mpsyncd.settings import Settings, SettingsRefused, places

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def check_config(context: typer.Context, *, json: Json = False) -> None:
    """Check the settings, list every problem at once, and print what takes effect. Secrets are masked. Exit code 78 for problems."""
    session: Session = context.obj
    found = places.config_file(session.config, os.environ)
    name = str(found[0]) if found is not None else None
    try:
        settings = session.settings()
    except SettingsRefused as refused:
        if not json:
            raise
        print_json({"valid": False, "file": name, "problems": [asdict(problem) for problem in refused.problems]})
        raise typer.Exit(Code.CONFIG) from None
    Timetable(settings.schedules.plans())
    effective = _plain(settings)
    if json:
        print_json({"valid": True, "file": name, "settings": effective})
        return
    print_line(f"The settings are good. File: {name or 'none, defaults and environment only'}.")
    for key, value in _flat(effective):
        print_line(f"{key} = {value}")


def _plain(settings: Settings) -> dict[str, Any]:
    return settings.model_dump(mode="json")


def _flat(tree: dict[str, Any], above: str = "") -> list[tuple[str, object]]:
    lines: list[tuple[str, object]] = []
    for name, value in tree.items():
        lines += _flat(value, f"{above}{name}.") if isinstance(value, dict) else [(above + name, value)]
    return [(key, value) for key, value in lines if value is not None]
