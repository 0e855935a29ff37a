"""Scoring the markets of a model: values, scores by dimension, ranks, and how they move with other weights."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isnan, nan

import numpy as np
import numpy.typing as npt

from engines import scoring
from engines.results import Estimate, Result, Unavailable
from flywheel.accounts.models import Workspace
from flywheel.facts.calendar import today
from flywheel.facts.models import Market
from flywheel.market import indicators
from flywheel.market.indicators import Cell
from flywheel.market.spec import Method, Spec

Floats = npt.NDArray[np.float64]
Cells = Sequence[Sequence[Cell | None]]
FIRST_MARKETS = 30  # economies, by GDP, that a new model is about beside the workspace's own markets


@dataclass(frozen=True)
class Row:
    """A market as a model scores it.

    `parts`: score (0-1) by dimension; `cells`: value by indicator. Ranks are 0, and shares None, without a score.
    """

    market: str
    score: Result
    rank: int
    is_tied: bool
    parts: tuple[float | None, ...]
    cells: tuple[Cell | None, ...]
    coverage: float
    topsis: float | None
    topsis_rank: int
    top_share: float | None
    rank_low: int
    rank_high: int


@dataclass(frozen=True)
class Screening:
    """A model's markets, the best first, those without a score last."""

    spec: Spec
    rows: tuple[Row, ...]

    @property
    def ranked(self) -> tuple[Row, ...]:
        """The markets that have a score."""
        return tuple(row for row in self.rows if row.rank)

    def row(self, market: str) -> Row | None:
        """One market's row."""
        return next((row for row in self.rows if row.market == market), None)


def first_markets(workspace: Workspace) -> tuple[str, ...]:
    """What a new model is about: the workspace's own markets that are economies, and the largest economies."""
    known = indicators.economies()
    own = [m for m in Market.objects.filter(workspace=workspace).values_list("code", flat=True) if m in known]
    sizes = indicators.cells(workspace, known, {"gdp": False}, today(workspace).year)
    largest = sorted(sizes, key=lambda key: -sizes[key].value)[:FIRST_MARKETS]
    return tuple(dict.fromkeys([*own, *(market for market, _indicator in largest)]))


def screen(workspace: Workspace, spec: Spec, as_of: int | None = None) -> Screening:
    """Score the model's markets by the newest values, or by those of the year `as_of` and before."""
    if not spec.markets:
        return Screening(spec, ())
    cells = _cells(workspace, spec, as_of)
    parts = part_scores(spec, cells)
    weights = np.array([spec.weights[key] for key in spec.keys])
    covered = scoring.coverage(parts, weights)
    enough = covered.reshape(-1, 1) >= spec.min_coverage - scoring.TIE
    rows = _rows(spec, cells, parts, np.where(enough, parts, nan), weights)
    return Screening(spec, tuple(sorted(rows, key=lambda row: (row.rank or len(rows) + 1, row.market))))


def weighed_by_entropy(workspace: Workspace, spec: Spec) -> Spec:
    """The model with weights by entropy over its markets as they are now known."""
    parts = part_scores(spec, _cells(workspace, spec, None)) if spec.markets else np.empty((0, len(spec.keys)))
    found = scoring.entropy_weights(parts)
    return replace(
        spec,
        method=Method.ENTROPY,
        weights=dict(zip(spec.keys, found.tolist(), strict=True)),
        weighed_on=str(today(workspace)),
        weighed_markets=len(spec.markets),
    )


def part_scores(spec: Spec, cells: Cells) -> Floats:
    """Scores (0-1) of markets by dimension: the mean of its known indicators, NaN where none is known."""
    raw = np.array([[nan if cell is None else cell.value for cell in row] for row in cells], dtype=np.float64)
    z = [scoring.normalised(raw[:, at], i.low, i.high, i.is_cost, i.is_log) for at, i in enumerate(spec.indicators)]
    columns, parts = iter(z), []
    for dimension in spec.dimensions:
        own = np.column_stack([next(columns) for _indicator in dimension.indicators])
        known = (~np.isnan(own)).sum(axis=1)
        parts.append(np.divide(np.nansum(own, axis=1), known, out=np.full(len(raw), nan), where=known > 0))
    return np.column_stack(parts)


def _cells(workspace: Workspace, spec: Spec, as_of: int | None) -> Cells:
    """The values by market and indicator, in the model's order."""
    own_first = {indicator.key: indicator.own_first for indicator in spec.indicators}
    found = indicators.cells(workspace, spec.markets, own_first, today(workspace).year, as_of)
    return [[found.get((market, i.key)) for i in spec.indicators] for market in spec.markets]


def _rows(spec: Spec, cells: Cells, parts: Floats, scored: Floats, weights: Floats) -> list[Row]:
    """`parts` are what is known; `scored` the same without the markets of which too little is."""
    covered = scoring.coverage(parts, weights)
    scores = scoring.weighted_sum(scored, weights)
    close, ranked = scoring.topsis(scored, weights), scoring.ranks(scores)
    close_ranked = scoring.ranks(close)
    held = scoring.stability(scored, weights, spec.top)
    shared = Counter(ranked.tolist())
    return [
        Row(
            market,
            _score(scores[at], covered[at], spec),
            int(ranked[at]),
            shared[int(ranked[at])] > 1,
            tuple(_known(part) for part in parts[at]),
            tuple(cells[at]),
            float(covered[at]),
            _known(close[at]),
            int(close_ranked[at]),
            float(held.top_share[at]) if ranked[at] else None,
            int(held.rank_low[at]),
            int(held.rank_high[at]),
        )
        for at, market in enumerate(spec.markets)
    ]


def _score(score: float, covered: float, spec: Spec) -> Result:
    if isnan(score):
        return Unavailable("too_little_covered")
    return Estimate(float(score), None, None, round(float(covered) * len(spec.dimensions)), "score")


def _known(value: float) -> float | None:
    return None if isnan(value) else float(value)
