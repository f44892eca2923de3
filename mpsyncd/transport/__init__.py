"""HTTP out: sessions, gates, retries, decoding. Knows sources, rates and decrypted keys; never rows, feeds or the database."""

from mpsyncd.transport.budgets import Budget
from mpsyncd.transport.client import Transport
from mpsyncd.transport.ledger import Ledger, MemoryLedger, State
from mpsyncd.transport.options import LimitOverride, SourceOptions, TransportOptions

__all__ = ["Budget", "Ledger", "LimitOverride", "MemoryLedger", "SourceOptions", "State", "Transport", "TransportOptions"]
