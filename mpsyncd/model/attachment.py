"""Attachments of chat messages: what is known of one, and its bytes, which nobody here looks into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NotYet:
    """The vendor still looks at the file; it may be asked for again at `until`."""

    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file as it came, under the name that the sender gave it (None: none)."""

    name: str | None
    content: bytes
