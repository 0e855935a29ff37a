"""The back-test of market screening: it finds the relation that was simulated, and leaves out what it cannot date."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from django.urls import reverse
from scipy.stats import spearmanr

from engines.business import Business
from engines.results import Estimate, Unavailable
from flywheel.accounts import records
from flywheel.facts.models import MarketIndicator, Source
from flywheel.market.backtest import FIRST_WEEKS, MIN_MARKETS, agreement, back_test, entry_years
from flywheel.market.models import RoadmapEntry
from flywheel.market.spec import Dimension, Indicator, Spec, first_spec
from tests.businesses import LAST, SIZES, WEEKS, business
from tests.measured import store

SCORED = Spec((Dimension("own", (Indicator("promise", 0, 10),), "Own"),), {"own": 1.0})
MARKETS = ("DE", "FR", "GB", "ES", "IT", "NL", "SE", "PL", "US", "CA", "JP", "AU", "BR", "MX")
PARTS = ("conversion", "market", "aftersales", "cohorts")


@pytest.fixture(autouse=True)
def _this_year(time_machine):
    time_machine.move_to("2026-11-18T09:00:00Z", tick=False)


def served(workspace, **days: date) -> None:
    """The roadmap names since when markets are sold in."""
    for market, day in days.items():
        records.add(RoadmapEntry(workspace=workspace, market=market, entered_on=day), None)


def promised(workspace, values: dict[str, float], period: str = "2024") -> None:
    """Each market's indicator, as of a year."""
    source = Source.objects.get_or_create(workspace=workspace, slug="desk", defaults={"name": "Desk"})[0]
    MarketIndicator.objects.bulk_create(
        MarketIndicator(
            workspace=workspace,
            source=source,
            external_id=f"{market}|promise|{period}",
            market=market,
            indicator="promise",
            period=period,
            value=round(value, 6),
        )
        for market, value in values.items()
    )


def entered(costs: dict[str, float], values: dict[str, float], since: dict[str, int]) -> Business:
    """Markets that come in one after the other (`since`: weeks ago), each with its cost and value of a customer."""
    starts = LAST - np.arange(WEEKS)[::-1] * np.timedelta64(7, "D")
    index = pd.MultiIndex.from_product([starts, list(costs)], names=["week", "market"])
    grid = index.to_frame(index=False).assign(channel="google_ads")
    age = ((LAST - grid["week"].to_numpy().astype("datetime64[D]")).astype(int) // 7).astype(int)
    grid = grid[age <= grid["market"].map(since).to_numpy()].reset_index(drop=True)
    rng = np.random.Generator(np.random.PCG64(11))
    n = rng.poisson(60, len(grid)).astype(float)
    cost, value = grid["market"].map(costs).to_numpy(), grid["market"].map(values).to_numpy()
    journey = grid.assign(device="mobile", sessions=n * 50, orders=n, first_orders=n)
    spend = grid.assign(cost_base=n * cost, impressions=n * 900, clicks=n * 40)
    cohorts = grid.assign(
        customers=n,
        costed_customers_365=n,
        contribution_365=n * value,
        contribution_squares_365=n * value**2 * 1.5,
    )
    nothing = grid[:0]
    return Business(journey, spend, nothing, cohorts, {"google_ads": "search"}, followups=nothing)


def one_after_another(markets=MARKETS) -> dict[str, int]:
    """Entries between two and one year ago, so that all have customers of a year's age; the first begins the data."""
    return {market: WEEKS - 1 - 3 * at for at, market in enumerate(markets)} | {markets[0]: WEEKS - 1}


def truth(seed: int, weight: float) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """Scores, and costs and values of a customer that follow them with `weight` (0: not at all)."""
    rng = np.random.default_rng(seed)
    score = rng.uniform(1, 9, len(MARKETS))
    made = [weight * (score - 5) / 2.3 + np.sqrt(1 - weight**2) * rng.standard_normal(len(MARKETS)) for _ in range(2)]
    costs, values = 30 * np.exp(-0.3 * made[0]), 90 * np.exp(0.3 * made[1])
    first, second, third = (dict(zip(MARKETS, each.tolist(), strict=True)) for each in (score, costs, values))
    return first, second, third


def scored(found) -> list:
    return [row for row in found.rows if isinstance(row.score, Estimate)]


# --- the relation -----------------------------------------------------------------------------------------------------
def test_a_score_that_told_what_came_is_recovered_in_sign_and_size(workspace):
    scores, costs, values = truth(3, 0.95)
    store(workspace, entered(costs, values, one_after_another()))
    promised(workspace, scores)
    found = back_test(workspace, SCORED)
    late = [row.market for row in scored(found)]
    assert len(late) == len(MARKETS) - 5  # the first thirteen weeks of the data hold five entries
    for result, outcome in ((found.with_cac, costs), (found.with_ltv, values)):
        true = spearmanr([scores[m] for m in late], [outcome[m] for m in late]).statistic
        assert result.value == pytest.approx(true, abs=0.1)
        assert result.n == len(late)
    assert found.with_cac.high < 0 < found.with_ltv.low


def test_a_score_that_told_nothing_has_an_interval_over_zero(workspace):
    scores, costs, values = truth(8, 0.0)
    store(workspace, entered(costs, values, one_after_another()))
    promised(workspace, scores)
    found = back_test(workspace, SCORED)
    for result in (found.with_cac, found.with_ltv):
        assert result.low < 0 < result.high


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.85])
def test_the_interval_holds_the_simulated_correlation_about_as_often_as_it_says(rho):
    rng = np.random.default_rng(17)
    true = 6 / np.pi * np.arcsin(rho / 2)  # Spearman's of two normals whose correlation is rho
    held = []
    for _sample in range(600):
        score = rng.standard_normal(14)
        outcome = rho * score + np.sqrt(1 - rho**2) * rng.standard_normal(14)
        found = agreement(list(zip(score.tolist(), outcome.tolist(), strict=True)))
        held.append(found.low <= true <= found.high)
    assert 0.91 <= np.mean(held) <= 0.98


def test_markets_are_scored_by_what_was_known_when_they_were_entered(workspace):
    scores, costs, values = truth(3, 0.95)
    store(workspace, entered(costs, values, one_after_another()))
    promised(workspace, scores)
    promised(workspace, {market: 10 - score for market, score in scores.items()}, "2026")
    found = back_test(workspace, SCORED)
    assert all(
        row.score.value == pytest.approx(scores[row.market] / 10, abs=1e-6) for row in scored(found) if row.year < 2026
    )


# --- the entry --------------------------------------------------------------------------------------------------------
def test_a_market_with_orders_in_the_first_weeks_of_the_data_was_entered_before():
    begins = date(2024, 7, 29)
    weeks = {"DE": begins, "FR": begins + timedelta(weeks=FIRST_WEEKS - 1), "PL": begins + timedelta(weeks=FIRST_WEEKS)}
    assert entry_years(weeks, {}) == {"DE": None, "FR": None, "PL": 2024}
    assert entry_years({}, {}) == {}


def test_the_day_on_the_roadmap_goes_before_the_first_order_of_the_data():
    weeks = {"DE": date(2024, 7, 29), "FR": date(2024, 7, 29), "PL": date(2026, 2, 2)}
    told = {"DE": date(2019, 5, 1), "PL": date(2026, 6, 1), "CA": date(2020, 1, 1)}  # nobody orders before the entry
    assert entry_years(weeks, told) == {"DE": 2019, "FR": None, "PL": 2026}


def test_markets_of_unknown_entry_are_told_and_left_out(client, workspace, reader):
    store(workspace, business(1))
    found = back_test(workspace, first_spec(()))
    assert {row.market for row in found.rows} == set(SIZES)
    assert {row.score for row in found.rows} == {Unavailable("entry_not_known")}
    assert all(isinstance(row.cac, Estimate) and isinstance(row.ltv, Estimate) for row in found.rows)
    assert found.with_cac == found.with_ltv == Unavailable("too_few_markets", 0, MIN_MARKETS)
    client.force_login(reader)
    html = client.get(reverse("market-screening", args=["acme"])).content.decode()
    assert "6 markets had orders in the first 13 weeks of the data" in html
    assert "sold in since before the data begins" in html
    assert reverse("market-roadmap", args=["acme"]) in html


def test_markets_whose_entry_the_roadmap_names_are_scored_as_of_then(client, workspace, reader):
    store(workspace, business(1))
    served(workspace, **{code: date(2021, 3, 1) for code in SIZES})
    found = back_test(workspace, first_spec(()))
    assert {row.year for row in found.rows} == {2021}
    assert isinstance(found.with_cac, Estimate)
    assert -1 <= found.with_cac.low <= found.with_cac.value <= found.with_cac.high <= 1
    assert found.with_cac.n == len(SIZES)
    client.force_login(reader)
    html = client.get(reverse("market-screening", args=["acme"])).content.decode()
    assert "Back-test" in html
    assert "in the first 13 weeks of the data" not in html


def test_a_back_test_of_few_markets_has_no_correlation(workspace):
    whole = business(1)
    kept = ["DE", "US", "GB", "FR"]
    store(workspace, replace(whole, **{n: f[f["market"].isin(kept)] for n in PARTS if len(f := getattr(whole, n))}))
    served(workspace, **{code: date(2021, 3, 1) for code in kept})
    found = back_test(workspace, first_spec(()))
    assert found.with_cac == Unavailable("too_few_markets", 4, MIN_MARKETS)


def test_without_orders_there_is_no_back_test(workspace):
    assert back_test(workspace, first_spec(("DE",))) is None
