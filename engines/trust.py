"""The trust checklist: how much of it is covered, and the rate before and after a change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engines import differences, weekly
from engines.kpi import KPIS
from engines.panel import Panel
from engines.results import EngineInputError, Result, Unavailable

CVR = KPIS["cvr"]
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
    """The rate before and after a change, and their difference; `weeks` that count on each side.

    The week of the change itself belongs to neither side. Weak evidence: whatever else changed is in it too.
    """

    weeks: tuple[int, int]
    before: Result
    after: Result
    difference: Result


_NONE = Unavailable("no_traffic_data")
NO_TRAFFIC = BeforeAfter((0, 0), _NONE, _NONE, _NONE)


def before_after(panel: Panel, market: int, changed: np.datetime64) -> BeforeAfter:
    """A market's CVR in the WEEKS_AROUND weeks before and after the week of `changed` (any day) that the panel holds.

    It is the KPI's: of the same orders, sessions, sources and weeks. `market`: its position in the panel.
    """
    at = int((changed.astype("datetime64[D]") - panel.weeks[0]).astype(np.int64) // 7)
    earlier, before = _side(panel, market, at - WEEKS_AROUND, at - 1)
    later, after = _side(panel, market, at + 1, at + WEEKS_AROUND)
    return BeforeAfter((earlier, later), before, after, _difference(before, after))


def _side(panel: Panel, market: int, first: int, last: int) -> tuple[int, Result]:
    """How many of the weeks from `first` to `last` count, and the CVR over them."""
    first, last = max(first, 0), min(last, len(panel.weeks) - 1)
    if last < first:
        return 0, Unavailable("too_young", 0, MIN_WEEKS)
    found = weekly.result_at(CVR, panel, last, market, last - first + 1)
    weeks = weekly.told_weeks(CVR, panel, last, market, last - first + 1)
    return weeks, _enough(found, weeks)


def _enough(found: Result, weeks: int) -> Result:
    if isinstance(found, Unavailable) and found.reason != "too_few":
        return found
    if weeks < MIN_WEEKS:
        return Unavailable("too_young", weeks, MIN_WEEKS)
    sessions = found.n or 0.0
    return found if sessions >= MIN_SESSIONS else Unavailable("too_few", sessions, MIN_SESSIONS)


def _difference(before: Result, after: Result) -> Result:
    if isinstance(before, Unavailable):
        return before
    if isinstance(after, Unavailable):
        return after
    return differences.of_rates(*(part for side in (after, before) for part in (side.value * side.n, side.n)))


def answered(states: Mapping[str, str], items: Sequence[str]) -> list[str]:
    """The state of every item, "unknown" where none was entered."""
    return [states.get(item, "unknown") for item in items]
