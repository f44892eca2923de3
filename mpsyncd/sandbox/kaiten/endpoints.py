"""Every path that the sandbox's Kaiten knows, with what answers it."""

from collections.abc import Callable
from dataclasses import dataclass

from mpsyncd.sandbox.http import Response
from mpsyncd.sandbox.kaiten import one_card, problems, reference, structure
from mpsyncd.sandbox.kaiten.call import Call
from mpsyncd.sandbox.kaiten.card_list import list_cards


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A path whose steps in braces are numbers. It answers GET and nothing else. `rows`: its answer is a list of rows."""

    path: str
    answer: Callable[[Call], Response]
    rows: bool = True


def _refused(_call: Call) -> Response:
    return problems.forbidden()


def _refused_silently(_call: Call) -> Response:
    return problems.forbidden(body=False)


def _not_so(_call: Call) -> Response:
    return problems.method_not_allowed()


ENDPOINTS = (
    Endpoint(path="/users/current", answer=reference.current_user, rows=False),
    Endpoint(path="/users", answer=reference.list_users),
    Endpoint(path="/company/users", answer=_refused, rows=False),
    Endpoint(path="/card-types", answer=reference.list_types),
    Endpoint(path="/tags", answer=reference.list_tags),
    Endpoint(path="/company/custom-properties", answer=reference.list_properties),
    Endpoint(path="/company/custom-properties/{id}", answer=reference.one_property, rows=False),
    Endpoint(path="/company/custom-properties/{id}/select-values", answer=reference.list_values),
    Endpoint(path="/spaces", answer=structure.list_spaces),
    Endpoint(path="/spaces/{id}", answer=structure.one_space, rows=False),
    Endpoint(path="/spaces/{id}/boards", answer=structure.list_boards),
    Endpoint(path="/boards/removed", answer=_not_so, rows=False),
    Endpoint(path="/boards/{id}", answer=structure.one_board, rows=False),
    Endpoint(path="/boards/{id}/columns", answer=structure.list_columns),
    Endpoint(path="/boards/{id}/lanes", answer=structure.list_lanes),
    Endpoint(path="/cards", answer=list_cards),
    Endpoint(path="/cards/removed", answer=_not_so, rows=False),
    Endpoint(path="/cards/{id}", answer=one_card.one_card, rows=False),
    Endpoint(path="/cards/{id}/members", answer=one_card.members),
    Endpoint(path="/cards/{id}/tags", answer=one_card.tags),
    Endpoint(path="/cards/{id}/comments", answer=one_card.comments),
    Endpoint(path="/cards/{id}/children", answer=one_card.children),
    Endpoint(path="/cards/{id}/files", answer=one_card.files),
    Endpoint(path="/cards/{id}/checklists", answer=_not_so, rows=False),
    Endpoint(path="/sprints", answer=_refused, rows=False),
    Endpoint(path="/time-logs", answer=_refused, rows=False),
    Endpoint(path="/audit-logs", answer=_refused_silently, rows=False),
)
"""Checklists are told with their card only."""
