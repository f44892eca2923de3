"""Users, types, tags and custom properties with their values (kaiten.md §4, rows 2 to 5)."""

from mpsyncd.sandbox.http import Response, json_response
from mpsyncd.sandbox.kaiten import problems, spelling
from mpsyncd.sandbox.kaiten.call import WIDE_PAGE, Call
from mpsyncd.sandbox.kaiten.spelling import Spelled
from mpsyncd.sandbox.kaiten.world.records import Property


def current_user(call: Call) -> Response:
    """Who the token belongs to."""
    company = call.company
    return json_response(spelling.person(company, next(iter(company.people.values()))))


def list_users(call: Call) -> Response:
    """Users that the token may see; inactive ones only when asked for."""
    inactive = call.flag("include_inactive")
    company = call.company
    return call.page([spelling.person(company, one) for one in company.people.values() if one.listed and (one.activated or inactive)])


def list_types(call: Call) -> Response:
    """Card types, archived ones too."""
    return call.page([spelling.card_type(call.company, one) for one in call.company.types.values()])


def list_tags(call: Call) -> Response:
    """Tags that a card has."""
    used, wanted = call.company.used_tags(), call.wholes("ids")
    return call.page(
        [spelling.tag(call.company, one) for one in call.company.tags.values() if one.id in used and (not wanted or one.id in wanted)]
    )


def list_properties(call: Call) -> Response:
    """Custom properties, with the values of selects when asked for."""
    full, wanted = call.flag("include_values"), call.wholes("ids")
    every = [one for one in call.company.properties.values() if not wanted or one.id in wanted]
    return call.page(
        [spelling.custom_property(call.company, one) | ({"values": _values(call, one)} if full else {}) for one in every], most=WIDE_PAGE
    )


def one_property(call: Call) -> Response:
    """A custom property."""
    one = call.company.properties.get(call.number)
    return problems.not_found() if one is None else json_response(spelling.custom_property(call.company, one))


def list_values(call: Call) -> Response:
    """Values of a select: all of them with deleted ones, or with `v2_select_search` a page of those that live."""
    one = call.company.properties.get(call.number)
    if one is None:
        return problems.not_found()
    every = _values(call, one)
    if not call.flag("v2_select_search"):
        return json_response(every)
    wanted = call.wholes("ids")
    return call.page([value for value in every if not value["deleted"] and (not wanted or value["id"] in wanted)])


def _values(call: Call, one: Property) -> list[Spelled]:
    return [spelling.value(call.company, value) for value in call.company.values.values() if value.property_id == one.id]
