"""Finding and choosing PostgreSQL programs, with programs of a few lines of shell."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mpsyncd.model.errors import ConfigError
from mpsyncd.storage.embedded.binaries import Installation, choose, find_at, probe, reachable_copy, system_folders, wheel_folders

CLUSTER = Path("/srv/data/postgres")


def fake(folder: Path, answer: str = "postgres (PostgreSQL) 17.2 (Invented 17.2-1)", code: int = 0) -> Path:
    folder.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        program = folder / name
        program.write_text(f"#!/bin/sh\necho '{answer}'\nexit {code}\n")
        program.chmod(0o755)
    return folder


def installed(major: int) -> Installation:
    return Installation(folder=Path(f"/opt/{major}/bin"), major=major, minor=1, origin="system")


@pytest.mark.parametrize(
    "answer, version",
    [
        ("postgres (PostgreSQL) 18.4", "18.4"),
        ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", "15.18"),
        ("postgres (PostgreSQL) 19devel", "19.0"),
    ],
)
def test_the_version_is_read_from_what_the_program_says(tmp_path: Path, answer: str, version: str) -> None:
    found = probe(fake(tmp_path / "bin", answer), origin="system")
    assert found is not None
    assert found.version == version


def test_programs_that_do_not_run_here_are_no_installation(tmp_path: Path) -> None:
    assert probe(tmp_path, origin="system") is None
    assert probe(fake(tmp_path / "broken", code=127), origin="system") is None
    assert probe(fake(tmp_path / "other", "MySQL 9"), origin="system") is None
    wrong = fake(tmp_path / "wrong")
    (wrong / "postgres").write_bytes(b"\x7fELF of another machine")
    assert probe(wrong, origin="system") is None
    (fake(tmp_path / "half") / "initdb").unlink()
    assert probe(tmp_path / "half", origin="system") is None


def test_the_wheel_is_found_without_being_imported() -> None:
    script = (
        "import sys; from mpsyncd.storage.embedded.binaries import wheel_folders; found = wheel_folders();"
        "assert not any(name.startswith('pixeltable') for name in sys.modules); print(len(found))"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert answer.stdout == "2\n"
    assert sorted(found.major for folder in wheel_folders() if (found := probe(folder, origin="wheel"))) == [16, 18]


def test_packages_of_the_system_and_path_are_searched_and_doubles_dropped(tmp_path: Path) -> None:
    debian = fake(tmp_path / "usr/lib/postgresql/17/bin")
    red_hat = fake(tmp_path / "usr/pgsql-16/bin")
    own = fake(tmp_path / "home/bin")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "postgres").symlink_to(debian / "postgres")
    search_path = os.pathsep.join([str(tmp_path / "links"), str(own)])
    assert system_folders(root=tmp_path, search_path=search_path) == [debian, red_hat]
    assert system_folders(root=tmp_path, search_path=str(own)) == [debian, red_hat, own]


@pytest.mark.parametrize("named", [".", "bin", "bin/postgres"])
def test_a_setting_may_name_the_folder_the_one_above_or_the_program(tmp_path: Path, named: str) -> None:
    folder = fake(tmp_path / "bin")
    assert [found.folder.resolve() for found in find_at(tmp_path / named)] == [folder]


def test_a_new_cluster_takes_the_first_or_the_wished_major() -> None:
    both = [installed(18), installed(16)]
    assert choose(both, cluster_major=None, wanted=None, cluster=CLUSTER).major == 18
    assert choose(both, cluster_major=None, wanted=16, cluster=CLUSTER).major == 16
    assert choose([installed(13), installed(14)], cluster_major=None, wanted=None, cluster=CLUSTER).major == 14


def test_an_existing_cluster_keeps_its_major() -> None:
    assert choose([installed(18), installed(16)], cluster_major=16, wanted=None, cluster=CLUSTER).major == 16


@pytest.mark.parametrize(
    "majors, cluster_major, wanted, words",
    [
        ([], None, None, ["No PostgreSQL programs were found", "apt install postgresql", "dsn"]),
        ([12], None, None, ["PostgreSQL 12 is too old", "14"]),
        ([18, 16], None, 17, ["PostgreSQL 17 was asked for", "only PostgreSQL 18, 16 was found"]),
        (
            [18],
            16,
            None,
            [str(CLUSTER), "is of PostgreSQL 16", "the programs found are of PostgreSQL 18", "Install PostgreSQL 16", "pg_dump"],
        ),
        ([18, 16], 16, 18, ["is of PostgreSQL 16", "embedded_major asks for 18", "Set [database] embedded_major = 16"]),
        ([18], 16, 18, ["is of PostgreSQL 16", "Install PostgreSQL 16"]),
    ],
)
def test_what_is_missing_is_said(majors: list[int], cluster_major: int | None, wanted: int | None, words: list[str]) -> None:
    with pytest.raises(ConfigError) as refused:
        choose([installed(major) for major in majors], cluster_major=cluster_major, wanted=wanted, cluster=CLUSTER)
    assert [word for word in words if word not in str(refused.value)] == []


def test_programs_behind_a_closed_door_are_copied_once_with_their_libraries(tmp_path: Path) -> None:
    folder = fake(tmp_path / "site" / "wheel" / "pginstall17" / "bin")
    (tmp_path / "site" / "wheel.libs").mkdir(mode=0o700)
    (tmp_path / "site" / "wheel.libs" / "libz.so").write_text("z")
    (folder.parent / "include").mkdir()
    found = probe(folder, origin="wheel")
    assert found is not None
    assert reachable_copy(found, into=tmp_path / "copies", reachable=lambda _: True) is found
    copied = reachable_copy(found, into=tmp_path / "copies", reachable=lambda _: False)
    place = tmp_path / "copies" / "17.2"
    assert copied.folder == place / "wheel" / "pginstall17" / "bin"
    assert probe(copied.folder, origin="wheel") == copied
    assert (place / "wheel.libs").stat().st_mode & 0o777 == 0o755
    assert (place / "wheel.libs" / "libz.so").read_text() == "z"
    assert not (copied.folder.parent / "include").exists()
    before = (copied.folder / "postgres").stat().st_ino
    assert reachable_copy(found, into=tmp_path / "copies", reachable=lambda _: False) == copied
    assert (copied.folder / "postgres").stat().st_ino == before
