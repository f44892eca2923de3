"""The cache of files: bounded in size and age, private, and never a path that a vendor chose."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mpsyncd.storage.files import FileCache, digest_of

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def cache(folder: Path, *, most: int = 100) -> FileCache:
    return FileCache(folder=folder / "files", most=most, keep=timedelta(days=30))


def aged(given: FileCache, shop: int, name: str, days: float) -> None:
    moment = (NOW - timedelta(days=days)).timestamp()
    os.utime(given.folder / str(shop) / digest_of(name), (moment, moment))


async def test_what_was_kept_is_found_under_its_shop_and_name_only(tmp_path: Path) -> None:
    files = cache(tmp_path)
    await files.put(1, "../../etc/passwd", b"x")
    assert await files.get(1, "../../etc/passwd") == b"x"
    assert await files.get(2, "../../etc/passwd") is None
    assert await files.get(1, "passwd") is None
    [path] = (files.folder / "1").iterdir()
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


async def test_the_oldest_make_room(tmp_path: Path) -> None:
    files = cache(tmp_path)
    for name, days in (("old", 3), ("new", 1)):
        await files.put(1, name, b"x" * 40)
        aged(files, 1, name, days)
    await files.put(2, "newest", b"x" * 50)
    assert [await files.get(1, "old"), await files.get(1, "new")] == [None, b"x" * 40]
    await files.put(2, "too large", b"x" * 101)
    assert await files.get(2, "too large") is None
    assert await files.get(2, "newest") is not None


async def test_what_is_too_old_goes(tmp_path: Path) -> None:
    files = cache(tmp_path)
    for name, days in (("old", 31), ("young", 29)):
        await files.put(1, name, b"x")
        aged(files, 1, name, days)
    await files.tidy(NOW)
    assert [await files.get(1, "old"), await files.get(1, "young")] == [None, b"x"]


async def test_files_are_forgotten_by_name_and_by_what_is_still_known(tmp_path: Path) -> None:
    files = cache(tmp_path)
    for name in ("a", "b", "c"):
        await files.put(1, name, b"x")
    assert await files.forget(1, ["a", "never kept"]) == 1
    assert await files.shops() == [1]
    await files.keep_only(1, [digest_of("c")])
    assert [await files.get(1, name) for name in "abc"] == [None, None, b"x"]


async def test_a_folder_that_can_not_be_made_only_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("in the way")
    files = cache(tmp_path)
    await files.put(1, "a", b"x")
    assert await files.get(1, "a") is None
    assert await files.shops() == []
