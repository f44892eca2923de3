"""`GET /cards/{id}` and the lists that hang on a card: members, tags, comments, children, files (kaiten.md §4)."""

from collections.abc import Callable

from mpsyncd.sandbox.http import Response, json_response
from mpsyncd.sandbox.kaiten import problems
from mpsyncd.sandbox.kaiten.call import Call
from mpsyncd.sandbox.kaiten.card_spelling import card_fields
from mpsyncd.sandbox.kaiten.world.records import Card


def one_card(call: Call) -> Response:
    """The card with everything."""
    return _of_card(call, call.ink.single_form)


def members(call: Call) -> Response:
    """Its members, each with what it is."""
    return _of_card(call, lambda card: [call.ink.member(card, one, detailed=True) for one in card.members])


def tags(call: Call) -> Response:
    """Its tags."""
    return _of_card(call, lambda card: [call.ink.tag(card, number) for number in card.tags])


def comments(call: Call) -> Response:
    """Its comments, oldest first."""
    return _of_card(call, lambda card: [call.ink.comment(one) for one in call.company.comments.get(card.id, ())])


def files(call: Call) -> Response:
    """Its files."""
    return _of_card(call, lambda card: [call.ink.file(one) for one in card.files])


def children(call: Call) -> Response:
    """Its children, those too that the card itself does not count."""
    known = call.company.cards
    return _of_card(
        call, lambda card: [card_fields(known[number]) for number in (*card.children, *card.hidden_children) if number in known]
    )


def _of_card(call: Call, tell: Callable[[Card], object]) -> Response:
    card = call.company.cards.get(call.number)
    return problems.not_found() if card is None else json_response(tell(card))
