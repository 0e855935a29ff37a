"""Did the score tell what came? Each market's score by what was known at its entry, against CAC and LTV since.

The entry is the day that the roadmap names, else the first order. A market that had orders when the data begins was
entered at some time before, by what was known of it then: it has no score here until somebody enters the day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import atanh, sqrt, tanh

from scipy.stats import spearmanr

from engines import kpi, weekly
from engines.intervals import Z95
from engines.results import Estimate, Result, Unavailable
from flywheel.accounts.models import Workspace
from flywheel.diagnosis.engine_pages import ALL, Choice, load
from flywheel.diagnosis.running import newest_week
from flywheel.facts.calendar import last_complete_week
from flywheel.market.models import RoadmapEntry
from flywheel.market.screening import screen
from flywheel.market.spec import Spec
from flywheel.measures import frames

CAC, LTV = "cac", "ltv_12m"
FIRST_WEEKS = 13  # of the data; a market that was sold in before sells in them, unless it hardly sells at all
MIN_MARKETS = 5  # below it even perfect agreement may be chance (1 in 24 orders of four)


@dataclass(frozen=True)
class Entered:
    """A market that was entered: when (None: not known), its score by what was known then, and what became of it."""

    market: str
    year: int | None
    score: Result
    cac: Result
    ltv: Result


@dataclass(frozen=True)
class BackTest:
    """The markets by score, and how their order agrees with that of CAC and of LTV (rank correlation)."""

    rows: tuple[Entered, ...]
    with_cac: Result  # below zero is right: a better score, a cheaper customer
    with_ltv: Result

    @property
    def unknown(self) -> int:
        """How many markets were entered at a time that is not known."""
        return sum(row.year is None for row in self.rows)


def back_test(workspace: Workspace, spec: Spec) -> BackTest | None:
    """The back-test over all measures; None when no market of the workspace has orders."""
    years = entry_years(_first_orders(workspace), _entered(workspace))
    if not years:
        return None
    scores = _scores(workspace, spec, {market: year for market, year in years.items() if year is not None})
    known = _by_market(workspace, (CAC, LTV))
    cac, ltv = known[CAC], known[LTV]
    none, no_entry = Unavailable("no_customer_data"), Unavailable("entry_not_known")
    rows = [Entered(m, years[m], scores.get(m, no_entry), cac.get(m, none), ltv.get(m, none)) for m in years]
    rows.sort(key=lambda row: -row.score.value if isinstance(row.score, Estimate) else 1.0)
    return BackTest(tuple(rows), _agreement(rows, "cac"), _agreement(rows, "ltv"))


def _first_orders(workspace: Workspace) -> dict[str, date]:
    """Market -> the first week with a first order."""
    frame = frames.conversion(workspace, ("week", "market"))
    bought = frame[(frame["first_orders"] > 0) & (frame["market"] != "")]
    return {str(market): week.date() for market, week in bought.groupby("market")["week"].min().items()}


def _entered(workspace: Workspace) -> dict[str, date]:
    """Market -> since when it is sold in, where the roadmap says so."""
    known = RoadmapEntry.objects.filter(workspace=workspace, entered_on__isnull=False)
    return {market: day for market, day in known.values_list("market", "entered_on") if day}


def entry_years(first_orders: Mapping[str, date], entered: Mapping[str, date]) -> dict[str, int | None]:
    """The year in which each market was entered: as `entered` says, else that of its first order.

    None where neither tells it: the first order lies within the first 13 weeks of all that are known.
    """
    begins = min(first_orders.values(), default=date.min)
    years: dict[str, int | None] = {}
    for market, week in first_orders.items():
        is_open = market not in entered and (week - begins).days < 7 * FIRST_WEEKS
        years[market] = None if is_open else min(entered.get(market, week), week).year
    return years


def _scores(workspace: Workspace, spec: Spec, years: Mapping[str, int]) -> dict[str, Result]:
    """Each market's score by the values of the year in which it was entered, and before."""
    found: dict[str, Result] = {}
    for year in sorted(set(years.values())):
        entered = tuple(market for market, entry in years.items() if entry == year)
        scored = screen(workspace, spec.with_markets(entered), as_of=year)
        found |= {row.market: row.score for row in scored.rows}
    return found


def _by_market(workspace: Workspace, keys: tuple[str, ...]) -> dict[str, dict[str, Result]]:
    """KPI -> market -> its value over all weeks there are, as the KPI's own page has it."""
    week = newest_week(workspace)
    if week is None:
        return {key: {} for key in keys}
    found = load(workspace, Choice(week, ALL, "", last_complete_week(workspace)))
    tables = {key: weekly.by_market(kpi.KPIS[key], found.panel, found.last, found.weeks) for key in keys}
    return {key: {m: table[at] for at, m in enumerate(found.panel.markets)} for key, table in tables.items()}


def _agreement(rows: list[Entered], name: str) -> Result:
    """How the scores agree with an outcome, over the markets that have both."""
    pairs = [
        (row.score.value, outcome.value)
        for row in rows
        if isinstance(row.score, Estimate) and isinstance(outcome := getattr(row, name), Estimate)
    ]
    return agreement(pairs)


def agreement(pairs: Sequence[tuple[float, float]]) -> Result:
    """Spearman's rank correlation of score and outcome, with Fisher's interval (Fieller's variance 1.06 ÷ (n − 3))."""
    if len(pairs) < MIN_MARKETS:
        return Unavailable("too_few_markets", len(pairs), MIN_MARKETS)
    scores, outcomes = zip(*pairs, strict=True)
    if len(set(scores)) == 1 or len(set(outcomes)) == 1:
        return Unavailable("too_few_markets")
    rho = float(spearmanr(scores, outcomes).statistic)
    half, centre = Z95 * sqrt(1.06 / (len(pairs) - 3)), atanh(min(max(rho, -0.999), 0.999))
    return Estimate(rho, tanh(centre - half), tanh(centre + half), len(pairs), "correlation")
