"""Scores of candidate markets: fixed-bounds normalisation, weighted sum, TOPSIS, weights, and how stable a rank is.

Shapes: m markets by n dimensions. NaN is not known, which is not zero: a market's weights are spread over the
dimensions it is known in (`effective`), and a market known in too little of the weight has no score.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from engines.results import EngineInputError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TIE = 1e-9  # scores closer than this are the same: what is left is rounding
CONSISTENT = 0.1  # Saaty: judgements of a higher ratio are to be looked at again
# Saaty 1980: consistency index of random reciprocal matrices, by size from 1 on
RANDOM_INDEX = (0.0, 0.0, 0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49, 1.51, 1.48, 1.56, 1.57, 1.59)
CONCENTRATION = 50.0  # of the perturbed weights: one of a seventh varies by about a third (its standard deviation)
DRAWS = 2_000  # a share is known to 2.2 points (95 %)
SEED = 20_261


# --- normalisation and scores -----------------------------------------------------------------------------------------
def normalised(values: Floats, low: float, high: float, is_cost: bool = False, is_log: bool = False) -> Floats:
    """z = (x − lo) ÷ (hi − lo), held to 0-1, turned round for costs; on the logarithms of all three if `is_log`.

    The bounds belong to the model, not to the markets at hand, so a market more or less changes no other's score.
    NaN stays NaN; with `is_log` a value of zero or less is the lower bound. Raises EngineInputError for bounds that
    are not in order.
    Reference: rank reversal under moving bounds, Aires and Ferreira 2019.
    """
    if not low < high or (is_log and low <= 0):
        raise EngineInputError(f"bounds {low:g} and {high:g}")
    x = np.asarray(values, dtype=np.float64)
    if is_log:
        known = np.where(np.isnan(x), x, np.maximum(x, low))
        x, low, high = np.log(known), float(np.log(low)), float(np.log(high))
    z = np.clip((x - low) / (high - low), 0.0, 1.0)
    return np.asarray(1.0 - z if is_cost else z, dtype=np.float64)


def effective(scores: Floats, weights: Floats) -> Floats:
    """Each market's own weights (m × n, rows sum to 1): `weights` spread over the dimensions it is known in."""
    known = ~np.isnan(scores) * np.asarray(weights, dtype=np.float64)
    total = known.sum(axis=1, keepdims=True)
    spread = np.divide(known, total, out=np.full(known.shape, np.nan), where=total > 0)
    return np.asarray(spread, dtype=np.float64)


def coverage(scores: Floats, weights: Floats) -> Floats:
    """The share of the weight (0-1) in which each market is known."""
    return np.asarray((~np.isnan(scores)) @ _shares(weights), dtype=np.float64)


def weighted_sum(scores: Floats, weights: Floats) -> Floats:
    """S = Σ wⱼ zⱼ over the known dimensions, in 0-1; NaN for a market that is known in none."""
    return np.asarray((effective(scores, weights) * np.nan_to_num(scores)).sum(axis=1), dtype=np.float64)


def topsis(values: Floats, weights: Floats, costs: Sequence[bool] = ()) -> Floats:
    """C = d⁻ ÷ (d⁺ + d⁻), each market's closeness to the best of all (0-1), over the criteria it is known in.

    r = x ÷ √Σx²; t = w r; d⁺ and d⁻ are the distances to the best and the worst t of each criterion. Where all
    markets are the same there is nothing to be close to: NaN. It depends on which markets are compared.
    Reference: Hwang and Yoon 1981, vector normalisation.
    """
    length = np.sqrt(np.nansum(values**2, axis=0))
    r = np.divide(values, length, out=np.where(np.isnan(values), np.nan, 0.0), where=length > 0)
    r = r * np.where(np.asarray(costs or [False] * r.shape[1]), -1.0, 1.0)
    w = effective(values, weights)
    empty = np.isnan(r).all(axis=0)
    best, worst = (edge(np.where(empty, 0.0, r), axis=0) for edge in (np.nanmax, np.nanmin))
    up, down = (np.sqrt(np.nansum((w * (r - edge)) ** 2, axis=1)) for edge in (best, worst))
    both = np.where(np.isnan(w).all(axis=1), 0.0, up + down)
    return np.asarray(np.divide(down, both, out=np.full(len(both), np.nan), where=both > 0), dtype=np.float64)


def ranks(scores: Floats) -> Ints:
    """1 for the highest; equal scores share the better rank (1, 2, 3, 3, 5); 0 for a market without a score.

    Along the last axis, so a matrix of draws is ranked row by row.
    """
    rounded = np.round(np.asarray(scores, dtype=np.float64) / TIE)
    known = ~np.isnan(rounded)
    ranked = rankdata(np.where(known, -rounded, np.inf), method="min", axis=-1)
    return np.where(known, ranked, 0).astype(np.int64)


# --- weights ----------------------------------------------------------------------------------------------------------
def equal_weights(n: int) -> Floats:
    """One n-th each."""
    return np.full(n, 1.0 / n)


def entropy_weights(values: Floats) -> Floats:
    """w = (1 − e) ÷ Σ(1 − e), e = −(1 ÷ ln m) Σ p ln p, p = x ÷ Σx over the m markets known in a dimension.

    Rewards spread between the markets, not importance. `values` of zero or more; a dimension known in fewer than two
    markets, or nowhere above zero, has no spread. All dimensions alike: equal weights.
    Raises EngineInputError for a negative value.
    """
    if np.nanmin(values, initial=0.0) < 0:
        raise EngineInputError("entropy weights need values of zero or more")
    spread = np.array([1.0 - _entropy(column[~np.isnan(column)]) for column in values.T])
    spread = np.where(spread > TIE, spread, 0.0)
    return spread / spread.sum() if spread.sum() > 0 else equal_weights(len(spread))


def _entropy(x: Floats) -> float:
    if len(x) < 2 or x.sum() <= 0:
        return 1.0
    p = x[x > 0] / x.sum()
    return float(-(p * np.log(p)).sum() / np.log(len(x)))


@dataclass(frozen=True, slots=True)
class Pairwise:
    """Weights from pairwise judgements, and how consistent these are."""

    weights: Floats
    lambda_max: float
    index: float  # CI
    ratio: float  # CR

    @property
    def is_consistent(self) -> bool:
        """Whether the judgements contradict each other little enough."""
        return self.ratio < CONSISTENT


def ahp(matrix: Floats) -> Pairwise:
    """Weights by the principal eigenvector of a reciprocal matrix (n × n, n to 15, aᵢⱼ = 1 ÷ aⱼᵢ > 0).

    CI = (λmax − n) ÷ (n − 1); CR = CI ÷ RI. Raises EngineInputError when the matrix is not reciprocal.
    Reference: Saaty 1980.
    """
    n = len(matrix)
    if matrix.shape != (n, n) or not 1 <= n <= len(RANDOM_INDEX):
        raise EngineInputError(f"a matrix of {matrix.shape}")
    if not (np.isfinite(matrix).all() and (matrix > 0).all() and np.allclose(matrix * matrix.T, 1.0)):
        raise EngineInputError("a matrix that is not reciprocal")
    roots, vectors = np.linalg.eig(matrix)
    at = int(np.argmax(roots.real))
    principal = np.abs(vectors[:, at].real)
    lambda_max = float(roots[at].real)
    index = max(lambda_max - n, 0.0) / (n - 1) if n > 1 else 0.0
    random = RANDOM_INDEX[n - 1]
    return Pairwise(principal / principal.sum(), lambda_max, index, index / random if random else 0.0)


def reciprocal(upper: Sequence[float], n: int) -> Floats:
    """The n × n matrix of the judgements above its diagonal, row by row."""
    if len(upper) != n * (n - 1) // 2:
        raise EngineInputError(f"{len(upper)} judgements of {n}")
    matrix = np.ones((n, n))
    matrix[np.triu_indices(n, 1)] = upper
    return np.asarray(np.triu(matrix) + np.tril(1.0 / matrix.T, -1), dtype=np.float64)


def _shares(weights: Floats) -> Floats:
    given = np.asarray(weights, dtype=np.float64)
    if not np.isfinite(given).all() or (given < 0).any() or given.sum() <= 0:
        raise EngineInputError("weights must be of zero or more, and not all zero")
    return np.asarray(given / given.sum(), dtype=np.float64)


# --- stability --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Stability:
    """Of each market: the share of draws in its top k, and the ranks between which 90 % of the draws lie (0: none)."""

    top_share: Floats
    rank_low: Ints
    rank_high: Ints


def stability(
    scores: Floats, weights: Floats, k: int, draws: int = DRAWS, concentration: float = CONCENTRATION, seed: int = SEED
) -> Stability:
    """How often a market stays among the best k when the weights are drawn from a Dirichlet around `weights`.

    A weight of w varies with the standard deviation √(w (1 − w) ÷ (concentration + 1)); one of zero stays zero.
    """
    drawn = _perturbed(_shares(weights), draws, concentration, seed)
    known = (~np.isnan(scores)).astype(np.float64)
    below = drawn @ known.T
    above = drawn @ np.nan_to_num(scores).T
    ranked = ranks(np.divide(above, below, out=np.full(below.shape, np.nan), where=below > 0))
    low, high = np.quantile(ranked, (0.05, 0.95), axis=0, method="nearest")
    return Stability(((ranked >= 1) & (ranked <= k)).mean(axis=0), low.astype(np.int64), high.astype(np.int64))


def _perturbed(weights: Floats, draws: int, concentration: float, seed: int) -> Floats:
    rng = np.random.Generator(np.random.PCG64(seed))
    shapes = rng.standard_gamma(np.broadcast_to(weights * concentration, (draws, len(weights))))
    total = shapes.sum(axis=1, keepdims=True)
    kept = np.broadcast_to(weights, shapes.shape).copy()
    return np.asarray(np.divide(shapes, total, out=kept, where=total > 0), dtype=np.float64)
