"""Which account runs the server and which folders are in its way."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpsyncd.model.errors import ConfigError
from mpsyncd.storage.embedded import account
from mpsyncd.storage.embedded.account import Account, blocked_folder, by_number, make_private, make_root
from support.embedded import home

STRANGER = Account(name="stranger", uid=123_456, gid=123_456, groups=(123_456,))


@pytest.fixture
def top() -> Iterator[Path]:
    """A folder that strangers can reach: pytest's own are private."""
    with home() as folder:
        yield folder


def test_the_first_closed_folder_is_named(top: Path) -> None:
    (top / "closed" / "inner").mkdir(parents=True)
    (top / "closed").chmod(0o700)
    (top / "closed" / "inner").chmod(0o700)
    assert blocked_folder(top / "closed" / "inner" / "data", STRANGER) == top / "closed"
    assert blocked_folder(top / "free" / "data", STRANGER) is None


def test_owner_and_group_count_by_their_own_bits(top: Path) -> None:
    door = top / "door"
    door.mkdir()
    found = door.stat()
    owner = Account(name="owner", uid=found.st_uid, gid=1, groups=(1,))
    member = Account(name="member", uid=123_456, gid=1, groups=(1, found.st_gid))
    for mode, blocked in ((0o700, [member, STRANGER]), (0o710, [STRANGER]), (0o701, [member]), (0o071, [owner])):
        door.chmod(mode)
        assert [who for who in (owner, member, STRANGER) if blocked_folder(door / "data", who) == door] == blocked, oct(mode)
    door.chmod(0o700)  # or nobody could remove it


def test_an_account_without_a_name_still_has_its_numbers() -> None:
    assert by_number(123_456, gid=7) == Account(name="uid 123456", uid=123_456, gid=7, groups=(7,))


def test_a_cluster_of_somebody_else_is_refused_for_a_normal_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "PG_VERSION").write_text("18\n")
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(ConfigError, match="belongs to"):
        account.choose_account(None, cluster=tmp_path)


def test_a_normal_user_runs_the_server_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert account.choose_account(None, cluster=tmp_path / "postgres") is None
    assert account.choose_account("postgres", cluster=tmp_path / "postgres") is None


def test_made_folders_let_nobody_look_in(tmp_path: Path) -> None:
    make_root(tmp_path / "a" / "b")
    assert [(tmp_path / each).stat().st_mode & 0o066 for each in ("a", "a/b")] == [0, 0]
    make_private(tmp_path / "a" / "b" / "c", None)
    assert (tmp_path / "a" / "b" / "c").stat().st_mode & 0o777 == 0o700
    make_private(tmp_path / "a" / "b" / "c", None)


def test_existing_folders_are_not_touched(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    make_root(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize("trap", ["open", "link", "file"])
def test_a_folder_prepared_by_somebody_else_is_no_place_for_a_socket(tmp_path: Path, trap: str) -> None:
    place = tmp_path / "sockets"
    if trap == "open":
        place.mkdir()
        place.chmod(0o777)
    elif trap == "link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        place.symlink_to(tmp_path / "elsewhere")
    else:
        place.write_text("")
    with pytest.raises(ConfigError, match="private folder"):
        make_private(place, None)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_place_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigError, match="can not write to"):
        make_root(tmp_path / "data")
    with pytest.raises(ConfigError, match="can not write to"):
        make_root(tmp_path)
