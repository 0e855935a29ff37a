"""Page experience against the limits of the Core Web Vitals, and what phones convert less than desktops."""

from math import isnan

from engines import differences
from engines.results import Estimate, Result, Unavailable

LIMITS = {
    "lcp_ms": (2500.0, 4000.0),
    "inp_ms": (200.0, 500.0),
    "cls": (0.1, 0.25),
}  # good up to, poor above; Google, Core Web Vitals (web.dev/articles/vitals), at the 75th percentile of page views
MIN_SESSIONS = 100  # per device; below it a conversion rate of 2 % is two sessions


def rating(metric: str, value: float) -> str:
    """ "good", "medium" or "poor" of a 75th percentile; a value on a limit has the better rating."""
    good, poor = LIMITS[metric]
    if value <= good:
        return "good"
    return "medium" if value <= poor else "poor"


def mobile_gap(mobile: tuple[float, float], desktop: tuple[float, float]) -> Result:
    """CVR of desktop minus CVR of phones, from (sessions, paid sessions) of each; above zero phones convert less."""
    if any(isnan(x) for x in (*mobile, *desktop)):
        return Unavailable("not_measured")
    least = min(mobile[0], desktop[0])
    if least < MIN_SESSIONS:
        return Unavailable("too_few", least, MIN_SESSIONS)
    return differences.of_rates(desktop[1], desktop[0], mobile[1], mobile[0])


def gap_money(gap: Result, mobile_sessions: float, aov: Result) -> Result:
    """What phones would bring at the desktop's CVR: gap × mobile sessions × AOV of phones, with the gap's interval."""
    if isinstance(gap, Unavailable):
        return gap
    if isinstance(aov, Unavailable):
        return aov
    factor = mobile_sessions * aov.value
    low, high = gap.low, gap.high
    return Estimate(
        gap.value * factor,
        None if low is None else low * factor,
        None if high is None else high * factor,
        mobile_sessions,
        "money",
    )
