"""Declarations of what can be read, one package a source. Must not open sockets, ask the database, the settings or the clock."""

from mpsyncd.sources.wildberries.source import WILDBERRIES

SOURCES = (WILDBERRIES,)
"""Every source there is; nothing registers itself."""
