"""Where and since when a driver fell: a scan over segments, onsets and shapes, all compared at once.

The weekly index of every segment (what was counted ÷ what its cells' usual rates make of the same volumes) is freed of
what the season, discounts and the like explain, and then of each candidate shift. Whether anything fell is judged by
the variation that a segment's weeks show; where it fell by sampling alone, since what moves all of a business moves its
segments alike: of those that fell, the one is named whose shift explains most, less a price for how many there are.
Reference: scan statistics, Kulldorff 1997, Communications in Statistics 26:1481, with a normal likelihood; partialling
out as in Frisch, Waugh 1933, Econometrica 1:387.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from engines.cubes import Cube
from engines.panel import Array

Place = tuple[tuple[str, str], ...]  # (dimension, code) pairs; () is everywhere
MIN_BEFORE = 16  # weeks before a shift that tell the level it fell from
MIN_SINCE = 3  # weeks since; fewer are an outlier
MAX_SINCE = 60  # weeks since; what is older is the level by now
RAMPS = (1, 6, 10, 14)  # weeks until a shift has reached its size; 1 is at once
SEASON_WEEKS = 92  # of history from which a yearly wave can be told from a shift
MIN_EVENTS = 300.0  # of a segment over all weeks; with fewer the weeks are far from normal, and little is at stake
MIN_WEEK = 0.1  # of a segment's median volume; a week with less is left out
ALIKE = 0.3  # of the most evidence; a segment with less is not asked whether it is the place
PATIENCE = 4.0  # most that autocorrelation may widen an error


@dataclass(frozen=True)
class Shift:
    """A fall of a driver: by `drop` (log, above zero) with its standard `error` at the last week, in `place`.

    `onset`: position of its first week. `path`: how much of it is there in each week (0 to 1). `score`: the evidence,
    z² less the price of the search.
    """

    place: Place
    drop: float
    error: float
    onset: int
    path: Array
    z: float
    score: float


@dataclass(frozen=True)
class Segments:
    """Candidate segments: S places, which cells each holds (C × S), what naming one costs; the order of dimensions."""

    places: tuple[Place, ...]
    members: Array
    price: Array
    order: Mapping[str, int]


def segments(cube: Cube) -> Segments:
    """Everything, each value of each dimension, and each market's part of each other value; what has enough events."""
    dims = list(cube.cells.columns)
    places: list[Place] = [()]
    members = [np.ones(len(cube.cells))]
    kinds = [0]
    groups = [(d,) for d in dims] + [pair for pair in combinations(dims, 2) if "market" in pair]
    for kind, group in enumerate(groups, start=1):
        keys = list(zip(*(cube.cells[d] for d in group), strict=True))
        for key in sorted(set(keys)):
            if "" in key:
                continue
            places.append(tuple(zip(group, map(str, key), strict=True)))
            members.append(np.array([k == key for k in keys], dtype=np.float64))
            kinds.append(kind)
    matrix = np.stack(members, axis=1)
    counts = np.bincount(kinds)
    price = np.array([2 * np.log(counts[k]) if k else 0.0 for k in kinds])
    return _large(Segments(tuple(places), matrix, price, {d: n for n, d in enumerate(dims)}), cube)


def _large(found: Segments, cube: Cube) -> Segments:
    """Without segments with too few events, and without those that hold the same cells as a simpler one."""
    events = cube.events.sum(axis=0) @ found.members
    seen: set[bytes] = set()
    keep = []
    for at in range(len(found.places)):
        cells = found.members[:, at].tobytes()
        if (events[at] >= MIN_EVENTS or at == 0) and cells not in seen:
            seen.add(cells)
            keep.append(at)
    return Segments(tuple(found.places[k] for k in keep), found.members[:, keep], found.price[keep], found.order)


@dataclass(frozen=True)
class Index:
    """Weekly log index of each segment (W × S, NaN unknown) and its sampling variance."""

    log: Array
    variance: Array


def index(cube: Cube, found: Segments) -> Index:
    """What was counted in each segment ÷ what the usual rates of its cells make of its volume, as a logarithm."""
    upper, expected = cube.upper @ found.members, (cube.lower * cube.rates) @ found.members
    noise = cube.variance @ found.members
    usual = np.nanmedian(np.where(expected > 0, expected, np.nan), axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        known = (expected > MIN_WEEK * usual) & (upper > 0)
        log = np.where(known, np.log(upper / expected), np.nan)
        return Index(log, np.where(known, noise / upper**2, np.nan))


def scan(cube: Cube, given: Mapping[str, Array], delay: int = 0) -> tuple[Shift | None, "Baselines"]:
    """The shift with the most evidence (None: nothing fell), and each segment's own baseline.

    `given`: covariates, per week. `delay`: weeks over which a change comes to be seen; the shift is told as it
    happened, with the drop that it will come to.
    """
    base, weeks = _baselines(cube, given)
    onsets, shapes = _shapes(len(base.residual))
    if not len(onsets):
        return None, base
    fits = _fits(base, shapes, delay)
    z = np.where(weeks >= MIN_BEFORE + MIN_SINCE, -fits.effect / fits.error, 0.0)
    z = np.where(_lasts(base, fits.seen[:, fits.best], fits.effect), z, 0.0)
    score = z**2 - base.segments.price
    if score.max() <= 0:
        return None, base
    sampling = np.maximum(_sampling(base.series.variance), 1e-300)
    where = fits.effect**2 * fits.power / sampling - base.segments.price
    winner = int(np.where((score >= ALIKE * score.max()) & (z > 0), where, -np.inf).argmax())
    path = shapes[:, fits.best[winner]]
    drop, error = -fits.effect[winner] * path[-1], fits.error[winner] * path[-1]
    onset = int(onsets[fits.best[winner]])
    place = base.segments.places[winner]
    return Shift(place, float(drop), float(error), onset, path, float(z[winner]), float(score[winner])), base


@dataclass(frozen=True)
class _Fits:
    """The best shift of each segment (length S): which path, its effect (log, at full size), the effect's error, and
    the path's power; `seen` are the paths as they show (W × K)."""

    best: np.ndarray
    effect: Array
    error: Array
    power: Array
    seen: Array


def _fits(base: "Baselines", shapes: Array, delay: int) -> _Fits:
    seen = _seen(shapes, delay)
    bare = seen - base.x @ np.linalg.lstsq(base.x, seen, rcond=None)[0]
    power = (bare**2).sum(axis=0)
    usable = power > 0.02 * (seen**2).sum(axis=0) + 1e-12
    effect = np.where(usable[:, None], (bare.T @ base.residual) / np.maximum(power, 1e-12)[:, None], 0.0)
    best = np.where(effect < 0, effect**2 * power[:, None], 0.0).argmax(axis=0)
    chosen = effect[best, np.arange(len(best))]
    error = _error(base.residual - bare[:, best] * chosen, base.series.variance, base.x.shape[1])
    return _Fits(best, chosen, error / np.sqrt(np.maximum(power[best], 1e-12)), power[best], seen)


def _baselines(cube: Cube, given: Mapping[str, Array]) -> tuple["Baselines", Array]:
    """The segments' indices with covariates taken out, and how many weeks of each are known."""
    found = segments(cube)
    series = index(cube, found)
    x = _explained(len(series.log), given)
    filled, known = _filled(series.log, x)
    residual = filled - x @ np.linalg.lstsq(x, filled, rcond=None)[0]
    return Baselines(found, series, filled, residual, _spread(residual, series.variance), x), known


@dataclass(frozen=True)
class Baselines:
    """Each segment's weekly deviation from what covariates explain (W × S), and the usual size of it per week (S)."""

    segments: Segments
    series: Index
    filled: Array
    residual: Array
    spread: Array
    x: Array

    def at(self, place: Place) -> int | None:
        """The column of a place; None when it was too small to judge."""
        places = self.segments.places
        return places.index(place) if place in places else None


def effect_at(base: Baselines, place: Place, path: Array, delay: int) -> tuple[float, float]:
    """The drop at the last week that a known path leaves in a place, and its standard error; NaN when too small."""
    at = base.at(tuple(sorted(place, key=lambda part: base.segments.order[part[0]])))
    if at is None:
        return float("nan"), float("nan")
    seen = _seen(path[:, None], delay)
    bare = (seen - base.x @ np.linalg.lstsq(base.x, seen, rcond=None)[0])[:, 0]
    power = float(bare @ bare)
    effect = float(bare @ base.residual[:, at]) / power
    left = base.residual[:, [at]] - effect * bare[:, None]
    error = float(_error(left, base.series.variance[:, [at]], base.x.shape[1])[0]) / np.sqrt(power)
    return -effect * float(path[-1]), error * float(path[-1])


def _explained(weeks: int, given: Mapping[str, Array]) -> Array:
    """The regressors: one, the covariates, and with enough history a yearly wave."""
    columns = [np.ones(weeks)]
    columns += [values - values.mean() for values in given.values() if np.ptp(values) > 1e-12]
    if weeks >= SEASON_WEEKS:
        turn = 2 * np.pi * np.arange(weeks) / 52.18
        columns += [np.cos(turn), np.sin(turn)]
    return np.stack(columns, axis=1)


def _filled(log: Array, x: Array) -> tuple[Array, Array]:
    """The series with unknown weeks at what the regressors say, and how many weeks are known."""
    known = ~np.isnan(log)
    counts = known.sum(axis=0)
    mean = np.where(counts > 0, np.nansum(log, axis=0) / np.maximum(counts, 1), 0.0)
    filled = np.where(known, log, mean)
    for _ in range(0 if known.all() else 4):
        filled = np.where(known, log, x @ np.linalg.lstsq(x, filled, rcond=None)[0])
    return filled, counts


def _shapes(weeks: int) -> tuple[np.ndarray, Array]:
    """Onset and path (W × K) of every candidate shift."""
    first, last = max(MIN_BEFORE, weeks - MAX_SINCE), weeks - MIN_SINCE
    pairs = [(onset, ramp) for ramp in RAMPS for onset in range(first, last + 1) if ramp == 1 or onset + 4 <= last]
    onset, ramp = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    week = np.arange(weeks)[:, None]
    return onset, np.clip((week - onset + 1) / np.maximum(ramp, 1), 0.0, 1.0)


def _seen(shapes: Array, delay: int) -> Array:
    """The paths as they show, spread evenly over the `delay` weeks after each."""
    if not delay:
        return shapes
    late = [np.vstack([np.zeros((lag, shapes.shape[1])), shapes[: len(shapes) - lag]]) for lag in range(1, delay + 1)]
    return np.asarray(np.mean(late, axis=0))


def _spread(residual: Array, variance: Array) -> Array:
    """Usual weekly deviation: from neighbours' differences, which a shift hardly moves, and never below sampling's."""
    steps = np.median(np.abs(np.diff(residual, axis=0)), axis=0) / 0.954
    return np.asarray(np.sqrt(np.maximum(steps**2, _sampling(variance))))


def _sampling(variance: Array) -> Array:
    known = ~np.isnan(variance)
    return np.asarray(np.nansum(variance, axis=0) / np.maximum(known.sum(axis=0), 1))


def _error(left: Array, variance: Array, used: int) -> Array:
    """Weekly standard deviation of what the best shift leaves, widened where weeks follow one another."""
    freedom = max(left.shape[0] - used - 2, 1)
    square = (left**2).sum(axis=0) / freedom
    along = (left[1:] * left[:-1]).sum(axis=0) / np.maximum((left**2).sum(axis=0), 1e-300)
    wider = np.clip((1 + along) / np.maximum(1 - along, 1e-6), 1.0, PATIENCE)
    return np.asarray(np.sqrt(np.maximum(square, _sampling(variance)) * wider))


def _lasts(base: Baselines, path: Array, effect: Array) -> np.ndarray:
    """Whether the newest weeks still lie nearer the fallen level than the one before."""
    usual = base.x @ np.linalg.lstsq(base.x, base.filled - path * effect, rcond=None)[0]
    level = (base.filled - usual)[-4:].mean(axis=0)
    return np.asarray(level <= 0.5 * effect * path[-4:].mean(axis=0))


def named(place: Place, dimension: str) -> str:
    """The code of a dimension in a place; '' when it does not say."""
    return next((code for name, code in place if name == dimension), "")


def within(cube: Cube, place: Place) -> np.ndarray:
    """Which cells a place holds."""
    inside = np.ones(len(cube.cells), dtype=bool)
    for dimension, code in place:
        inside &= (cube.cells[dimension] == code).to_numpy()
    return inside


def share_by_market(cube: Cube, place: Place, markets: Sequence[str], weeks: int) -> Array:
    """The place's part of what each market counted over the newest weeks (length M)."""
    inside = within(cube, place)
    recent = cube.upper[-weeks:].sum(axis=0)
    result = np.zeros(len(markets))
    codes = cube.cells["market"].to_numpy()
    for m, market in enumerate(markets):
        here = codes == market
        total = recent[here].sum()
        result[m] = recent[here & inside].sum() / total if total > 0 else 0.0
    return result
