"""What is pinned and what is shipped."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from mpsyncd.settings import load
from support.project import ROOT, name, pyproject

ENTRY = re.compile(r"^([a-z0-9._-]+)==([^\s;]+)(.*?)(?=^[a-z0-9]|\Z)", flags=re.MULTILINE | re.DOTALL)


def _entries(file: str = "constraints.txt") -> dict[str, tuple[str, str]]:
    text = (ROOT / file).read_text(encoding="utf-8")
    return {package: (version, rest) for package, version, rest in ENTRY.findall(text)}


def test_everything_declared_is_pinned_within_its_bounds() -> None:
    project, entries = pyproject(), _entries()
    declared = project["project"]["dependencies"] + project["dependency-groups"]["dev"] + project["build-system"]["requires"]
    wrong = []
    for requirement in map(Requirement, declared):
        version, _ = entries.get(canonicalize_name(requirement.name), ("", ""))
        if not version or not requirement.specifier.contains(version):
            wrong.append(f"{requirement} is pinned to {version or 'nothing'}: make constraints")
    assert wrong == []


def test_every_pin_has_hashes_and_no_address() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert [package for package, (_, rest) in _entries().items() if "--hash=sha256:" not in rest] == []
    assert "://" not in text
    assert [line for line in text.splitlines() if line.startswith("-")] == []


def test_wheel_carries_migrations_and_examples(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert built.returncode == 0, built.stderr
    [wheel] = tmp_path.glob("mpsyncd-*.whl")
    shipped = set(zipfile.ZipFile(wheel).namelist())
    migrations = {f"mpsyncd/_migrations/{path.name}" for path in (ROOT / "migrations").glob("*.sql")}
    examples = {f"mpsyncd/_config/{path.relative_to(ROOT / 'config').as_posix()}" for path in (ROOT / "config").rglob("*.toml")}
    modules = {name(path) for path in (ROOT / "mpsyncd").rglob("*.py")}
    assert migrations
    assert examples
    assert migrations | examples | modules <= shipped
    assert {entry.split("/")[0] for entry in shipped} == {"mpsyncd", wheel.name.removesuffix("-py3-none-any.whl") + ".dist-info"}


def test_an_installation_gets_the_versions_that_the_tests_ran_with() -> None:
    pinned = {package: version for package, (version, _) in _entries("constraints.txt").items()}
    installed = _entries("requirements.txt")
    declared = {canonicalize_name(Requirement(one).name) for one in pyproject()["project"]["dependencies"]}
    assert declared <= installed.keys()
    assert {package: version for package, (version, _) in installed.items() if pinned.get(package) != version} == {}
    assert [package for package, (_, rest) in installed.items() if "--hash=sha256:" not in rest] == []


def test_what_the_image_is_made_of_is_not_hidden_from_its_build() -> None:
    shown = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert {name for names in copied for name in names.split()} == shown


def test_the_compose_example_gives_settings_that_exist() -> None:
    services = yaml.safe_load((ROOT / "config/compose.example.yaml").read_text(encoding="utf-8"))["services"]
    told = services["mpsyncd"]["environment"]
    given = {name: value for name, value in told.items() if name.startswith("MPSYNCD_")}
    loaded = load(None, given | {"MPSYNCD_DATABASE__DSN": "postgresql://mpsyncd@postgres:5432/mpsyncd"})
    assert loaded.http.host == told["MPSYNCD_HTTP__HOST"]
    assert services["mpsyncd"]["secrets"] == ["database.dsn"]
