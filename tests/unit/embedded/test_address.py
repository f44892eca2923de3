"""Addresses: both URLs mean the same place, whatever characters the parts have."""

from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from mpsyncd.storage.embedded import Address
from mpsyncd.storage.embedded.address import LONGEST_SOCKET_PATH, socket_fits, socket_path
from mpsyncd.storage.embedded.options import EmbeddedOptions, server_settings

ODD = Address(host="/srv/a b/ы?&#", port=5433, user="me@home", database="d/b", password="p:@/?#%ы")


def test_a_url_brings_every_part_back() -> None:
    for url, password in ((ODD.dsn, ODD.password), (ODD.public_dsn, None)):
        parts = urlsplit(url)
        assert (unquote(parts.username or ""), unquote(parts.path[1:])) == (ODD.user, ODD.database)
        assert (unquote(parts.password) if parts.password else None) == password
        assert parse_qs(parts.query) == {"host": [ODD.host], "port": ["5433"]}


def test_the_password_is_in_no_representation() -> None:
    assert "p:@" not in repr(ODD)
    assert ODD.asyncpg()["password"] == ODD.environment()["PGPASSWORD"] == ODD.password


def test_socket_paths_are_measured_in_bytes() -> None:
    room = LONGEST_SOCKET_PATH - len("/.s.PGSQL.5432")
    assert socket_fits(Path("/" + "a" * (room - 1)), port=5432)
    assert not socket_fits(Path("/" + "a" * room), port=5432)
    assert not socket_fits(Path("/" + "ы" * (room - 1)), port=5432)
    assert socket_path(Path("/run"), port=7) == Path("/run/.s.PGSQL.7")


def test_settings_of_the_user_win_over_ours() -> None:
    options = EmbeddedOptions(data_dir=Path("/srv"), settings={"fsync": "off", "work_mem": "8MB"})
    settings = server_settings(options, socket_dir=Path("/run/x"))
    assert (settings["fsync"], settings["work_mem"], settings["listen_addresses"]) == ("off", "8MB", "")
    durable = server_settings(EmbeddedOptions(data_dir=Path("/srv"), listen_tcp=True), socket_dir=Path("/run/x"))
    assert (durable["fsync"], durable["synchronous_commit"], durable["listen_addresses"]) == ("on", "on", "127.0.0.1")
