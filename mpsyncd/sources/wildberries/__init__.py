"""Wildberries as a source: hosts, token, limits, errors and streams. `source.WILDBERRIES` puts them together."""
