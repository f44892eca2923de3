"""The tree of commands and the options that stand before them."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from mpsyncd.cli import (
    chats,
    customers,
    daemons,
    database,
    overview,
    plan,
    privacy,
    rejected,
    reload,
    runs,
    settings,
    shops,
    sync,
    tokens,
    vault,
    webhooks,
)
from mpsyncd.cli.session import Session

app = typer.Typer(
    name="mpsyncd",
    help="Keep a PostgreSQL database in step with your accounts at Wildberries, Ozon, Yandex Metrika and Kaiten.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:  # noqa: FBT001 - typer calls it so
    if asked:
        typer.echo(f"mpsyncd {version('mpsyncd')}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    *,
    config: Annotated[Path | None, typer.Option(help="Settings file instead of ./mpsyncd.toml or /etc/mpsyncd/mpsyncd.toml.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what short commands usually keep quiet about.")] = False,
    show_version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")] = False,
) -> None:
    """Keep a PostgreSQL database in step with your accounts at Wildberries, Ozon, Yandex Metrika and Kaiten."""
    del show_version
    context.obj = Session(config=config, verbose=verbose)


app.command("run")(daemons.run)
app.command("demo")(daemons.demo)
app.command("sandbox")(daemons.sandbox)
app.command("migrate")(database.migrate)
app.command("check-config")(settings.check_config)
app.command("reload")(reload.reload)
app.command("dsn")(database.dsn)
app.command("psql", context_settings={"ignore_unknown_options": True, "allow_extra_args": True})(database.psql)
app.command("status")(overview.status)
app.command("sync")(sync.sync)
app.command("plan")(plan.plan)
app.add_typer(shops.app, name="shops")
app.add_typer(customers.app, name="customers")
app.add_typer(runs.app, name="runs")
app.add_typer(chats.app, name="chats")
app.add_typer(privacy.app, name="privacy")
app.add_typer(rejected.app, name="rejected")
app.add_typer(vault.app, name="vault")
app.add_typer(tokens.app, name="tokens")
app.add_typer(webhooks.app, name="webhooks")
