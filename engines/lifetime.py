"""Lifetime value from the models of `engines.ltv`: at contribution margin, discounted, with intervals that hold.

The interval of what a new customer is worth follows from what the data leaves open about the parameters. The interval
of what given customers will do holds chance too: who is still there, how often each orders, when each leaves.
"""

from dataclasses import dataclass

import numpy as np

from engines.ltv import (
    Histories,
    Kind,
    OrderModel,
    ValueModel,
    alive,
    expected_orders,
    expected_value,
    fit_orders,
    histories,
    orders_if_alive,
)
from engines.panel import Array
from engines.results import Estimate, Result, Unavailable

PERIODS = 12  # the discounted sum has a term per month of a year
MONTH_DAYS = 30.4375  # a twelfth of a year
DISCOUNT = 0.10  # a year; what money that comes later is worth less
DRAWS = 4000  # of the parameters: the ends of a 95 % interval are then known to a twentieth of its half width
MIN_HISTORY = 0.5  # of the horizon; a forecast further ahead than twice what has been seen is a guess
SIMULATED = 8_000_000  # customers × draws of a forecast: some seconds
MIN_DRAWS, MAX_DRAWS = 40, 200
Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Margin:
    """Contribution ÷ net revenue, after refunds: `value`, its standard `error`, and the `customers` it rests on."""

    value: float
    error: float
    customers: float

    @property
    def estimate(self) -> Estimate:
        """With its interval."""
        half = Z95 * self.error
        return Estimate(self.value, self.value - half, self.value + half, self.customers, "rate")

    def of(self, value: Estimate) -> Estimate:
        """What is left of `value` (before margin); its interval is that of both, whose errors are independent."""
        own = Z95 * self.error * abs(value.value)
        low, high = (
            self.value * value.value + side * float(np.hypot(self.value * (end - value.value), own))
            for side, end in zip((-1, 1), self._ends(value), strict=True)
        )
        return Estimate(self.value * value.value, low, high, value.n, value.unit)

    def _ends(self, value: Estimate) -> tuple[float, float]:
        """The ends of `value` that lead to the lower and to the upper end of what is left."""
        low, high = float(value.low or 0.0), float(value.high or 0.0)
        return (low, high) if self.value >= 0 else (high, low)


MIN_COSTED = 30  # customers with known costs; the spread of fewer says little of the error of their margin


def margin(net: Array, costed_net: Array, contribution: Array, refunded: Array) -> Margin | Unavailable:
    """Σ contribution ÷ Σ net of orders with known costs, less Σ refunded ÷ Σ net of all; a customer each, NaN unknown.

    The error is that of two ratios over the customers, whose orders belong together: the standard deviation of each
    one's share in them. Reference: Cochran 1977, Sampling Techniques, 6.4.
    """
    n, k, c, r = (np.nan_to_num(v) for v in (net, costed_net, contribution, refunded))
    if not (k.sum() > 0 and n.sum() > 0):
        return Unavailable("no_cost_data")
    costed = float((k != 0).sum())
    if costed < MIN_COSTED:
        return Unavailable("too_few", costed, MIN_COSTED)
    earned, returned = float(c.sum() / k.sum()), float(r.sum() / n.sum())
    moved = (c - earned * k) / k.sum() - (r - returned * n) / n.sum()
    error = float(np.sqrt(moved.size / (moved.size - 1) * (moved**2).sum()))
    return Margin(earned - returned, error, costed)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What given customers will do in the time ahead: orders, and their net value before margin."""

    orders: Estimate
    value: Estimate


@dataclass(frozen=True, slots=True)
class HoldOut:
    """A forecast of the time that was kept back, and what came. `error` is forecast ÷ what came − 1."""

    forecast: Estimate
    actual: float

    @property
    def error(self) -> float | None:
        """None when nothing came."""
        return self.forecast.value / self.actual - 1 if self.actual else None

    @property
    def is_covered(self) -> bool:
        """Whether what came lies in the interval."""
        return bool(self.forecast.low <= self.actual <= self.forecast.high)  # type: ignore[operator]


@dataclass(frozen=True, eq=False, slots=True)
class Customers:
    """Customers of a forecast, a row each: history as in `engines.ltv`, `mean_value` of repeat orders, NaN without."""

    x: Array
    t_x: Array
    T: Array
    mean_value: Array


@dataclass(frozen=True, eq=False, slots=True)
class Scores:
    """Per customer: P(alive), and over the horizon ahead the expected orders, and their net value undiscounted."""

    alive: Array
    orders: Array
    value: Array


def lifetime_value(
    orders: OrderModel, values: ValueModel, margin: Margin, horizon: float, seen: float, discount: float = DISCOUNT
) -> Estimate | Unavailable:
    """What a new customer is worth over `horizon` (a year, in the unit of the model): margin × E[M] × (1 + Σ ...).

    `seen`: the age of the oldest customer. `discount`: of a year. The interval holds what the data leaves open about
    the parameters and about the margin.
    """
    if seen < MIN_HISTORY * horizon:
        return Unavailable("too_young", seen, MIN_HISTORY * horizon)
    point = margin.value * values.mean * (1 + float(discounted_orders_of_new(orders, horizon, discount)))
    rng = np.random.Generator(np.random.PCG64(1))
    order_draws, value_draws = draws(orders.logs, orders.covariance, rng), draws(values.logs, values.covariance, rng)
    p, q, gamma = value_draws
    if np.mean(q <= 1) > 0.02:
        return Unavailable("values_too_spread", values.customers)
    keep = q > 1
    mean = (p * gamma)[keep] / (q[keep] - 1)
    drawn = OrderModel(orders.kind, *(v[keep] for v in order_draws))
    left = rng.normal(margin.value, margin.error, mean.size)
    worth = left * mean * (1 + discounted_orders_of_new(drawn, horizon, discount))
    low, high = np.quantile(worth, [0.025, 0.975])
    return Estimate(point, float(low), float(high), orders.customers, "money")


def scores(orders: OrderModel, values: ValueModel, distinct: Histories, customers: Customers, horizon: float) -> Scores:
    """What each customer is expected to do over `horizon`; `distinct` are the customers' histories.

    Orders of who is alive depend on x and T alone: worked out once for each pair there is.
    """
    ends, place = np.unique(distinct.T, return_inverse=True)
    pair, at = np.unique(distinct.x * ends.size + place, return_inverse=True)
    x, end = np.divmod(pair, ends.size)
    going = orders_if_alive(orders, x, ends[end.astype(np.int64)], horizon)
    there = alive(orders, distinct.x, distinct.t_x, distinct.T)
    position = distinct.position
    made = (there * going[at])[position]
    return Scores(there[position], made, made * expected_value(values, customers.x, customers.mean_value))


def waits(orders: OrderModel, x: Array, T: Array, shares: Array) -> Array:  # noqa: N803
    """After how long each of `shares` (0-1) of customers with this history who are still there has ordered again.

    Returns shares × customers, in the model's unit; inf beyond what a float holds. The rate λ of who is there is
    Gamma(r + x, α + T), and nobody leaves before an order: P(wait > t) = ((α + T) ÷ (α + T + t))^(r + x).
    Reference: Fader, Hardie, Lee 2005, Marketing Science 24(2), appendix (λ given x and T of who is alive).
    """
    left = np.log1p(-np.asarray(shares, dtype=np.float64))[:, None]
    with np.errstate(over="ignore"):
        return np.asarray((orders.alpha + T) * np.expm1(-left / (orders.r + x)))


def draws(logs: Array, covariance: Array, rng: np.random.Generator, n: int = DRAWS) -> Array:
    """Draws of the parameters, one row per parameter: log-normal around the fit."""
    root = np.linalg.cholesky(covariance)
    return np.exp(logs[:, None] + root @ rng.standard_normal((logs.size, n)))


def discounted_orders_of_new(model: OrderModel, horizon: float, discount: float = DISCOUNT) -> Array:
    """Repeat orders of a new customer over `horizon`, each month's discounted to the first order."""
    zero = np.zeros_like(np.asarray(model.r, dtype=np.float64))
    return alive(model, zero, zero, zero) * discounted_orders_if_alive(model, zero, zero, horizon, discount)


def discounted_orders_if_alive(
    model: OrderModel,
    x: Array,
    T: Array,  # noqa: N803
    horizon: float,
    discount: float = DISCOUNT,
) -> Array:
    """Σ E[orders in month t] ÷ (1 + d)^t over the months of `horizon`, of customers who are alive at T."""
    total = before = np.zeros(np.shape(x))
    for month in range(1, PERIODS + 1):
        until = orders_if_alive(model, x, T, horizon * month / PERIODS)
        total = total + (until - before) / (1 + discount) ** (month / PERIODS)
        before = until
    return np.asarray(total)


def _drawn(kind: Kind, parameters: Array) -> OrderModel:
    r, alpha, a, b = (float(v) for v in parameters)
    return OrderModel(kind, r, alpha, a, b)


def forecast(
    orders: OrderModel,
    values: ValueModel,
    customers: Customers,
    horizon: float,
    seed: int = 1,
    simulated: int = SIMULATED,
) -> Forecast:
    """What these customers order and spend in (T, T + horizon], simulated under draws of the parameters.

    The middle is the expectation; the interval holds what the parameters leave open, and chance. `simulated`: customers
    × draws, which is what it takes time for; there are MIN_DRAWS at the least.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    n = _number_of_draws(simulated, customers)
    order_draws = draws(orders.logs, orders.covariance, rng, n)
    value_draws = draws(values.logs, values.covariance, rng, n)
    counts, sums = np.empty(n), np.empty(n)
    for i in range(n):
        made = simulate_orders(_drawn(orders.kind, order_draws[:, i]), customers, horizon, rng)
        counts[i], sums[i] = made.sum(), _spent(value_draws[:, i], customers, made, rng)
    size = float(customers.x.size)
    expected = expected_orders(orders, customers.x, customers.t_x, customers.T, horizon)
    worth = expected * expected_value(values, customers.x, customers.mean_value)
    return Forecast(
        Estimate(float(expected.sum()), *_central(counts), size, "count"),
        Estimate(float(worth.sum()), *_central(sums), size, "money"),
    )


def _number_of_draws(simulated: int, customers: Customers) -> int:
    return int(np.clip(simulated // max(customers.x.size, 1), MIN_DRAWS, MAX_DRAWS))


def simulate_orders(model: OrderModel, customers: Customers, t: float, rng: np.random.Generator) -> Array:
    """Orders in (T, T + t] of each customer, by chance: none of who has left, else until the time or the leaving."""
    x, T = customers.x, customers.T
    there = np.flatnonzero(rng.random(x.size) < alive(model, x, customers.t_x, T))
    rate = rng.gamma(model.r + x[there]) / (model.alpha + T[there])
    leaves = rng.beta(model.a, model.b + x[there] + (model.kind == "mbg"))
    made = np.zeros(x.size)
    made[there] = np.minimum(rng.poisson(rate * t), rng.geometric(np.maximum(leaves, 1e-12)))
    return made


def _spent(parameters: Array, customers: Customers, made: Array, rng: np.random.Generator) -> float:
    """The value of the orders that each customer `made`, by chance."""
    p, q, gamma = parameters
    came = made > 0
    x, mean = customers.x[came], customers.mean_value[came]
    known = np.where(mean > 0, x, 0.0)
    past = known * np.where(known > 0, mean, 0.0)
    scale = (gamma + past) / rng.gamma(q + p * known)
    return float((rng.gamma(p * made[came]) * scale).sum())


def _central(drawn: Array) -> tuple[float, float]:
    """The 95 % interval of drawn totals by their spread, as log-normal: tails of so few draws would say less."""
    if not (drawn > 0).all():
        low, high = np.quantile(drawn, [0.025, 0.975])
        return float(low), float(high)
    logs = np.log(drawn)
    centre, half = float(logs.mean()), Z95 * float(logs.std(ddof=1))
    return float(np.exp(centre - half)), float(np.exp(centre + half))


def hold_out(
    first: Customers, later: Array, span: float, kind: Kind = "bg", simulated: int = SIMULATED
) -> HoldOut | Unavailable:
    """How well the order model of the `first` part of time foresaw the rest: `later` orders of each in `span`."""
    model = fit_orders(histories(first.x, first.t_x, first.T), kind)
    if isinstance(model, Unavailable):
        return model
    rng = np.random.Generator(np.random.PCG64(1))
    n = _number_of_draws(simulated, first)
    counts = np.array([
        simulate_orders(_drawn(kind, drawn), first, span, rng).sum()
        for drawn in draws(model.logs, model.covariance, rng, n).T
    ])  # fmt: skip
    total = float(expected_orders(model, first.x, first.t_x, first.T, span).sum())
    return HoldOut(Estimate(total, *_central(counts), float(first.x.size), "count"), float(later.sum()))


@dataclass(frozen=True, eq=False, slots=True)
class Observed:
    """What a customer has brought so far, by age in months.

    `total[a]`: contribution per acquired customer up to the end of month of age a, `error[a]` its standard error (NaN
    not known). `customers[a]`: how many were old enough for that month; ages with fewer than MIN_OBSERVED are left out.
    """

    total: Array
    customers: Array
    error: Array

    def at(self, age: int) -> Estimate:
        """The total at an age with its interval; none where the error is not known."""
        value, half = float(self.total[age]), Z95 * float(self.error[age])
        low, high = (None, None) if np.isnan(half) else (value - half, value + half)
        return Estimate(value, low, high, float(self.customers[age]), "money_per")

    def payback(self, cost: float) -> int | None:
        """The first month (1: the month after the first order) whose end finds `cost` earned back; None: not yet."""
        return _first(self.total >= cost)

    def payback_range(self, cost: float, cost_error: float) -> tuple[int | None, int | None]:
        """The first months in which the totals with 1.96 of the joint error added, and taken off, reach `cost`.

        `cost_error`: the standard error of the cost. The second is None where that is not so yet; both are where the
        error is not known.
        """
        half = Z95 * np.hypot(self.error, cost_error)
        return _first(self.total + half >= cost), _first(self.total - half >= cost)


def _first(reached: np.ndarray) -> int | None:
    found = np.flatnonzero(reached)
    return int(found[0]) + 1 if found.size else None


MIN_OBSERVED = 30  # customers of an age; below it a single large order moves the mean


def observed(
    cohort: Array, age: Array, active: Array, contribution: Array, squares: Array, as_of: np.datetime64
) -> Observed:
    """The curve from rows of contribution by cohort (first day of its month) and age in months, as of a day.

    An age counts for a cohort when it is over for the youngest of its customers; each month's mean is over the cohorts
    that are that old, and the means add up, so that young cohorts bring their first months in. `squares`: by how much
    the age raised the sum of the squares of what each customer has brought up to it; NaN not known.
    """
    month = cohort.astype("datetime64[M]")
    born = (month + 1).astype("datetime64[D]") - 1
    over = np.floor((as_of.astype("datetime64[D]") - born).astype(float) / MONTH_DAYS).astype(int)  # ages that are over
    keep = (age < over) & (age >= 0)
    ages = int(age[keep].max()) + 1 if keep.any() else 0
    earned = np.bincount(age[keep].astype(int), weights=contribution[keep], minlength=ages)
    newest = np.clip(over[age == 0], 0, ages)
    sizes = np.array([active[age == 0][newest > a].sum() for a in range(ages)])
    enough = int(np.cumprod(sizes >= MIN_OBSERVED).sum())
    error = [_error_at(a, age, over, contribution, squares, sizes[a]) for a in range(enough)]
    return Observed(np.cumsum(earned[:enough] / sizes[:enough]), sizes[:enough], np.array(error, dtype=np.float64))


def _error_at(at: int, age: Array, over: Array, contribution: Array, squares: Array, size: float) -> float:
    """The error of the mean of those who are that old; the younger, who are in it too, can only make it smaller."""
    of_them = (age >= 0) & (age <= at) & (over > at)
    total, square = float(contribution[of_them].sum()), float(squares[of_them].sum())
    return (
        float(np.sqrt(max(0.0, square - total * total / size) / (size - 1) / size)) if not np.isnan(square) else np.nan
    )


def against_cost(value: Result, cac: Result) -> Result:
    """LTV ÷ CAC; its interval is that of both. There is none where nothing was spent.

    Errors add as squares: that of the LTV, and the Poisson error of the new customers that the CAC rests on (its `n`).
    """
    if isinstance(value, Unavailable) or isinstance(cac, Unavailable):
        return cac if isinstance(cac, Unavailable) else value
    if cac.n < MIN_OBSERVED:
        return Unavailable("too_few", cac.n, MIN_OBSERVED)
    if cac.value <= 0:
        return Unavailable("nothing_spent")
    ratio, width = value.value / cac.value, (value.high - value.low) / 2 / cac.value  # type: ignore[operator]
    half = float(np.hypot(width, Z95 * ratio / np.sqrt(cac.n)))
    return Estimate(ratio, ratio - half, ratio + half, cac.n, "ratio")
