"""The verbs: when a feed is due, who works it, how its slices are read and committed, and what the outcome means.

Sees streams, the `Store` and `Connect` protocols and the clock; never asyncpg, aiohttp, credentials or a vendor's name.
"""
