"""The trust checklist: how much of it is covered, and the rate before and after a change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines import differences
from engines.rates import rate
from engines.results import EngineInputError, Result, Unavailable

STATES = ("yes", "no", "not_applicable", "unknown")
WEEKS_AROUND = 8  # compared on each side of a change
MIN_WEEKS = 2  # fewer weeks on a side are one week's mood
MIN_SESSIONS = 500  # per side; below it a CVR of 2 % has an interval of more than 2.5 points


@dataclass(frozen=True, slots=True)
class Coverage:
    """Items in place, missing and not answered; items that do not apply are left out.

    `score` = yes ÷ (yes + no + unknown): what is not known counts as missing. `answered`: share with an answer. Both
    None where nothing applies.
    """

    yes: int
    no: int
    unknown: int
    score: float | None
    answered: float | None


def coverage(states: Sequence[str]) -> Coverage:
    """The coverage of a checklist; raises EngineInputError for a state that is none of STATES."""
    if wrong := [state for state in states if state not in STATES]:
        raise EngineInputError(f"{wrong[0]!r} is no state of an item")
    yes, no, unknown = (sum(s == name for s in states) for name in ("yes", "no", "unknown"))
    total = yes + no + unknown
    return Coverage(yes, no, unknown, yes / total if total else None, (yes + no) / total if total else None)


@dataclass(frozen=True)
class BeforeAfter:
    """The rate before and after a change, and their difference; `weeks` complete weeks on each side.

    The week of the change itself belongs to neither side. Weak evidence: whatever else changed is in it too.
    """

    weeks: tuple[int, int]
    before: Result
    after: Result
    difference: Result


def before_after(
    weeks: NDArray[np.datetime64], sessions: NDArray[np.float64], paid: NDArray[np.float64], changed: np.datetime64
) -> BeforeAfter:
    """CVR in the WEEKS_AROUND weeks before and after the week of `changed` (any day), from weekly sums, NaN unknown."""
    known = ~(np.isnan(sessions) | np.isnan(paid))
    starts = weeks.astype("datetime64[D]")
    away = (starts - changed.astype("datetime64[D]")).astype(np.int64)
    before = known & (away <= -7) & (away > -7 * (WEEKS_AROUND + 1))
    after = known & (away > 0) & (away <= 7 * WEEKS_AROUND)
    counts = (int(before.sum()), int(after.sum()))
    first, second = (_rate(float(paid[side].sum()), float(sessions[side].sum()), n) for side, n in
                     ((before, counts[0]), (after, counts[1])))  # fmt: skip
    missing = next((r for r in (first, second) if isinstance(r, Unavailable)), None)
    if missing is not None:
        return BeforeAfter(counts, first, second, missing)
    sides = [(float(paid[s].sum()), float(sessions[s].sum())) for s in (after, before)]
    return BeforeAfter(counts, first, second, differences.of_rates(*sides[0], *sides[1]))


def _rate(paid: float, sessions: float, weeks: int) -> Result:
    if weeks < MIN_WEEKS:
        return Unavailable("too_young", weeks, MIN_WEEKS)
    return rate(paid, sessions, MIN_SESSIONS)


def answered(states: Mapping[str, str], items: Sequence[str]) -> list[str]:
    """The state of every item, "unknown" where none was entered."""
    return [states.get(item, "unknown") for item in items]
