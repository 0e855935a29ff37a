"""The days of a simulated business: weeks, seasons, promotions."""

import datetime as dt
from dataclasses import dataclass

import numpy as np

from flywheel.demo.world import Promotion, World

Floats = np.ndarray  # float64, shape named where it is used

WEEKDAY = np.array([1.06, 1.02, 0.99, 0.97, 0.94, 0.96, 1.06])  # Monday first, of sessions
PEAK_DAY = 330  # day of the year on which the yearly wave of demand is highest (late November)


@dataclass(frozen=True)
class Calendar:
    """Per day of the world, shape (days,): `demand` is relative interest, `lift` and `discount` are promotions'.

    `local`: what a market's own holidays and growth make of `demand`, (days, markets).
    """

    first: dt.date
    days: int
    weeks: int
    demand: Floats
    lift: Floats
    discount: Floats
    local: Floats

    @property
    def week_of(self) -> np.ndarray:
        """The week number of each day; the running week is number `weeks`."""
        return np.arange(self.days) // 7

    def dates(self) -> np.ndarray:
        """The days as datetime64[D]."""
        return np.datetime64(self.first, "D") + np.arange(self.days)


def build_calendar(world: World, until: dt.date) -> Calendar:
    """`world.weeks` complete weeks (Monday first) and the days of the running week up to and with `until`."""
    tomorrow = until + dt.timedelta(days=1)
    first = tomorrow - dt.timedelta(days=tomorrow.weekday() + 7 * world.weeks)
    days = (tomorrow - first).days
    lift, discount, traffic = _promotions(world.promotions, first, days)
    demand = _season(world, first, days) * traffic
    return Calendar(first, days, world.weeks, demand, lift, discount, _local(world, first, days))


def _season(world: World, first: dt.date, days: int) -> Floats:
    """Relative demand per day: weekday, yearly wave, growth around the middle of the window."""
    number = np.arange(days)
    day_of_year = (number + first.timetuple().tm_yday) % 365.25
    wave = 1 + world.annual_swing * np.cos(2 * np.pi * (day_of_year - PEAK_DAY) / 365.25)
    growth = (1 + world.growth) ** ((number - days / 2) / 365.25)
    return WEEKDAY[(number + first.weekday()) % 7] * wave * growth


def _local(world: World, first: dt.date, days: int) -> Floats:
    """Relative demand per day × market beside the world's: growth around the middle of the window, holidays."""
    years = (np.arange(days) - days / 2) / 365.25
    local = np.stack([(1 + market.growth) ** years for market in world.markets], axis=1)
    for holiday in world.holidays:
        for year in range(first.year - 1, (first + dt.timedelta(days=days)).year + 1):
            start = (dt.date(year, *holiday.starts) - first).days
            span = slice(max(start, 0), max(start + holiday.days, 0))
            local[span, world.codes.index(holiday.market)] *= holiday.traffic
    return local


def _promotions(promotions: tuple[Promotion, ...], first: dt.date, days: int) -> tuple[Floats, Floats, Floats]:
    lift, discount, traffic = np.ones(days), np.zeros(days), np.ones(days)
    for promotion in promotions:
        for year in range(first.year, (first + dt.timedelta(days=days)).year + 1):
            start = (_first_day(promotion, year) - first).days
            span = slice(max(start, 0), max(start + promotion.days, 0))
            lift[span] *= promotion.lift
            traffic[span] *= promotion.traffic
            discount[span] = np.maximum(discount[span], promotion.discount)
    return lift, discount, traffic


def _first_day(promotion: Promotion, year: int) -> dt.date:
    if promotion.starts:
        return dt.date(year, *promotion.starts)
    november = dt.date(year, 11, 1)
    thanksgiving = november + dt.timedelta(days=(3 - november.weekday()) % 7 + 21)
    return thanksgiving - dt.timedelta(days=3)
