"""Commands on a real database, against the sandbox, with no daemon beside them."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from mpsyncd.cli.neighbour import Neighbour
from support.cli import Cli


def _token(neighbour: Neighbour, name: str) -> str:
    return next(shop.token for shop in neighbour.shops if shop.name == name)


def _add(cli: Cli, neighbour: Neighbour, name: str) -> None:
    assert cli("shops", "add", "wildberries", "--name", name, "--token-file", "-", stdin=_token(neighbour, name)).code == 0


def test_migrate_says_what_it_did_and_does_it_once(cli: Cli) -> None:
    assert "0001_core" in cli("migrate", "--json").json["applied"]
    assert cli("migrate").out == "The schema is current; nothing was done.\n"


def test_a_shop_is_added_listed_paused_checked_and_removed(cli: Cli, neighbour: Neighbour, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(_token(neighbour, "linen-shop"))
    added = cli("shops", "add", "wildberries", "--name", "linen", "--token-file", "key")
    assert added.code == 0
    assert "'linen' was added as number 1" in added.out
    assert "content" in added.err
    assert "statistics" in added.out
    assert [shop["name"] for shop in cli("shops", "list", "--json").json] == ["linen"]
    assert "paused" in cli("shops", "pause", "1").out
    assert "paused" in cli("shops", "list").out
    assert cli("sync", "linen").code == 1
    assert "goes on" in cli("shops", "resume", "linen").out
    checked = cli("shops", "check", "linen", "--json")
    assert checked.json["check"]["capabilities"]["content"][0] == "missing"
    assert cli("shops", "remove", "linen", "--yes").code == 0
    assert _token(neighbour, "linen-shop") not in f"{added}{checked}"


def test_the_vendors_name_is_taken_when_none_is_given(cli: Cli, neighbour: Neighbour) -> None:
    added = cli("shops", "add", "wildberries", "--token-file", "-", "--json", stdin=_token(neighbour, "north-wind"))
    assert added.json["shop"]["name"]
    assert added.json["check"]["valid"] is True
    again = cli("shops", "add", "wildberries", "--token-file", "-", stdin=_token(neighbour, "north-wind"))
    assert (again.code, again.out) == (1, "")
    assert "already has a shop" in again.err


@pytest.mark.parametrize("token", ["", "hush", "hush.hush.hush"])
def test_a_key_that_can_not_work_adds_nothing(token: str, cli: Cli) -> None:
    refused = cli("shops", "add", "wildberries", "--name", "x", "--token-file", "-", stdin=token)
    assert refused.code == (78 if not token else 1)
    assert "hush" not in refused.err
    assert cli("shops", "list", "--json").json == []


def test_a_new_key_must_be_of_the_same_seller(cli: Cli, neighbour: Neighbour) -> None:
    _add(cli, neighbour, "north-wind")
    assert cli("shops", "rotate-key", "north-wind", "--token-file", "-", stdin=_token(neighbour, "north-wind")).code == 0
    other = cli("shops", "rotate-key", "north-wind", "--token-file", "-", stdin=_token(neighbour, "small-toys"))
    assert other.code == 1
    assert "another" in other.err


def test_sync_without_a_daemon_does_the_work_itself(cli: Cli, neighbour: Neighbour) -> None:
    _add(cli, neighbour, "north-wind")
    done = cli("sync", "north-wind", "--json")
    assert done.code == 0, done.err
    [followed] = done.json
    assert followed["run"]["state"] == "done"
    assert "north-wind 100 %" in done.err
    [shop] = cli("status", "--json").json["shops"]
    assert {table["table"]: table["live"] for table in shop["tables"]}["wb.orders"] > 3_000
    shown = cli("status")
    assert max(map(len, shown.out.splitlines())) <= 80
    assert "north-wind (wildberries, number 1)" in shown.out
    listed = cli("runs", "list", "--json").json
    assert "done" in {run["state"] for run in listed}
    assert cli("runs", "show", str(followed["run"]["run_id"])).code == 0
    assert "ended already" in cli("runs", "cancel", str(followed["run"]["run_id"])).err
    assert cli("rejected", "list").out == "No row was rejected.\n"
    assert cli("rejected", "retry", "--json").json == {"tried": 0, "written": 0, "refused": 0}


def test_sync_of_a_key_that_lacks_a_right_is_partly_done(cli: Cli, neighbour: Neighbour) -> None:
    _add(cli, neighbour, "linen-shop")
    done = cli("sync")
    assert done.code == 3
    assert "partly" in done.out
    assert "no right 'content'" in done.err
    assert cli("sync", "linen-shop", "--stream", "orders").code == 0
    assert cli("sync", "linen-shop", "--stream", "orders", "--from", "2026-01-01", "--to", "2026-01-01").code == 1


def test_chats_of_all_shops_of_a_source_are_read_and_one_that_rests_is_skipped(cli: Cli, neighbour: Neighbour) -> None:
    for name in ("north-wind", "small-toys"):
        _add(cli, neighbour, name)
    _add(cli, neighbour, "linen-shop")
    assert cli("shops", "pause", "linen-shop").code == 0
    done = cli("sync", "wildberries", "--stream", "chats")
    assert done.code == 0, done.err
    assert "skipped: Shop 'linen-shop'" in done.err
    assert "[2/2] small-toys 100 %" in done.err
    assert "chat_events " in done.err
    assert "2 shops: 2 done" in done.err
    listed = cli("chats", "list", "north-wind", "--json", "--limit", "1000").json
    assert len(listed) >= 60
    whole = cli("chats", "show", "north-wind", listed[0]["chat_id"], "--json").json
    assert len(whole["messages"]) == whole["chat"]["messages"] == listed[0]["messages"]
    assert cli("chats", "show", "north-wind", "nothing").code == 1
    erase = ("privacy", "erase", "--shop", "north-wind")
    assert cli(*erase, "--yes").code == 2, "neither a chat nor a buyer"
    assert cli(*erase, "--client", "Никто", "--yes").code == 1
    assert cli(*erase, "--chat", listed[0]["chat_id"], stdin="n\n").code == 1, "asked, and told not to"
    done = cli(*erase, "--chat", listed[0]["chat_id"], "--yes", "--json").json
    assert (done["chats"], done["events"] >= listed[0]["messages"]) == (1, True)
    whole = cli("chats", "show", "north-wind", listed[0]["chat_id"], "--json").json
    assert {message["text"] for message in whole["messages"]} == {""}
    assert whole["chat"] | {"messages": 0} == listed[0] | {"client_name": None, "goods": None, "erased": True, "messages": 0}


@pytest.mark.parametrize(
    "arguments, code, shown",
    [
        (("sync",), 1, "There is no shop"),
        (("sync", "nobody"), 1, "no shop 'nobody'"),
        (("sync", "north-wind", "--stream", "order"), 2, "did you mean orders"),
        (("sync", "--source", "wildbery"), 2, "did you mean wildberries"),
        (("runs", "show", "77"), 1, "no run 77"),
        (("runs", "list", "--shop", "nobody"), 1, "nobody"),
        (("shops", "pause", "nobody"), 1, "nobody"),
    ],
)
def test_what_is_not_there_is_named(arguments: tuple[str, ...], code: int, shown: str, cli: Cli, neighbour: Neighbour) -> None:
    if "north-wind" in arguments:
        _add(cli, neighbour, "north-wind")
    result = cli(*arguments)
    assert (result.code, result.out) == (code, "")
    assert shown in result.err


def test_the_vaults_key_is_rotated_and_the_old_one_goes(cli: Cli, neighbour: Neighbour, tmp_path: Path) -> None:
    _add(cli, neighbour, "north-wind")
    before = (tmp_path / "data" / "vault.key").read_text()
    rotated = cli("vault", "rotate", "--json").json
    after = (tmp_path / "data" / "vault.key").read_text()
    assert rotated["secrets"] == 1
    assert rotated["retired"] == [before.partition(":")[0]]
    assert before not in after
    assert cli("shops", "check", "north-wind").code == 0


def test_a_database_that_is_away_means_try_later(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MPSYNCD_DATABASE__DSN", f"postgresql://u:hush@/db?host={tmp_path}")
    monkeypatch.setenv("MPSYNCD_DATABASE__CONNECT_TIMEOUT", "100 ms")
    result = cli("status")
    assert result.code == 75
    assert "hush" not in result.err


_REJECTED = """
INSERT INTO mpsync.rejected_rows (shop_id, stream, table_name, document, document_hash, reason, asked_at)
VALUES (1, 'orders', 'wb.orders', $1, sha256($1::text::bytea), 'invented', now())
"""


def test_rejected_rows_are_listed_and_tried_again(cli: Cli, neighbour: Neighbour, empty_database: str) -> None:
    async def reject(*documents: str) -> None:
        connection = await asyncpg.connect(empty_database)
        for document in documents:
            await connection.execute(_REJECTED, document)
        await connection.close()

    _add(cli, neighbour, "north-wind")
    asyncio.run(reject('{"srid": "a1", "totalPrice": 5}', '{"srid": "a2", "totalPrice": "much"}'))
    assert {row["reason"] for row in cli("rejected", "list", "--json").json} == {"invented"}
    assert "invented" in cli("rejected", "list", "--shop", "north-wind").out
    tried = cli("rejected", "retry", "--json")
    assert (tried.code, tried.json) == (3, {"tried": 2, "written": 1, "refused": 1})
    [left] = cli("rejected", "list", "--json").json
    assert "a2" in left["document"]
    assert cli("rejected", "retry", str(left["rejected_id"])).code == 1
    assert "77" in cli("rejected", "retry", "77").err
