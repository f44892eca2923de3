"""The way out over real sockets: redirects, keys, broken answers, retries, refusals, cancellation."""

import asyncio
import gzip
import logging
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from structlog.testing import capture_logs

from mpsyncd.model.errors import BadData, BadRequest, ConfigError, NotFound, Snooze, SourceError, Transient, Unauthorized
from mpsyncd.model.rate import Rate, RateKind
from mpsyncd.model.request import Answer, Request
from mpsyncd.transport import SourceOptions
from support.transport import KEY, acme, get, identity, post
from support.vendor import CUT, DROP, RESET, Asked, answer, vendor
from support.way import always, in_turn, opening, way


async def test_a_request_goes_out_whole_and_its_rows_come_back() -> None:
    async with vendor(always(answer({"cards": [{"a": 1}, {"a": 2}], "n": 2}, headers={"X-Thing": "7"}))) as there, way(there.url) as out:
        request = post("/cards", json={"q": "Ж"}, params={"p": "1"}, headers={"X-Own": "yes"}, rows_at="cards")
        answered = await out.api.send(request)
        assert (answered.status, answered.headers["x-thing"], answered.envelope) == (200, "7", {"cards": [], "n": 2})
        assert answered.rows.count == 2
        [asked] = there.asked
        assert (asked.method, asked.target, orjson.loads(asked.body)) == ("POST", "/cards?p=1", {"q": "Ж"})
        assert asked.headers["authorization"] == f"{KEY}-3"
        assert asked.headers["content-type"] == "application/json"
        assert asked.headers["accept-encoding"] == "gzip"
        assert asked.headers["x-own"] == "yes"


async def test_a_redirect_is_an_error_and_is_not_followed() -> None:
    async with vendor(always(answer([]))) as elsewhere:
        moved = answer(status=302, headers={"Location": f"{elsewhere.url}/rows"})
        async with vendor(always(moved)) as there, way(there.url) as out:
            with pytest.raises(BadRequest, match="answered 302, a redirect, which is not followed"):
                await out.api.send(get())
        assert elsewhere.asked == []


async def test_no_key_and_no_request_to_an_unknown_host() -> None:
    async with vendor(always(answer([]))) as there, way(there.url) as out:
        with pytest.raises(BadRequest, match=r"has no host 'evil.example'"):
            await out.api.send(Request(method="GET", host="evil.example", path="/"))
        with pytest.raises(BadRequest):
            await out.api.send(get("//evil.example/"))
        assert there.asked == []


async def test_nothing_of_one_shop_reaches_another() -> None:
    cookie = {"Set-Cookie": "session=of-shop-3; Path=/"}
    async with vendor(always(answer([], headers=cookie))) as there, way(there.url) as out:
        await out.rows(get(headers={"X-Shop": "3"}))
        async with opening(out.transport, shop=4) as other:
            await other.send(get())
        second = there.asked[1]
        assert second.connection == there.asked[0].connection
        assert second.headers["authorization"] == f"{KEY}-4"
        assert not {"cookie", "x-shop"} & set(second.headers)


def gzipped(body: object) -> bytes:
    return gzip.compress(orjson.dumps(body))


async def test_gzip_is_unpacked() -> None:
    packed = answer(gzipped([{"a": 1}]), headers={"Content-Encoding": "gzip"})
    async with vendor(always(packed)) as there, way(there.url) as out:
        assert await out.rows(get()) == [{"a": 1}]


ROWS = [{"n": number, "text": "Ж" * 40} for number in range(30_000)]


@pytest.mark.parametrize("spelling", ["plain", "gzip", "chunked"])
async def test_a_big_body_is_spooled_and_comes_in_pieces(spelling: str, tmp_path: Path) -> None:
    data = orjson.dumps(ROWS)
    whole = {
        "plain": answer(data),
        "gzip": answer(gzip.compress(data), headers={"Content-Encoding": "gzip"}),
        "chunked": b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(data), data),
    }[spelling]
    async with vendor(always(whole)) as there, way(there.url, spool_directory=tmp_path) as out:
        answered = await out.api.send(get())
        sizes = [len(piece) async for piece in answered.rows.pieces()]
        assert (answered.rows.count, answered.rows.last, sum(sizes)) == (30_000, ROWS[-1], 30_000)
        assert len(sizes) > 8
        await answered.rows.close()
        assert list(tmp_path.iterdir()) == []


def cut_chunked(data: bytes) -> bytes:
    return b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(data), data) + CUT


WHOLE = orjson.dumps(ROWS[:5])
BROKEN = {
    "shorter than it says": (answer(WHOLE, length=len(WHOLE) + 50) + CUT, "the answer is cut off"),
    "no last chunk": (cut_chunked(WHOLE), "the answer is cut off"),
    "gzip cut": (answer(gzip.compress(WHOLE)[:-9], headers={"Content-Encoding": "gzip"}), "cut off inside its compressed body"),
    "gzip broken": (answer(b"not gzip at all", headers={"Content-Encoding": "gzip"}), "compressed body is broken"),
    "JSON cut": (answer(WHOLE[:-40]), "broken or cut off JSON"),
    "HTML": (answer(b"<html>Sorry</html>", headers={"Content-Type": "text/html"}), "the answer is not JSON"),
    "empty": (answer(b""), "the answer is empty"),
    "dropped": (DROP, "the connection was dropped"),
    "reset": (RESET, "the connection was dropped"),
    "error": (answer(b"oops", status=503), "answered 503"),
}


@pytest.mark.parametrize("case", BROKEN)
async def test_a_broken_answer_is_asked_for_again(case: str) -> None:
    broken, _ = BROKEN[case]
    async with vendor(in_turn(broken, broken, answer([{"a": 1}]))) as there, way(there.url) as out:
        assert await out.rows(get()) == [{"a": 1}]
        assert len(there.asked) == 3


@pytest.mark.parametrize("case", BROKEN)
async def test_what_stays_broken_is_told_after_the_last_try(case: str) -> None:
    broken, words = BROKEN[case]
    async with vendor(always(broken)) as there, way(there.url, tries=3) as out:
        with pytest.raises(Transient, match=words):
            await out.api.send(get())
        assert len(there.asked) == 3


async def test_what_may_not_be_repeated_is_sent_once() -> None:
    async with vendor(always(DROP)) as there, way(there.url) as out:
        with pytest.raises(Transient):
            await out.api.send(post(repeatable=False))
        assert len(there.asked) == 1


async def test_nobody_listening_is_told_in_words() -> None:
    async with vendor(always(DROP)) as there:
        url = there.url
    async with way(url, tries=2) as out:
        with pytest.raises(Transient, match="acme GET api/rows of shop 3: can not connect"):
            await out.api.send(get())


async def test_silence_is_a_lost_answer() -> None:
    async def silent(_asked: Asked) -> bytes:
        await asyncio.sleep(60)
        return b""

    async with vendor(silent) as there, way(there.url, read_timeout=timedelta(milliseconds=200), tries=2) as out:
        with pytest.raises(Transient, match=r"nothing came for 0.2 s"):
            await out.api.send(get())
        assert len(there.asked) == 2


async def test_a_body_without_end_is_given_up() -> None:
    async with vendor(always(answer(orjson.dumps(ROWS)))) as there, way(there.url, answer_limit=100_000) as out:
        with pytest.raises(BadData, match="larger than 100000 bytes, the setting answer_limit"):
            await out.api.send(get())


async def test_errors_of_the_vendor_come_through_at_once() -> None:
    for status, error in ((401, Unauthorized), (404, NotFound), (400, BadRequest), (418, BadRequest)):
        async with vendor(always(answer(b"no", status=status))) as there, way(there.url) as out:
            with pytest.raises(error):
                await out.api.send(get())
            assert len(there.asked) == 1


async def test_behind_a_slow_limit_a_failure_is_a_failure_and_not_a_snooze() -> None:
    rate = Rate(name="slow", limit=1, per=timedelta(minutes=1))
    async with vendor(always(answer(b"", status=503))) as there, way(there.url, rate) as out:
        with pytest.raises(Transient, match="answered 503"):
            await out.api.send(get(limits=("slow",)))
        assert len(there.asked) == 1
        with pytest.raises(Snooze):
            await out.api.send(get(limits=("slow",)))


async def test_503_with_a_time_is_waited_for_or_snoozed() -> None:
    busy = answer(b"", status=503, headers={"Retry-After": "1"})
    async with vendor(in_turn(busy, answer([]))) as there, way(there.url) as out:
        await out.api.send(get())
        assert there.asked[1].at - there.asked[0].at >= 1
    busy = answer(b"", status=503, headers={"Retry-After": "600"})
    async with vendor(always(busy)) as there, way(there.url) as out:
        with pytest.raises(Snooze, match="acme of shop 3 asks to come back in 10 min"):
            await out.api.send(get())


@pytest.mark.parametrize("status", [200, 400, 401, 404, 429, 500, 302])
async def test_a_key_is_never_shown(status: int, caplog: pytest.LogCaptureFixture) -> None:
    echo = f"<html>the key {KEY}-3 is bad"
    headers = {"X-Request-Id": f"{KEY}-3", "Retry-After": "100"}
    caplog.set_level(logging.DEBUG)
    async with vendor(always(answer(echo.encode(), status=status, headers=headers))) as there, way(there.url, tries=1) as out:
        with capture_logs() as logs, pytest.raises((SourceError, Snooze)) as caught:
            await out.api.send(get())
    error: BaseException | None = caught.value
    shown = [repr(logs), caplog.text, repr(out.transport.budgets())]
    while error is not None:
        shown += [str(error), repr(error), repr(vars(error)), repr(error.args)]
        error = error.__cause__ or error.__context__
    assert there.asked[0].headers["authorization"] == f"{KEY}-3"
    assert not [text for text in shown if KEY in text]


async def test_after_a_refusal_was_read_nothing_is_sent_until_its_time() -> None:
    served = 0

    async def strict(_asked: Asked) -> bytes:
        nonlocal served
        served += 1
        refused = served == 5
        await asyncio.sleep(0.02)
        return answer(status=429, headers={"Retry-After": "1"}) if refused else answer([{"a": 1}])

    rate = Rate(name="slowly", limit=50, per=timedelta(seconds=1), burst=3)
    async with vendor(strict) as there, way(there.url, rate) as out:
        await asyncio.gather(*(out.rows(get(limits=("slowly",))) for _ in range(20)))
        assert len(there.asked) == 21
        refused = there.asked[4].at + 0.02
        # Those that were on their way when it was read arrive within a moment, all others after the vendor's time.
        late = [asked.at - refused for asked in there.asked if asked.at - refused > 0.05]
        assert len(late) >= 10
        assert min(late) >= 1.9  # one second of the vendor's and one of margin


async def test_a_long_refusal_snoozes_everybody() -> None:
    async with vendor(always(answer(status=429, headers={"Retry-After": "18236"}))) as there, way(there.url) as out:
        outcomes = await asyncio.gather(*(out.api.send(get(limits=("fast",))) for _ in range(5)), return_exceptions=True)
        assert all(isinstance(outcome, Snooze) and "closed by the vendor for 5 h 4 min" in str(outcome) for outcome in outcomes)
        before = len(there.asked)
        with pytest.raises(Snooze):
            await out.api.send(get(limits=("fast",)))
        assert len(there.asked) == before


async def test_refused_for_ever_is_a_snooze_and_not_a_loop() -> None:
    async with vendor(always(answer(status=429, headers={"Retry-After": "0"}))) as there, way(there.url, limit_scale=1000.0) as out:
        with pytest.raises(Snooze):
            await out.api.send(get(limits=("fast",)))
        assert len(there.asked) <= 5


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def test_a_cancelled_request_lets_go_of_everything(tmp_path: Path) -> None:
    begun = asyncio.Event()
    open_before = open_files()

    async def stalls(_asked: Asked) -> bytes:
        if len(there.asked) > 1:
            return answer([{"a": 1}])
        begun.set()
        return answer(orjson.dumps(ROWS)[:2_000_000], length=3_000_000)

    one = Rate(name="one", kind=RateKind.CONCURRENCY, limit=1)
    async with vendor(stalls) as there, way(there.url, one, spool_directory=tmp_path) as out:
        task = asyncio.create_task(out.api.send(get(limits=("one",))))
        await begun.wait()
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await out.rows(get(limits=("one",))) == [{"a": 1}]
        assert there.asked[1].connection != there.asked[0].connection
        assert list(tmp_path.iterdir()) == []
    await asyncio.sleep(0.05)
    assert open_files() <= open_before + 1


async def test_asked_at_is_before_the_answer_and_after_the_wait() -> None:
    async with vendor(always(answer([]))) as there, way(there.url, Rate(name="r", limit=5, per=timedelta(seconds=1))) as out:
        first: Answer = await out.api.send(get(limits=("r",)))
        second: Answer = await out.api.send(get(limits=("r",)))
        assert second.asked_at - first.asked_at >= timedelta(milliseconds=200)
        assert len(there.asked) == 2


async def test_budgets_and_waits_are_told() -> None:
    rate = Rate(name="r", limit=1, per=timedelta(minutes=1), burst=3)
    async with vendor(always(answer([]))) as there, way(there.url, rate) as out:
        await out.api.send(get(limits=("r",)))
        [budget] = out.transport.budgets()
        assert (budget.source, budget.rate, budget.value, budget.available, budget.waiting, budget.used_today) == (
            "acme",
            "r",
            "seller-1",
            2,
            0,
            1,
        )
        assert budget.closed_until is None
        wait = out.transport.wait_for(acme(rate), identity(), "r", 10)
        assert timedelta(minutes=7) < wait < timedelta(minutes=9)
        assert len(there.asked) == 1


async def test_a_ca_bundle_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    for content in (None, "no certificates"):
        if content is not None:
            bundle.write_text(content)
        with pytest.raises(ConfigError, match="ca_bundle of acme"):
            async with way("http://127.0.0.1:1", sources={"acme": SourceOptions(ca_bundle=bundle)}):
                pass


async def test_a_proxy_is_used() -> None:
    async with vendor(always(answer([{"a": 1}]))) as proxy:
        sources = {"acme": SourceOptions(base_url="http://vendor.example/{host}", proxy=proxy.url)}
        async with way("", sources=sources) as out:
            assert await out.rows(get()) == [{"a": 1}]
        assert proxy.asked[0].target == "http://vendor.example/api/rows"


async def test_no_room_for_the_spool_is_told(tmp_path: Path) -> None:
    async with vendor(always(answer(orjson.dumps(ROWS)))) as there, way(there.url, tries=1, spool_directory=tmp_path / "none") as out:
        with pytest.raises(Transient, match=r"can not be spooled to .*none"):
            await out.api.send(get())
