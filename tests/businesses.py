"""Small simulated businesses for the engine tests: weekly measures drawn from known rates."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from engines.business import Business

WEEKS = 120
LAST = np.datetime64("2026-11-09")
SIZES = {"DE": 1.0, "US": 0.8, "GB": 0.5, "FR": 0.35, "JP": 0.25, "BR": 0.15}
CHANNELS = {"google_ads": "search", "meta_ads": "social", "email": "email", "referral": "referral"}
CHANNEL_SHARE = {"google_ads": 0.4, "meta_ads": 0.3, "email": 0.2, "referral": 0.1}
DEVICES = {"mobile": 0.65, "desktop": 0.35}
RATES = {
    "engaged_sessions": 0.6,
    "product_views": 0.7,
    "carts": 0.25,
    "checkouts": 0.6,
    "payment_attempts": 0.8,
    "payments": 0.85,
}


@dataclass(frozen=True)
class Plant:
    """A weakness: the measure's rate × `factor` in the last `weeks` weeks where market and device match."""

    measure: str
    factor: float
    weeks: int
    where: Mapping[str, str] = field(default_factory=dict)


_made: dict[str, Business] = {}


def business(seed: int = 1, plant: Plant | None = None, sessions: float = 20_000, weeks: int = WEEKS) -> Business:
    """A business of six markets, four channels and two devices; without `plant` nothing is wrong with it.

    Made once per run: nobody changes its frames.
    """
    key = repr((seed, plant, sessions, weeks))
    if key not in _made:
        _made[key] = _new(seed, plant, sessions, weeks)
    return _made[key]


def _new(seed: int, plant: Plant | None, sessions: float, weeks: int) -> Business:
    rng = np.random.Generator(np.random.PCG64(seed))
    grid = _grid(weeks)
    age = ((LAST - grid["week"].to_numpy().astype("datetime64[D]")).astype(int) // 7).astype(int)
    season = 1 + 0.15 * np.cos(2 * np.pi * age / 52)
    wobble = _wobble(rng, grid, weeks)

    def factor(measure: str) -> np.ndarray:
        if plant is None or plant.measure != measure:
            return np.ones(len(grid))
        hit = age < plant.weeks
        for column, name in plant.where.items():
            hit &= (grid[column] == name).to_numpy()
        return np.where(hit, plant.factor, 1.0)

    size = grid["market"].map(SIZES).to_numpy() * grid["channel"].map(CHANNEL_SHARE).to_numpy()
    size = size * grid["device"].map(DEVICES).to_numpy()
    grid["sessions"] = rng.poisson(sessions * size * season * factor("sessions") * wobble()).astype(float)
    below = grid["sessions"].to_numpy()
    for measure, rate in RATES.items():
        below = rng.binomial(below.astype(int), np.clip(rate * factor(measure) * wobble() ** 0.3, 0, 1)).astype(float)
        grid[measure] = below
    grid["cart_views"] = np.nan
    first = rng.binomial(below.astype(int), 0.75).astype(float)
    grid["orders"] = first + np.round((below - first) * np.minimum(factor("repeat_orders"), 1.0))
    grid["first_orders"] = first
    _add_money(rng, grid, factor)
    return Business(
        grid, _spend(grid, sessions), _aftersales(rng, grid, factor), _cohorts(rng, grid, factor), dict(CHANNELS)
    )


def _grid(weeks: int) -> pd.DataFrame:
    starts = LAST - np.arange(weeks)[::-1] * np.timedelta64(7, "D")
    index = pd.MultiIndex.from_product(
        [starts, list(SIZES), list(CHANNELS), list(DEVICES)], names=["week", "market", "channel", "device"]
    )
    return index.to_frame(index=False)


def _wobble(rng: np.random.Generator, grid: pd.DataFrame, weeks: int):
    """Week-to-week variation beyond sampling, shared by a market's slices."""
    cells = grid.groupby(["week", "market"], sort=False).ngroup().to_numpy()

    def draw() -> np.ndarray:
        return np.exp(0.03 * rng.standard_normal(cells.max() + 1))[cells]

    return draw


def _add_money(rng: np.random.Generator, grid: pd.DataFrame, factor) -> None:
    for prefix, count, mean in (("first_", "first_orders", 60.0), ("", "orders", 63.0)):
        n = grid[count].to_numpy()
        average = mean * factor("first_aov") * (1.0 if prefix else factor("aov"))
        total = np.where(n > 0, n * average + np.sqrt(n) * 30 * rng.standard_normal(len(n)), 0.0)
        grid[f"{prefix}priced_orders"] = n
        grid[f"{prefix}net_base"] = total
        grid[f"{prefix}net_squares"] = n * (average**2 + 30**2)
    grid["costed_orders"] = grid["orders"]
    grid["costed_net_base"] = grid["net_base"]
    grid["contribution_base"] = 0.45 * grid["net_base"]


def _spend(grid: pd.DataFrame, sessions: float) -> pd.DataFrame:
    frame = grid.loc[grid["channel"].isin(["google_ads", "meta_ads"])]
    weeks = frame.groupby(["week", "market", "channel"], as_index=False)["sessions"].sum()
    age = ((LAST - weeks["week"].to_numpy().astype("datetime64[D]")).astype(int) // 7).astype(int)
    planned = weeks["market"].map(SIZES) * weeks["channel"].map(CHANNEL_SHARE) * sessions
    cost = planned * (1 + 0.15 * np.cos(2 * np.pi * age / 52)) * 0.25
    return pd.DataFrame(
        {
            "week": weeks["week"],
            "market": weeks["market"],
            "channel": weeks["channel"],
            "cost_base": cost,
            "impressions": (cost * 100).round(),
            "clicks": weeks["sessions"],
        }
    )


def _aftersales(rng: np.random.Generator, grid: pd.DataFrame, factor) -> pd.DataFrame:
    rows = grid.assign(_refunds=grid["orders"] * 0.05 * factor("refunds"))
    frame = rows.groupby(["week", "market", "channel"], as_index=False)[["orders", "_refunds", "net_base"]].sum()
    n = frame["orders"].to_numpy()
    refunds = rng.poisson(frame.pop("_refunds").to_numpy()).astype(float)
    reviews = np.round(n * 0.2)
    return frame.drop(columns=["orders", "net_base"]).assign(
        carrier="dhl",
        deliveries=n,
        delivery_days=n * 5,
        promised_deliveries=n,
        late_by_time=np.round(n * 0.09),
        late_by_date=np.round(n * 0.08),
        reviews=reviews,
        rating_sum=reviews * 4.2,
        rating_squares=reviews * 18.5,
        tickets=np.round(n * 0.1),
        refunds=refunds,
        refund_base=refunds * 60.0,
    )


def _cohorts(rng: np.random.Generator, grid: pd.DataFrame, factor) -> pd.DataFrame:
    late = grid.assign(_rate=factor("repeat_orders"))
    frame = late.groupby(["week", "market", "channel"], as_index=False).agg(
        customers=("first_orders", "sum"), _rate=("_rate", "mean")
    )
    n = frame["customers"].to_numpy()
    rate = frame.pop("_rate").to_numpy()
    early = rng.poisson(n * 0.22 * rate).astype(float)
    year = early + rng.poisson(n * 0.28 * rate)
    return frame.assign(
        repeaters_30=np.round(early * 0.3),
        repeaters_60=np.round(early * 0.6),
        repeaters_90=np.round(early * 0.85),
        repeaters_180=np.round(early * 1.2),
        repeat_orders_90=early,
        repeat_orders_365=year,
        costed_customers_365=n,
        contribution_365=(n + year) * 27.0,
        contribution_squares_365=(n + year) * 27.0**2 * 1.8,
    )
