"""Lists of a company that belong to no board: spaces, people, card types, tags, custom properties (developers.kaiten.ru, read 2026-09-29).

None of them tells what changed, so each is read whole every time; an unchanged row costs no write.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from mpsyncd.model.stream import Parents, Reference, Stream, Table
from mpsyncd.sources.kaiten.asking import get, numbered, pages_of, whole_lists
from mpsyncd.sources.kaiten.limits import API
from mpsyncd.sources.mapped import mapped
from mpsyncd.sources.parents import each_parent
from mpsyncd.sources.reading import paged
from mpsyncd.sources.rows import number, together, utc_time, whole

if TYPE_CHECKING:
    from mpsyncd.model.request import Document
    from mpsyncd.model.stream import Read, RowFunction
    from mpsyncd.sources.parents import Parents as Batch

BATCH, AHEAD = 10, 2
"""Lists of so many parents are asked for together and committed together; so many batches may be under way at once. At 5 requests a second
more of them would wait too long in line, and be sent away."""
_STAMPS = utc_time("created", "updated")
_OF_THE_KEY = frozenset({"boards", "role_permissions", "role", "access_mod", "notifications_enabled"})


def without(*keys: str) -> frozenset[str]:
    """Keys that repeat other tables, or tell of the key and not of the object."""
    return frozenset(keys)


def lean(read: Read, keys: frozenset[str]) -> Read:
    """The same rows without these keys."""

    def told(row: Document) -> tuple[Document]:
        return ({key: value for key, value in row.items() if key not in keys},)

    return mapped(read, told)


def _list(name: str, read: Read, row: RowFunction, *, sweeps: bool = True) -> Stream:
    return Stream(
        name=name,
        tables=(Table(name=f"kaiten.{name}", key=("id",), row=row),),
        read=read,
        schedule="kaiten",
        walk=timedelta(0),
        sweeps=sweeps,
        limits=(API,),
        page_rows=100,
        requests=lambda load: pages_of(load.rows),
    )


def _values(parents: Batch) -> Read:
    """Without `v2_select_search` the vendor tells all values in one answer, deleted ones too."""
    return lean(whole_lists(*(get(f"/company/custom-properties/{each['id']}/select-values") for each in parents)), without("author"))


SPACES = Stream(
    name="spaces",
    tables=(Table(name="kaiten.spaces", key=("id",), row=together(_STAMPS, whole("id", "company_id"), number("sort_order"))),),
    read=lean(paged(get("/spaces")), _OF_THE_KEY),
    schedule="kaiten",
    walk=timedelta(0),
    limits=(API,),
    page_rows=100,
    requests=lambda _: {API: 1},
)
USERS = _list(
    "users",
    numbered("/users", include_inactive="true"),
    together(
        utc_time("created", "updated", "delete_requested_at", "last_request_date"),
        whole("id", "avatar_type", "ui_version", "company_id", "user_id", "default_space_id", "role"),
    ),
)
CARD_TYPES = _list("card_types", numbered("/card-types"), together(_STAMPS, whole("id", "color", "company_id")))
# A tag that no card has any more vanishes from the list and is still there, so nothing is swept.
TAGS = _list("tags", numbered("/tags"), together(_STAMPS, whole("id", "color", "company_id")), sweeps=False)
CUSTOM_PROPERTIES = _list(
    "custom_properties",
    lean(numbered("/company/custom-properties"), without("values", "author")),
    together(_STAMPS, whole("id", "author_id", "company_id", "color")),
)
PROPERTY_VALUES = Stream(
    name="property_values",
    tables=(
        Table(
            name="kaiten.property_values",
            key=("id",),
            row=together(_STAMPS, whole("id", "custom_property_id", "color", "author_id", "company_id"), number("sort_order")),
            refers=(Reference(table="kaiten.custom_properties", columns={"id": "custom_property_id"}),),
        ),
    ),
    read=each_parent(_values, key=("id",), batch=BATCH, ahead=AHEAD),
    parents=Parents(
        stream="custom_properties", table="kaiten.custom_properties", child=("custom_property_id",), where={"type": ("select",)}
    ),
    schedule="kaiten",
    walk=timedelta(0),
    limits=(API,),
    page_rows=100,
    requests=lambda load: {API: load.parents or 1},
)
