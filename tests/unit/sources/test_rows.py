"""Cures read what vendors write, and refuse what they would have to guess."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as any_

from mpsyncd.model.errors import BadData
from mpsyncd.sources.rows import MOSCOW, Cures, calendar_day, instant, moscow_time, number, together, utc_time, whole


@pytest.mark.parametrize(
    "told, cured",
    [
        ("2026-11-20T10:11:12", "2026-11-20T10:11:12+03:00"),
        ("2026-11-20T10:11:12.1234567", "2026-11-20T10:11:12.1234567+03:00"),
        ("2026-11-20 10:11", "2026-11-20 10:11+03:00"),
        ("2026-11-20", "2026-11-20T00:00:00+03:00"),
        (" 2026-11-20T10:11:12Z ", "2026-11-20T10:11:12Z"),
        ("2026-11-20T10:11:12+0300", "2026-11-20T10:11:12+0300"),
        ("0001-01-01T00:00:00", None),
        ("0001-01-01", None),
        ("", None),
        (None, None),
    ],
)
def test_moments_of_moscow(told: str | None, cured: str | None) -> None:
    assert moscow_time("at")({"at": told, "other": ""}) == {"at": cured, "other": ""}


def test_utc_is_meant_where_the_vendor_means_it() -> None:
    assert utc_time("at")({"at": "2026-11-20T10:11:12"}) == {"at": "2026-11-20T10:11:12Z"}


@pytest.mark.parametrize(
    "told, cured",
    [
        ("2026-11-20", "2026-11-20"),
        ("2026-11-20T00:00:00Z", "2026-11-20"),
        ("2026-11-20T23:59:59-08:00", "2026-11-20"),
        (" 2026-11-20 ", "2026-11-20"),
        ("0001-01-01", None),
        ("", None),
        (None, None),
    ],
)
def test_days_are_never_shifted(told: str | None, cured: str | None) -> None:
    assert calendar_day("day")({"day": told, "other": ""}) == {"day": cured, "other": ""}


@pytest.mark.parametrize("told", ["20.11.2026", "2026-02-30", "20261120", "2026-11", 20261120, True])
def test_what_is_no_day_is_refused(told: object) -> None:
    with pytest.raises(BadData, match="rrDate: "):
        calendar_day("rrDate")({"rrDate": told})


@given(values=any_.lists(any_.none() | any_.text("019.,+-e \n٧") | any_.integers() | any_.floats() | any_.booleans(), min_size=1))
@pytest.mark.parametrize("cures", [number, whole])
def test_many_fields_are_cured_like_each_of_them(cures: Callable[..., Cures], values: list[object]) -> None:
    row = {f"f{place}": value for place, value in enumerate(values)}
    try:
        told = {field: cures(field)({field: value})[field] for field, value in row.items()}
    except BadData:
        with pytest.raises(BadData):
            cures(*row)(row)
    else:
        assert repr(cures(*row)(row)) == repr(told)  # a float that is no number is not equal to itself


def test_absent_fields_stay_absent() -> None:
    assert together(moscow_time("at"), number("sum"), whole("id"))({}) == {}


@pytest.mark.parametrize(
    "told", ["01.02.2026", "2026-02-30", "2026-11-20T24:01:00", "20261120T101112", "2026-W01-1", "now", 5, True, ["x"]]
)
def test_what_is_no_moment_is_refused_with_field_and_value(told: object) -> None:
    with pytest.raises(BadData, match="lastChangeDate: ") as caught:
        moscow_time("lastChangeDate")({"lastChangeDate": told})
    assert repr(str(told)) in str(caught.value)


def test_a_long_value_is_cut_in_the_message() -> None:
    with pytest.raises(BadData) as caught:
        number("sum")({"sum": "x" * 1000})
    assert len(str(caught.value)) < 100


@pytest.mark.parametrize(
    "told, cured",
    [("1 234,50", "1234.50"), ("1\u00a0234", "1234"), ("\u2009 7", "7"), ("-1,5e3", "-1.5e3"), ("", None), (" ", None), (3, 3), (0.1, 0.1)],
)
def test_numbers(told: object, cured: object) -> None:
    assert number("sum")({"sum": told}) == {"sum": cured}


@pytest.mark.parametrize("told", ["NaN", "inf", "1.234,50", "1,2,3", "--1", "٧", "1e9999", True, {}, []])
def test_what_is_no_number_is_refused(told: object) -> None:
    with pytest.raises(BadData, match="sum: "):
        number("sum")({"sum": told})


@pytest.mark.parametrize("told, cured", [(7.0, 7), ("7", "7"), ("7,00", "7"), ("1 000", "1000"), (2**63, 2**63), ("", None)])
def test_whole_numbers(told: object, cured: object) -> None:
    assert whole("id")({"id": told}) == {"id": cured}


@pytest.mark.parametrize("told", [7.5, "7.5", "7.", "1e3", True, "x"])
def test_what_is_no_whole_number_is_refused(told: object) -> None:
    with pytest.raises(BadData, match="id: "):
        whole("id")({"id": told})


@given(any_.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9000, 1, 1)))  # noqa: DTZ001 - naive as the vendor writes it
def test_instant_agrees_with_the_cure(naive: datetime) -> None:
    told = naive.isoformat()
    cured = moscow_time("at")({"at": told})["at"]
    assert instant(told, zone=MOSCOW) == datetime.fromisoformat(cured) == naive.replace(tzinfo=MOSCOW)


def test_instant_keeps_a_zone_and_knows_never() -> None:
    assert instant("2026-11-20T10:00:00Z", zone=MOSCOW) == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert instant("0001-01-01T00:00:00", zone=MOSCOW) is None
    with pytest.raises(BadData, match="'yesterday' is not a moment"):
        instant("yesterday", zone=MOSCOW)


@given(any_.dictionaries(any_.text(), any_.none() | any_.booleans() | any_.integers() | any_.floats() | any_.text()))
def test_a_cure_never_breaks_in_another_way_than_by_bad_data(document: dict[str, object]) -> None:
    cure = together(*(make(*document) for make in (moscow_time, whole, number)))
    before = repr(document)
    try:
        cured = cure(document)
    except BadData:
        pass
    else:
        assert list(cured) == list(document)
        json.dumps(cured)
    assert repr(document) == before
