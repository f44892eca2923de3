"""What a buyer sees of a product, freed of noise, so that only real changes become events. Must not know any vendor's field."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import urlsplit

_BREAK = re.compile(r"</?(?:br|p|div|li|ul)\b[^<>]*>", re.IGNORECASE)
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))


def plain_text(value: Any) -> str:
    """The words alone: entities resolved, line breaks of any kind and runs of blanks are one blank; null is "" too."""
    if value is None:
        return ""
    text = _BREAK.sub(" ", html.unescape(str(value)))
    return " ".join(text.translate(_INVISIBLE).split())


def picture(address: Any) -> str:
    """The path of a picture's address: the host of the delivery network and the query change by themselves."""
    return urlsplit(address).path if isinstance(address, str) else ""
