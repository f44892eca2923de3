"""What the caller would like: HTML or JSON, Russian or English. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def preferred(header: str, offers: Sequence[str], *, default: str) -> str:
    """The offer that an Accept or Accept-Language header likes best; `default` when it likes all alike or none."""
    wishes = [_wish(part) for part in header.split(",") if part.strip()]
    weights = {offer: _weight(offer, wishes) for offer in offers}
    best = max(weights.values(), default=0.0)
    if best <= 0 or weights.get(default) == best:
        return default
    return next(offer for offer, weight in weights.items() if weight == best)


def _wish(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    quality = next((text[2:] for text in parameters if text.startswith("q=")), "1")
    try:
        return name, float(quality)
    except ValueError:
        return name, 0.0


def _weight(offer: str, wishes: list[tuple[str, float]]) -> float:
    """The most exact wish that covers the offer decides: text/html, then text/*, then */*; ru-RU counts for ru."""
    kind = offer.partition("/")[0]
    for covers in ({offer}, {f"{kind}/*"} if "/" in offer else set(), {"*/*", "*"}):
        found = [quality for name, quality in wishes if name in covers or ("/" not in offer and name.partition("-")[0] in covers)]
        if found:
            return max(found)
    return 0.0
