"""The level a driver could reach, and whether the gap to it is more than usual variation."""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import stats

from engines.drivers import MIN_BLOCKS, Driver, History, Level, season
from engines.panel import Array

OWN, PEERS, GOAL, NONE = "own", "peers", "goal", "none"
OWN_SIGMAS = 3.0  # gap to the own upper quartile that noise alone passes in under 2 % of quarters
PEER_CHANCE = 0.001  # a market this unlikely among the others is weak, not merely different
MIN_PEERS = 3
QUARTILE = 0.75
QUARTILE_ERROR = 1.36 / sqrt(12)  # standard error of a normal sample's upper quartile, 12 blocks, in sigmas
MEDIAN_STEP = 0.954  # median |difference| of two normal draws, in sigmas


@dataclass(frozen=True)
class Reference:
    """Per market: the log level to reach, its standard error, and what it rests on.

    `ceiling`: a level below it is weaker than usual variation explains (NaN: none). Only then is there a gap to close.
    """

    log: Array
    error: Array
    basis: tuple[str, ...]
    ceiling: Array


def reference(driver: Driver, now: Level, past: History, goal: Array | None = None) -> Reference:
    """The reference of each market: a goal where one is set, else the higher of own history and the other markets.

    `now`: length M. `goal`: log levels per market, NaN where none is set.
    """
    own_log, own_error, own_ceiling = _own(now, past)
    peer_log, peer_error, peer_ceiling = _peers(now)
    own_gap, peer_gap = now.log < own_ceiling, now.log < peer_ceiling
    use_peers = peer_gap & (~own_gap | (peer_log > own_log))
    log, error, ceiling = (
        np.where(use_peers, peer, own)
        for peer, own in ((peer_log, own_log), (peer_error, own_error), (peer_ceiling, own_ceiling))
    )
    basis = np.where(use_peers, PEERS, np.where(np.isnan(own_log), NONE, OWN))
    if goal is not None:
        set_ = ~np.isnan(goal)
        log, error, ceiling = np.where(set_, goal, log), np.where(set_, 0.0, error), np.where(set_, goal, ceiling)
        basis = np.where(set_, GOAL, basis)
    return Reference(log, error, tuple(str(b) for b in basis), ceiling)


def _own(now: Level, past: History) -> tuple[Array, Array, Array]:
    """Own upper quartile of de-seasonalised blocks, shrunk towards their median as far as they are sampling noise."""
    width = now.log.size
    blank = np.full(width, np.nan)
    if past.blocks.shape[0] < MIN_BLOCKS:
        return blank, blank, blank
    shape = season(past)
    blocks = past.blocks - shape[1:, None]
    sampling = _per_market(np.nanmean, past.errors**2)
    noise = _noise(blocks, sampling)
    median = _per_market(np.nanmedian, blocks)
    quartile = _per_market(lambda b, axis: np.nanquantile(b, QUARTILE, axis=axis), blocks)
    spread = _per_market(np.nanvar, blocks)
    trust = np.clip(1 - sampling / np.maximum(spread, 1e-18), 0, 1)
    log = median + trust * (quartile - median) + shape[0]
    enough = (~np.isnan(blocks)).sum(axis=0) >= MIN_BLOCKS
    usual = OWN_SIGMAS * np.sqrt(noise**2 + now.error**2 / 2 + (QUARTILE_ERROR * noise) ** 2)
    log = np.where(enough, log, np.nan)
    return log, QUARTILE_ERROR * noise, log - usual


def _noise(blocks: Array, sampling: Array) -> Array:
    """Usual block-to-block variation per market: sampling noise plus what the markets vary beyond it in common.

    Differences of neighbours hardly see a shift of level, so a weakness within the history does not hide itself.
    """
    steps = _per_market(np.nanmedian, np.abs(np.diff(blocks, axis=0))) / MEDIAN_STEP
    beyond = np.maximum(steps**2 - sampling, 0)
    common = np.nanmedian(beyond) if (~np.isnan(beyond)).any() else 0.0
    return np.asarray(np.sqrt(sampling + common))


def _per_market(statistic: Callable[..., Array], values: Array) -> Array:
    """A statistic down the columns, NaN for markets without any value."""
    known = (~np.isnan(values)).any(axis=0)
    result = np.full(values.shape[1], np.nan)
    if known.any():
        result[known] = statistic(values[:, known], axis=0)
    return result


def _peers(now: Level) -> tuple[Array, Array, Array]:
    """Median of the other markets, each shrunk towards the pool by its noise; the ceiling is where a market becomes an
    outlier among the others."""
    width = now.log.size
    log, error, ceiling = (np.full(width, np.nan) for _ in range(3))
    for m in range(width):
        others = np.delete(now.log, m)
        noise = np.delete(now.error, m)[~np.isnan(others)]
        others = others[~np.isnan(others)]
        if others.size < MIN_PEERS or np.isnan(now.log[m]):
            continue
        spread = float(others.std(ddof=1))
        log[m] = float(np.median(_shrunk(others, noise)))
        error[m] = spread / sqrt(others.size)
        scale = sqrt(spread**2 * (1 + 1 / others.size) + now.error[m] ** 2)
        outlier = float(others.mean()) - float(stats.t.isf(PEER_CHANCE, df=others.size - 1)) * scale
        ceiling[m] = min(outlier, log[m])
    return log, error, ceiling


def _shrunk(values: Array, noise: Array) -> Array:
    between = max(float(values.var(ddof=1)) - float((noise**2).mean()), 0.0)
    pool = float(np.average(values, weights=1 / (between + noise**2 + 1e-12)))
    return pool + between / (between + noise**2 + 1e-12) * (values - pool)
