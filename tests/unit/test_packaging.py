"""What is pinned and what is shipped."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from support.project import ROOT, name, pyproject

ENTRY = re.compile(r"^([a-z0-9._-]+)==([^\s;]+)(.*?)(?=^[a-z0-9]|\Z)", flags=re.MULTILINE | re.DOTALL)


def _entries() -> dict[str, tuple[str, str]]:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
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
