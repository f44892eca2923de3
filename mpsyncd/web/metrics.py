"""The numbers of /metrics: one documented list, a registry of its own, values taken when they are asked for."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from mpsyncd.model.overview import Overview, ShopView, WebhookView
from mpsyncd.model.stream import Lane
from mpsyncd.web.ports import Sample, WebPorts


@dataclass(frozen=True, slots=True)
class Metric:
    """One documented number."""

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    labels: tuple[str, ...]
    help: str


METRICS = (
    Metric("mpsyncd_build_info", "gauge", ("version",), "Always 1; the version is in the label"),
    Metric("mpsyncd_start_time_seconds", "gauge", (), "When the daemon started, seconds since the epoch"),
    Metric("mpsyncd_ready", "gauge", (), "1 when /readyz answers 200, else 0"),
    Metric("mpsyncd_shops", "gauge", ("source", "status"), "Shops by status; paused ones count as paused"),
    Metric("mpsyncd_shop_key_expires_seconds", "gauge", ("shop", "source"), "Seconds until the shop's key expires, negative afterwards"),
    Metric("mpsyncd_feeds", "gauge", ("source", "stream", "lane", "state"), "Feeds by state"),
    Metric(
        "mpsyncd_feed_overdue_seconds",
        "gauge",
        ("shop", "stream", "lane"),
        "How long a feed that is not parked is past its due time, else 0",
    ),
    Metric("mpsyncd_feed_behind_seconds", "gauge", ("shop", "stream"), "Age of the instant up to which the live lane is complete"),
    Metric("mpsyncd_rows", "gauge", ("shop", "table"), "Live rows of a table"),
    Metric("mpsyncd_deleted_rows", "gauge", ("shop", "table"), "Rows of a table that the vendor has no more"),
    Metric("mpsyncd_rejected_rows", "gauge", ("shop",), "Rows waiting in mpsync.rejected_rows"),
    Metric("mpsyncd_runs_open", "gauge", ("source", "state"), "Runs that are running or waiting"),
    Metric("mpsyncd_gate_available", "gauge", ("source", "rate", "scope"), "Requests that a limit would let out at once"),
    Metric("mpsyncd_gate_waiting", "gauge", ("source", "rate", "scope"), "Requests that wait for a limit"),
    Metric("mpsyncd_feeds_at_work", "gauge", (), "Feeds that this process works right now"),
    Metric("mpsyncd_reload_last_success", "gauge", (), "When settings and shops were last read without a refusal, seconds since the epoch"),
    Metric("mpsyncd_reload_total", "counter", ("outcome",), "Reloads that were applied, unchanged or refused"),
    Metric("mpsyncd_webhook_received_total", "counter", ("shop",), "Deliveries of webhooks that were written down and answered 2xx"),
    Metric(
        "mpsyncd_webhook_refused_total",
        "counter",
        ("reason",),
        "Deliveries that were not taken: secret, wait (too many wrong secrets), size, slow, broken, full",
    ),
    Metric(
        "mpsyncd_webhook_processed", "gauge", ("shop", "state"), "Deliveries that are done, unknown or failed, since the shop has webhooks"
    ),
    Metric("mpsyncd_webhook_pending", "gauge", ("shop",), "Deliveries whose rows are not read again yet"),
    Metric("mpsyncd_webhook_lag_seconds", "gauge", ("shop",), "Age of the oldest delivery that is pending, else 0"),
    Metric("mpsyncd_webhook_missed_share", "gauge", ("shop",), "Share of changed rows that no delivery named, 0 to 1"),
    Metric("mpsyncd_leases_held", "gauge", ("host", "pid"), "Lease groups that a living daemon holds"),
    Metric("mpsyncd_http_requests_total", "counter", ("route", "method", "status"), "Answers of this server"),
    Metric("mpsyncd_http_request_seconds", "histogram", ("route",), "How long answers of this server took"),
)
BY_NAME = {metric.name: metric for metric in METRICS}
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)


class Metrics:
    """What this server counts itself, and the rendering of everything."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._registry)
        requests, seconds = BY_NAME["mpsyncd_http_requests_total"], BY_NAME["mpsyncd_http_request_seconds"]
        self._requests = Counter(requests.name, requests.help, requests.labels, registry=self._registry)
        self._seconds = Histogram(seconds.name, seconds.help, seconds.labels, registry=self._registry, buckets=_BUCKETS)

    def answered(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answer; a made-up method becomes "other"."""
        self._requests.labels(route, method if method in _METHODS else "other", str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def render(self, ports: WebPorts, overview: Overview | None, *, ready: bool) -> bytes:
        """The text of /metrics."""
        samples = [*_of_process(ports, ready=ready), *ports.samples(), *(_of_overview(overview) if overview is not None else ())]
        once = CollectorRegistry(auto_describe=False)
        once.register(_Snapshot(samples))
        return generate_latest(once) + generate_latest(self._registry)


class _Snapshot:
    """A collector over samples that were taken already."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._samples = samples

    def collect(self) -> Iterable[GaugeMetricFamily | CounterMetricFamily]:
        families: dict[str, GaugeMetricFamily | CounterMetricFamily] = {}
        for sample in self._samples:
            metric = BY_NAME[sample.name]
            make = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
            family = families.setdefault(metric.name, make(metric.name, metric.help, labels=metric.labels))
            family.add_metric([sample.labels[label] for label in metric.labels], sample.value)
        return families.values()


def _of_process(ports: WebPorts, *, ready: bool) -> Iterator[Sample]:
    yield Sample(name="mpsyncd_build_info", value=1, labels={"version": ports.version})
    yield Sample(name="mpsyncd_start_time_seconds", value=ports.started_at.timestamp())
    yield Sample(name="mpsyncd_ready", value=int(ready))
    for budget in ports.budgets():
        labels = {"source": budget.source, "rate": budget.rate, "scope": f"{budget.scope} {budget.value}"}
        yield Sample(name="mpsyncd_gate_available", value=budget.available, labels=labels)
        yield Sample(name="mpsyncd_gate_waiting", value=budget.waiting, labels=labels)


def _of_overview(overview: Overview) -> Iterator[Sample]:
    shops = Tally((shop.source, "paused" if shop.paused else str(shop.status)) for shop in overview.shops)
    feeds = Tally((shop.source, feed.stream, str(feed.lane), str(feed.state)) for shop in overview.shops for feed in shop.feeds)
    runs = Tally((shop.source, str(shop.open_run.state)) for shop in overview.shops if shop.open_run is not None)
    for name, tally in (("mpsyncd_shops", shops), ("mpsyncd_feeds", feeds), ("mpsyncd_runs_open", runs)):
        for values, count in tally.items():
            yield Sample(name=name, value=count, labels=dict(zip(BY_NAME[name].labels, values, strict=True)))
    for daemon in overview.daemons:
        if daemon.alive:
            yield Sample(name="mpsyncd_leases_held", value=len(daemon.groups), labels={"host": daemon.host, "pid": str(daemon.pid)})
    for shop in overview.shops:
        yield from _of_shop(shop, overview)


def _of_shop(shop: ShopView, overview: Overview) -> Iterator[Sample]:
    label = {"shop": str(shop.shop_id)}
    if shop.expires_at is not None:
        left = (shop.expires_at - overview.taken_at).total_seconds()
        yield Sample(name="mpsyncd_shop_key_expires_seconds", value=left, labels=label | {"source": shop.source})
    yield Sample(name="mpsyncd_rejected_rows", value=shop.rejected, labels=label)
    if shop.webhooks is not None:
        yield from _of_webhooks(shop.webhooks, label)
    for table in shop.tables:
        yield Sample(name="mpsyncd_rows", value=table.live, labels=label | {"table": table.table})
        yield Sample(name="mpsyncd_deleted_rows", value=table.deleted, labels=label | {"table": table.table})
    for feed in shop.feeds:
        late = (overview.taken_at - max(feed.next_due_at, feed.not_before or feed.next_due_at)).total_seconds()
        idle = feed.state in {"parked", "done"} or not shop.works
        labels = label | {"stream": feed.stream, "lane": str(feed.lane)}
        yield Sample(name="mpsyncd_feed_overdue_seconds", value=0 if idle else max(0.0, late), labels=labels)
        if feed.lane is Lane.LIVE and feed.complete_until is not None:
            behind = (overview.taken_at - feed.complete_until).total_seconds()
            yield Sample(name="mpsyncd_feed_behind_seconds", value=behind, labels=label | {"stream": feed.stream})


def _of_webhooks(hooks: WebhookView, label: dict[str, str]) -> Iterator[Sample]:
    for state in ("done", "unknown", "failed"):
        yield Sample(name="mpsyncd_webhook_processed", value=getattr(hooks, state), labels=label | {"state": state})
    yield Sample(name="mpsyncd_webhook_pending", value=hooks.pending, labels=label)
    yield Sample(name="mpsyncd_webhook_lag_seconds", value=0 if hooks.lag is None else hooks.lag.total_seconds(), labels=label)
    if hooks.changed:
        yield Sample(name="mpsyncd_webhook_missed_share", value=hooks.missed / hooks.changed, labels=label)


def metrics_markdown() -> str:
    """The reference page of metrics."""
    rows = [
        f"| `{each.name}` | {each.kind} | {', '.join(f'`{label}`' for label in each.labels) or '–'} | {each.help} |" for each in METRICS
    ]
    head = """\
Made from `mpsyncd/web/metrics.py` by `tests/support/reference.py`; a test keeps it true. `GET /metrics` answers them in the text format
of Prometheus, together with the usual `process_*` numbers. `shop` is the number of the shop, `lane` is live or backfill."""
    return "\n".join(["# Metrics", "", head, "", "| name | kind | labels | meaning |", "|---|---|---|---|", *rows]) + "\n"
