"""What the documents list is what there is."""

import re

import pytest
from packaging.requirements import Requirement

from support.project import ROOT, files, name, pyproject

DEPENDENCIES_MAX = 14
ADR_LINES_MAX = 60
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def _read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def _first_column(path: str) -> list[str]:
    rows = [line.split("|")[1].strip() for line in _read(path).splitlines() if line.startswith("| ")]
    return rows[1:]


def test_every_link_between_documents_leads_somewhere() -> None:
    dead = [
        f"{name(path)}: {target}"
        for path in files(".md")
        for target in LINK.findall(path.read_text(encoding="utf-8"))
        if "://" not in target and not (path.parent / target).exists()
    ]
    assert dead == []


def test_runtime_dependencies_are_explained_and_few() -> None:
    declared = [Requirement(line).name for line in pyproject()["project"]["dependencies"]]
    assert _first_column("docs/explanation/dependencies.md") == declared
    assert len(declared) <= DEPENDENCIES_MAX


def test_decision_records_are_numbered_listed_and_short() -> None:
    records = sorted(path for path in (ROOT / "docs/adr").glob("*.md") if path.name != "README.md")
    assert [path.name[:4] for path in records] == [f"{number:04}" for number in range(1, len(records) + 1)]
    assert re.findall(r"\((\d{4}[^)]+)\)", _read("docs/adr/README.md")) == [path.name for path in records]
    long = [path.name for path in records if len(path.read_text(encoding="utf-8").splitlines()) > ADR_LINES_MAX]
    assert long == []


def test_howto_guides_are_listed() -> None:
    guides = {path.name for path in (ROOT / "docs/howto").glob("*.md")} - {"README.md"}
    assert set(re.findall(r"\(([a-z0-9-]+\.md)\)", _read("docs/howto/README.md"))) == guides


@pytest.mark.parametrize("readme", ["README.md", "README.ru.md"])
def test_readme_names_the_two_commands(readme: str) -> None:
    blocks = re.findall(r"^```\n(.*?)^```", _read(readme), flags=re.MULTILINE | re.DOTALL)
    assert blocks[:2] == ["make demo\n", "make test\n"]


def test_every_make_target_has_its_line_of_help() -> None:
    makefile = _read("Makefile")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)
    assert phony is not None
    assert sorted(re.findall(r"^([a-z-]+):.*## \S", makefile, flags=re.MULTILINE)) == sorted(phony[1].split())


def test_ci_runs_the_command_of_the_readme() -> None:
    assert "make test" in _read(".ci/run")
