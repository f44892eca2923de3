"""What the parts of the server hang on a request and on the application."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web
from aiohttp.typedefs import Handler

from mpsyncd.model.access import Visitor
from mpsyncd.web.metrics import Metrics
from mpsyncd.web.needs import Need
from mpsyncd.web.ports import WebPorts
from mpsyncd.web.tries import Tries

REQUEST_ID = web.RequestKey("REQUEST_ID", str)
VISITOR = web.RequestKey("VISITOR", Visitor)
"""Who asks; missing for a stranger on a route that is open to strangers."""
PORTS = web.RequestKey("PORTS", WebPorts)
"""The daemon, as far as the visitor may see it."""
METRICS = web.AppKey("METRICS", Metrics)
NEEDS = web.AppKey("NEEDS", Mapping[Handler, Need])
WEBHOOK_TRIES = web.AppKey("WEBHOOK_TRIES", Tries)
"""Wrong webhook secrets by peer, counted apart from wrong access tokens."""
