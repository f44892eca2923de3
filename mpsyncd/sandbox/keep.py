"""What a vendor remembers of one seller between requests: reports under way, pages prepared once. Knows nothing of what it holds."""

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Keep:
    """One value of each type, made when it is first asked for."""

    def __init__(self) -> None:
        self._values: dict[type[Any], Any] = {}

    def of(self, kind: type[T], make: Callable[[], T]) -> T:
        """The value of this type."""
        if kind not in self._values:
            self._values[kind] = make()
        value: T = self._values[kind]
        return value
