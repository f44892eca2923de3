"""The small HTTP server: health, status, metrics. Shows what storage and engine say; decides nothing and knows no source."""

from mpsyncd.web.app import build_app
from mpsyncd.web.ports import Sample, WebPorts
from mpsyncd.web.server import serving

__all__ = ["Sample", "WebPorts", "build_app", "serving"]
