"""The one rule that makes a column name of a JSON key."""

from __future__ import annotations

import re

# An acronym may carry a plural "s" (chrtIDs); a version suffix stays whole (isKgvpV2 -> is_kgvp_v2); digits never open a new word.
_WORDS = re.compile(r"[A-Z]+s(?![a-z])|[A-Z]\d+[a-z]+(?![a-z])|[A-Z]+(?![a-z])\d*|[A-Z]?[a-z0-9]+|\d+")


def snake(key: str) -> str:
    """Return the column name of a vendor's JSON key: nmID -> nm_id, chrtIDs -> chrt_ids, isKgvpV2 -> is_kgvp_v2."""
    return "_".join(_WORDS.findall(key)).lower() or key
