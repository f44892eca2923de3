"""What callers send: JSON bodies and queries, checked against a model; everything that is wrong is told at once."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from mpsyncd.web.problem import Problem

_BODY_WITHIN_SECONDS = 30.0


class Asked(BaseModel):
    """Base of what callers send: frozen, and what nobody knows is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


T = TypeVar("T", bound=Asked)


async def read_body(request: web.Request, model: type[T]) -> T:
    """The JSON body as a value.

    Raises:
        Problem: it is no JSON (400, 415), too slow (408), or says what makes no sense (422).
        web.HTTPRequestEntityTooLarge: it is longer than the application allows.
    """
    if request.content_type != "application/json":
        raise Problem(415, "Send JSON, with the header Content-Type: application/json.")
    try:
        async with asyncio.timeout(_BODY_WITHIN_SECONDS):
            body = await request.read()
    except TimeoutError:
        raise Problem(408, "The body did not arrive in time.") from None
    except web.RequestPayloadError:
        raise Problem(400, "The body is broken: its length or its encoding is not what the headers say.") from None
    try:
        return model.model_validate_json(body, strict=True)
    except ValidationError as error:
        raise _told(error) from None


def read_query(request: web.Request, model: type[T]) -> T:
    """The query as a value; Problem (422) when it makes no sense."""
    try:
        return model.model_validate(dict(request.query))
    except ValidationError as error:
        raise _told(error) from None


def _told(error: ValidationError) -> Problem:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    if found[0]["type"] == "json_invalid":
        return Problem(400, f"The body is no JSON. {found[0]['msg']}.")
    errors = [{"field": ".".join(map(str, each["loc"])), "detail": each["msg"].removeprefix("Value error, ")} for each in found]
    return Problem(422, "What was sent makes no sense; errors says where.", errors=errors)
