"""Private files, the lock, the runtime file and the search for whoever holds a cluster."""

import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from mpsyncd.model.errors import ConfigError
from mpsyncd.storage.embedded import Address, Runtime, read_runtime
from mpsyncd.storage.embedded.cluster import read_major, read_password
from mpsyncd.storage.embedded.files import exclusive, write_private
from mpsyncd.storage.embedded.leftover import holder, remove_stale_lock, working_in
from mpsyncd.storage.embedded.options import Layout
from mpsyncd.storage.embedded.runtime import write_runtime

NO_SUCH_PROCESS = 2**22 + 1


def runtime(host: Path, *, server_pid: int) -> Runtime:
    address = Address(host=str(host), port=5432, user="mpsyncd", database="mpsyncd", password="invented")
    return Runtime(
        address=address,
        pid=os.getpid(),
        server_pid=server_pid,
        started_at=datetime(2026, 11, 21, tzinfo=UTC),
        version="18.4",
        programs=Path("/opt/bin"),
    )


def test_a_private_file_is_replaced_whole_and_kept_private(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("old and much longer than the new one")
    path.chmod(0o644)
    (tmp_path / "secret.new").write_text("remains of a killed writer")
    write_private(path, "new")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o600)
    assert [each.name for each in tmp_path.iterdir()] == ["secret"]


def test_the_lock_keeps_a_second_holder_out_and_names_the_first(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with exclusive(lock, data_dir=tmp_path), pytest.raises(ConfigError) as refused, exclusive(lock, data_dir=tmp_path):
        pass
    assert f"Another daemon (process {os.getpid()}) uses the data directory {tmp_path}" in str(refused.value)
    with exclusive(lock, data_dir=tmp_path):
        assert lock.read_text() == f"{os.getpid()}\n"


def test_a_running_database_is_found_and_the_password_is_not_in_the_file(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_private(layout.password, "invented\n")
    with TemporaryDirectory(prefix="mpe") as folder, socket.socket(socket.AF_UNIX) as listener:
        expected = runtime(Path(folder), server_pid=os.getpid())
        write_runtime(layout, expected)
        assert read_runtime(tmp_path) is None  # nobody listens yet
        listener.bind(f"{folder}/.s.PGSQL.5432")
        listener.listen()
        assert read_runtime(tmp_path) == expected
        assert "invented" not in layout.runtime.read_text()
        assert layout.runtime.stat().st_mode & 0o777 == 0o600
        write_runtime(layout, runtime(Path(folder), server_pid=NO_SUCH_PROCESS))
        assert read_runtime(tmp_path) is None


@pytest.mark.parametrize("content", ["", "{", "[]", "null", json.dumps({"host": "/x"}), json.dumps({"host": "/x", "port": "many"})])
def test_a_broken_runtime_file_is_no_database(tmp_path: Path, content: str) -> None:
    (tmp_path / "postgres.json").write_text(content)
    assert read_runtime(tmp_path) is None


def test_the_major_of_a_cluster_is_read_from_its_own_file(tmp_path: Path) -> None:
    assert read_major(tmp_path / "none") is None
    assert read_major(tmp_path) is None
    (tmp_path / "PG_VERSION").write_text("16\n")
    assert read_major(tmp_path) == 16
    (tmp_path / "PG_VERSION").write_text("\0\0")
    with pytest.raises(ConfigError, match="damaged"):
        read_major(tmp_path)


def test_an_empty_password_file_counts_as_lost(tmp_path: Path) -> None:
    assert read_password(tmp_path / "none") is None
    (tmp_path / "empty").write_text("\n")
    assert read_password(tmp_path / "empty") is None


@pytest.mark.parametrize("content", ["", "words\n", f"{NO_SUCH_PROCESS}\n/srv\n"])
def test_a_lock_file_without_a_live_process_has_no_holder(tmp_path: Path, content: str) -> None:
    (tmp_path / "postmaster.pid").write_text(content)
    assert holder(tmp_path) is None


def test_a_lock_is_kept_while_anybody_works_in_the_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n")
    assert holder(tmp_path) == os.getpid()
    monkeypatch.chdir(tmp_path)
    assert os.getpid() in working_in(tmp_path)
    assert not remove_stale_lock(tmp_path)
    monkeypatch.chdir("/")
    assert remove_stale_lock(tmp_path)
    assert not lock.exists()
