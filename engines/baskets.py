"""What orders hold: products bought together, the spread of their values, what a free-shipping threshold would do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import exp, floor, log, log10, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

from engines.intervals import Z95
from engines.rates import rate
from engines.results import Estimate, Result, Unavailable

MIN_TOGETHER = 10  # orders with both; below it a lift of 2 cannot be told from 1
MIN_BASKETS = 100  # orders; below it hardly any pair reaches MIN_TOGETHER
MAX_ITEMS = 50  # different products of one order that are paired; a wholesale list says nothing of taste
FALSE_SHARE = 0.05  # of the pairs shown, how many may be chance (Benjamini-Hochberg)
MIN_ORDERS = 30  # below it the 95 % interval of a share is wider than 33 points
BINS = 400  # of the histogram up to the 99th percentile
NEAR = 0.2  # "just below" a threshold: within this share of it


@dataclass(frozen=True, slots=True)
class Pair:
    """Two products that orders hold together more often than chance explains.

    Of `n` orders `together` hold both. `to_second`: of the orders with the first, the share that hold the second
    (`to_first` the other way round). `lift` = n × together ÷ (orders with first × orders with second).
    """

    first: str
    second: str
    together: float
    with_first: float
    with_second: float
    n: float
    support: float
    to_second: Result
    to_first: Result
    lift: Estimate
    p_value: float


def pairs(baskets: Sequence[tuple[Sequence[str], float]], most: int = 50) -> tuple[Pair, ...] | Unavailable:
    """Pairs of products by lift's lower limit, the surest first, from (different products, number of such orders).

    Kept are pairs in at least MIN_TOGETHER orders whose one-sided Fisher test stands after Benjamini-Hochberg. The
    tests counted are of all pairs that their products' own orders would let reach MIN_TOGETHER, found there or not:
    counting only those that did would forget the choice made by looking.
    """
    n = float(sum(count for _items, count in baskets))
    if n < MIN_BASKETS:
        return Unavailable("too_few", n, MIN_BASKETS)
    names = sorted({item for items, _count in baskets for item in items})
    number = {name: at for at, name in enumerate(names)}
    coded = [(np.array(sorted({number[i] for i in items}), dtype=np.int64), count) for items, count in baskets]
    single = np.zeros(len(names))
    for items, count in coded:
        single[items] += count
    firsts, seconds, together = _count_pairs(coded, len(names))
    keep = together >= MIN_TOGETHER
    firsts, seconds, together = firsts[keep], seconds[keep], together[keep]
    p = np.asarray(hypergeom.sf(together - 1, n, single[firsts], single[seconds]), dtype=np.float64)
    common = int((single >= MIN_TOGETHER).sum())
    real = stands(p, common * (common - 1) // 2)
    found = [
        _pair(names[a], names[b], ab, single[a], single[b], n, pv)
        for a, b, ab, pv in zip(firsts[real], seconds[real], together[real], p[real], strict=True)
    ]
    return tuple(sorted(found, key=lambda f: (-(f.lift.low or 0), f.first, f.second))[:most])


def _count_pairs(
    coded: Sequence[tuple[NDArray[np.int64], float]], size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """How many orders hold each pair, baskets of one length at a time."""
    by_length: dict[int, list[tuple[NDArray[np.int64], float]]] = {}
    for items, count in coded:
        if 2 <= len(items) <= MAX_ITEMS:
            by_length.setdefault(len(items), []).append((items, count))
    keys, weights = [np.empty(0, dtype=np.int64)], [np.empty(0)]
    for length, group in by_length.items():
        table = np.stack([items for items, _count in group])
        counts = np.array([count for _items, count in group], dtype=np.float64)
        for i, j in combinations(range(length), 2):
            keys.append(table[:, i] * size + table[:, j])
            weights.append(counts)
    found, place = np.unique(np.concatenate(keys), return_inverse=True)
    together = np.bincount(place, weights=np.concatenate(weights), minlength=len(found))
    return found // max(size, 1), found % max(size, 1), together.astype(np.float64)


def stands(p: NDArray[np.float64], tests: int, level: float = FALSE_SHARE) -> NDArray[np.bool_]:
    """Which of `p` stand at the false discovery rate `level`; of all `tests` those left out of `p` do not.

    Reference: Benjamini & Hochberg 1995, JRSS B 57:289, (1).
    """
    order = np.argsort(p)
    passed = np.flatnonzero(p[order] <= level * np.arange(1, len(p) + 1) / max(tests, 1))
    found = np.zeros(len(p), dtype=bool)
    if passed.size:
        found[order[: passed[-1] + 1]] = True
    return found


def _pair(first: str, second: str, ab: float, a: float, b: float, n: float, p: float) -> Pair:
    return Pair(
        first, second, float(ab), float(a), float(b), n, float(ab / n),
        rate(float(ab), float(a)), rate(float(ab), float(b)), lift(float(ab), float(a), float(b), n), float(p),
    )  # fmt: skip


def lift(together: float, first: float, second: float, n: float) -> Estimate:
    """n × together ÷ (first × second) with its log-normal interval, by the delta method over the four cells.

    All counts above 0. Var(ln lift) = (1 ÷ p₁₁ − 1 ÷ pₐ − 1 ÷ p_b + 2 p₁₁ ÷ (pₐ p_b) − 1) ÷ n.
    """
    p11, pa, pb = together / n, first / n, second / n
    value = p11 / (pa * pb)
    spread = Z95 * sqrt(max(0.0, (1 / p11 - 1 / pa - 1 / pb + 2 * p11 / (pa * pb) - 1) / n))
    return Estimate(value, value * exp(-spread), value * exp(spread), together, "ratio")


# --- order values -----------------------------------------------------------------------------------------------------
def share(hits: float, trials: float, needed: int = MIN_ORDERS) -> Result:
    """A share of orders; not available below `needed` of them."""
    return rate(hits, trials, needed)


def bin_width(upper: float) -> float:
    """A round width (1, 2, 2.5 or 5 times a power of ten) that takes about BINS bins to reach `upper` (above 0).

    Round widths, so that thresholds people choose lie on the edge of a bin.
    """
    rough = upper / BINS
    power = 10.0 ** floor(log10(rough))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= rough * (1 - 1e-9))


@dataclass(frozen=True)
class Histogram:
    """Orders by value: bin k holds values from k × width up to (k + 1) × width, the last all that is higher.

    `counts`, `sums` (of the values) and `shipping` (charged to the customers) per bin, from bin 0 on; one currency.
    """

    width: float
    counts: tuple[float, ...]
    sums: tuple[float, ...]
    shipping: tuple[float, ...]

    @classmethod
    def of(cls, width: float, bins: Mapping[int, tuple[float, float, float]], last: int = 2 * BINS) -> "Histogram":
        """The histogram of bin -> (orders, sum of values, sum of shipping); values below zero count as bin 0."""
        size = min(max(bins, default=0), last) + 1
        table = np.zeros((3, size))
        for number, row in bins.items():
            table[:, min(max(number, 0), size - 1)] += row
        return cls(width, *(tuple(map(float, row)) for row in table))

    @property
    def orders(self) -> float:
        """How many orders there are."""
        return sum(self.counts)

    def below(self, value: float, of: str = "counts") -> float:
        """The total of `of` (counts, sums, shipping) in orders below `value`, spread evenly over the bin it cuts."""
        cells: tuple[float, ...] = getattr(self, of)
        whole = floor(value / self.width + 1e-9)
        if whole >= len(cells):
            return sum(cells)
        return sum(cells[:whole]) + cells[whole] * min(max(value / self.width - whole, 0.0), 1.0)

    def quantile(self, part: float) -> float:
        """The value below which the share `part` of the orders lies."""
        wanted, passed = part * self.orders, 0.0
        for number, count in enumerate(self.counts):
            if count and passed + count >= wanted:
                return self.width * (number + (wanted - passed) / count)
            passed += count
        return self.width * len(self.counts)


@dataclass(frozen=True, slots=True)
class Threshold:
    """A free-shipping threshold against what orders are worth today.

    `reached`: share of orders at or above it; `near`: share within NEAR below it; `missing`: what these lack on
    average. If the share `moved` of those near raised their order to it: `gain` = moved × Σ (threshold − value).
    `shipping`: what orders at or above it pay for shipping today, and would not any more, with the same share of
    what those near it pay.
    """

    value: float
    reached: Result
    near: Result
    missing: float
    moved: float
    gain: float
    shipping: float


def threshold(values: Histogram, value: float, moved: float) -> Threshold:
    """What a threshold of `value` (above 0) would do, `moved` (0-1) being an assumption, not a finding."""
    total = values.orders
    lower = value * (1 - NEAR)
    near = values.below(value) - values.below(lower)
    worth = values.below(value, "sums") - values.below(lower, "sums")
    lacking = max(near * value - worth, 0.0)
    paid = values.below(value, "shipping")
    return Threshold(
        value,
        share(total - values.below(value), total),
        share(near, total),
        lacking / near if near else 0.0,
        moved,
        moved * lacking,
        sum(values.shipping) - paid + moved * (paid - values.below(lower, "shipping")),
    )


def effect(found: Threshold, margin: float) -> float:
    """What a threshold would earn: gain × contribution margin (0-1) − shipping; in the threshold's currency."""
    return found.gain * margin - found.shipping


def candidates(values: Histogram) -> tuple[float, ...]:
    """Round thresholds around the middle of the orders: from the 40th to the 85th percentile, five at most."""
    if not values.orders:
        return ()
    low, high = values.quantile(0.4), values.quantile(0.85)
    if high <= 0:
        return ()
    step = _round_step((high - low) / 4 or values.width)
    first = floor(low / step + 1)
    return tuple(round(step * k, 10) for k in range(first, first + 5) if step * k <= high + step / 2)


def _round_step(rough: float) -> float:
    power = 10.0 ** floor(log(rough, 10))
    return min((s * power for s in (1, 2, 2.5, 5, 10)), key=lambda s: abs(log(s / rough)))
