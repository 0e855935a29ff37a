"""What a customer will still buy and be worth: BG/NBD and MBG/NBD for orders, Gamma-Gamma for their value.

Each customer is (x, t_x, T): repeat orders, time from the first to the last order, time from the first order to the end
of the data, all in one unit of time that the caller chooses. While alive, a customer orders at a rate λ ~ Gamma(r, α)
and leaves after an order with probability p ~ Beta(a, b). Under BG/NBD nobody leaves before the first repeat order;
under MBG/NBD a customer may leave after the first order. Values of orders are Gamma(p, ν) with ν ~ Gamma(q, γ).

References: Fader, Hardie, Lee 2005, Marketing Science 24(2), equations 6, 8 and 10; Batislam, Denizel, Filiztekin 2007;
Fader, Hardie 2013, The Gamma-Gamma Model of Monetary Value, equations 1a and 5.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import minimize
from scipy.special import betaincinv, expit, gammaln, hyp2f1, psi

from engines.panel import Array
from engines.results import EngineInputError, Unavailable

MIN_CUSTOMERS = 100  # fewer say next to nothing of four parameters
MIN_REPEATERS = 30  # below it the interval of the repeat rate is wider than the rate itself
CHUNK = 16_384  # rows whose columns fit the processor's cache together: four times as fast as all at once
LARGE = 32_768  # rows above which about that many of them find the start
DECREMENT = 1e-6  # what another Newton step could still add to the log-likelihood; above it nothing has converged
HEAVY_ORDERS, HEAVY_FACTOR = 50, 10  # a business account: this many repeat orders, and this often the 99th percentile

Kind = str  # "bg" or "mbg"
Objective = Callable[[Array], tuple[float, Array]]


@dataclass(frozen=True, eq=False, slots=True)
class Histories:
    """Customers by distinct history: `x`, `t_x`, `T`, how many share it, and the position of each customer's."""

    x: Array
    t_x: Array
    T: Array
    count: Array
    position: np.ndarray

    @property
    def customers(self) -> float:
        """How many customers there are."""
        return float(self.count.sum())


@dataclass(frozen=True, eq=False, slots=True)
class OrderModel:
    """A fitted BG/NBD ("bg") or MBG/NBD ("mbg"): parameters, `customers` and `repeaters` it rests on.

    `covariance` is that of (log r, log α, log a, log b). `log_likelihood` is without the prior.
    """

    kind: Kind
    r: float
    alpha: float
    a: float
    b: float
    customers: float = 0
    repeaters: float = 0
    log_likelihood: float = float("nan")
    covariance: Array = field(default_factory=lambda: np.zeros((4, 4)))

    @property
    def logs(self) -> Array:
        return np.log([self.r, self.alpha, self.a, self.b])


@dataclass(frozen=True, eq=False, slots=True)
class ValueModel:
    """A fitted Gamma-Gamma: parameters, the number of `customers` with repeat orders, covariance of the logarithms."""

    p: float
    q: float
    gamma: float
    customers: float = 0
    log_likelihood: float = float("nan")
    covariance: Array = field(default_factory=lambda: np.zeros((3, 3)))

    @property
    def mean(self) -> float:
        """The mean order value over all customers; q is above 1."""
        return self.p * self.gamma / (self.q - 1)

    @property
    def logs(self) -> Array:
        return np.log([self.p, self.q, self.gamma])


def histories(x: Array, t_x: Array, T: Array) -> Histories:  # noqa: N803
    """Customers in their distinct histories. Raises EngineInputError, naming the row, for one that cannot be."""
    x, t_x, T = (np.asarray(v, dtype=np.float64) for v in (x, t_x, T))
    wrong = ~((x >= 0) & (x == np.floor(x)) & (t_x >= 0) & (t_x <= T) & ((x == 0) == (t_x == 0)) & np.isfinite(T))
    if wrong.any():
        n = int(wrong.argmax())
        raise EngineInputError(f"customer {n}: {x[n]:g} repeat orders, the last at {t_x[n]:g} of {T[n]:g}")
    if not x.size:
        return Histories(x, t_x, T, x, np.zeros(0, dtype=np.int64))
    (xs, xi), (ts, ti), (ends, ei) = (_codes(v) for v in (x, t_x, T))
    key = (xi * ts.size + ti) * ends.size + ei
    keys, position, count = np.unique(key, return_inverse=True, return_counts=True)
    rest, last = np.divmod(keys, ends.size)
    first, middle = np.divmod(rest, ts.size)
    return Histories(xs[first], ts[middle], ends[last], count.astype(np.float64), position)


def _codes(values: Array) -> tuple[Array, np.ndarray]:
    """The sorted distinct values and each value's place among them; whole numbers without sorting."""
    top = values.max()
    if top > 10 * values.size + 1000 or not (values == np.floor(values)).all():
        found, codes = np.unique(values, return_inverse=True)
        return found, codes.astype(np.int64)
    whole = values.astype(np.int64)
    seen = np.zeros(int(top) + 1, dtype=bool)
    seen[whole] = True
    return np.flatnonzero(seen).astype(np.float64), (np.cumsum(seen) - 1)[whole]


def heavy_accounts(x: Array) -> np.ndarray:
    """Which customers order so often that they are businesses of another kind: they would bend r and α for all.

    At least HEAVY_ORDERS repeat orders and HEAVY_FACTOR times the 99th percentile of those who came again.
    """
    again = x[x > 0]
    usual = np.quantile(again, 0.99) if again.size else 0.0
    return np.asarray(x >= max(HEAVY_ORDERS, HEAVY_FACTOR * usual))


SMALL = 500  # repeaters; a weak prior keeps a smaller shop's fit from running away, a larger one needs none
PRIOR_SD = 2.0  # of the logarithms: a factor of 50 either way is within the 95 % of it
ORDER_PRIOR, VALUE_PRIOR = np.log([0.5, 1.0, 0.7, 2.0]), np.log([4.0, 3.0, 1.0])
_ON_ORDERS, _ON_VALUES = np.array([1.0, 0, 1, 1]), np.array([1.0, 1, 0])  # not on α and γ: they have units


def fit_orders(customers: Histories, kind: Kind = "bg") -> OrderModel | Unavailable:
    """The order model of greatest posterior density, or why there is none."""
    repeaters = float(customers.count[customers.x > 0].sum())
    for n, needed in ((customers.customers, MIN_CUSTOMERS), (repeaters, MIN_REPEATERS)):
        if n < needed:
            return Unavailable("too_few", n, needed)
    unit = float(customers.T.max())
    rows = (customers.x, customers.t_x / unit, customers.T / unit, customers.count)
    rate = float((rows[0] * rows[3]).sum() / (rows[2] * rows[3]).sum())
    start = ORDER_PRIOR + np.array([0, np.log(0.5 / rate), 0, 0])
    prior = _ON_ORDERS * (repeaters < SMALL)
    sample = slice(None, None, customers.x.size // LARGE + 1)
    found = _maximise(lambda part: _order_objective(kind, prior, *part), rows, sample, start)
    if found is None:
        return Unavailable("no_convergence")
    logs, covariance, top = found
    r, alpha, a, b = (float(v) for v in np.exp(logs))
    likelihood = top - _prior(logs, ORDER_PRIOR, prior)[0] - float((rows[0] * rows[3]).sum()) * np.log(unit)
    return OrderModel(kind, r, alpha * unit, a, b, customers.customers, repeaters, float(likelihood), covariance)


def _prior(logs: Array, centre: Array, on: Array) -> tuple[float, Array]:
    """Log density, up to a constant, and gradient of a normal prior on those of `logs` that are `on`."""
    z = (logs - centre) * on / PRIOR_SD
    return -0.5 * float(z @ z), -z / PRIOR_SD


def _order_objective(kind: Kind, prior_on: Array, x: Array, t_x: Array, T: Array, count: Array) -> Objective:  # noqa: N803
    """Log posterior (likelihood and prior) and its gradient in (log r, log α, log a, log b), in chunks.

    With k = x (BG) or x + 1 (MBG): ln Γ(r+x) − ln Γ(r) + r ln α − (r+x) ln(α+T) + ln B(a, b+k) − ln B(a, b)
    + ln(1 + e^ℓ), where ℓ = ln a − ln(b+k−1) + (r+x) ln((α+T) ÷ (α+t_x)) are the log-odds of having left.
    """
    xs, place = _codes(x)
    ks = (xs + (kind == "mbg")).astype(np.float64)
    total = np.bincount(place, weights=count).astype(np.float64)
    chunks = [slice(n, n + CHUNK) for n in range(0, x.size, CHUNK)]

    def objective(logs: Array) -> tuple[float, Array]:
        r, alpha, a, b = np.exp(logs)
        value, slopes = _by_repeats(r, alpha, a, b, xs, ks, total)
        lead = _lead(a, b, ks)
        for part in chunks:
            at, n = place[part], count[part]
            order = r + x[part]
            end, last = alpha + T[part], alpha + t_x[part]
            log_end = np.log(end)
            gap = log_end - np.log(last)
            odds = lead[at] + order * gap
            small = np.exp(-np.abs(odds))
            gone = n * np.where(odds > 0, 1.0, small) / (1 + small)
            value += float(n @ (np.maximum(odds, 0) + np.log1p(small) - order * log_end))
            slopes[0] += float(gone @ gap - n @ log_end)
            slopes[1] += float((gone * order) @ (1 / end - 1 / last) - (n * order) @ (1 / end))
            by_repeats = np.bincount(at, weights=gone, minlength=xs.size)
            slopes[2] += float(by_repeats.sum()) / a
            slopes[3] -= float((by_repeats / np.where(ks > 0, b + ks - 1, 1)).sum())
        prior, pull = _prior(logs, ORDER_PRIOR, prior_on)
        return value + prior, slopes * np.exp(logs) + pull

    return objective


def _by_repeats(r: float, alpha: float, a: float, b: float, xs: Array, ks: Array, n: Array) -> tuple[float, Array]:
    """What the number of repeat orders alone adds to the log-likelihood and its slopes in r, α, a, b."""
    beta = gammaln(b + ks) - gammaln(b) + gammaln(a + b) - gammaln(a + b + ks)
    value = n @ (gammaln(r + xs) - gammaln(r) + r * np.log(alpha) + beta)
    both = psi(a + b) - psi(a + b + ks)
    slopes = (psi(r + xs) - psi(r) + np.log(alpha), np.full(xs.size, r / alpha), both, psi(b + ks) - psi(b) + both)
    return float(value), np.array([float(n @ s) for s in slopes])


def _lead(a: float, b: float, k: Array) -> Array:
    """ln a − ln(b+k−1); minus infinity where k is 0, for nobody leaves before the first repeat order."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(k > 0, np.log(a) - np.log(b + k - 1), -np.inf)


def _maximise(
    objective: Callable[[tuple[Array, ...]], Objective],
    rows: tuple[Array, ...],
    sample: slice | np.ndarray,
    start: Array,
) -> tuple[Array, Array, float] | None:
    """(place, inverse of the curvature, height) of the top; None when the gradient is not gone there.

    L-BFGS climbs, on a `sample` of rows when there are many; Newton steps on all rows end the climb.
    """
    full = objective(rows)
    if rows[0].size > LARGE:
        found = _newton(full, _climb(objective(tuple(row[sample] for row in rows)), start))
        if found is not None:
            return found
    return _newton(full, _climb(full, start))


def _climb(objective: Objective, start: Array) -> Array:
    def down(logs: Array) -> tuple[float, Array]:
        value, slopes = objective(logs)
        return -value, -slopes

    found = minimize(down, start, jac=True, method="L-BFGS-B", bounds=[(-20, 20)] * start.size,
                     options={"maxiter": 500, "ftol": 1e-13, "gtol": 1e-7})  # fmt: skip
    return np.asarray(found.x)


def _newton(objective: Objective, logs: Array) -> tuple[Array, Array, float] | None:
    """Newton steps with one curvature, renewed when a step does not help; None where they do not settle."""
    value, slopes = objective(logs)
    for _renewal in range(4):
        inverse = _inverse_curvature(objective, logs, slopes)
        if inverse is None:
            return None
        for _step in range(6):
            move = inverse @ slopes
            if (left := float(slopes @ move)) < 2 * DECREMENT:
                return logs, inverse, value
            new_value, new_slopes = objective(logs + move)
            if not new_value > value - DECREMENT or float(new_slopes @ inverse @ new_slopes) > left / 4:
                break
            logs, value, slopes = logs + move, new_value, new_slopes
        else:
            continue
        if new_value > value:
            logs, value, slopes = logs + move, new_value, new_slopes
    return None


def _inverse_curvature(objective: Objective, logs: Array, slopes: Array) -> Array | None:
    """Minus the inverse Hessian, from differences of the gradient; None where the place is no top."""
    width = 1e-4
    bend = np.array([(slopes - objective(logs + width * unit)[1]) / width for unit in np.eye(logs.size)])
    bend = (bend + bend.T) / 2
    if not np.isfinite(bend).all() or np.linalg.eigvalsh(bend)[0] <= 0:
        return None
    return np.asarray(np.linalg.inv(bend))


def _gone_odds(model: OrderModel, x: Array, t_x: Array, T: Array) -> Array:  # noqa: N803
    """Log-odds of having left."""
    k = x + (model.kind == "mbg")
    return np.asarray(
        _lead(model.a, model.b, k) + (model.r + x) * np.log((model.alpha + T) / (model.alpha + t_x)), dtype=np.float64
    )


def alive(model: OrderModel, x: Array, t_x: Array, T: Array) -> Array:  # noqa: N803
    """P(alive) at the end of the data, per customer; 1 under "bg" for who has not come again."""
    return np.asarray(expit(-_gone_odds(model, np.asarray(x, float), np.asarray(t_x, float), np.asarray(T, float))))


def orders_if_alive(model: OrderModel, x: Array, T: Array, t: float) -> Array:  # noqa: N803
    """Orders expected in (T, T + t] of a customer who is alive at T.

    Equation 10 in the Euler form, C ÷ (a−1) × (1 − (1−z)^(a−1) ₂F₁(C−r−x, a−1; C; z)), C = a+b+k−1, z = t ÷ (α+T+t):
    the form of the paper overflows.
    """
    r, alpha, b = model.r, model.alpha, model.b
    a = np.where(np.abs(model.a - 1) < 1e-7, 1 + 1e-7, model.a)  # at 1 the limit has a logarithm for the power
    k = x + (model.kind == "mbg")
    C = a + b + k - 1
    z = t / (alpha + T + t)
    with np.errstate(over="ignore", invalid="ignore"):
        found = C / (a - 1) * (1 - (1 - z) ** (a - 1) * hyp2f1(C - r - x, a - 1, C, z))
    if (lost := ~np.isfinite(found)).any():
        columns = (np.broadcast_to(v, found.shape)[lost] for v in (r + x, a, b + k, t / (alpha + T)))
        found[lost] = _orders_by_quantiles(*columns)
    return np.asarray(found)


def _orders_by_quantiles(order: Array, a: Array, b: Array, times: Array) -> Array:
    """The same for parameters in the thousands: the mean of (1 − (1 + p t ÷ (α+T))^−(r+x)) ÷ p over quantiles of p."""
    share = (np.arange(400) + 0.5) / 400
    p = np.maximum(betaincinv(a, b, share[:, None]), 1e-12)
    return np.asarray((-np.expm1(-order * np.log1p(p * times)) / p).mean(axis=0))


def expected_orders(model: OrderModel, x: Array, t_x: Array, T: Array, t: float) -> Array:  # noqa: N803
    """Orders expected in (T, T + t], per customer."""
    x, t_x, T = (np.asarray(v, dtype=np.float64) for v in (x, t_x, T))
    return alive(model, x, t_x, T) * orders_if_alive(model, x, T, t)


def orders_of_new(model: OrderModel, t: float) -> float:
    """Repeat orders expected in the first t of a new customer."""
    zero = np.zeros(1)
    return float(expected_orders(model, zero, zero, zero, t)[0])


def fit_values(x: Array, mean_value: Array) -> ValueModel | Unavailable:
    """The Gamma-Gamma of greatest likelihood from repeat orders x and their mean value; or why there is none.

    Customers without repeat orders, and those whose mean value is unknown or not above 0, are left out.
    """
    x, mean_value = np.asarray(x, dtype=np.float64), np.asarray(mean_value, dtype=np.float64)
    keep = (x > 0) & (mean_value > 0)
    if (n := int(keep.sum())) < MIN_REPEATERS:
        return Unavailable("too_few", n, MIN_REPEATERS)
    x, m = x[keep], mean_value[keep]
    unit = float(np.median(m))
    m = m / unit
    if np.ptp(m) < 1e-9:
        return Unavailable("values_all_equal", n)
    prior = _ON_VALUES * (n < SMALL)
    found = _maximise(lambda part: _value_objective(prior, *part), (x, m), _some(m), np.log([4.0, 3.0, 2.0 / 4.0]))
    if found is None:
        return Unavailable("no_convergence")
    logs, covariance, top = found
    p, q, gamma = (float(v) for v in np.exp(logs))
    likelihood = top - _prior(logs, VALUE_PRIOR, prior)[0] - n * np.log(unit)
    if q <= 1:
        return Unavailable("values_too_spread", n)
    return ValueModel(p, q, gamma * unit, n, float(likelihood), covariance)


def _some(values: Array) -> np.ndarray:
    """Which rows to begin with, about LARGE of them: told by the bits of the value, whatever the order of rows."""
    mixed = values.view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return np.asarray(mixed >> np.uint64(32) < np.uint64(2**32 * min(LARGE / values.size, 1)))


def _value_objective(prior_on: Array, x: Array, m: Array) -> Objective:
    """Log posterior and its gradient in (log p, log q, log γ). Equation 1a, with x̄ sums in place of means."""
    xs, place = _codes(x)
    n = np.bincount(place).astype(np.float64)
    log_sums, log_means = float(np.log(m) @ x), float(np.log(m).sum())
    log_x = float((xs * np.log(xs)) @ n)
    chunks = [slice(i, i + CHUNK) for i in range(0, x.size, CHUNK)]

    def objective(logs: Array) -> tuple[float, Array]:
        p, q, gamma = np.exp(logs)
        spread = far = weighted = weighted_far = 0.0
        for part in chunks:
            sums = gamma + x[part] * m[part]
            log = np.log(sums)
            spread, weighted = spread + float(log.sum()), weighted + float(x[part] @ log)
            far, weighted_far = far + float((1 / sums).sum()), weighted_far + float(x[part] @ (1 / sums))
        value = n @ (gammaln(p * xs + q) - gammaln(p * xs) - gammaln(q)) + n.sum() * q * np.log(gamma)
        value += p * (log_sums + log_x) - log_means - p * weighted - q * spread
        joint = psi(p * xs + q)
        slopes = (
            (n * xs) @ (joint - psi(p * xs)) + log_sums + log_x - weighted,
            n @ (joint - psi(q)) + n.sum() * np.log(gamma) - spread,
            n.sum() * q / gamma - p * weighted_far - q * far,
        )
        prior, pull = _prior(logs, VALUE_PRIOR, prior_on)
        return float(value) + prior, np.array(slopes) * np.exp(logs) + pull

    return objective


def expected_value(model: ValueModel, x: Array, mean_value: Array) -> Array:
    """Mean value of a customer's orders to come, from x repeat orders of known mean; without any, the mean of all.

    Reference: Fader, Hardie 2013, equation 5.
    """
    x = np.where(np.asarray(mean_value) > 0, x, 0.0)
    spent = x * np.where(x > 0, mean_value, 0.0)
    return np.asarray(model.p * (model.gamma + spent) / (model.p * x + model.q - 1))
