"""Where keys come from, and that nothing of them shows."""

import base64
import stat
from pathlib import Path

import pytest

from mpsyncd.model.errors import ConfigError
from mpsyncd.storage.keyfile import load_keyring, new_key_line, parse_keys, prepend_key, retire_keys

KEY = bytes(range(32))
LINE = "first:" + base64.b64encode(KEY).decode()


def test_the_file_is_made_once_and_for_nobody_else(tmp_path: Path) -> None:
    file = tmp_path / "state" / "vault.key"
    made = load_keyring(key=None, key_file=file, environ={})
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_keyring(key=None, key_file=file, environ={}) == made
    assert list(file.parent.iterdir()) == [file]


def test_no_file_is_made_when_that_is_not_wanted(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"restore the file"):
        load_keyring(key=None, key_file=tmp_path / "vault.key", environ={}, create=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "vault.key"
    file.write_text(LINE)
    file.chmod(mode)
    with pytest.raises(ConfigError, match=f"chmod 600 {file}"):
        load_keyring(key=None, key_file=file, environ={})


def test_settings_win_over_the_environment_over_the_credential_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "vault_key").write_text("credential:" + base64.b64encode(KEY).decode())
    places = {"CREDENTIALS_DIRECTORY": str(tmp_path), "MPSYNCD_VAULT_KEY": LINE}
    absent = tmp_path / "none" / "vault.key"
    assert load_keyring(key="given:" + LINE[6:], key_file=absent, environ=places).current == "given"
    assert load_keyring(key=None, key_file=absent, environ=places).current == "first"
    del places["MPSYNCD_VAULT_KEY"]
    assert load_keyring(key=None, key_file=absent, environ=places).current == "credential"
    assert not absent.exists()


def test_several_keys_keep_their_order() -> None:
    ring = parse_keys(f"# rotated in May\n{LINE}\n\nsecond:{LINE[6:]}\n", origin="x")
    assert ring.key_ids == ("first", "second")
    assert parse_keys(f"{LINE},second:{LINE[6:]}", origin="x").key_ids == ("first", "second")


def test_a_key_without_an_id_gets_the_same_one_every_time() -> None:
    assert parse_keys(LINE[6:], origin="x").current == parse_keys(LINE[6:], origin="y").current


@pytest.mark.parametrize(
    "text,why",
    [
        ("", "no key in x"),
        ("first:&&&&", "no base64"),
        ("first:" + base64.b64encode(b"short").decode(), "5 bytes"),
        (f"{LINE}\n{LINE}", "second time"),
    ],
)
def test_what_is_no_key_is_refused_without_being_quoted(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as caught:
        parse_keys(text, origin="x")
    assert LINE[6:] not in str(caught.value)
    assert "&&&&" not in str(caught.value)


def test_a_keyring_shows_no_key() -> None:
    ring = parse_keys(LINE, origin="x")
    assert "first" in ring.key_ids
    assert LINE[6:] not in repr(ring)
    assert repr(KEY) not in repr(ring)


def test_rotation_prepends_a_key_and_retires_the_unused(tmp_path: Path) -> None:
    file = tmp_path / "vault.key"
    old = load_keyring(key=None, key_file=file, environ={}).current
    new = prepend_key(file)
    assert load_keyring(key=None, key_file=file, environ={}).key_ids == (new, old)
    assert retire_keys(file, used=frozenset({old, new})) == ()
    assert retire_keys(file, used=frozenset({new})) == (old,)
    assert load_keyring(key=None, key_file=file, environ={}).key_ids == (new,)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_new_keys_differ() -> None:
    assert new_key_line() != new_key_line()


def test_a_sealed_secret_opens_only_where_it_belongs() -> None:
    ring = parse_keys(LINE, origin="x")
    sealed = ring.seal("the secret", shop_id=1, name="token")
    assert ring.open(sealed, shop_id=1, name="token") == "the secret"
    for shop_id, name in ((2, "token"), (1, "other")):
        with pytest.raises(ConfigError, match="can not be decrypted") as caught:
            ring.open(sealed, shop_id=shop_id, name=name)
        assert "the secret" not in str(caught.value)


def test_a_missing_key_is_named() -> None:
    sealed = parse_keys(LINE, origin="x").seal("s", shop_id=7, name="token")
    with pytest.raises(ConfigError, match=r"shop 7 were encrypted with key 'first', which is not in x \(it has second\)"):
        parse_keys("second:" + LINE[6:], origin="x").open(sealed, shop_id=7, name="token")
