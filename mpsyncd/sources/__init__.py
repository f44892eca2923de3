"""Declarations of what can be read, one package a source. Must not open sockets, ask the database, the settings or the clock."""

from mpsyncd.sources.kaiten.source import KAITEN
from mpsyncd.sources.wildberries.source import WILDBERRIES

SOURCES = (WILDBERRIES, KAITEN)
"""Every source there is; nothing registers itself."""
