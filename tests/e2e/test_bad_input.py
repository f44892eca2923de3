"""What people get wrong: one clear message with the next step, the right exit code, no key in it, nothing lost."""

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from mpsyncd.sandbox import TokenType
from support.loads import World, equal_in_the_end, loaded, one
from support.processes import Ended, Install, Installation

FAILED, TRY_LATER, CONFIG = 1, 75, 78


def told(ended: Ended, code: int, *words: str) -> None:
    """The command ended with this code and one message for people that has these words."""
    assert ended.code == code, ended.err
    messages = [line for line in ended.err.splitlines() if line.startswith("mpsyncd: ")]
    assert len(messages) == 1, ended.err
    assert "Traceback" not in ended.err
    assert "bug in mpsyncd" not in ended.err
    missing = [word for word in words if word not in ended.err]
    assert not missing, f"{missing} not in {ended.err}"


def bad_tokens(world: World) -> dict[str, tuple[str, str]]:
    """Tokens with a word that the refusal must have."""
    now = datetime.now(UTC)
    good = world.token()
    head, claims, signature = good.split(".")
    return {
        "no token": ("not-a-token", "instead of 3"),
        "cut off": (f"{head}.{claims[:-20]}.{signature}", "does not work"),
        "forged": (f"{head}.{claims}.{signature[::-1]}", "does not work"),
        "expired": (world.token(expires=now - timedelta(days=2)), "expired"),
        "of the test circuit": (world.token(type=TokenType.TEST, test=True), "test"),
    }


@pytest.mark.parametrize("which", ["no token", "cut off", "forged", "expired", "of the test circuit"])
async def test_a_bad_token_is_refused_at_the_door(world: World, install: Install, database: str, which: str) -> None:
    token, word = bad_tokens(world)[which]
    installation = install(world.url, dsn=database)
    ended = await installation.command("shops", "add", "wildberries", "--token-file", "-", "--name", "seller", stdin=token)
    told(ended, FAILED, "The key does not work", word, "Nothing was changed")
    assert len(token) < 20 or token[:20] not in ended.err + ended.out
    assert await one(database, "SELECT count(*) FROM mpsync.shops") == 0


async def test_a_name_or_a_key_twice_is_refused(world: World, install: Install, database: str) -> None:
    installation = install(world.url, dsn=database)
    await installation.add_shop("seller", world.token())
    ended = await installation.command("shops", "add", "wildberries", "--token-file", "-", "--name", "seller", stdin=world.token())
    told(ended, FAILED, "seller")
    assert await one(database, "SELECT count(*) FROM mpsync.shops") == 1


async def starts_badly(installation: Installation) -> Ended:
    """A daemon that is to end by itself."""
    return await installation.command("run")


async def test_an_unknown_setting_is_named_with_the_near_one(world: World, install: Install, database: str) -> None:
    installation = install(world.url, dsn=database, engine={"lease_tll": "3 s"}, http={"prot": 1})
    for command in (("run",), ("check-config",), ("shops", "list")):
        told(await installation.command(*command), CONFIG, "lease_tll", "lease_ttl", "prot", "port", "mpsyncd.toml")


async def test_a_file_that_is_no_toml_is_refused_with_its_line(world: World, install: Install) -> None:
    installation = install(world.url)
    installation.settings_file.write_text("[http]\nport = = 1\n", encoding="utf-8")
    told(await starts_badly(installation), CONFIG, "mpsyncd.toml", "line 2")
    installation.settings_file.unlink()
    told(await starts_badly(installation), CONFIG, "mpsyncd.toml")


@pytest.mark.parametrize(
    "dsn,code,words",
    [
        ("postgresql://mpsyncd:s3cret-word@127.0.0.1:1/none", TRY_LATER, ("127.0.0.1:1/none",)),
        ("postgresql://mpsyncd:s3cret-word@/none?host=/nowhere/at/all", TRY_LATER, ("/nowhere/at/all",)),
        ("mysql://mpsyncd:s3cret-word@127.0.0.1/none", CONFIG, ("postgresql://",)),
    ],
)
async def test_a_database_that_nobody_reaches(world: World, install: Install, dsn: str, code: int, words: tuple[str, ...]) -> None:
    installation = install(world.url, dsn=dsn, database={"connect_timeout": "1 s"})
    for command in (("run",), ("shops", "list")):
        ended = await installation.command(*command)
        told(ended, code, *words)
        assert "s3cret-word" not in ended.err + ended.out


async def test_a_database_that_does_not_exist(world: World, install: Install, database: str) -> None:
    installation = install(world.url, dsn=database.replace("/test_", "/no_such_"))
    told(await starts_badly(installation), CONFIG, "does not exist", "database.dsn")


async def test_a_newer_database_is_left_alone(world: World, install: Install, database: str) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute("INSERT INTO mpsync.migrations (version, name, checksum) VALUES (9901, '9901_from_tomorrow', 'x')")
    await connection.close()
    installation = install(world.url, dsn=database)
    for command in (("run",), ("migrate",)):
        told(await installation.command(*command), CONFIG, "newer than this program", "9901_from_tomorrow", "Nothing was changed")


async def test_a_port_that_is_taken(world: World, install: Install, database: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        installation = install(world.url, dsn=database, http={"port": port})
        told(await starts_badly(installation), CONFIG, f"127.0.0.1:{port}", "[http] port")
    assert await one(database, "SELECT count(*) FROM mpsync.leases WHERE holder IS NOT NULL") == 0


async def test_another_key_for_the_vault_changes_nothing(world: World, install: Install, database: str) -> None:
    installation = install(world.url, dsn=database)
    shop = await installation.add_shop("seller", world.token())
    key_file: Path = installation.data / "vault.key"
    right = key_file.read_text(encoding="utf-8")
    assert key_file.stat().st_mode & 0o777 == 0o600
    key_file.unlink()  # lost: a new one is made
    told(await starts_badly(installation), CONFIG, "encrypted with key", "vault.key", "rotate-key")
    key_file.write_text(right.partition(":")[0] + ":" + "A" * 43 + "=\n", encoding="utf-8")
    told(await starts_badly(installation), CONFIG, "can not be decrypted", "vault.key")
    key_file.write_text(right, encoding="utf-8")
    key_file.chmod(0o644)
    told(await starts_badly(installation), CONFIG, "may be read by others", "chmod 600")
    key_file.chmod(0o600)
    await installation.started()
    await loaded(database, shop)
    await equal_in_the_end(world, database, {"seller": shop})


async def test_a_second_daemon_on_the_same_folder(world: World, install: Install) -> None:
    installation = install(world.url)
    daemon = await installation.started()
    told(await starts_badly(installation), CONFIG, "data", str(daemon.pid))
    assert daemon.alive
    assert (await daemon.get("/readyz"))[0] == 200


@pytest.mark.parametrize(
    "arguments,words",
    [
        (("shops", "check", "nobody"), ("no shop 'nobody'",)),
        (("shops", "pause", "nobody"), ("no shop 'nobody'",)),
        (("sync", "nobody"), ("nobody",)),
    ],
)
async def test_a_shop_that_nobody_knows(world: World, install: Install, database: str, arguments: tuple[Any, ...], words: Any) -> None:
    told(await install(world.url, dsn=database).command(*arguments), FAILED, *words)


async def test_an_unknown_source_is_a_usage_error(world: World, install: Install, database: str) -> None:
    ended = await install(world.url, dsn=database).command("shops", "add", "wildberies", "--token-file", "-", stdin="x")
    assert ended.code == 2
    assert "did you mean wildberries" in ended.err
