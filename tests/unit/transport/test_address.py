"""Where requests may go, and where keys may not."""

import gzip
import zlib
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from yarl import URL

from mpsyncd.model.errors import BadData, BadRequest, ConfigError, Unauthorized
from mpsyncd.model.request import Request
from mpsyncd.model.source import Identity, Source
from mpsyncd.transport.address import address, scrub, signed
from mpsyncd.transport.headers import retry_after, said
from mpsyncd.transport.inflate import STEP, Inflater
from mpsyncd.transport.meter import Moment
from mpsyncd.transport.options import SourceOptions
from mpsyncd.transport.retry import pause
from mpsyncd.transport.words import span
from support.transport import KEY, acme, get

HOSTS = {"api": "https://api.acme.example", "old": "http://old.acme.example", "deep": "https://acme.example/v1/"}
NOBODY = Identity(scopes={}, variant="", lease_group="acme")
NOW = Moment(100.0, datetime(2026, 11, 2, 9, 0, tzinfo=UTC).timestamp())


def where(request: Request, base_url: str | None = None) -> str:
    return str(address(acme(hosts=HOSTS), NOBODY, request, SourceOptions(base_url=base_url)))


def test_an_address_is_host_path_and_parameters() -> None:
    assert where(get("/a/b", params={"q": "x y&z=1", "filter[id]": "7"})) == "https://api.acme.example/a/b?q=x+y%26z%3D1&filter%5Bid%5D=7"
    assert where(Request(method="GET", host="deep", path="/rows")) == "https://acme.example/v1/rows"


def test_a_template_replaces_the_host() -> None:
    assert where(get("/a"), "http://127.0.0.1:9100/wb/{host}") == "http://127.0.0.1:9100/wb/api/a"
    assert where(get("/a"), "http://sandbox.example/") == "http://sandbox.example/a"


@pytest.mark.parametrize(
    "path", ["a", "//evil.example/a", "/a?b=1", "/a#b", "/../a", "/a/../../b", "/a b", "/a\r\nHost: b", "\\\\evil", "/a\\b"]
)
def test_a_path_cannot_leave_its_host(path: str) -> None:
    with pytest.raises(BadRequest):
        where(get(path))


def test_a_path_that_looks_like_an_address_stays_a_path() -> None:
    assert URL(where(get("/http://evil.example/a"))).host == "api.acme.example"
    assert URL(where(get("/@evil.example/a"))).host == "api.acme.example"


def test_only_hosts_of_the_source_and_only_https() -> None:
    with pytest.raises(BadRequest, match=r"has no host 'evil.example'; requests go to api, deep, old only"):
        where(Request(method="GET", host="evil.example", path="/"))
    with pytest.raises(BadRequest, match="is not https"):
        where(Request(method="GET", host="old", path="/"))


@pytest.mark.parametrize("base_url", ["ftp://x/{host}", "nonsense", "http://user:pass@x/{host}", "http://x/?a=1", "http://[bad/{host}"])
def test_a_base_address_that_cannot_be_used_is_named(base_url: str) -> None:
    with pytest.raises(ConfigError, match="base_url of acme is no address"):
        where(get("/a"), base_url)


def of_company(own: str, *hosts: str, base_url: str | None = None) -> str:
    source = acme(hosts={"company": "https://*.acme.example"})
    identity = Identity(scopes={}, variant="", lease_group="acme", hosts={"company": own})
    return str(address(source, identity, Request(method="GET", host="company", path="/a"), SourceOptions(base_url=base_url, hosts=hosts)))


def test_a_shop_has_an_address_of_its_own_where_settings_allow_it() -> None:
    assert of_company("https://north.acme.example/api", "*.acme.example") == "https://north.acme.example/api/a"
    assert of_company("https://kaiten.example:8443", "kaiten.example") == "https://kaiten.example:8443/a"
    assert of_company("http://127.0.0.1:9100/x", "127.0.0.1") == "http://127.0.0.1:9100/x/a"
    assert of_company("https://north.acme.example", "*.acme.example", base_url="http://127.0.0.1:9/{host}") == "http://127.0.0.1:9/north/a"


@pytest.mark.parametrize(
    "own",
    ["https://evil.example", "https://acme.example", "https://evilacme.example", "https://north.acme.example.evil.example"],
)
def test_a_key_does_not_go_to_an_address_that_nobody_allowed(own: str) -> None:
    with pytest.raises(Unauthorized, match=r"not on the list of allowed hosts.*hosts under \[sources\.acme\]"):
        of_company(own, "*.acme.example")
    with pytest.raises(Unauthorized, match="not on the list"):
        of_company(own)
    with pytest.raises(Unauthorized, match="not on the list"):
        of_company(own, "*.acme.example", base_url="http://127.0.0.1:9100/{host}")


def test_a_shops_own_address_is_https_or_loopback() -> None:
    with pytest.raises(Unauthorized, match="is not https, a key is not sent there"):
        of_company("http://north.acme.example", "*.acme.example")


def test_a_family_of_hosts_is_no_address_by_itself() -> None:
    with pytest.raises(ConfigError, match="is no address"):
        str(
            address(
                acme(hosts={"company": "https://*.acme.example"}), NOBODY, Request(method="GET", host="company", path="/"), SourceOptions()
            )
        )


def sign(change: Any, credentials: dict[str, str] | None = None, **fields: Any) -> Request:
    plain = acme(hosts=HOSTS)
    source = Source(**{name: getattr(plain, name) for name in plain.__slots__} | {"authorize": change})
    request = get(**fields)
    return signed(source, request, address(source, NOBODY, request, SourceOptions()), credentials or {"token": KEY})


def test_a_key_in_the_address_is_never_sent() -> None:
    with pytest.raises(BadRequest, match="would carry a key in its address"):
        sign(lambda request, credentials: request.with_params(token=credentials["token"]))
    with pytest.raises(BadRequest) as caught:
        sign(lambda request, _credentials: request, params={"oauth": KEY})
    assert KEY not in str(caught.value)


def test_a_key_with_a_line_break_is_a_bad_key() -> None:
    with pytest.raises(Unauthorized, match="holds a line break"):
        sign(lambda request, credentials: request.with_headers(Authorization=credentials["token"]), {"token": "abc\r\nHost: evil"})


def test_echoes_of_keys_are_blacked_out() -> None:
    assert scrub(f"token {KEY} is not known", {"token": KEY, "id": "1"}) == "token *** is not known"


def test_rate_headers() -> None:
    seconds = said({"x-ratelimit-remaining": "4", "x-ratelimit-limit": "50", "x-ratelimit-reset": "2.5"}, asked=1.0, now=NOW)
    assert (seconds.remaining, seconds.limit, seconds.reset_at) == (4, 50, 102.5)
    epoch = said({"ratelimit-remaining": "0", "ratelimit-reset": str(NOW.wall + 7)}, asked=1.0, now=NOW)
    assert (epoch.remaining, epoch.limit, epoch.reset_at) == (0, None, 107.0)
    assert said({"x-ratelimit-remaining": "nan", "x-ratelimit-limit": "many"}, asked=1.0, now=NOW).remaining is None


@pytest.mark.parametrize(
    "text, seconds", [("7", 7), ("0.5", 0.5), ("-3", 0), ("Mon, 02 Nov 2026 09:01:00 GMT", 60), ("soon", None), ("", None), ("inf", None)]
)
def test_retry_after(text: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": text}, wall=NOW.wall) == seconds


@pytest.mark.parametrize(
    "seconds, words",
    [
        (0.2, "1 s"),
        (14.4, "14 s"),
        (119, "119 s"),
        (180, "3 min"),
        (7200, "2 h"),
        (7800, "2 h 10 min"),
        (97_200, "1 d 3 h"),
        (172_800, "2 d"),
    ],
)
def test_spans_in_words(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_pauses_double_and_stop_growing() -> None:
    base, cap = timedelta(seconds=1), timedelta(seconds=60)
    for failures, plain in ((1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (500, 60)):
        pauses = [pause(failures, base=base, cap=cap, random=Random(seed)).total_seconds() for seed in range(50)]
        assert plain * 0.75 <= min(pauses) < max(pauses) <= min(plain * 1.25, 60)


@pytest.mark.parametrize("step", [1, 7, 1000, 10_000_000])
@pytest.mark.parametrize(
    "encoding, packed",
    [
        ("", lambda text: text),
        ("gzip", gzip.compress),
        ("gzip", lambda text: gzip.compress(text[:5000]) + gzip.compress(text[5000:])),
        ("deflate", zlib.compress),
        ("deflate", lambda text: zlib.compress(text)[2:-4]),
    ],
)
def test_bodies_are_decoded_in_small_pieces(encoding: str, packed: Any, step: int) -> None:
    text = b"0123456789" * (100_000 if step > 100 else 1000)
    inflater, wire = Inflater(encoding), packed(text)
    pieces = [piece for start in range(0, len(wire), step) for piece in inflater.feed(wire[start : start + step])]
    assert b"".join(pieces) == text
    assert inflater.complete
    assert not encoding or max(len(piece) for piece in pieces) <= STEP
    if encoding:
        cut = Inflater(encoding)
        list(cut.feed(wire[: len(wire) - 3]))
        assert not cut.complete


def test_an_encoding_that_nobody_asked_for() -> None:
    with pytest.raises(BadData, match="encoded as 'br'"):
        Inflater("br")
