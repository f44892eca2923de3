"""`status`: every shop and feed as the database has it, on 80 columns."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from datetime import datetime

import typer

from mpsyncd import daemon
from mpsyncd.cli.output import Column, ago, left, print_json, print_line, print_table, span
from mpsyncd.cli.session import perform
from mpsyncd.cli.settings import Json
from mpsyncd.cli.shops import status_of
from mpsyncd.model.feed import FeedState
from mpsyncd.model.overview import FeedView, Overview, ShopView, WebhookView
from mpsyncd.settings import Settings
from mpsyncd.storage.status import overview

_WIDTH = 80
_RESTING = frozenset({FeedState.PARKED, FeedState.DONE})


def status(context: typer.Context, *, json: Json = False) -> None:
    """Show how up to date every shop and stream is, what runs, and what stands still and why."""

    async def work(settings: Settings) -> Overview:
        async with daemon.open_storage(settings) as storage:
            return await overview(storage.pool)

    found = perform(context, work)
    if json:
        print_json(asdict(found))
        return
    print_overview(found)


def print_overview(found: Overview) -> None:
    """Print it for people."""
    alive = [each for each in found.daemons if each.alive]
    print_line("; ".join(f"daemon {each.pid} on {each.host}, {each.version}" for each in alive) or "No daemon runs (mpsyncd run).")
    if not found.shops:
        print_line("There are no shops yet (mpsyncd shops add wildberries --name NAME).")
    for shop in found.shops:
        _print_shop(shop, found.taken_at)


def _print_shop(shop: ShopView, now: datetime) -> None:
    print_line("")
    _paragraph(f"{shop.name} ({shop.source}, number {shop.shop_id}): {status_of(shop)}, {shop.percent} % of the first load", indent="")
    if shop.status_message:
        _paragraph(shop.status_message)
    if shop.expires_at is not None:
        _paragraph(f"the key expires {ago(shop.expires_at, now)}")
    for warning in shop.warnings:
        _paragraph(f"warning: {warning}")
    if shop.open_run is not None:
        run = shop.open_run
        waits = "".join(f", {told}" for told in (left(run.eta, least=run.eta_least), run.reason) if told)
        _paragraph(
            f"run {run.run_id} ({run.trigger.value}, {run.mode.value}): {run.state.value}, {run.percent or 0} %, {run.seen} rows{waits}"
        )
    if shop.webhooks is not None:
        _paragraph(f"webhooks: {_of_webhooks(shop.webhooks, now)}")
    if shop.feeds:
        columns = [Column(title=title) for title in ("  stream", "lane", "state", "complete until", "next")]
        print_table((*columns, Column(title="rows", right=True)), [_row(feed, now) for feed in shop.feeds])
    for feed in shop.feeds:
        if feed.reason:
            _paragraph(f"{feed.stream} ({feed.lane.value}): {feed.reason}")
    if shop.rejected:
        _paragraph(f"{shop.rejected} rejected rows (mpsyncd rejected list --shop {shop.shop_id})")


def _of_webhooks(hooks: WebhookView, now: datetime) -> str:
    told = [f"last delivery {ago(hooks.last_received_at, now)}"]
    if hooks.lag is not None:
        told.append(f"{hooks.pending} wait, the oldest for {span(hooks.lag)}")
    told += [f"{count} {state}" for state, count in (("unknown", hooks.unknown), ("failed", hooks.failed)) if count]
    if hooks.changed:
        told.append(f"{hooks.missed / hooks.changed:.0%} of {hooks.changed} changed rows were named by none")
    return ", ".join(told)


def _row(feed: FeedView, now: datetime) -> tuple[object, ...]:
    if feed.state in _RESTING or feed.progress is None or feed.progress in {0.0, 1.0}:
        state = feed.state.value
    else:
        state = f"{feed.state.value} {int(feed.progress * 100)} %"
    due = "" if feed.state in _RESTING else ago(feed.next_due_at, now)
    return f"  {feed.stream}", feed.lane.value, state, ago(feed.complete_until, now), due, feed.rows


def _paragraph(text: str, indent: str = "  ") -> None:
    for line in textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=indent or "  "):
        print_line(line)
