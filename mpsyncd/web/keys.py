"""What the parts of the server hang on a request and on the application."""

from __future__ import annotations

from aiohttp import web

from mpsyncd.web.metrics import Metrics
from mpsyncd.web.ports import WebPorts

REQUEST_ID = web.RequestKey("REQUEST_ID", str)
PORTS = web.AppKey("PORTS", WebPorts)
METRICS = web.AppKey("METRICS", Metrics)
