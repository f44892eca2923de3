"""The demo's shops: which seller each is, and the invented token it has."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mpsyncd.sandbox.kaiten.world.world import Companies
from mpsyncd.sandbox.wildberries.tokens import EVERY_CATEGORY, Category, TokenType, make_token
from mpsyncd.sandbox.world.seller import Seller
from mpsyncd.sandbox.world.world import World

_LIFE = timedelta(days=170)


@dataclass(frozen=True, slots=True)
class DemoShop:
    """What a client needs to add the shop. `base_url` has `{host}` where the short name of the vendor's host goes, if it has hosts."""

    name: str
    source: str
    token: str
    base_url: str
    note: str


def demo_shops(world: World, *, url: str, born: datetime) -> list[DemoShop]:
    """One shop per seller: the second one's token lacks the category "content", the third one's is of the base type."""
    base_url = f"{url}/wb/{{host}}"
    return [
        DemoShop(seller.spec.name, "wildberries", _token(seller, place, expires=born + _LIFE), base_url, _note(seller, place))
        for place, seller in enumerate(world.sellers.values())
    ]


def demo_companies(companies: Companies, *, url: str) -> list[DemoShop]:
    """One shop per Kaiten company; its address ends where the methods begin."""
    return [
        DemoShop(name, "kaiten", company.token, f"{url}/kaiten/{name}/api/latest", "key of a user with the right to read")
        for name, company in companies.companies.items()
    ]


def _token(seller: Seller, place: int, *, expires: datetime) -> str:
    categories = EVERY_CATEGORY - {Category.CONTENT} if place == 1 else EVERY_CATEGORY
    kind = TokenType.BASE if place == 2 else TokenType.PERSONAL  # noqa: PLR2004 - the third
    return make_token(sid=seller.sid, oid=seller.oid, categories=categories, type=kind, expires=expires)


def _note(seller: Seller, place: int) -> str:
    notes = {1: "personal token without the category content", 2: "base token: slow limits"}
    return notes.get(place, "personal token with every category") + (", and the subscription Jam" if seller.spec.jam else "")
