"""What a fault does to an answer that was right. Pure: answer in, spoilt answer out; knows no vendor."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import orjson

from mpsyncd.sandbox.http import HTML, Delivery, Manner, Response, json_response
from mpsyncd.sandbox.options import Fault, FaultKind

_LONGEST_NUMBER = 15
_POSITIONS = frozenset({"cursor", "rrdId", "next"})
_MANNERS: Mapping[FaultKind, Manner] = MappingProxyType(
    {
        FaultKind.RESET: Manner.RESET,
        FaultKind.STALL: Manner.STALL,
        FaultKind.TRUNCATED: Manner.TRUNCATED,
        FaultKind.TRICKLE: Manner.TRICKLE,
    }
)
_UNHEARD: Mapping[type, object] = MappingProxyType({str: "futureValue", int: 99})
_PAGE = "<!doctype html><html><head><title>Проверка</title></head><body><p>Подождите, мы проверяем ваш браузер</p></body></html>"


def html() -> Response:
    """A page for people with status 200, as an anti-bot wall answers."""
    return Response(body=_PAGE.encode(), content_type=HTML)


def spoil(response: Response, fault: Fault) -> Response:
    """The answer after the fault; kinds that do not act on answers leave it as it is."""
    if fault.kind in _MANNERS:
        return replace(response, delivery=Delivery(_MANNERS[fault.kind], fault.pause))
    match fault.kind:
        case FaultKind.SERVER_ERROR:
            return json_response({"message": "the sandbox was told to fail"}, status=fault.status)
        case FaultKind.HTML:
            return html()
        case _ if fault.kind in _EDITS:
            return _edited(response, _EDITS[fault.kind](response.json()))
        case _:
            return response


def with_news(value: Any) -> Any:
    """The same document with fields that nobody has announced, in every object."""
    match value:
        case dict():
            known = {key: with_news(item) for key, item in value.items()}
            return known | {"futureFlag": True, "futureNote": "новое поле", "futureParts": [{"id": 1}]}
        case list():
            return [with_news(item) for item in value]
        case _:
            return value


def with_new_values(response: Response, *, names: Collection[str]) -> Response:
    """The answer with values that nobody has announced under these keys."""
    return _edited(response, _renewed(response.json(), names))


def with_swapped_types(value: Any) -> Any:
    """The same document with numbers as texts, and texts that are short whole numbers as numbers. Positions of paging stay."""
    match value:
        case dict():
            return {key: item if key in _POSITIONS else with_swapped_types(item) for key, item in value.items()}
        case list():
            return [with_swapped_types(item) for item in value]
        case bool():
            return value
        case int() | float():
            return str(value)
        case str() if _is_plain_number(value):
            return int(value)
        case _:
            return value


def without_lists(value: Any) -> Any:
    """The same document with null in place of its outermost lists."""
    match value:
        case dict():
            return {key: without_lists(item) for key, item in value.items()}
        case list():
            return None
        case _:
            return value


def _renewed(value: Any, names: Collection[str]) -> Any:
    match value:
        case dict():
            return {key: _UNHEARD.get(type(item), item) if key in names else _renewed(item, names) for key, item in value.items()}
        case list():
            return [_renewed(item, names) for item in value]
        case _:
            return value


def _is_plain_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER and str(int(text)) == text


_EDITS: Mapping[FaultKind, Callable[[Any], Any]] = MappingProxyType(
    {
        FaultKind.UNKNOWN_FIELDS: with_news,
        FaultKind.CHANGED_TYPES: with_swapped_types,
        FaultKind.NULL_LISTS: without_lists,
    }
)


def _edited(response: Response, value: Any) -> Response:
    return replace(response, body=orjson.dumps(value), gzipped=None, stream=None, later=None)
