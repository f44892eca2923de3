"""A seller's advertising: its campaigns, the bills and top-ups, and the account. Bills are worked out once their day is over."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from mpsyncd.sandbox.world.advert_stats import charges_of, day_of_campaign
from mpsyncd.sandbox.world.calendar import DAY, day_of
from mpsyncd.sandbox.world.campaigns import AdvertMoney, Campaign, CampaignDay, Charge, Means, TopUp

LEAVING = timedelta(minutes=10)
"""How long a campaign that is being deleted is still shown."""


@dataclass(slots=True)
class AdvertBook:
    """Everything by number; `since` is the first day of which there may be figures."""

    seed: str
    since: date
    money: AdvertMoney
    _campaigns: dict[int, Campaign]
    _top_ups: dict[tuple[Means, int], TopUp]
    _charges: dict[date, tuple[Charge, ...]]

    @classmethod
    def of(cls, *, seed: str, since: date, money: AdvertMoney, campaigns: Iterable[Campaign], top_ups: Iterable[TopUp]) -> "AdvertBook":
        """A book with these campaigns and top-ups."""
        return cls(seed, since, money, {one.number: one for one in campaigns}, {(one.means, one.number): one for one in top_ups}, {})

    def put(self, campaign: Campaign) -> None:
        """Add a campaign, or replace the one with its number."""
        self._campaigns[campaign.number] = campaign

    def every(self) -> list[Campaign]:
        """All campaigns that ever were, those that are gone included."""
        return list(self._campaigns.values())

    def present(self, moment: datetime) -> dict[int, Campaign]:
        """Campaigns that are not gone at `moment`, by number."""
        return {number: one for number, one in self._campaigns.items() if one.left_at is None or moment < one.left_at + LEAVING}

    def days(self, campaign: Campaign, *, first: date, last: date, moment: datetime) -> Iterator[CampaignDay]:
        """Days of a campaign with figures, oldest first."""
        day = max(first, self.since)
        while day <= last:
            found = day_of_campaign(self.seed, campaign, day, moment=moment)
            if found is not None:
                yield found
            day += DAY

    def charges(self, *, first: date, last: date, moment: datetime) -> Iterator[Charge]:
        """Bills written on the days from `first` to `last` and by `moment`, oldest first."""
        day = max(first, self.since)
        while day <= min(last, day_of(moment)):
            yield from (one for one in self._charges_of(day) if one.charged_at <= moment)
            day += DAY

    def put_top_up(self, top_up: TopUp) -> None:
        """Add a top-up, or replace the one with its means and number."""
        self._top_ups[top_up.means, top_up.number] = top_up

    def top_ups(self) -> list[TopUp]:
        """All top-ups, oldest first."""
        return sorted(self._top_ups.values(), key=lambda one: one.paid_at)

    def _charges_of(self, day: date) -> tuple[Charge, ...]:
        if day not in self._charges:
            found = (one for campaign in self._campaigns.values() for one in charges_of(self.seed, campaign, day - DAY))
            self._charges[day] = tuple(sorted(found, key=lambda one: one.charged_at))
        return self._charges[day]
