"""How commands print."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from mpsyncd.cli.output import Column, ago, print_json, print_table, span

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "seconds, text",
    [(0, "0 s"), (89, "89 s"), (90, "1 min"), (5399, "89 min"), (5400, "1 h"), (172_799, "47 h"), (172_800, "2 d"), (864_000, "10 d")],
)
def test_spans_have_their_largest_unit(seconds: int, text: str) -> None:
    assert span(timedelta(seconds=seconds)) == text


def test_instants_as_people_say_them() -> None:
    assert ago(None, NOW) == "never"
    assert ago(NOW - timedelta(minutes=4), NOW) == "4 min ago"
    assert ago(NOW + timedelta(hours=2), NOW) == "in 2 h"


def test_json_is_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"at": NOW, "took": timedelta(seconds=90), 5: (1, 2)})
    assert orjson.loads(capsys.readouterr().out) == {"at": "2026-11-21T12:00:00+00:00", "took": 90.0, "5": [1, 2]}


def test_tables_fit_80_columns_and_lose_no_word(capsys: pytest.CaptureFixture[str]) -> None:
    reason = "the key has no right 'content'; make a key with it and replace this one, and so on and so forth " * 2
    columns = (Column(title="shop"), Column(title="rows", right=True), Column(title="reason", wide=True))
    print_table(columns, [("a-shop-with-a-long-name", 1_234_567, reason), ("b", None, None)])
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert "1 234 567" in out
    assert "".join(reason.split()) in "".join(out.replace("a-shop-with-a-long-name", "").replace("1 234 567", "").split())


def test_what_looks_like_markup_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    print_table((Column(title="shop"),), [("[bold]x[/bold] :smile:",)])
    assert "[bold]x[/bold] :smile:" in capsys.readouterr().out
