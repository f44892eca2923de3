"""Chats and their files over HTTP, before a daemon in memory: pages, files that nobody opens, and vendors who do not give them."""

from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest

from mpsyncd.model.access import Role
from mpsyncd.model.attachment import Attachment, NotYet
from mpsyncd.model.errors import BadData, BadRequest, Forbidden, NotFound, Snooze, Transient
from mpsyncd.settings import HttpSettings
from mpsyncd.web import build_app, serving
from support.control import CHATS, NORTH, SOUTH, FakeControl
from support.overview import NOW, ports

FILES: dict[str, Attachment | NotYet | Exception] = {
    "good": Attachment(name='Чек "1".pdf', content=b"<script>"),
    "slow": NotYet(until=NOW + timedelta(seconds=30)),
    "refused": NotFound("moderation", status=451),
    "gone": BadRequest("invalid fileID", status=400),
    "busy": Snooze(NOW + timedelta(minutes=5), "waits for chat.download"),
    "closed": Forbidden("the token lacks the category", capability="buyer_chat"),
    "broken": Transient("timeout"),
    "large": BadData("the answer is larger than 33554432 bytes"),
}


@pytest.fixture
def control() -> FakeControl:
    return FakeControl(files=dict(FILES))


@pytest.fixture
async def client(control: FakeControl) -> AsyncIterator[aiohttp.ClientSession]:
    settings = HttpSettings(port=0)
    headers = {"Authorization": f"Bearer {control.let_in(Role.VIEWER, shops=[NORTH])}"}
    async with (
        serving(build_app(ports(control=control), settings), settings) as url,
        aiohttp.ClientSession(url, headers=headers) as session,
    ):
        yield session


async def test_pages_of_chats_and_messages_hang_together(client: aiohttp.ClientSession) -> None:
    for path, name, key, whole in (("chats", "chats", "chat_id", len(CHATS)), ("chats/1:c1", "messages", "message_id", 3)):
        found: list[str] = []
        query = {"limit": "2"}
        while query:
            answer = await client.get(f"/api/shops/{NORTH}/{path}", params=query)
            assert answer.status == 200, await answer.text()
            told = await answer.json()
            found += [each[key] for each in told[name]]
            query = {"limit": "2", "next": told["next"]} if told["next"] else {}
        assert len(found) == len(set(found)) == whole


@pytest.mark.parametrize("path", ["chats", "chats/1:c1"])
@pytest.mark.parametrize("following", ["x", "bnVsbA==", "WzEsMl0=", "WyJ4IiwgIngiXQ==", "WzFlOTksICJ4Il0=", "WyIyMDI2LTExLTIxIiwgIngiXQ=="])
async def test_a_position_that_nobody_gave_is_refused(client: aiohttp.ClientSession, path: str, following: str) -> None:
    answer = await client.get(f"/api/shops/{NORTH}/{path}", params={"next": following})
    assert answer.status == 422
    assert (await answer.json(content_type=None))["errors"][0]["field"] == "next"


@pytest.mark.parametrize("query", [{"limit": "0"}, {"search": ""}, {"search": "a\x00"}, {"since": "yesterday"}, {"who": "me"}])
async def test_a_query_that_makes_no_sense_is_refused(client: aiohttp.ClientSession, query: dict[str, str]) -> None:
    assert (await client.get(f"/api/shops/{NORTH}/chats", params=query)).status == 422


@pytest.mark.parametrize("path", ["chats", "chats/1:c1", "attachments/good"])
async def test_other_shops_are_not_there_and_nobody_reads_without_a_token(client: aiohttp.ClientSession, path: str) -> None:
    assert (await client.get(f"/api/shops/{SOUTH}/{path}")).status == 404
    async with aiohttp.ClientSession(client._base_url) as stranger:
        assert (await stranger.get(f"/api/shops/{NORTH}/{path}")).status == 401


async def test_a_file_is_for_saving_only(client: aiohttp.ClientSession) -> None:
    answer = await client.get(f"/api/shops/{NORTH}/attachments/good")
    assert (answer.status, await answer.read()) == (200, b"<script>")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''%D0%A7%D0%B5%D0%BA%20%221%22.pdf"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "name, status, wait",
    [
        ("slow", 202, "30"),
        ("refused", 451, None),
        ("gone", 404, None),
        ("unknown", 404, None),
        ("a%00b", 404, None),
        ("busy", 503, "300"),
        ("closed", 409, None),
        ("broken", 502, None),
        ("large", 502, None),
    ],
)
async def test_a_vendor_who_does_not_give_it_is_understood(client: aiohttp.ClientSession, name: str, status: int, wait: str | None) -> None:
    answer = await client.get(f"/api/shops/{NORTH}/attachments/{name}")
    assert (answer.status, answer.headers.get("Retry-After")) == (status, wait)
    assert answer.content_type == ("application/json" if status == 202 else "application/problem+json")
