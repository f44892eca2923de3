"""Lines of keys in a TOML file, as far as the parser of the standard library agrees that they are there."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpsyncd.settings.lines import lines_of, place
from support.project import ROOT

TEXT = '''# [not] = here
top = 1
[a]  # [neither]
b.c = """
[not]
k = 1 \\""" """
d = [ 1, # [
 "]", {x = 1},
]
[[shops]]
name = 'n' # x = 2
"quo.ted" = { env = "X", deep = [1, "#"] }
[shops.more]
z=1
[[shops]]

  name = "m"
e = \'\'\'
q = 1
\'\'\'
last = 2'''


def test_every_key_and_header_has_its_line() -> None:
    assert {path: TEXT.splitlines()[line - 1].strip().split(" ")[0].split("=")[0] for path, line in lines_of(TEXT).items()} == {
        ("top",): "top",
        ("a",): "[a]",
        ("a", "b", "c"): "b.c",
        ("a", "d"): "d",
        ("shops", "0"): "[[shops]]",
        ("shops", "0", "name"): "name",
        ("shops", "0", "quo.ted"): '"quo.ted"',
        ("shops", "0", "more"): "[shops.more]",
        ("shops", "0", "more", "z"): "z",
        ("shops", "1"): "[[shops]]",
        ("shops", "1", "name"): "name",
        ("shops", "1", "e"): "e",
        ("shops", "1", "last"): "last",
    }


def test_a_key_inside_a_value_has_the_line_of_the_value() -> None:
    lines = lines_of(TEXT)
    assert place(ROOT / "x.toml", lines, ("shops", "0", "quo.ted", "deep")) == f"{ROOT}/x.toml:12"
    assert place(ROOT / "x.toml", lines, ("unknown",)) == f"{ROOT}/x.toml"


def _paths(tree: Any, above: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    if not isinstance(tree, dict):
        return {above}
    return {path for key, value in tree.items() for path in _paths(value, (*above, key))}


VALUES = ["1", "true", '"a # b"', "'[x]'", '"""\nk = 1\n[t]\n"""', "'''\n'''", "[\n1, # ]\n[2],\n]", '{ x = "}", y = [1] }', "2026-11-21"]
KEYS = ["a", "b-c", '"d.e"', "'f'", "g . h", "'#'"]
STATEMENT = st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES), st.sampled_from(["", "  # [c]", "\n\n"]))


@given(st.lists(STATEMENT, max_size=8, unique_by=lambda statement: statement[0]))
def test_what_the_parser_finds_is_found(statements: list[tuple[str, str, str]]) -> None:
    text = "".join(f"{key} = {value}{tail}\n" for key, value, tail in statements)
    found = lines_of(text)
    known = {path if len(path) == 1 else path[:2] for path in _paths(tomllib.loads(text))}
    assert {path for path in found if path[0] != "g"} == {path[:1] for path in known if path[0] != "g"}
    for path, line in found.items():
        assert path[0] in text.splitlines()[line - 1]


@pytest.mark.parametrize("text", ["", "\n", "# only\n", "[a]", "a = 1"])
def test_small_files(text: str) -> None:
    assert len(lines_of(text)) == (1 if "a" in text.replace("# only", "") else 0)
