"""`tokens` and `customers` on a real database."""

from datetime import UTC, datetime, timedelta

import pytest

from mpsyncd.cli.neighbour import Neighbour
from mpsyncd.storage.access import public_id
from support.cli import Cli


def _add(cli: Cli, neighbour: Neighbour, name: str, customer: str) -> None:
    token = next(shop.token for shop in neighbour.shops if shop.name == name)
    added = cli("shops", "add", "wildberries", "--name", name, "--customer", customer, "--token-file", "-", stdin=token)
    assert added.code == 0, added.err


def test_a_token_is_printed_once_and_alone(cli: Cli) -> None:
    made = cli("tokens", "create", "grafana")
    assert (made.code, len(made.out.splitlines())) == (0, 1)
    text = made.out.strip()
    assert public_id(text) is not None
    assert "can not be shown again" in made.err
    assert text not in made.err
    listed = cli("tokens", "list")
    assert "everything" in listed.out
    assert "never" in listed.out
    assert max(map(len, listed.out.splitlines())) <= 80
    assert text.rpartition("_")[2] not in f"{listed}{cli('tokens', 'list', '--json')}"


def test_a_token_may_be_bound_and_end(cli: Cli, neighbour: Neighbour) -> None:
    _add(cli, neighbour, "north-wind", "Flax")
    _add(cli, neighbour, "small-toys", "Wool")
    made = cli(
        "tokens", "create", "job", "--role", "operator", "--customer", "Flax", "--shop", "small-toys", "--expires", "90d", "--json"
    )  # fmt: skip
    assert (made.json["bound"], made.json["role"], made.json["shops"]) == (True, "operator", [2])
    ends = datetime.fromisoformat(made.json["expires_at"])
    assert timedelta(days=89) < ends - datetime.now(UTC) < timedelta(days=91)
    shown = cli("tokens", "list").out
    for words in ("operator", "customer Flax", "small-toys", "in 89 d", "good"):
        assert words in shown
    on_a_day = cli("tokens", "create", "day", "--expires", "2040-01-01", "--json").json
    assert on_a_day["expires_at"] == "2040-01-01T00:00:00+00:00"


def test_a_token_is_revoked_by_its_name(cli: Cli) -> None:
    cli("tokens", "create", "grafana")
    assert "is revoked" in cli("tokens", "revoke", "grafana").out
    assert cli("tokens", "revoke", "grafana").code == 1
    [token] = cli("tokens", "list", "--json").json
    assert token["state"] == "revoked"
    assert "token" not in token
    assert "digest" not in token


@pytest.mark.parametrize(
    "arguments, code, shown",
    [
        (("tokens", "create", "x", "--role", "god"), 2, "viewer"),
        (("tokens", "create", "x", "--expires", "soon"), 2, "neither a time"),
        (("tokens", "create", "x", "--expires", "99999999999999 d"), 2, "neither a time"),
        (("tokens", "create", "x", "--expires", "2020-01-01"), 1, "expired already"),
        (("tokens", "create", "x", "--shop", "nobody"), 1, "no shop 'nobody'"),
        (("tokens", "create", "x", "--customer", "defoult"), 1, "Did you mean 'default'"),
        (("tokens", "create", " "), 1, "needs a name"),
        (("tokens", "revoke", "nobody"), 1, "no access token 'nobody'"),
        (("customers", "off", "defoult"), 1, "Did you mean 'default'"),
    ],
)
def test_what_makes_no_sense_is_named(arguments: tuple[str, ...], code: int, shown: str, cli: Cli) -> None:
    result = cli(*arguments)
    assert (result.code, result.out) == (code, "")
    assert shown in " ".join(result.err.split())


def test_a_customer_is_switched_off_and_on_with_its_shops(cli: Cli, neighbour: Neighbour) -> None:
    _add(cli, neighbour, "north-wind", "Flax")
    _add(cli, neighbour, "small-toys", "Wool")
    off = cli("customers", "off", "Flax")
    assert "Customer 'Flax' is off: work on its shops (1) ends" in off.out
    assert {each["name"]: (each["enabled"], each["shops"]) for each in cli("customers", "list", "--json").json} == {
        "default": (True, 0),
        "Flax": (False, 1),
        "Wool": (True, 1),
    }
    assert "off" in cli("customers", "list").out
    assert "customer off" in cli("shops", "list").out
    assert "customer off" in cli("status").out
    refused = cli("sync", "north-wind")
    assert refused.code == 1
    assert "belongs to customer 'Flax', who is switched off; switch it on: mpsyncd customers on 'Flax'" in refused.err
    token = next(shop.token for shop in neighbour.shops if shop.name == "linen-shop")
    late = cli("shops", "add", "wildberries", "--name", "late", "--customer", "Flax", "--token-file", "-", stdin=token)
    assert (late.code, late.out) == (1, "")
    assert "goes on" not in cli("customers", "on", "Flax").err
    assert "customer off" not in cli("shops", "list").out
