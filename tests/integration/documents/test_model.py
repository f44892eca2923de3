"""Any sequence of pages, walks and sweeps ends as a simple model in Python says."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.documents import SIZES, THING, Lab, lab, moment, page, stream
from support.postgres import apart

PARTED = stream(THING, SIZES)
IDS = st.integers(0, 7)
SIZE = st.fixed_dictionaries({"name": st.sampled_from("SMLX"), "stock": st.integers(0, 2)})
TITLES = st.sampled_from(["a", "b", "t\tn\n\\", ""])
DOCUMENT = st.fixed_dictionaries(
    {"id": IDS, "title": TITLES, "sizes": st.lists(SIZE, max_size=4, unique_by=lambda size: size["name"])},
    optional={"amount": st.sampled_from([1, 2.0, "3", "", "x", 3_000_000_000]), "other": st.integers(0, 1)},
)
PAGE = st.tuples(st.just("page"), st.lists(DOCUMENT, max_size=6), st.integers(1, 40), st.integers(1, 4))
WALK = st.tuples(st.just("walk"), st.lists(st.lists(DOCUMENT, max_size=4), max_size=2), st.integers(1, 40), st.integers(1, 4))


@dataclass
class Model:
    """What must be stored: documents by id with the time they were asked for, and what is dead since when."""

    rows: dict[int, tuple[dict[str, Any], int]] = field(default_factory=dict)
    dead: dict[int, int] = field(default_factory=dict)

    def page(self, documents: list[dict[str, Any]], at: int) -> None:
        # Within a page the last of equal ids counts, and a bad last one leaves what was stored.
        for document in {told["id"]: told for told in documents}.values():
            number = document["id"]
            if document.get("amount") in {"x", 3_000_000_000}:
                continue
            known = self.rows.get(number)
            if known is not None and known[0] == document and number not in self.dead:
                continue
            if known is None or (at >= known[1] and at > self.dead.get(number, -1)):
                self.rows[number] = (document, at)
                self.dead.pop(number, None)

    def sweep(self, seen: set[int], started: int) -> None:
        for number, (_, at) in self.rows.items():
            if number not in self.dead and number not in seen and at < started:
                self.dead[number] = started


async def play(dsn: str, story: list[Any]) -> None:
    async with lab(dsn, PARTED) as at:
        model = Model()
        for verb, told, minute, size in story:
            if verb == "page":
                await at.commit(page(told, at=minute, size=size))
                model.page(told, minute)
                continue
            walk_id = await at.walk(minute)
            for place, documents in enumerate(told, start=1):
                await at.commit(page(documents, at=minute + place, size=size), walk_id=walk_id)
                model.page(documents, minute + place)
            await at.sweep(walk_id, at=minute, force=True)
            model.sweep({document["id"] for documents in told for document in documents}, minute)
        await compare(at, model)


async def compare(at: Lab, model: Model) -> None:
    things = {}
    for number, title, amount, other, synced_at, deleted_at in await at.rows(
        "SELECT id, title, amount, (extra->>'other')::int, synced_at, deleted_at FROM lab.things WHERE shop_id = $1", at.shop_id
    ):
        things[number] = (title, amount, other, synced_at, deleted_at)
    wanted = {
        number: (
            told["title"],
            int(told["amount"]) if told.get("amount") not in {None, ""} else None,
            told.get("other"),
            moment(at_),
            moment(model.dead[number]) if number in model.dead else None,
        )
        for number, (told, at_) in model.rows.items()
    }
    assert things == wanted
    sizes = await at.rows("SELECT thing_id, name, stock, position, thing_title FROM lab.thing_sizes WHERE shop_id = $1", at.shop_id)
    assert sorted(sizes) == sorted(
        (number, size["name"], size["stock"], place, told["title"])
        for number, (told, _) in model.rows.items()
        for place, size in enumerate(told["sizes"])
    )
    kept = dict(await at.rows("SELECT table_name, (live, deleted)::text FROM mpsync.table_counts WHERE shop_id = $1", at.shop_id))
    alive = len(wanted) - len(model.dead)
    assert kept.get("lab.things", "(0,0)") == f"({alive},{len(model.dead)})"
    assert kept.get("lab.thing_sizes", "(0,0)") == f"({len(sizes)},0)"


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=st.lists(st.one_of(PAGE, PAGE, WALK), max_size=9))
def test_any_story_ends_as_the_model_says(module_database: str, story: list[Any]) -> None:
    apart(play(module_database, story))
