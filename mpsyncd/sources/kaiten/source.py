"""Kaiten put together: one value that the daemon hands around. Declares, decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from mpsyncd.model.errors import BadData
from mpsyncd.model.request import Request
from mpsyncd.model.source import Secret, Source, Step
from mpsyncd.sources.kaiten.boards import BOARDS, COLUMNS, LANES
from mpsyncd.sources.kaiten.cards import CARDS, COMMENTS
from mpsyncd.sources.kaiten.errors import classify
from mpsyncd.sources.kaiten.key import HOST, TOKEN, URL, authorize, identify
from mpsyncd.sources.kaiten.limits import API, rates
from mpsyncd.sources.kaiten.lists import CARD_TYPES, CUSTOM_PROPERTIES, PROPERTY_VALUES, SPACES, TAGS, USERS
from mpsyncd.sources.kaiten.webhooks import receive

if TYPE_CHECKING:
    from mpsyncd.model.request import Api

_ME = Request(method="GET", host=HOST, path="/users/current", limits=(API,), rows_at=None)


async def name_shop(api: Api) -> str:
    """Ask whose key this is; companies tell their name nowhere.

    Raises:
        BadData: the answer has no name.
    """
    answer = await api.send(_ME)
    await answer.rows.close()
    told = answer.envelope if isinstance(answer.envelope, dict) else {}
    name, company = told.get("full_name"), told.get("company_id")
    if not isinstance(name, str) or not name.strip():
        raise BadData("the answer about the owner of the key holds no name")
    return f"{name.strip()} (company {company})" if company is not None else name.strip()


KAITEN = Source(
    name="kaiten",
    hosts={HOST: "https://*.kaiten.ru"},
    secrets=(
        Secret(name=URL, title={"en": "Address of the company", "ru": "Адрес компании"}, public=True),
        Secret(name=TOKEN, title={"en": "API key", "ru": "Ключ API"}),
    ),
    identify=identify,
    rates=rates,
    authorize=authorize,
    classify=classify,
    probes={"key": _ME},
    streams=(
        *(SPACES, USERS, CARD_TYPES, TAGS, CUSTOM_PROPERTIES, PROPERTY_VALUES),
        *(BOARDS, COLUMNS, LANES),
        *(CARDS, COMMENTS),
    ),
    pipeline=(
        Step(name="spaces", title={"en": "Spaces", "ru": "Пространства"}, streams=("spaces",)),
        Step(name="users", title={"en": "Users", "ru": "Пользователи"}, streams=("users",)),
        Step(name="card_types", title={"en": "Card types", "ru": "Типы карточек"}, streams=("card_types",)),
        Step(name="tags", title={"en": "Tags", "ru": "Метки"}, streams=("tags",)),
        Step(
            name="custom_properties",
            title={"en": "Custom properties", "ru": "Пользовательские поля"},
            streams=("custom_properties", "property_values"),
        ),
        Step(name="boards", title={"en": "Boards", "ru": "Доски"}, streams=("boards",)),
        Step(name="columns", title={"en": "Columns", "ru": "Колонки"}, streams=("columns",)),
        Step(name="lanes", title={"en": "Lanes", "ru": "Дорожки"}, streams=("lanes",)),
        Step(name="cards", title={"en": "Cards", "ru": "Карточки"}, streams=("cards",)),
        Step(name="comments", title={"en": "Comments", "ru": "Комментарии"}, streams=("comments",)),
    ),
    zone=ZoneInfo("Europe/Moscow"),
    name_shop=name_shop,
    receive=receive,
)
