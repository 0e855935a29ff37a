"""Where a weak driver sits, and since when: the smallest set of segments that explains most of its shortfall."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engines.business import WEEKS_90, Business, paid_only, referral_mask
from engines.drivers import WINDOW, YEAR, Driver, with_reached
from engines.panel import WEEK, Array
from engines.signals import onset

MOST = 0.67  # a set of segments is named when it explains this share of the shortfall
SURPRISE = 1.25  # and holds at least this much more of the shortfall than of the volume
MIN_VOLUME = 200.0  # trials of a segment in the window; below it its own rate is noise
BASE_SKIP = 26  # weeks before now at which the comparison period ends: a weakness younger than half a year is outside


@dataclass(frozen=True)
class Segment:
    """One value of one dimension that the shortfall sits in, with the share of the shortfall it explains."""

    dimension: str
    value: str
    share: float


def locate(business: Business, driver: Driver, markets: Sequence[str], weeks: np.ndarray) -> tuple[Segment, ...]:
    """Where within `markets` the driver's shortfall against its own earlier rate sits: device, then channel, each
    named only where few of its values hold most of the shortfall and clearly more than their share of the volume.

    Reference: explained share as in Adtributor (Bhagwan et al. 2014); its surprise is replaced by SURPRISE.
    """
    frame = _rows(business, driver)
    upper, lower = _measures(driver)
    frame = frame.loc[frame["market"].astype(str).isin(markets)]
    found: list[Segment] = []
    for dimension in ("device", "channel"):
        if dimension not in frame.columns:
            continue
        chosen = _smallest_set(_shortfalls(frame, dimension, upper, lower, weeks, driver))
        if chosen:
            found += [Segment(dimension, name, share) for name, share in chosen]
            frame = frame.loc[frame[dimension].astype(str).isin([name for name, _ in chosen])]
    return tuple(found)


def since(business: Business, driver: Driver, segments: Sequence[Segment], weeks: np.ndarray) -> str:
    """The week (ISO date) of the first XmR signal of the stretch the located segments are in; '' when none shows."""
    frame = _rows(business, driver)
    for dimension in {s.dimension for s in segments}:
        names = [s.value for s in segments if s.dimension == dimension]
        frame = frame.loc[frame[dimension].astype(str).isin(names)]
    upper, lower = _measures(driver)
    series = _weekly_level(frame, upper, lower, weeks[-YEAR:])
    position = onset(-series if driver.kind == "kept" else series)
    return "" if position is None else str(weeks[-YEAR:][position])


_OWN_MEASURES = {
    "repeat_orders": ("repeat_orders_90", "customers"),
    "referral": ("first_orders", "orders"),
    "sessions_per_spend": ("sessions", "cost_base"),
}


def _measures(driver: Driver) -> tuple[str, str]:
    """The measures of the driver's ratio in the frame that `_rows` gives."""
    return _OWN_MEASURES.get(driver.key, (driver.upper, driver.lower))


def _rows(business: Business, driver: Driver) -> pd.DataFrame:
    """The long frame that holds the driver's measures, with the dimensions it can be cut by."""
    journey = business.conversion
    match driver.key:
        case "repeat_orders":
            cohorts = business.cohorts
            return cohorts.assign(week=cohorts["week"].to_numpy().astype("datetime64[D]") + WEEKS_90 * WEEK)
        case "sessions_per_spend":
            return _joined(paid_only(business), business.market, ["sessions"], ["cost_base"])
        case "kept_share":
            return _joined(business.aftersales, journey, ["refund_base"], ["net_base"])
        case "repeat_aov":
            return journey.assign(
                repeat_net_base=journey["net_base"] - journey["first_net_base"],
                repeat_priced_orders=journey["priced_orders"] - journey["first_priced_orders"],
            )
        case "referral":
            return journey.assign(first_orders=journey["first_orders"].where(referral_mask(business), 0.0))
        case _:
            return with_reached(journey.loc[~referral_mask(business)])


def _joined(left: pd.DataFrame, right: pd.DataFrame, upper: list[str], lower: list[str]) -> pd.DataFrame:
    """Two frames' measures side by side per week, market and channel."""
    keys = ["week", "market", "channel"]
    parts = [
        f[[*keys, *m]].astype({"market": str, "channel": str}).groupby(keys, as_index=False).sum()
        for f, m in ((left, upper), (right, lower))
    ]
    return parts[0].merge(parts[1], on=keys, how="inner")


def _shortfalls(
    frame: pd.DataFrame, dimension: str, upper: str, lower: str, weeks: np.ndarray, driver: Driver
) -> pd.DataFrame:
    """Per segment: volume now, and what is missing against its own earlier rate (columns volume, gap)."""
    days = frame["week"].to_numpy().astype("datetime64[D]")
    now = _sums(frame.loc[days > weeks[-1] - WINDOW * WEEK], dimension, upper, lower)
    base_end = weeks[-1] - BASE_SKIP * WEEK
    base = _sums(frame.loc[(days <= base_end) & (days > base_end - YEAR * WEEK)], dimension, upper, lower)
    both = now.add_suffix("_now").join(base.add_suffix("_base"), how="inner")
    rate = both[f"{upper}_base"] / both[f"{lower}_base"].where(both[f"{lower}_base"] > 0)
    sign = -1 if driver.kind == "kept" else 1
    return pd.DataFrame(
        {"volume": both[f"{lower}_now"], "gap": sign * (both[f"{lower}_now"] * rate - both[f"{upper}_now"])}
    ).dropna()


def _sums(frame: pd.DataFrame, dimension: str, upper: str, lower: str) -> pd.DataFrame:
    return frame.assign(**{dimension: frame[dimension].astype(str)}).groupby(dimension)[[upper, lower]].sum()


def _smallest_set(table: pd.DataFrame) -> list[tuple[str, float]]:
    """The fewest segments that explain MOST of the gap and more than their volume's share; [] when none stands out."""
    if len(table) < 2:
        return []
    losing = table.loc[(table["gap"] > 0) & (table["volume"] >= MIN_VOLUME)].sort_values("gap", ascending=False)
    total = float(table["gap"].clip(lower=0).sum())
    if losing.empty or total <= 0:
        return []
    shares = losing["gap"] / total
    count = int(np.searchsorted(shares.cumsum().to_numpy(), MOST)) + 1
    chosen = losing.iloc[:count]
    weight = float(chosen["volume"].sum() / table["volume"].sum())
    explained = float(chosen["gap"].sum() / total)
    if explained < MOST or explained < SURPRISE * weight or "" in chosen.index:
        return []
    return [(str(name), float(shares[name])) for name in chosen.index]


def _weekly_level(frame: pd.DataFrame, upper: str, lower: str, weeks: np.ndarray) -> Array:
    """The ratio upper ÷ lower per week; NaN where nothing was counted."""
    days = frame["week"].to_numpy().astype("datetime64[D]")
    sums = frame.groupby(days)[[upper, lower]].sum().reindex(weeks)
    below = sums[lower].to_numpy(dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below > 0, sums[upper].to_numpy(dtype=np.float64) / below, np.nan)
