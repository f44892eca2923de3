"""Spaces, boards, columns and lanes (kaiten.md §4, rows 1 and 6 to 8)."""

import orjson

from mpsyncd.sandbox.http import Response, json_response
from mpsyncd.sandbox.kaiten import problems, spelling
from mpsyncd.sandbox.kaiten.call import Call
from mpsyncd.sandbox.kaiten.spelling import Spelled
from mpsyncd.sandbox.kaiten.world.records import Condition, Space


def list_spaces(call: Call) -> Response:
    """All spaces at once, archived ones too, each with its boards, which have no columns here."""
    return json_response([_space(call, one) for one in call.company.spaces.values() if one.listed])


def one_space(call: Call) -> Response:
    """A space as the list tells it."""
    space = _seen(call)
    return problems.not_found() if space is None else json_response(_space(call, space))


def list_boards(call: Call) -> Response:
    """Boards of a space with short columns and lanes; one without columns is not listed."""
    if _seen(call) is None:
        return problems.not_found()
    return json_response(
        [
            spelling.placed_board(board, space=call.number)
            | {
                "columns": spelling.short_columns_of(call.company, board.id),
                "lanes": [spelling.short_lane(one) for one in call.company.open_lanes(board.id)],
            }
            for board in call.company.boards_in(call.number)
        ]
    )


def one_board(call: Call) -> Response:
    """A board with all of its cards, archived ones too."""
    board = _board(call)
    if board is None:
        return problems.not_found()
    cards = [orjson.Fragment(orjson.dumps(call.ink.list_form(card))) for card in call.company.cards.values() if card.board_id == board]
    told: Spelled = {
        "columns": spelling.columns_of(call.company, board),
        "lanes": [spelling.lane(one) for one in call.company.open_lanes(board)],
        "cards": cards,
    }
    return json_response(spelling.bare_board(call.company.boards[board]) | told)


def list_columns(call: Call) -> Response:
    """Columns of a board with their subcolumns inside."""
    board = _board(call)
    return problems.not_found() if board is None else json_response(spelling.columns_of(call.company, board))


def list_lanes(call: Call) -> Response:
    """Lanes of a board in one condition: live ones unless others are asked for."""
    board, wanted = _board(call), call.whole("condition") or Condition.LIVE
    if board is None:
        return problems.not_found()
    return json_response([spelling.lane(one) for one in call.company.lanes_of(board) if one.condition == wanted])


def _space(call: Call, one: Space) -> Spelled:
    boards = [spelling.placed_board(board, space=one.id) for board in call.company.boards_in(one.id)]
    return spelling.bare_space(call.company, one) | {"boards": boards}


def _seen(call: Call) -> Space | None:
    space = call.company.spaces.get(call.number)
    return space if space is not None and space.listed else None


def _board(call: Call) -> int | None:
    known = call.number in call.company.boards and call.company.seen(call.number)
    return call.number if known else None
