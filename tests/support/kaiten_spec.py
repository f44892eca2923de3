"""The community's OpenAPI file of Kaiten, shapes that were observed, and the list of its webhook events: judges of the sandbox's answers.

They are not part of the repository: tests skip where they are missing.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from openapi_schema_validator import OAS31Validator

SPECS = Path(__file__).resolve().parents[2].parent / "shared" / "apis" / "specs" / "kaiten"

needs_specs = pytest.mark.skipif(not SPECS.is_dir(), reason="the files of Kaiten are not beside the repository (../shared/apis/specs)")

_DEEPEST = 5
_NULLS = frozenset({"avatar_initials_url", "company_id", "email_addresses_to", "description", "lane", "type"})
"""Keys that were seen to be null, or that the contract says may be, where the file allows no null."""


@cache
def _file() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load((SPECS / "kaiten.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return loaded


@cache
def observed() -> dict[str, Any]:
    """Keys of real answers by entity."""
    loaded: dict[str, Any] = orjson.loads((SPECS / "observed_shapes.json").read_bytes())
    return loaded


@cache
def events() -> frozenset[str]:
    """Names of the documented webhook events."""
    return frozenset(orjson.loads((SPECS / "webhook_events.json").read_bytes())["events"])


def _resolved(node: Any, depth: int = 0) -> Any:
    if isinstance(node, list):
        return [_resolved(item, depth) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" not in node:
        return {key: _resolved(value, depth) for key, value in node.items()}
    target: Any = _file()
    for step in node["$ref"].removeprefix("#/").split("/"):
        target = target[step]
    return _resolved(target, depth + 1) if depth < _DEEPEST else {}


@cache
def _schema(path: str) -> dict[str, Any]:
    answer = _file()["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    found: dict[str, Any] = _resolved(answer)
    return found


def faults(path: str, body: object) -> Iterator[str]:
    """What of a body is not as the file has it, nulls aside that were seen."""
    for error in OAS31Validator(_schema(path)).iter_errors(body):
        names = [step for step in error.absolute_path if isinstance(step, str)]
        if not (error.instance is None and names and names[-1] in _NULLS):
            yield f"{'.'.join(names)}: {error.message[-100:]}"


@cache
def parameters(path: str) -> frozenset[str]:
    """Names of the query parameters that the file knows of a method."""
    return frozenset(each["name"] for each in _file()["paths"][path]["get"].get("parameters", ()) if each["in"] == "query")


@cache
def keys(path: str) -> frozenset[str]:
    """Keys of one row of a list, as the file has them."""
    schema = _schema(path)
    row = schema["items"] if schema.get("type") == "array" else schema
    parts = [row, *row.get("allOf", ())]
    return frozenset(key for part in parts for key in part.get("properties", ()))
