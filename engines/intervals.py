"""Intervals of single values: Wilson for rates, normal for means, log-normal for ratios of a sum to a count."""

from math import exp, sqrt

Z95 = 1.959963984540054


def wilson(successes: float, trials: float, z: float = Z95) -> tuple[float, float]:
    """Wilson score interval of a rate, in 0-1; `trials` above 0, `successes` from 0 to `trials`.

    Reference: Wilson 1927; Newcombe 1998, method 3 (81 of 263: .2553 to .3662).
    """
    rate = successes / trials
    spread = z * sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    centre = rate + z * z / (2 * trials)
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def mean(total: float, squares: float, count: float, z: float = Z95) -> tuple[float, float]:
    """Normal interval of a mean from stored sums; `count` at least 2."""
    centre = total / count
    variance = max(0.0, (squares - count * centre * centre) / (count - 1))
    half = z * sqrt(variance / count)
    return centre - half, centre + half


def log_normal(value: float, relative_error: float, z: float = Z95) -> tuple[float, float]:
    """Interval of a positive value whose logarithm has the standard error `relative_error`."""
    factor = exp(z * relative_error)
    return value / factor, value * factor
