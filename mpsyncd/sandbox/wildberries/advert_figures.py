"""Figures of campaigns as the vendor writes them, by day, platform and card. Takes truth, gives what goes into JSON and into tables."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

from mpsyncd.sandbox.wildberries.promotion import CURRENCY
from mpsyncd.sandbox.world.campaigns import NOTHING, Campaign, CampaignDay, Figures, Platform, Promoted
from mpsyncd.sandbox.world.dice import dice

APPS: Mapping[Platform, int] = MappingProxyType({Platform.SITE: 1, Platform.ANDROID: 32, Platform.IOS: 64})
_CENT = Decimal("0.01")
_PERCENT = Decimal(100)


def figures(one: Figures) -> dict[str, int | Decimal]:
    """The eleven numbers that stand at every level; counts are whole, the others have two digits."""
    return {
        "views": one.views,
        "clicks": one.clicks,
        "ctr": _share(one.clicks * _PERCENT, one.views),
        "cpc": _share(one.cost, one.clicks),
        "cr": _share(one.orders * _PERCENT, one.clicks),
        "atbs": one.baskets,
        "orders": one.orders,
        "shks": one.pieces,
        "sum": one.cost.quantize(_CENT),
        "sum_price": one.revenue.quantize(_CENT),
        "canceled": one.cancelled,
    }


def of_app(cards: Iterable[tuple[Promoted, Figures]]) -> Figures:
    """Figures of a platform: those of its cards together."""
    return sum((one for _, one in cards), NOTHING)


def of_day(day: CampaignDay) -> Figures:
    """Figures of a day: those of its platforms together."""
    return sum((of_app(cards) for _, cards in day.figures), NOTHING)


def places(day: CampaignDay) -> list[dict[str, object]]:
    """Mean places of cards on a day."""
    return [{"avg_position": place, "date": day.day.isoformat(), "nm": nm_id} for nm_id, place in day.places]


def row(campaign: Campaign, days: Sequence[CampaignDay]) -> dict[str, object]:
    """One campaign with its days, in no order."""
    mixed = dice("order of days", campaign.number, len(days)).sample(days, len(days))
    booster = [place for day in mixed for place in places(day)]
    return {
        "advertId": campaign.number,
        **_plain(sum((of_day(day) for day in days), NOTHING)),
        **({"boosterStats": booster} if booster else {}),
        "days": [_day(day) for day in mixed],
        "currency": CURRENCY,
    }


def _day(day: CampaignDay) -> dict[str, object]:
    apps = [
        {
            "appType": APPS[platform],
            **_plain(of_app(cards)),
            "nms": [{"nmId": card.nm_id, "name": card.title, **_plain(one)} for card, one in cards],
        }
        for platform, cards in day.figures
    ]
    return {"date": f"{day.day.isoformat()}T00:00:00Z", **_plain(of_day(day)), "apps": apps}


def _plain(one: Figures) -> dict[str, int | float]:
    return {key: value if isinstance(value, int) else _number(value) for key, value in figures(one).items()}


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _share(part: Decimal, whole: int) -> Decimal:
    return (part / whole).quantize(_CENT) if whole else Decimal(0)
