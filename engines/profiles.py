"""Customer profiles: recency, frequency and monetary quintiles, and the segments made of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.results import EngineInputError, Unavailable

MIN_CUSTOMERS = 100  # twenty to a quintile
QUINTILES = 5
SEGMENTS = (
    "champions",
    "loyal",
    "growing",
    "attention",
    "at_risk",
    "cannot_lose",
    "hibernating",
    "new",
    "promising",
    "one_time",
)
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Profiles:
    """Customers scored 1 to 5 (5 is best) on recency, frequency, money, and the segment of each (index of SEGMENTS).

    `ranges`: score name -> for each score 1 to 5 (lowest, highest) value that has it, None where no customer has.
    """

    recency: Ints
    frequency: Ints
    money: Ints
    segment: Ints
    ranges: dict[str, tuple[tuple[float, float] | None, ...]]


def profile(days_since: Floats, orders: Floats, revenue: Floats) -> Profiles | Unavailable:
    """Score and name customers, one element each: days since the last order (0 or more), orders (1 or more), revenue.

    A score is the quintile of a value's middle rank, so equal values have equal scores whatever the order of rows, and
    any rising change of scale leaves them as they are. Raises EngineInputError for values that are not known.
    """
    for name, values in (("days", days_since), ("orders", orders), ("revenue", revenue)):
        if not np.isfinite(values).all():
            raise EngineInputError(f"{name} of a customer are not known")
    if len(orders) < MIN_CUSTOMERS:
        return Unavailable("too_few", len(orders), MIN_CUSTOMERS)
    scores = {"recency": quintile(-days_since), "frequency": quintile(orders), "money": quintile(revenue)}
    shown = {"recency": days_since, "frequency": orders, "money": revenue}
    return Profiles(
        scores["recency"],
        scores["frequency"],
        scores["money"],
        segments(scores["recency"], scores["frequency"], scores["money"], orders),
        {name: _ranges(scores[name], shown[name]) for name in scores},
    )


def quintile(values: Floats) -> Ints:
    """1 to 5 by the middle rank of each value among all: ⌊5 × (lower + equal ÷ 2) ÷ n⌋ + 1."""
    _unique, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    below = np.cumsum(counts) - counts
    middle = (below + counts / 2) / len(values)
    score: Ints = np.minimum((QUINTILES * middle).astype(np.int64) + 1, QUINTILES)[place]
    return score


def segments(recency: Ints, frequency: Ints, money: Ints, orders: Floats) -> Ints:
    """The segment of each customer, an index of SEGMENTS; every customer has exactly one.

    Who ordered once is new (recency 4-5), promising (3) or one-time (1-2). Among the others V, the mean of the
    frequency and money scores, is high from 3.5: high V is champions (recency 4-5), loyal (3), at risk (2) or not to
    be lost (1); lower V is growing (4-5), in need of attention (3) or hibernating (1-2).
    """
    high = (frequency + money) >= 7
    once = orders <= 1
    rules = (
        ("new", once & (recency >= 4)),
        ("promising", once & (recency == 3)),
        ("one_time", once),
        ("champions", high & (recency >= 4)),
        ("loyal", high & (recency == 3)),
        ("at_risk", high & (recency == 2)),
        ("cannot_lose", high),
        ("growing", recency >= 4),
        ("attention", recency == 3),
    )
    found = np.select([rule for _name, rule in rules], [SEGMENTS.index(name) for name, _rule in rules],
                      default=SEGMENTS.index("hibernating"))  # fmt: skip
    return found.astype(np.int64)


def _ranges(scores: Ints, values: Floats) -> tuple[tuple[float, float] | None, ...]:
    found: list[tuple[float, float] | None] = []
    for score in range(1, QUINTILES + 1):
        held = values[scores == score]
        found.append((float(held.min()), float(held.max())) if held.size else None)
    return tuple(found)
