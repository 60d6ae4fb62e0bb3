"""Which days, sites and part of the day a page is about, and whom its figures may show."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Self

from plumbing.access.caller import Caller
from recommender.errors import RecommenderError
from recommender.figures.days import DAYPART_NAMES
from recommender.store.figures import Filter

LEAST_PEOPLE = 10
"""Figures of fewer people are hidden, whatever the tenant asks for: a mean of three shows what one of them did."""

MOST_DAYS = 1_100
USUAL_DAYS = 28
YEARS = range(1970, 9001)


class WrongPeriod(RecommenderError):
    """A date, a site or a part of the day that cannot be."""

    code = "wrong_period"
    status = 422
    title = "These figures cannot be given"
    what_to_do = "Mend the date, the site or the part of the day that the reply names."


class SiteNotYours(RecommenderError):
    """A person may see the figures of some sites, and asked for another one."""

    code = "site_not_yours"
    status = 403
    title = "These figures are of a site that you may not see"
    says = "Ask for one of your own sites, or for all of them together."


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `first` to `last`, both included, of the sites that the caller may see."""

    first: date
    last: date
    sites: tuple[str, ...] | None
    """None: all of the tenant."""
    daypart: str
    today: date

    @classmethod
    def of(cls, caller: Caller, today: str, first: str, last: str, site: str, daypart: str) -> Self:
        """From what was asked; empty texts are the last 28 days, all sites, the whole day.

        Raises:
            WrongPeriod, SiteNotYours.
        """
        now = date.fromisoformat(today)
        until = _date(last, "to") if last else now
        begin = _date(first, "from") if first else until - timedelta(days=USUAL_DAYS - 1)
        if begin > until:
            raise WrongPeriod(
                f"The period begins on {begin} and ends before that, on {until}; swap the two dates."
            )
        if (until - begin).days >= MOST_DAYS:
            raise WrongPeriod(f"At most {MOST_DAYS} days can be shown; choose a shorter period.")
        if daypart not in ("", *DAYPART_NAMES):
            raise WrongPeriod(f"There is no {daypart!r}; the parts of the day are {', '.join(DAYPART_NAMES)}.")
        if site and not caller.may_see(site):
            raise SiteNotYours
        sites = (site,) if site else tuple(sorted(caller.sites)) or None
        return cls(begin, until, sites, daypart, now)

    @property
    def days(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1

    @property
    def filter(self) -> Filter:
        """As the store of the figures reads it."""
        return Filter(self.first.isoformat(), self.last.isoformat(), self.sites, self.daypart)

    @property
    def before(self) -> Period:
        """As many days before, on the same weekdays."""
        back = timedelta(days=-(-self.days // 7) * 7)
        return replace(self, first=self.first - back, last=self.last - back)

    def to_dict(self) -> dict[str, str]:
        """The days as JSON."""
        return {"from": self.first.isoformat(), "to": self.last.isoformat(), "today": self.today.isoformat()}


def _date(text: str, name: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise WrongPeriod(f"{name}: {text!r} is no date; one reads 2026-11-29.") from error
    if found.year not in YEARS:  # the weeks before it are asked for as well
        raise WrongPeriod(f"{name}: there are no figures of the year {found.year}.")
    return found
