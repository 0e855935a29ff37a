"""The path map: where sessions go from one touch point to the next, where they leave, and how long steps take."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, exp, floor, log1p, sqrt

from engines.intervals import Z95
from engines.rates import rate
from engines.results import Estimate, Result, Unavailable

ENTRY, EXIT, OTHER = "(entry)", "(exit)", "(other)"  # brackets: no touch point of a file can be taken for one
TOP_POINTS = 12  # touch points shown by name; beyond these a map cannot be read
MIN_SESSIONS = 50  # below it the interval of an exit rate is wider than 27 points
MIN_GAPS = 20  # fewer durations tell no 90th percentile: its interval would reach the longest
BINS_PER_E = 20  # durations are counted in bins 5 % wide


@dataclass(frozen=True, slots=True)
class Flow:
    """How often sessions went from one touch point to the next; `paid`: in sessions that ended in a payment.

    `share` is of all that left `source`.
    """

    source: str
    target: str
    count: float
    paid: float
    share: float


@dataclass(frozen=True, slots=True)
class Point:
    """A touch point: visits to it, sessions that began there, and the rate at which visits end the session there."""

    key: str
    visits: float
    entries: float
    exits: float
    exit_rate: Result


@dataclass(frozen=True)
class PathMap:
    """Touch points by visits, most first (OTHER last), and the flows between them, largest first."""

    sessions: float
    paid: float
    points: tuple[Point, ...]
    flows: tuple[Flow, ...]


def path_map(
    moves: Iterable[tuple[str | None, str | None, float, float]],
    top: int = TOP_POINTS,
    always: Collection[str] = (),
) -> PathMap | Unavailable:
    """The map from moves (from, to, count, paid): None or ENTRY for `from` is the session's start, None or EXIT for
    `to` its end; what is OTHER already stays so.

    At most `top` touch points are named: those of `always` that occur, then the most visited; the others are OTHER.
    Consecutive visits to one touch point are one visit, so there are no moves from a point to itself; those that
    merging rare points into OTHER makes are left out. What enters a point leaves it: the map adds up.
    """
    table = _table(moves)
    sessions = sum(count for (source, _t), (count, _p) in table.items() if source == ENTRY)
    if sessions < MIN_SESSIONS:
        return Unavailable("too_few", sessions, MIN_SESSIONS)
    merged = _merged(table, _named(table, top, always))
    paid = sum(p for (source, _t), (_c, p) in merged.items() if source == ENTRY)
    return PathMap(sessions, paid, _points(merged), _flows(merged))


Table = dict[tuple[str, str], tuple[float, float]]


def _table(moves: Iterable[tuple[str | None, str | None, float, float]]) -> Table:
    table: Table = {}
    for source, target, count, paid in moves:
        key = (ENTRY if source is None else source, EXIT if target is None else target)
        known = table.get(key, (0.0, 0.0))
        table[key] = (known[0] + count, known[1] + paid)
    return table


def _visits(table: Table) -> dict[str, float]:
    visits: dict[str, float] = {}
    for (_source, target), (count, _paid) in table.items():
        if target != EXIT:
            visits[target] = visits.get(target, 0.0) + count
    return visits


def _named(table: Table, top: int, always: Collection[str]) -> frozenset[str]:
    visits = _visits(table)
    others = sorted(visits.keys() - {*always, OTHER}, key=lambda key: (-visits[key], key))
    kept = [key for key in always if key in visits]
    return frozenset([*kept, *others[: max(top - len(kept), 0)]])


def _merged(table: Table, named: frozenset[str]) -> Table:
    def name(key: str) -> str:
        return key if key in named or key in (ENTRY, EXIT) else OTHER

    merged: Table = {}
    for (source, target), (count, paid) in table.items():
        key = (name(source), name(target))
        if key != (OTHER, OTHER):
            known = merged.get(key, (0.0, 0.0))
            merged[key] = (known[0] + count, known[1] + paid)
    return merged


def _points(table: Table) -> tuple[Point, ...]:
    found = []
    for key, visits in _visits(table).items():
        entries = table.get((ENTRY, key), (0.0, 0.0))[0]
        exits = table.get((key, EXIT), (0.0, 0.0))[0]
        found.append(Point(key, visits, entries, exits, rate(exits, visits)))
    return tuple(sorted(found, key=lambda p: (p.key == OTHER, -p.visits, p.key)))


def _flows(table: Table) -> tuple[Flow, ...]:
    out: dict[str, float] = {}
    for (source, _target), (count, _paid) in table.items():
        out[source] = out.get(source, 0.0) + count
    flows = [Flow(s, t, count, paid, count / out[s]) for (s, t), (count, paid) in table.items() if count]
    return tuple(sorted(flows, key=lambda f: (-f.count, f.source, f.target)))


def duration_bin(seconds: float) -> int:
    """The bin of a duration in seconds (0 or more): BINS_PER_E to each factor e of 1 + seconds."""
    return floor(BINS_PER_E * log1p(seconds))


def percentile(bins: Mapping[int, float], share: float) -> Result:
    """A percentile of durations counted in bins, in seconds; `share` in 0-1, its interval from order statistics.

    Exact to the width of a bin (5 %). Reference: Hahn & Meeker 1991, 5.2: the ranks n q ± z √(n q (1 − q)).
    """
    total = sum(bins.values())
    if total < MIN_GAPS:
        return Unavailable("too_few", total, MIN_GAPS)
    spread = Z95 * sqrt(total * share * (1 - share))
    order = sorted(bins.items())
    value, low, high = (
        _at_rank(order, min(max(rank, 1.0), total))
        for rank in (total * share, floor(total * share - spread), ceil(total * share + spread))
    )
    return Estimate(value, low, high, total, "seconds")


def _at_rank(order: Sequence[tuple[int, float]], rank: float) -> float:
    """The duration of the rank-th, spread evenly over its bin."""
    passed = 0.0
    for number, count in order:
        if passed + count >= rank:
            return exp((number + (rank - passed) / count) / BINS_PER_E) - 1
        passed += count
    return exp((order[-1][0] + 1) / BINS_PER_E) - 1
