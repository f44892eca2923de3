"""Which faults are armed, and whether one strikes a request.

What a fault does to an answer stands in spoil.py and in the vendors' parts.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from mpsyncd.sandbox.options import Fault, FaultKind
from mpsyncd.sandbox.world.dice import dice

_NUMBERS = ("probability", "count", "seconds", "status", "pause")
_TEXTS = ("host", "path", "seller")


class UnknownFaultError(ValueError):
    """A fault was described in words that do not exist; the message says which."""


@dataclass(slots=True)
class _Armed:
    fault: Fault
    since: datetime
    hits: int = 0

    def alive(self, now: datetime) -> bool:
        fault = self.fault
        spent = fault.count is not None and self.hits >= fault.count
        over = fault.seconds is not None and now >= self.since + timedelta(seconds=fault.seconds)
        return not spent and not over

    def fits(self, *, host: str, path: str, seller: str) -> bool:
        fault = self.fault
        return fault.host in {None, host} and fault.seller in {None, seller} and path.startswith(fault.path or "")


class FaultBoard:
    """Faults in the order in which they were armed; the first one that strikes wins."""

    def __init__(self, *, seed: str) -> None:
        self._armed: list[_Armed] = []
        self._dice = dice(seed, "faults")

    def arm(self, fault: Fault, *, now: datetime) -> None:
        """Add a fault; its life begins now."""
        self._armed.append(_Armed(fault, now))

    def clear(self) -> None:
        """Disarm every fault."""
        self._armed.clear()

    def strike(self, *, kinds: Collection[FaultKind], host: str, path: str, seller: str, now: datetime) -> Fault | None:
        """The fault of one of these kinds that hits this request, if any; it is counted."""
        for armed in self._armed:
            if armed.fault.kind not in kinds or not armed.alive(now) or not armed.fits(host=host, path=path, seller=seller):
                continue
            if self._dice.random() < armed.fault.probability:
                armed.hits += 1
                return armed.fault
        return None

    def listing(self, now: datetime) -> list[dict[str, object]]:
        """Every fault with its hits, and whether it is still alive."""
        return [asdict(armed.fault) | {"hits": armed.hits, "alive": armed.alive(now)} for armed in self._armed]


def read_fault(given: Mapping[str, Any]) -> Fault:
    """A fault from its JSON form.

    Raises:
        UnknownFaultError: no or an unknown kind, an unknown field, or a value of a wrong type.
    """
    known = {field.name for field in fields(Fault)}
    if unknown := sorted(set(given) - known):
        raise UnknownFaultError(f"unknown field {unknown[0]!r}; a fault has {', '.join(sorted(known))}")
    kinds = [kind.value for kind in FaultKind]
    if given.get("kind") not in kinds:
        raise UnknownFaultError(f"unknown kind {given.get('kind')!r}; there are {', '.join(sorted(kinds))}")
    for names, types, word in ((_NUMBERS, int | float | None, "a number"), (_TEXTS, str | None, "a text")):
        if wrong := [name for name in names if name in given and not isinstance(given[name], types)]:
            raise UnknownFaultError(f"{wrong[0]} must be {word}")
    return Fault(**{**given, "kind": FaultKind(given["kind"])})
