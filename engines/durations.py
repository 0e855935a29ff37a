"""Percentiles of durations from counts per bucket: counts add up over weeks and markets, percentiles do not."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from engines.intervals import Z95
from engines.panel import Array

Edges = NDArray[np.int64]

# Lower edges in minutes; the facts' columns delivery_bucket and reply_bucket are made by the same rule.
DELIVERY: Edges = np.arange(0, 129_601, 60)  # whole hours to 90 days, the last open
REPLY: Edges = np.concatenate(
    [np.arange(0, 1_440, 5), np.arange(1_440, 10_080, 60), np.arange(10_080, 86_401, 1_440)]
)  # five minutes for a day, hours for a week, days to 60, the last open


def unpack(packed: Sequence[bytes]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Histograms as they are stored: pairs of four-byte integers, bucket and count, most significant byte first.

    Returns, per pair, the position of its histogram in `packed`, the bucket's lower edge in minutes, and the count.
    """
    pairs = np.frombuffer(b"".join(packed), dtype=">i4").astype(np.int64).reshape(-1, 2)
    at = np.repeat(np.arange(len(packed)), [len(each) // 8 for each in packed])
    return at, pairs[:, 0], pairs[:, 1]


def places(buckets: NDArray[np.int64], edges: Edges) -> NDArray[np.int64]:
    """The position among `edges` of buckets named by a lower edge in minutes."""
    table = np.searchsorted(edges, np.arange(edges[-1] + 1), side="right") - 1
    return np.asarray(table[np.clip(buckets, 0, edges[-1])])


def percentile(counts: Array, edges: Edges, share: float) -> tuple[Array, Array, Array, Array]:
    """The value below which `share` (0-1) of the durations lie, with its 95 % interval; and how many there are.

    `counts`: ... × B per bucket, of the first B of `edges`. Returns value, low, high in minutes and n, each of the
    shape `...`; NaN where there are none. Inside a bucket durations are taken as even; a value in the open last bucket
    is its edge. The interval is that of order statistics, no finer than the buckets: the values at the ranks
    share ± 1.96 √(share (1 − share) ÷ n).
    """
    cumulative = np.cumsum(np.nan_to_num(counts), axis=-1)
    n = cumulative[..., -1]
    with np.errstate(divide="ignore", invalid="ignore"):
        half = Z95 * sqrt(share * (1 - share)) / np.sqrt(n)
        ranks = (np.full_like(n, share), np.clip(share - half, 0, 1), np.clip(share + half, 0, 1))
    value, low, high = (_value_at(cumulative, edges, rank) for rank in ranks)
    return value, low, high, n


def _value_at(cumulative: Array, edges: Edges, rank: Array) -> Array:
    """The duration at `rank` (0-1) of each row."""
    n = cumulative[..., -1]
    wanted = np.maximum(rank, 1e-12) * n  # the lowest is in the first bucket that has any
    bucket = np.minimum((cumulative < wanted[..., None]).sum(axis=-1), cumulative.shape[-1] - 1)
    upto = np.take_along_axis(cumulative, bucket[..., None], axis=-1)[..., 0]
    before = np.where(
        bucket > 0, np.take_along_axis(cumulative, np.maximum(bucket - 1, 0)[..., None], axis=-1)[..., 0], 0.0
    )
    width = np.append(np.diff(edges), 0)[bucket]
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = np.where(upto > before, (wanted - before) / (upto - before), 0.0)
    return np.where(n > 0, edges[bucket] + np.clip(inside, 0, 1) * width, np.nan)


def within(counts: Array, edges: Edges, minutes: float) -> Array:
    """How many durations lie below `minutes`, exact where that is an edge, else as even inside its bucket."""
    upper = np.append(edges[1:], np.iinfo(np.int64).max)
    share = np.clip((minutes - edges) / (upper - edges), 0, 1)[: counts.shape[-1]]
    return np.asarray(np.nan_to_num(counts) @ share, dtype=np.float64)
