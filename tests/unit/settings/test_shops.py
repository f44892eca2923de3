"""The shop list: what stands in it, where keys come from, and everything that can be wrong with it."""

from pathlib import Path

import pytest

from mpsyncd.settings import SecretField, SettingsRefused, ShopList, read_configuration
from mpsyncd.settings.problems import Problem
from mpsyncd.settings.reference import example_shops
from mpsyncd.settings.shops import read_shops
from support.project import ROOT

KEY = SecretField()
FIELDS = {
    "wildberries": {"token": KEY},
    "ozon": {"client_id": KEY, "api_key": KEY, "note": SecretField(required=False)},
    "kaiten": {"api_url": SecretField(public=True), "api_token": KEY},
}


def _list(folder: Path, text: str) -> Path:
    path = folder / "shops.toml"
    path.write_text(text, encoding="utf-8")
    return path


def _read(path: Path, **environ: str) -> tuple[ShopList | None, dict[str, Problem]]:
    problems: list[Problem] = []
    found = read_shops(path, environ, fields=FIELDS, problems=problems)
    return found, {f"{problem.origin.rpartition(':')[2]} {problem.key}": problem for problem in problems}


def test_keys_come_from_files_variables_and_credentials(tmp_path: Path) -> None:
    (tmp_path / "north.key").write_text("key-in-a-file\n")
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "wb_token_1").write_text("key-of-systemd")
    path = _list(
        tmp_path,
        """
        [[shops]]
        name = "Север"
        source = "wildberries"
        token = { file = "north.key" }
        [[shops]]
        name = "linen"
        source = "ozon"
        customer = "somebody"
        paused = true
        client_id = { env = "OZON_ID" }
        api_key = { credential = "wb_token_1" }
        """,
    )
    found, problems = _read(path, OZON_ID=" 4711 ", CREDENTIALS_DIRECTORY=str(credentials))
    assert problems == {}
    assert found is not None
    north, linen = found.shops
    assert (north.identity, north.line, north.paused) == (("default", "wildberries", "Север"), 2, False)
    assert north.secrets == {"token": "key-in-a-file"}
    assert (linen.identity, linen.line, linen.paused) == (("somebody", "ozon", "linen"), 6, True)
    assert linen.secrets == {"client_id": "4711", "api_key": "key-of-systemd"}
    assert "key-" not in repr(found)


def test_a_key_in_the_list_is_refused_and_not_shown(tmp_path: Path) -> None:
    path = _list(tmp_path, '[[shops]]\nname = "north"\nsource = "wildberries"\ntoken = "hush"\ntokn = "hush"\n')
    found, problems = _read(path)
    assert found is not None
    assert found.shops == ()
    told = problems["4 shops.north.token"]
    assert told.why == "a key must not stand in this file"
    assert 'token = { file = "/run/secrets/north" }' in told.step
    assert "readable here" in told.step
    assert "shops.north.token" in problems["5 shops.north.tokn"].step
    assert not any("hush" in str(problem) for problem in problems.values())


def test_what_is_no_secret_may_stand_in_the_list(tmp_path: Path) -> None:
    entry = '[[shops]]\nname = "{0}"\nsource = "kaiten"\napi_url = {1}\napi_token = {{ env = "T" }}\n'
    text = "".join(entry.format(*each) for each in (("a", '" north.kaiten.ru "'), ("b", '{ env = "U" }'), ("c", '""')))
    found, problems = _read(_list(tmp_path, text), T="key", U="south.kaiten.ru")
    assert found is not None
    assert [shop.secrets["api_url"] for shop in found.shops] == ["north.kaiten.ru", "south.kaiten.ru"]
    assert list(problems) == ["14 shops.c.api_url"]


def test_everything_wrong_is_listed_at_once_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    path = _list(
        tmp_path,
        """
        shop = 1
        [[shops]]
        source = "wildberry"
        [[shops]]
        name = 5
        source = "wildberries"
        paused = "no"
        token = { env = "NOT_SET" }
        [[shops]]
        name = "a"
        source = "wildberries"
        token = { file = "empty" }
        [[shops]]
        name = "b"
        source = "wildberries"
        token = { file = "bytes" }
        [[shops]]
        name = "c"
        source = "wildberries"
        token = { file = "nowhere" }
        [[shops]]
        name = "d"
        source = "wildberries"
        token = { credential = "x" }
        [[shops]]
        name = "e"
        source = "wildberries"
        token = { vault = "x" }
        [[shops]]
        name = "f"
        source = "ozon"
        client_id = { env = "SET" }
        customer = " "
        """,
    )
    _, problems = _read(path, SET="1")
    assert {key: problem.why for key, problem in problems.items()} == {
        "2 shop": "there is no such setting",
        "3 shops.#1.name": "it is missing",
        "4 shops.#1.source": "there is no such source",
        "6 shops.#2.name": "text is wanted here",
        "8 shops.#2.paused": "true or false is wanted here",
        "9 shops.#2.token": "the variable NOT_SET is not set",
        "13 shops.a.token": f"{tmp_path / 'empty'} is empty",
        "17 shops.b.token": f"{tmp_path / 'bytes'} is no text",
        "21 shops.c.token": f"there is no file {tmp_path / 'nowhere'}",
        "25 shops.d.token": "there are no systemd credentials here (CREDENTIALS_DIRECTORY is not set)",
        "29 shops.e.token": "a key can not come from 'vault'",
        "30 shops.f.api_key": "it is missing",
        "34 shops.f.customer": "text is wanted here",
    }


def test_two_entries_of_one_name_are_refused(tmp_path: Path) -> None:
    entry = '[[shops]]\nname = "a"\nsource = "wildberries"\ntoken = { env = "T" }\n'
    _, problems = _read(_list(tmp_path, entry + entry.replace('"a"', '" a "') + entry + 'customer = "other"\n'), T="key")
    assert {key: problem.why for key, problem in problems.items()} == {
        "5 shops.a": "line 1 has a shop of the same name, source and customer"
    }


@pytest.mark.parametrize("name", ["../x", "a/b", ".."])
def test_a_credential_has_a_plain_name(name: str, tmp_path: Path) -> None:
    path = _list(tmp_path, f'[[shops]]\nname = "a"\nsource = "wildberries"\ntoken = {{ credential = "{name}" }}\n')
    _, problems = _read(path, CREDENTIALS_DIRECTORY=str(tmp_path))
    assert "is no name of a credential" in problems["4 shops.a.token"].why


@pytest.mark.parametrize("text, explicit", [("", False), ("# nothing\n", False), ("shops = []\n", True)])
def test_an_empty_list_says_whether_it_is_meant(text: str, explicit: bool, tmp_path: Path) -> None:
    found, problems = _read(_list(tmp_path, text))
    assert problems == {}
    assert found == ShopList(file=tmp_path / "shops.toml", shops=(), explicit=explicit)


@pytest.mark.parametrize("text", ["shops = 1", 'shops = ["a"]', "[shops]\nname = 'a'"])
def test_what_is_no_list_of_shops_is_refused(text: str, tmp_path: Path) -> None:
    _, problems = _read(_list(tmp_path, text))
    assert problems["1 shops"].why == "it is no list of shops"


def test_settings_and_list_are_read_together(tmp_path: Path) -> None:
    settings = tmp_path / "mpsyncd.toml"
    settings.write_text("[http]\nport = 'many'\n")
    _list(tmp_path, '[[shops]]\nname = "a"\n')
    with pytest.raises(SettingsRefused) as refused:
        read_configuration(settings, {}, fields=FIELDS)
    assert [problem.key for problem in refused.value.problems] == ["http.port", "shops.a.source"]
    settings.write_text("")
    _list(tmp_path, "shops = []\n")
    assert read_configuration(settings, {}, fields=FIELDS).shops is not None
    (tmp_path / "shops.toml").unlink()
    found = read_configuration(settings, {}, fields=FIELDS)
    assert (found.shops, found.settings.shops.file, found.file) == (None, None, settings)


def test_a_list_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match="there is no such file"):
        read_configuration(None, {"MPSYNCD_SHOPS__FILE": str(tmp_path / "elsewhere.toml")}, fields=FIELDS)


def test_the_example_as_it_is_lists_nothing() -> None:
    problems: list[Problem] = []
    found = read_shops(ROOT / "config/shops.example.toml", {}, fields=FIELDS, problems=problems)
    assert (found.shops if found else None, problems) == ((), [])


def test_every_entry_of_the_example_works_when_it_is_switched_on(tmp_path: Path) -> None:
    text = example_shops({source: dict.fromkeys(fields, "what it is") for source, fields in FIELDS.items()}, FIELDS)
    entries = text[text.index("# A shop") :].replace("# ", "").replace("/run/secrets/", "")
    lines = [line for line in entries.splitlines() if not line.startswith("A shop")]
    for name in ("shop-1-token", "shop-2-client_id", "shop-2-api_key", "shop-2-note", "shop-3-api_token"):
        (tmp_path / name).write_text("key")
    found, problems = _read(_list(tmp_path, "\n".join(line.partition("  ")[0] for line in lines)))
    assert problems == {}
    assert found is not None
    assert [(shop.source, len(shop.secrets)) for shop in found.shops] == [("wildberries", 1), ("ozon", 3), ("kaiten", 2)]
