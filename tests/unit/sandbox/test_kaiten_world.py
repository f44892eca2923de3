"""Companies: repeatable, moving, able to stand still, and full of what careless readers stumble over."""

from collections import Counter
from datetime import timedelta
from typing import Any

from mpsyncd.sandbox import CompanySpec, SandboxOptions
from mpsyncd.sandbox.kaiten.truth import COLUMNS, KEYS
from mpsyncd.sandbox.kaiten.truth_rows import TABLES
from mpsyncd.sandbox.kaiten.world.records import Condition
from mpsyncd.sandbox.kaiten.world.world import Companies
from support.kaiten_caller import ACME, KaitenCaller
from support.sandbox_caller import BORN

LATER = BORN + timedelta(minutes=20)


def world(**options: Any) -> Companies:
    return Companies(SandboxOptions(**{"sellers": (), "companies": (ACME,), "event_rate": 1.0, **options}), born=BORN)


def truth(one: Companies) -> dict[str, list[Any]]:
    return {f"{name}/{table}": list(read(company)) for name, company in one.companies.items() for table, read in TABLES}


def test_same_seed_and_time_give_the_same_truth_whatever_the_steps() -> None:
    at_once, in_steps = world(), world()
    at_once.advance(LATER)
    for minute in range(21):
        in_steps.advance(BORN + timedelta(minutes=minute))

    assert at_once.events == in_steps.events == 1_200
    assert truth(at_once) == truth(in_steps)
    assert truth(at_once) != truth(world())
    assert truth(world()) != truth(world(seed="other"))


def test_frozen_companies_stand_and_go_on_from_where_they_stood() -> None:
    caller, plain = KaitenCaller(event_rate=1.0), world()
    caller.wait(600)
    caller.bare("POST", "/_freeze")
    before = truth(caller.core.companies)
    caller.wait(600)
    assert caller.bare("GET", "/_stats")["events"] == 600
    assert truth(caller.core.companies) == before

    caller.bare("POST", "/_thaw")
    caller.wait(600)
    caller.bare("GET", "/_stats")
    plain.advance(LATER)

    [stood], [went] = caller.core.companies.companies.values(), plain.companies.values()
    assert caller.core.companies.events == plain.events
    assert [(card.id, card.version) for card in stood.cards.values()] == [(card.id, card.version) for card in went.cards.values()]


def test_stamps_are_equal_over_more_than_a_page_and_across_borders() -> None:
    [company] = world().companies.values()
    for condition in (Condition.LIVE, Condition.ARCHIVED):
        stamps = sorted(card.updated for card in company.cards.values() if card.condition is condition)
        assert len(stamps) > 200
        assert max(Counter(stamps).values()) > 100
        assert all(stamps[border] == stamps[border - 1] for border in range(100, len(stamps), 100))
    assert all(card.updated.microsecond % 1000 == 0 for card in company.cards.values())


def test_what_breaks_strict_references_is_there() -> None:
    [company] = world().companies.values()
    cards = list(company.cards.values())
    lanes = {card.lane_id and company.lanes[card.lane_id].condition for card in cards}
    unlisted = {one.id for one in company.people.values() if not one.listed}

    assert lanes == {None, *Condition}
    assert any(card.owner_id in unlisted for card in cards)
    assert any(one.user_id in unlisted for card in cards for one in card.members)
    assert any(set(card.parents) & set(company.unseen) for card in cards)
    assert any(card.hidden_children for card in cards)
    assert any(card.type_id is None for card in cards)
    assert any(not company.seen(card.board_id) for card in cards)
    assert any(len(board.places) > 1 for board in company.boards.values())
    assert any(not company.columns_of(board) for board in company.boards)
    assert any(space.archived for space in company.spaces.values())
    assert any(space.parent for space in company.spaces.values())
    assert {one.condition for one in company.properties.values()} == {"active", "inactive", "removed"}
    assert {one.deleted for one in company.values.values()} == {True, False}


def test_members_and_comments_move_neither_version_nor_time() -> None:
    one = world()
    [company] = one.companies.values()
    before = dict(company.cards)
    one.advance(BORN + timedelta(minutes=5))
    pairs = [(before[number], card) for number, card in company.cards.items() if number in before]
    still = [(old, new) for old, new in pairs if (old.version, old.updated) == (new.version, new.updated)]

    assert any(old.members != new.members for old, new in still)
    assert any(old.comments != new.comments for old, new in still)
    assert all((old.title, old.tags, old.files, old.column_id) == (new.title, new.tags, new.files, new.column_id) for old, new in still)
    assert all(new.version > old.version and new.updated > old.updated for old, new in pairs if old.title != new.title)
    assert company.lost
    assert {old.condition for old, new in pairs if old.condition is not new.condition} == {Condition.LIVE, Condition.ARCHIVED}


def test_truth_has_every_listed_column_and_names_every_row_once() -> None:
    one = world()
    one.advance(LATER)
    [company] = one.companies.values()
    assert [name for name, _ in TABLES] == list(COLUMNS) == list(KEYS)
    for name, read in TABLES:
        rows = list(read(company))
        keys = [tuple(row[column] for column in KEYS[name]) for row in rows]
        assert len(set(keys)) == len(keys), name
        told = [row for row in rows if "_left" not in row]
        assert told, name
        assert all({column for column in row if not column.startswith("_")} == set(COLUMNS[name]) for row in told), name


def test_a_large_company_stands_and_its_pages_are_ready() -> None:
    spec = CompanySpec(name="large", title="x", cards=450, archived=150, large=True)
    caller = KaitenCaller(spec, event_rate=10.0)
    read = [card["id"] for archived in ("false", "true") for card in caller.walk("/cards", relations="none", archived=archived)]

    assert len(read) == len(set(read)) == 600
    assert caller.core.companies.events == 0
    whole = caller.ask("/cards", archived="false", offset=0, limit=100)
    assert whole.gzipped is not None
    assert 20_000 < sum(map(len, whole.stream or ())) / 100 < 28_000
    assert {row["id"] for row in caller.truth("kaiten.cards") if "_left" not in row} == set(read)
