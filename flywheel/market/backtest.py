"""Did the score tell what came? Each market's score by what was known at its entry, against CAC and LTV since."""

from dataclasses import dataclass
from datetime import timedelta
from math import atanh, nan, sqrt, tanh

from scipy.stats import spearmanr

from engines import kpi
from engines.business import WEEKS_365
from engines.intervals import Z95
from engines.results import Estimate, Result, Unavailable
from flywheel.accounts.models import Workspace
from flywheel.diagnosis.running import newest_week
from flywheel.facts.calendar import last_complete_week
from flywheel.market.screening import screen
from flywheel.market.spec import Spec
from flywheel.measures import frames

MIN_MARKETS = 5  # below it even perfect agreement may be chance (1 in 24 orders of four)


@dataclass(frozen=True)
class Entered:
    """A market that was entered: when, its score by what was known then, and what became of it."""

    market: str
    year: int
    score: Result
    cac: Result
    ltv: Result


@dataclass(frozen=True)
class BackTest:
    """The markets by score, and how their order agrees with that of CAC and of LTV (rank correlation)."""

    rows: tuple[Entered, ...]
    with_cac: Result  # below zero is right: a better score, a cheaper customer
    with_ltv: Result


def back_test(workspace: Workspace, spec: Spec) -> BackTest | None:
    """The back-test over all measures; None when no market of the workspace has orders."""
    years = _entry_years(workspace)
    if not years:
        return None
    scores = _scores(workspace, spec, years)
    cac, ltv = _cac(workspace), _ltv(workspace)
    none = Unavailable("no_customer_data")
    rows = [Entered(m, years[m], scores[m], cac.get(m, none), ltv.get(m, none)) for m in years]
    rows.sort(key=lambda row: -row.score.value if isinstance(row.score, Estimate) else 1.0)
    return BackTest(tuple(rows), _agreement(rows, "cac"), _agreement(rows, "ltv"))


def _entry_years(workspace: Workspace) -> dict[str, int]:
    """Market -> the year of the first week with a first order."""
    frame = frames.conversion(workspace, ("week", "market"))
    bought = frame[(frame["first_orders"] > 0) & (frame["market"] != "")]
    return {str(market): int(week.year) for market, week in bought.groupby("market")["week"].min().items()}


def _scores(workspace: Workspace, spec: Spec, years: dict[str, int]) -> dict[str, Result]:
    """Each market's score by the values of the year in which it was entered, and before."""
    found: dict[str, Result] = {}
    for year in sorted(set(years.values())):
        entered = tuple(market for market, entry in years.items() if entry == year)
        scored = screen(workspace, spec.with_markets(entered), as_of=year)
        found |= {row.market: row.score for row in scored.rows}
    return found


def _cac(workspace: Workspace) -> dict[str, Result]:
    """Blended CAC of each market, over all complete weeks."""
    week = last_complete_week(workspace)
    new = frames.conversion(workspace, ("market",), last=week).set_index("market")["first_orders"]
    cost = frames.market(workspace, ("market",), last=week).set_index("market")["cost_base"]
    sums = {str(m): {"cost_base": float(cost.get(m, nan)), "first_orders": float(n)} for m, n in new.items()}
    return {market: kpi.compute(kpi.KPIS["cac"], found) for market, found in sums.items()}


def _ltv(workspace: Workspace) -> dict[str, Result]:
    """Observed contribution per customer in the year after the first order, of all customers old enough."""
    entry, week = kpi.KPIS["ltv_12m"], newest_week(workspace)
    if week is None:
        return {}
    frame = frames.cohorts(workspace, ("market",), last=week - timedelta(weeks=WEEKS_365)).set_index("market")
    return {
        str(market): kpi.compute(entry, {name: float(row[name]) for name in entry.measures})
        for market, row in frame.iterrows()
    }


def _agreement(rows: list[Entered], name: str) -> Result:
    """Spearman's rank correlation of score and outcome, with Fisher's interval (Fieller's variance 1.06 ÷ (n − 3))."""
    pairs = [
        (row.score.value, outcome.value)
        for row in rows
        if isinstance(row.score, Estimate) and isinstance(outcome := getattr(row, name), Estimate)
    ]
    if len(pairs) < MIN_MARKETS:
        return Unavailable("too_few_markets", len(pairs), MIN_MARKETS)
    scores, outcomes = zip(*pairs, strict=True)
    if len(set(scores)) == 1 or len(set(outcomes)) == 1:
        return Unavailable("too_few_markets")
    rho = float(spearmanr(scores, outcomes).statistic)
    half, centre = Z95 * sqrt(1.06 / (len(pairs) - 3)), atanh(min(max(rho, -0.999), 0.999))
    return Estimate(rho, tanh(centre - half), tanh(centre + half), len(pairs), "correlation")
