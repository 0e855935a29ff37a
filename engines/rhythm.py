"""Whether records arrive as usual: days without any, weeks of unusual volume, and data older than was agreed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from statistics import median

from engines.results import Unavailable

Counts = Mapping[date, int]  # records per day; a day without any is not in it
DAY = timedelta(days=1)
WEEK = timedelta(days=7)
ENOUGH_WEEKS = 3  # before a weekday has come this often, its silence may be a fault as well as a habit
OPEN_SHARE = 0.25  # a weekday with records in fewer of the weeks is closed: one Sunday's order opens no Sundays
DAILY_FROM = 5  # records on a usual day; below it a day without any is chance (at 5 expected: 0.7 %)
USUAL_WEEKS = 8  # two months: long enough for a median, short enough to follow growth
LOW, HIGH = 0.6, 1.7  # of the usual week; between them a week is a week
SPREADS = 3  # robust standard deviations
SIGMA_PER_MAD = 1.4826  # of a normal distribution; Rousseeuw and Croux, 1993
MIN_USUAL = 50  # records of a usual week; a smaller shop halves and doubles by chance
ENOUGH_DAYS = 3  # days with records, before their distances say what is usual


@dataclass(frozen=True, slots=True)
class Gap:
    """A run of days without records; `days` counts those on which records are expected."""

    first: date
    last: date
    days: int


@dataclass(frozen=True, slots=True)
class Volume:
    """One week's records against the usual week's. `signal`: -1 far too few, +1 far too many, 0 as usual."""

    week: date
    count: int
    usual: float
    signal: int


# --- days -------------------------------------------------------------------------------------------------------------
def open_weekdays(counts: Counts) -> frozenset[int]:
    """The weekdays (Monday = 0) on which records are expected, between the first day with records and the last.

    A weekday is closed when records came in fewer than a quarter of its at least three occurrences; weeks without
    any record do not count, so that an outage closes nothing.
    """
    active = {_monday(day) for day in counts}
    days = [day for day in _span(counts) if _monday(day) in active]
    return frozenset(weekday for weekday in range(7) if _is_open([d for d in days if d.weekday() == weekday], counts))


def _is_open(days: list[date], counts: Counts) -> bool:
    return len(days) < ENOUGH_WEEKS or sum(day in counts for day in days) >= OPEN_SHARE * len(days)


def usual_day(counts: Counts) -> float:
    """Records on a usual open day, days without any included; 0 without data. Weeks without any do not count."""
    open_days, active = open_weekdays(counts), {_monday(day) for day in counts}
    expected = [counts.get(d, 0) for d in _span(counts) if d.weekday() in open_days and _monday(d) in active]
    return float(median(expected)) if expected else 0.0


def gaps(counts: Counts) -> list[Gap]:
    """Runs of open days without records between the first day with records and the last, oldest first.

    Closed days neither make a gap nor end one.
    """
    open_days = open_weekdays(counts)
    found: list[Gap] = []
    running = False
    for day in _span(counts):
        if day in counts:
            running = False
        elif day.weekday() in open_days:
            before = found.pop() if running else Gap(day, day, 0)
            found.append(Gap(before.first, day, before.days + 1))
            running = True
    return found


def usual_pause(counts: Counts) -> int | None:
    """The most days that have lain between two days with records; None below three days with records."""
    days = sorted(counts)
    if len(days) < ENOUGH_DAYS:
        return None
    return max((later - earlier).days for earlier, later in pairwise(days))


def _span(counts: Counts) -> Iterator[date]:
    """Every day from the first with records to the last."""
    if counts:
        day, last = min(counts), max(counts)
        while day <= last:
            yield day
            day += DAY


def _monday(day: date) -> date:
    return day - day.weekday() * DAY


# --- weeks ------------------------------------------------------------------------------------------------------------
def newest_whole_week(counts: Counts, complete: date) -> date | None:
    """The first day of the newest week that the data fills; None without data.

    `complete` is the first day of the newest week that is over by the calendar. A week whose last open day has no
    records yet is still arriving: that is told by the data's age, not by its volume.
    """
    if not counts:
        return None
    newest, open_days, week = max(counts), open_weekdays(counts), complete
    while week + WEEK > min(counts):
        rest = (newest + (n + 1) * DAY for n in range((week + WEEK - DAY - newest).days))
        if newest >= week and not any(day.weekday() in open_days for day in rest):
            return week
        week -= WEEK
    return None


def volume(counts: Counts, week: date | None) -> Volume | Unavailable:
    """The records of the week that starts on `week` against the median of the eight weeks before.

    A signal needs all of: below 60 % or above 170 % of the median, outside median ± 3 × 1.4826 × MAD, and a median of
    at least 50. Unavailable("too_young") when the data does not reach back eight whole weeks.
    Reference: Rousseeuw, Croux, Alternatives to the median absolute deviation, 1993, eq. 1.1.
    """
    whole = 0 if week is None or not counts else max((week - min(counts)).days // 7, 0)
    if week is None or whole < USUAL_WEEKS:
        return Unavailable("too_young", n=whole, needed=USUAL_WEEKS)
    before = [_in_week(counts, week - n * WEEK) for n in range(1, USUAL_WEEKS + 1)]
    count, usual = _in_week(counts, week), float(median(before))
    spread = SPREADS * SIGMA_PER_MAD * median(abs(n - usual) for n in before)
    is_far = usual >= MIN_USUAL and not LOW * usual <= count <= HIGH * usual and abs(count - usual) > spread
    return Volume(week, count, usual, (1 if count > usual else -1) if is_far else 0)


def _in_week(counts: Counts, week: date) -> int:
    return sum(counts.get(week + n * DAY, 0) for n in range(7))


# --- age --------------------------------------------------------------------------------------------------------------
def allowed_age(cadence_days: int | None, delay_days: int | None) -> int | None:
    """How many days old the newest record may be: as agreed, else twice the cadence; None when nothing is agreed."""
    if delay_days is not None:
        return delay_days
    return None if cadence_days is None else 2 * cadence_days


def freshness(
    record_age: int | None, load_age: int, pause: int | None, cadence_days: int | None, delay_days: int | None
) -> str:
    """ "fresh", "due" (a load is expected by now), "late" or "not_agreed".

    `record_age` and `load_age` are days since the newest record and the last load (`record_age` None: records have no
    dates). `pause` is what usually lies between two days with records where they do not come daily (0 where they do,
    None when not known): so much older the newest record may be, since nothing may have happened.
    """
    allowed = allowed_age(cadence_days, delay_days)
    if allowed is None:
        return "not_agreed"
    if load_age > allowed or (record_age is not None and pause is not None and record_age > max(allowed, pause)):
        return "late"
    return "due" if cadence_days is not None and load_age >= cadence_days else "fresh"
