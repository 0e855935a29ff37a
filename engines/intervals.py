"""Intervals of single values or of arrays of them: Wilson, normal, log-normal, Poisson score, multinomial."""

from typing import Any, TypeVar

import numpy as np

Z95 = 1.959963984540054
MOST_EFFECTIVE = 1e12  # facts that a share without any variation is taken to rest on
N = TypeVar("N", bound=Any)  # a float, or an array of float64


def wilson(successes: N, trials: N, z: float = Z95) -> tuple[N, N]:
    """Wilson score interval of a rate, in 0-1; `trials` above 0, `successes` from 0 to `trials`.

    Reference: Wilson 1927; Newcombe 1998, method 3 (81 of 263: .2553 to .3662).
    """
    rate = successes / trials
    spread = z * np.sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    centre = rate + z * z / (2 * trials)
    return np.maximum(0.0, (centre - spread) / scale), np.minimum(1.0, (centre + spread) / scale)


def part(value: N, variance: N, count: N, z: float = Z95) -> tuple[N, N]:
    """Interval of a share of amounts, 0-1: Wilson's at the effective sample size, value (1 − value) ÷ variance.

    `count` facts stand behind it; where none or all of the amount is the part, their number is the sample size.
    Reference: Dean & Pagano 2015, Journal of Survey Statistics and Methodology 3:484, modified Wilson interval.
    """
    rate = np.clip(value, 0.0, 1.0)
    size = np.minimum(rate * (1 - rate) / variance, MOST_EFFECTIVE)
    size = np.where(size > 0, size, count)
    low, high = wilson(rate * size, size, z)
    return np.minimum(low, rate), np.maximum(high, rate)


def newcombe(hits: N, trials: N, hits_other: N, trials_other: N, z: float = Z95) -> tuple[N, N]:
    """Interval of the difference of two independent rates, first minus other, from their Wilson intervals; -1 to 1.

    Reference: Newcombe 1998, Statistics in Medicine 17:873, method 10 (56 of 70 against 48 of 80: .0524 to .3339).
    """
    rate, other = hits / trials, hits_other / trials_other
    low, high = wilson(hits, trials, z)
    low_other, high_other = wilson(hits_other, trials_other, z)
    below = np.sqrt((rate - low) ** 2 + (high_other - other) ** 2)
    above = np.sqrt((high - rate) ** 2 + (other - low_other) ** 2)
    return np.maximum(-1.0, rate - other - below), np.minimum(1.0, rate - other + above)


def mean(total: N, squares: N, count: N, z: float = Z95) -> tuple[N, N]:
    """Normal interval of a mean from stored sums; `count` at least 2."""
    centre = total / count
    variance = np.maximum(0.0, (squares - count * centre * centre) / (count - 1))
    half = z * np.sqrt(variance / count)
    return centre - half, centre + half


def log_normal(value: N, relative_error: N, z: float = Z95) -> tuple[N, N]:
    """Interval of a positive value whose logarithm has the standard error `relative_error`."""
    factor = np.exp(z * relative_error)
    return value / factor, value * factor


def poisson(count: N, z: float = Z95) -> tuple[N, N]:
    """Score interval of the mean of a count of independent events; also of none: 0 to z².

    Reference: Rao 1948; the same quadratic as Wilson's for a rate near zero.
    """
    centre, half = count + z * z / 2, z * np.sqrt(count + z * z / 4)
    return np.maximum(0.0, centre - half), centre + half


def net_share(plus: N, minus: N, count: N, z: float = Z95) -> tuple[N, N]:
    """Interval of (plus − minus) ÷ count, -1 to 1, three outcomes: the variance is (p + m − (p − m)²) ÷ n.

    Reference: Rocks 2016 for the net promoter score (Wald).
    """
    net = (plus - minus) / count
    half = z * np.sqrt(np.maximum(0.0, (plus + minus) / count - net * net) / count)
    return np.maximum(-1.0, net - half), np.minimum(1.0, net + half)


def squared_shares(shares: N, count: N, z: float = Z95) -> tuple[N, N]:
    """Interval of Σ p² (last axis) of a multinomial of `count` draws, by the delta method: 4 (Σ p³ − (Σ p²)²) ÷ n.

    At least 1 ÷ the number of shares, at most 1.
    """
    value, cubes = (shares**2).sum(axis=-1), (shares**3).sum(axis=-1)
    half = z * np.sqrt(4 * np.maximum(0.0, cubes - value * value) / count)
    return np.maximum(1 / shares.shape[-1], value - half), np.minimum(1.0, value + half)
