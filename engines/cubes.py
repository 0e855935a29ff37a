"""Each driver's ratio by week and cell: the finest slices of a business that its facts tell, market always among them.

Sums over any set of cells are ratios of sums; `Cube.index` compares them with what the cells' usual rates would make of
the same volumes, so that a shift of the mix between markets, channels and devices is no change of a rate.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from engines import durations, kernel
from engines.business import REFERRAL, Business, paid_only, referral_mask
from engines.conversion import STAGES
from engines.drivers import Driver, with_reached
from engines.panel import WEEK, Array

PRIOR_EVENTS = 5.0  # of a cell's usual rate, at the rate of all cells: a cell without events has no rate of its own
REFUND_LAG = (1, 4)  # weeks before a refund in which its order was most likely placed
REFERRAL_LAG = (1, 9)  # and weeks before a friend's first order in which a customer recommended
LEAST_KEPT = 0.01  # refunds above the week's revenue keep next to nothing; a logarithm needs more than zero
SETTLING = 16  # first weeks of a business's data, whose orders have no past yet
START_WEEKS = 36.0  # in which a third of what the data's start left is still there
REFUND_SPREAD = 2.0  # mean of a refund's square over the square of its mean: amounts are about exponential


@dataclass(frozen=True)
class Cube:
    """A driver's measures as W × C arrays over weeks and cells; both are 0 in a cell's unknown weeks.

    `cells`: C rows of codes, a column per dimension. `variance`: of `upper`, from sampling alone. `events`: how many
    single happenings `upper` rests on.
    """

    cells: pd.DataFrame
    upper: Array
    lower: Array
    variance: Array
    events: Array

    @property
    def rates(self) -> Array:
        """The usual rate of each cell over all weeks, length C."""
        upper, lower = self.upper.sum(axis=0), self.lower.sum(axis=0)
        total = upper.sum() / max(lower.sum(), 1e-300)
        weight = PRIOR_EVENTS * lower.sum() / max(self.events.sum(), 1e-300)  # what so many events have below the line
        return np.asarray((upper + weight * total) / np.maximum(lower + weight, 1e-300))

    def lowered(self, factor: Array) -> "Cube":
        """The cube with `lower` times `factor` (W × C): what is expected of the cells when something else failed."""
        return replace(self, lower=self.lower * factor)


# --- the cubes of a business ------------------------------------------------------------------------------------------
class Cubes:
    """Makes the cubes of a business over `weeks`; the long frames are cut and coded once."""

    def __init__(self, business: Business, weeks: np.ndarray) -> None:
        self.business, self.weeks = business, weeks
        journey = business.conversion
        self.referral = referral_mask(business).to_numpy()
        self.orders = _Coded(journey, ("market", "channel", "device"), weeks)
        self.stages = _Coded(with_reached(journey.loc[~self.referral]), ("market", "channel", "device"), weeks)

    @cached_property
    def referral_code(self) -> str:
        """The channel that friends come through; '' when there is none."""
        return next((code for code, kind in self.business.channel_kinds.items() if kind == REFERRAL), "")

    @cached_property
    def returns(self) -> Cube:
        """Repeat orders by cell."""
        every, first = self.orders.both("orders", "first_orders")
        again = np.maximum(every - first, 0.0)
        return Cube(self.orders.cells, again, again, again, again)

    @cached_property
    def friends(self) -> Cube | None:
        """First orders by referral, by market and device: who is sent by a friend comes through one channel."""
        if not self.referral.any():
            return None
        coded = _Coded(self.business.conversion.loc[self.referral], ("market", "device"), self.weeks)
        first = np.nan_to_num(coded.sums("first_orders"))
        return Cube(coded.cells, first, first, first, first)

    def cube(self, driver: Driver) -> Cube | None:
        """The driver's cube; None where the business does not tell it."""
        makers = {
            "sessions_per_spend": self._per_spend,
            "first_aov": lambda: self._means("net_base", "priced_orders", "net_squares"),
            "repeat_aov": self._repeat_aov,
            "repeat_orders": self._repeats,
            "kept_share": self._kept,
            "referral": self._referrals,
            "on_time_share": self._on_time,
            "first_reply": self._replies,
        }
        made = makers[driver.key]() if driver.key in makers else self._rate(self.stages, driver.upper, driver.lower)
        return made if made is not None and made.upper.sum() > 0 else None

    def outcome(self, driver: Driver) -> Cube | None:
        """What the first orders of each cell are worth, in which a loss of the journey and of traffic is counted; None
        for other drivers."""
        if driver.key == "sessions_per_spend":
            coded = _Coded(self._paid(), ("market", "channel"), self.weeks)
        elif driver.upper in STAGES:
            coded = self.stages
        else:
            return None
        first = np.nan_to_num(coded.sums("first_orders"))
        orders, earned = (np.nan_to_num(coded.sums(m)).sum(axis=0) for m in ("costed_orders", "contribution_base"))
        worth = np.where(orders > 0, np.maximum(earned, 0.0) / np.maximum(orders, 1.0), 0.0)
        return Cube(coded.cells, first * worth, first, first, first)

    def _rate(self, coded: "_Coded", upper: str, lower: str) -> Cube | None:
        hits, trials = coded.both(upper, lower)
        total = trials.sum(axis=0)
        usual = np.clip((hits.sum(axis=0) + 0.5) / (total + 1), 0.0, 1.0)  # few trials may all succeed and yet vary
        return Cube(coded.cells, hits, trials, trials * usual * (1 - usual), hits)

    def _means(self, total: str, count: str, squares: str) -> Cube | None:
        amount, n = self.orders.both(total, count)
        square = self.orders.sums(squares)
        return Cube(self.orders.cells, amount, n, _sum_variance(amount, n, np.nan_to_num(square)), n)

    def _repeat_aov(self) -> Cube | None:
        o = self.orders
        amount, n = o.both("net_base", "priced_orders")
        first, firsts = o.both("first_net_base", "first_priced_orders")
        squares = np.nan_to_num(o.sums("net_squares")) - np.nan_to_num(o.sums("first_net_squares"))
        amount, n = amount - first, n - firsts
        return Cube(o.cells, amount, n, _sum_variance(amount, n, squares), n)

    def _per_spend(self) -> Cube | None:
        both = _side_by_side(self._paid(), self.business.market, "sessions", "cost_base")
        return self._count(_Coded(both, ("market", "channel"), self.weeks), "sessions", "cost_base")

    def _paid(self) -> pd.DataFrame:
        """The journey of the channels that spend, without referral."""
        paid = paid_only(self.business)
        return paid.loc[~referral_mask(self.business).reindex(paid.index)]

    def _count(self, coded: "_Coded", upper: str, lower: str) -> Cube | None:
        hits, below = coded.both(upper, lower, by_cell=True)
        return Cube(coded.cells, hits, below, hits, hits)

    def _repeats(self) -> Cube | None:
        """Repeat orders against those that the customers of before would place at their usual pace."""
        shape = kernel.of(self.business, self.weeks)
        if shape is None:
            return None
        o = self.orders
        all_orders, firsts = o.both("orders", "first_orders")
        begun = _begun(all_orders)
        expected = kernel.expected(_by_market(o.cells, np.nan_to_num(firsts)), shape)
        known = o.known("orders") & o.known("first_orders")
        repeats = np.maximum(all_orders - firsts, 0) * known
        at, total = _market_at(o.cells), repeats.sum(axis=0)
        share = total / np.maximum(np.bincount(at, weights=total)[at], 1e-300)  # of a market's repeat orders, by cell
        lower = expected[:, at] * share * known * begun
        repeats = np.where(lower > 0, repeats, 0.0)
        return Cube(o.cells, repeats, lower, repeats, repeats)

    def _kept(self) -> Cube | None:
        """Revenue less refunds, against the revenue that refunds of the week mostly belong to."""
        frame = self.business.aftersales
        journey = self.business.conversion
        both = _side_by_side(frame, journey, "refund_base", "net_base")
        coded = _Coded(both, ("market", "channel"), self.weeks)
        known = coded.known("refund_base") & coded.known("net_base")
        base = _lagged(np.nan_to_num(coded.sums("net_base")), *REFUND_LAG) * known
        refunds = np.nan_to_num(coded.sums("refund_base")) * (base > 0)
        counted = float(frame["refunds"].sum())
        size = refunds.sum() / counted if counted > 0 else 0.0
        kept = np.maximum(base - refunds, LEAST_KEPT * base)
        return Cube(coded.cells, kept, base, refunds * size * REFUND_SPREAD, refunds / max(size, 1e-300))

    def _referrals(self) -> Cube | None:
        """First orders by referral against the orders of the weeks before, whose customers could recommend."""
        journey = self.business.conversion
        if not self.referral.any():
            return None
        frame = journey.assign(_referred=journey["first_orders"].where(self.referral, 0.0))
        coded = _Coded(frame, ("market",), self.weeks)
        known = coded.known("orders")
        told = np.nan_to_num(coded.sums("orders"))
        orders = _lagged(told, *REFERRAL_LAG) * known * _begun(told)
        came = np.nan_to_num(coded.sums("_referred")) * (orders > 0)
        return Cube(coded.cells, came, orders, came, came)

    def _on_time(self) -> Cube | None:
        frame = self.business.aftersales
        dims = [d for d in ("market", "channel", "carrier") if d in frame]
        told = frame.assign(_kept=frame["promised_deliveries"] - frame["late_by_date"])
        return self._rate(_Coded(told, tuple(dims), self.weeks), "_kept", "promised_deliveries")

    def _replies(self) -> Cube | None:
        frame = self.business.durations
        frame = frame.loc[frame["what"] == "reply"]
        if frame.empty:
            return None
        at, buckets, counts = durations.unpack(frame["counts"].tolist())
        inside = np.where(buckets < self.business.agreed_reply_minutes, counts, 0)
        total = np.bincount(at, weights=counts, minlength=len(frame))
        within = np.bincount(at, weights=inside, minlength=len(frame))
        told = frame.assign(_within=within, _replies=total)
        return self._rate(_Coded(told, ("market",), self.weeks), "_within", "_replies")


def _sum_variance(amount: Array, n: Array, squares: Array) -> Array:
    """The variance of a sum of n amounts about their mean: pooled over weeks, for few orders tell little of it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.maximum(squares.sum() - amount.sum() ** 2 / n.sum(), 0) / n.sum() if n.sum() > 0 else 0.0
    return n * spread


def _lagged(values: Array, nearest: int, farthest: int) -> Array:
    """The mean of the weeks `nearest` to `farthest` before each; 0 where they are not all there."""
    total = np.zeros_like(values)
    for lag in range(nearest, farthest + 1):
        total[farthest:] += values[farthest - lag : len(values) - lag]
    return total / (farthest - nearest + 1)


def _begun(orders: Array) -> Array:
    """W × 1: 1 in weeks with SETTLING weeks of orders before them."""
    first = int(np.argmax(orders.sum(axis=1) > 0))
    return (np.arange(len(orders))[:, None] >= first + SETTLING).astype(np.float64)


def _side_by_side(left: pd.DataFrame, right: pd.DataFrame, upper: str, lower: str) -> pd.DataFrame:
    """Two frames' measures per week, market and channel; NaN where one of them does not know the slice."""
    keys = ["week", "market", "channel"]
    one, other = (
        pd.DataFrame(f[[*keys, m]].groupby(keys, as_index=False)[m].sum(min_count=1))
        for f, m in ((left, upper), (right, lower))
    )
    return one.merge(other, on=keys, how="inner")


def _market_at(cells: pd.DataFrame) -> np.ndarray:
    return pd.factorize(cells["market"], sort=True)[0]


def _by_market(cells: pd.DataFrame, values: Array) -> Array:
    """W × C sums as W × markets (sorted)."""
    at = _market_at(cells)
    return np.asarray(values @ (at[:, None] == np.arange(at.max(initial=-1) + 1)).astype(np.float64))


def _places(keys: pd.DataFrame) -> tuple[np.ndarray, pd.DataFrame]:
    """The place of each row among the sorted cells, and these."""
    joint = np.zeros(len(keys), dtype=np.int64)
    for name in keys:
        codes, names = pd.factorize(keys[name], sort=True)
        joint = joint * max(len(names), 1) + codes
    cells, at = np.unique(joint, return_index=True)
    return np.searchsorted(cells, joint), keys.iloc[at].reset_index(drop=True)


class _Coded:
    """A long frame with each row's place in a W × C array."""

    def __init__(self, frame: pd.DataFrame, dims: Sequence[str], weeks: np.ndarray) -> None:
        day = ((frame["week"].to_numpy().astype("datetime64[D]") - weeks[0]) / WEEK).astype(np.int64)
        inside = (day >= 0) & (day < len(weeks))
        frame, day = frame.loc[inside], day[inside]
        codes, self.cells = _places(frame[[d for d in dims if d in frame]].astype(str))
        self.frame, self.shape = frame, (len(weeks), len(self.cells))
        self.at = day * len(self.cells) + codes
        self.markets = _market_at(self.cells) if "market" in self.cells else np.zeros(len(self.cells), dtype=int)
        self._kept: dict[str, Array] = {}

    def sums(self, measure: str) -> Array:
        """The measure as W × C; NaN where no row tells it."""
        if measure not in self._kept:
            values = (
                self.frame[measure].to_numpy(dtype=np.float64)
                if measure in self.frame
                else np.full(len(self.at), np.nan)
            )
            known, size = ~np.isnan(values), self.shape[0] * self.shape[1]
            total = np.bincount(self.at[known], weights=values[known], minlength=size)
            count = np.bincount(self.at[known], minlength=size)
            self._kept[measure] = np.where(count > 0, total, np.nan).reshape(self.shape)
        return self._kept[measure]

    def known(self, measure: str) -> np.ndarray:
        """W × C: whether anything in the cell's market tells the measure in that week."""
        told = ~np.isnan(self.sums(measure))
        markets = self.markets.max(initial=-1) + 1
        by_market = np.zeros((self.shape[0], markets), dtype=bool)
        for m in range(markets):
            by_market[:, m] = told[:, self.markets == m].any(axis=1)
        return by_market[:, self.markets]

    def both(self, upper: str, lower: str, by_cell: bool = False) -> tuple[Array, Array]:
        """Two measures, 0 in weeks in which their market (or the very cell) does not tell both."""
        if by_cell:
            known = ~np.isnan(self.sums(upper)) & ~np.isnan(self.sums(lower))
        else:
            known = self.known(upper) & self.known(lower)
        return np.nan_to_num(self.sums(upper)) * known, np.nan_to_num(self.sums(lower)) * known


def covariates(business: Business, weeks: np.ndarray) -> dict[str, Array]:
    """What moves drivers without being anybody's weakness, per week: the share of discounts, the spend (logarithm), and
    what fades after the data's `start`: customers of before are not known as such."""
    coded = _Coded(business.conversion.assign(market="all"), ("market",), weeks)
    discount, gross = (np.nan_to_num(coded.sums(m))[:, 0] for m in ("discount_base", "discount_gross_base"))
    found = {"discount": np.where(gross > 0, discount / np.maximum(gross, 1e-300), 0.0)}
    found["start"] = np.exp(-np.arange(len(weeks)) / START_WEEKS)
    spend = _Coded(business.market.assign(market="all"), ("market",), weeks).sums("cost_base")[:, 0]
    told = np.flatnonzero(np.nan_to_num(spend) > 0.2 * np.nanmedian(np.nan_to_num(spend)))
    if len(told) > 1:
        found["spend"] = np.interp(np.arange(len(weeks)), told, np.log(spend[told]))
    return found
