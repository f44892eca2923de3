"""The example file and the generated pages are what the program says of itself."""

import re
from pathlib import Path

import pytest

from mpsyncd.settings import Settings, load
from mpsyncd.settings.reference import example_toml
from support.project import ROOT
from support.reference import generated

LINE = re.compile(r"# (\w+ = .+?)  # ")


@pytest.mark.parametrize("path", sorted(generated()))
def test_generated_files_are_fresh(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == generated()[path](), "run: python tests/support/reference.py"


def test_the_example_as_it_is_changes_nothing(tmp_path: Path) -> None:
    empty = tmp_path / "empty.toml"
    empty.touch()
    assert load(ROOT / "config/mpsyncd.example.toml", {}) == load(empty, {})


def _examples() -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    table = ""
    for line in example_toml().splitlines():
        heading = line.removeprefix("# ")
        table = heading if heading.startswith("[") else table
        found = LINE.match(line)
        if found and table:
            lines.append((table, found[1]))
    return lines


@pytest.mark.parametrize("table, line", _examples())
def test_every_line_of_the_example_works_when_it_is_switched_on(table: str, line: str, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.touch()
    path = tmp_path / "mpsyncd.toml"
    path.write_text(f"{table}\n{line.replace('/etc/ssl/certs/ca-certificates.crt', str(bundle))}\n", encoding="utf-8")
    load(path, {})


def test_every_setting_stands_in_the_example() -> None:
    names = {(table, line.split(" ")[0]) for table, line in _examples()}
    for name, field in Settings.model_fields.items():
        group = field.annotation
        assert group is not None
        if name != "sources":
            assert {key for table, key in names if table == f"[{name}]"} == set(group.model_fields)


def test_every_source_has_settings() -> None:
    packages = {path.parent.name for path in (ROOT / "mpsyncd/sources").glob("*/__init__.py")}
    assert packages <= set(Settings().sources.by_name())
