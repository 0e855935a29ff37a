"""Scores of markets: the formulas against plain loops, published judgements, and what a missing value does."""

import math
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from engines import scoring
from engines.results import EngineInputError

REAL = os.environ.get("FLYWHEEL_REAL_DATA", "")
COMPONENTS = [
    "Customs score",
    "Infrastructure score",
    "International shipments score",
    "Logistics quality and competence score",
    "Timeliness score",
    "Tracking and tracing score",
]
# Saaty 1990, How to make a decision, table 3: eight criteria of a house, judgements above the diagonal
HOUSE = [
    5, 3, 7, 6, 6, 1 / 3, 1 / 4,
    1 / 3, 5, 3, 3, 1 / 5, 1 / 7,
    6, 3, 4, 6, 1 / 5,
    1 / 3, 1 / 4, 1 / 7, 1 / 8,
    1 / 2, 1 / 5, 1 / 6,
    1 / 5, 1 / 6,
    1 / 2,
]  # fmt: skip


# --- the same by plain loops ------------------------------------------------------------------------------------------
def slow_topsis(values, weights, costs):
    """Hwang and Yoon 1981, step by step."""
    m, n = len(values), len(values[0])
    t = [[0.0] * n for _ in range(m)]
    for j in range(n):
        length = math.sqrt(sum(values[i][j] ** 2 for i in range(m)))
        for i in range(m):
            t[i][j] = weights[j] / sum(weights) * values[i][j] / length
    result = []
    for i in range(m):
        plus = minus = 0.0
        for j in range(n):
            column = [t[k][j] for k in range(m)]
            best, worst = (min(column), max(column)) if costs[j] else (max(column), min(column))
            plus += (t[i][j] - best) ** 2
            minus += (t[i][j] - worst) ** 2
        result.append(math.sqrt(minus) / (math.sqrt(plus) + math.sqrt(minus)))
    return result


def slow_entropy(values):
    m, n = len(values), len(values[0])
    spread = []
    for j in range(n):
        total = sum(values[i][j] for i in range(m))
        parts = [values[i][j] / total for i in range(m)]
        spread.append(1 + sum(p * math.log(p) for p in parts if p > 0) / math.log(m))
    return [s / sum(spread) for s in spread]


@pytest.mark.parametrize("seed", range(5))
def test_topsis_and_entropy_equal_a_reference_implementation(seed):
    rng = np.random.default_rng(seed)
    values, weights = rng.uniform(0.01, 100, (12, 6)), rng.uniform(0.1, 1, 6)
    costs = [False, True, False, False, True, False]
    assert scoring.topsis(values, weights, costs) == pytest.approx(slow_topsis(values, weights, costs), abs=1e-9)
    assert scoring.entropy_weights(values) == pytest.approx(slow_entropy(values), abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_the_weighted_sum_equals_a_reference_implementation(seed):
    rng = np.random.default_rng(seed)
    values, weights = rng.uniform(-5, 15, (9, 4)), rng.uniform(0, 1, 4)
    z = np.column_stack([scoring.normalised(values[:, j], 0, 10, is_cost=j == 2) for j in range(4)])
    slow = [
        sum(
            w / sum(weights) * (1 - min(max(x / 10, 0), 1) if j == 2 else min(max(x / 10, 0), 1))
            for j, (x, w) in enumerate(zip(row, weights, strict=True))
        )
        for row in values
    ]
    assert scoring.weighted_sum(z, weights) == pytest.approx(slow, abs=1e-9)


# --- normalisation ----------------------------------------------------------------------------------------------------
def test_bounds_of_the_model_are_zero_and_one_and_costs_are_turned_round():
    x = np.array([-1.0, 0.0, 2.5, 10.0, 99.0, np.nan])
    assert scoring.normalised(x, 0, 10)[:5].tolist() == [0, 0, 0.25, 1, 1]
    assert scoring.normalised(x, 0, 10, is_cost=True)[:5].tolist() == [1, 1, 0.75, 0, 0]
    assert np.isnan(scoring.normalised(x, 0, 10)[5])


def test_on_a_logarithmic_scale_equal_ratios_are_equal_steps():
    z = scoring.normalised(np.array([1e9, 1e11, 1e13, 0.0]), 1e9, 1e13, is_log=True)
    assert z.tolist() == pytest.approx([0, 0.5, 1, 0])


@pytest.mark.parametrize(("low", "high", "is_log"), [(5, 5, False), (6, 5, False), (0, 5, True), (math.nan, 1, False)])
def test_bounds_out_of_order_are_refused(low, high, is_log):
    with pytest.raises(EngineInputError):
        scoring.normalised(np.array([1.0]), low, high, is_log=is_log)


@given(st.integers(2, 20), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_a_removed_market_changes_no_other_score(m, n, seed):
    rng = np.random.default_rng(seed)
    raw, weights = rng.normal(50, 40, (m, n)), rng.uniform(0.1, 1, n)
    raw[rng.random((m, n)) < 0.2] = np.nan
    z = scoring.normalised(raw, 0, 100)
    assert scoring.weighted_sum(z[1:], weights) == pytest.approx(
        scoring.weighted_sum(z, weights)[1:], abs=1e-12, nan_ok=True
    )


# --- what is not known ------------------------------------------------------------------------------------------------
def test_a_missing_dimension_is_not_zero_its_weight_goes_to_the_others():
    z = np.array([[0.8, np.nan, 0.4], [0.8, 0.0, 0.4]])
    assert scoring.weighted_sum(z, np.array([1, 1, 2])).tolist() == pytest.approx([(0.8 + 2 * 0.4) / 3, 0.4])
    assert scoring.coverage(z, np.array([1, 1, 2])).tolist() == [0.75, 1.0]


def test_a_market_of_which_nothing_is_known_has_no_score_and_no_rank():
    z = np.array([[np.nan, np.nan], [0.2, 0.4]])
    scores = scoring.weighted_sum(z, np.ones(2))
    assert np.isnan(scores[0])
    assert scoring.ranks(scores).tolist() == [0, 1]
    assert np.isnan(scoring.topsis(z, np.ones(2))[0])


def test_topsis_of_one_market_or_of_twins_says_nothing():
    assert np.isnan(scoring.topsis(np.array([[0.3, 0.6]]), np.ones(2))).all()
    assert np.isnan(scoring.topsis(np.array([[0.3, 0.6], [0.3, 0.6]]), np.ones(2))).all()


def test_a_dimension_in_which_all_are_zero_does_no_harm():
    assert scoring.topsis(np.array([[0.0, 0.2], [0.0, 0.4]]), np.ones(2)).tolist() == [0.0, 1.0]
    assert scoring.entropy_weights(np.array([[0.0, 0.2], [0.0, 0.4]])).tolist() == [0.0, 1.0]


# --- ranks ------------------------------------------------------------------------------------------------------------
def test_equal_scores_share_a_rank_also_when_rounding_parts_them():
    assert scoring.ranks(np.array([0.5, 0.1 + 0.2, 0.3, 0.9, 0.1])).tolist() == [2, 3, 3, 1, 5]


# --- weights ----------------------------------------------------------------------------------------------------------
def test_entropy_rewards_spread_and_without_any_all_weigh_the_same():
    spread = np.array([[0.1, 0.5], [0.9, 0.5], [0.5, 0.5]])
    assert scoring.entropy_weights(spread).tolist() == [1.0, 0.0]
    assert scoring.entropy_weights(np.full((3, 2), 0.5)).tolist() == [0.5, 0.5]
    assert scoring.entropy_weights(np.array([[0.3, np.nan], [0.6, 0.4]])).tolist() == [1.0, 0.0]
    with pytest.raises(EngineInputError):
        scoring.entropy_weights(np.array([[-0.1, 1.0], [0.2, 1.0]]))


def test_ahp_gives_the_published_priorities_and_consistency_of_the_house():
    found = scoring.ahp(scoring.reciprocal(HOUSE, 8))
    published = [0.173, 0.054, 0.188, 0.018, 0.031, 0.036, 0.167, 0.333]
    assert found.weights.tolist() == pytest.approx(published, abs=0.0005)
    assert (found.lambda_max, found.index, found.ratio) == pytest.approx((9.669, 0.238, 0.169), abs=0.0005)
    assert not found.is_consistent


def test_judgements_that_agree_are_perfectly_consistent():
    w = np.array([0.5, 0.3, 0.15, 0.05])
    found = scoring.ahp(w[:, None] / w[None, :])
    assert found.weights.tolist() == pytest.approx(w.tolist())
    assert found.ratio == pytest.approx(0, abs=1e-9)
    assert found.is_consistent


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_dimensions_cannot_contradict_each_other(n):
    assert scoring.ahp(scoring.reciprocal([7.0] * (n - 1), n)).ratio == 0


def test_a_matrix_that_is_not_reciprocal_is_refused():
    for matrix in (np.array([[1.0, 3.0], [3.0, 1.0]]), np.array([[1.0, -3.0], [-1 / 3, 1.0]]), np.ones((2, 3))):
        with pytest.raises(EngineInputError):
            scoring.ahp(matrix)
    with pytest.raises(EngineInputError):
        scoring.reciprocal([1.0], 3)


@pytest.mark.parametrize("weights", [[0.0, 0.0], [-1.0, 2.0], [np.nan, 1.0]])
def test_weights_that_cannot_be_are_refused(weights):
    with pytest.raises(EngineInputError):
        scoring.stability(np.ones((2, 2)), np.array(weights), 1)


# --- stability --------------------------------------------------------------------------------------------------------
def test_a_market_that_is_best_in_everything_stays_first_under_all_weights():
    found = scoring.stability(np.array([[0.9, 0.8, 0.9], [0.2, 0.3, 0.1], [0.5, 0.4, 0.5]]), np.ones(3), k=1)
    assert found.top_share.tolist() == [1.0, 0.0, 0.0]
    assert (found.rank_low.tolist(), found.rank_high.tolist()) == ([1, 3, 2], [1, 3, 2])


def test_opposites_of_equal_weight_are_first_half_of_the_time():
    found = scoring.stability(np.array([[1.0, 0.0], [0.0, 1.0]]), np.ones(2), k=1, draws=20_000)
    assert found.top_share[0] == pytest.approx(0.5, abs=0.02)
    assert (found.rank_low[0], found.rank_high[0]) == (1, 2)


def test_the_same_seed_gives_the_same_shares_and_an_unknown_market_none():
    scores = np.array([[0.5, 0.6], [0.6, 0.5], [np.nan, np.nan]])
    first, again = (scoring.stability(scores, np.ones(2), 1) for _ in range(2))
    assert first.top_share.tolist() == again.top_share.tolist()
    assert first.top_share[2] == 0


# --- the World Bank's own index ---------------------------------------------------------------------------------------
def equal_index(table: pd.DataFrame) -> np.ndarray:
    """The index as equal weights of the components make it, back on its scale of 1 to 5."""
    z = np.column_stack([scoring.normalised(table[name].to_numpy(float), 1, 5) for name in table])
    return 1 + 4 * scoring.weighted_sum(z, scoring.equal_weights(z.shape[1]))


def within_the_published(index: np.ndarray, published: np.ndarray) -> None:
    assert np.abs(index - published).max() < 0.09
    assert spearmanr(index, published).statistic > 0.99


@pytest.mark.skipif(not REAL, reason="FLYWHEEL_REAL_DATA is not set: no folder with public data sets")
def test_equal_weights_of_the_six_components_give_the_published_lpi():
    path = Path(REAL) / "market" / "International_LPI_from_2007_to_2023_0.xlsx"
    sheet = pd.read_excel(path, sheet_name="2023", engine="calamine").rename(columns=str.strip)
    assert len(sheet) == 139
    within_the_published(equal_index(sheet[COMPONENTS]), sheet["LPI Score"].to_numpy(float))


@pytest.mark.skipif(not REAL, reason="FLYWHEEL_REAL_DATA is not set: no folder with public data sets")
def test_the_four_economies_of_the_published_score_4_1_tie_for_the_third_place():
    path = Path(REAL) / "market" / "International_LPI_from_2007_to_2023_0.xlsx"
    sheet = pd.read_excel(path, sheet_name="2023", engine="calamine").rename(columns=str.strip)
    scores = scoring.weighted_sum(
        scoring.normalised(sheet["LPI Score"].to_numpy(float), 1, 5)[:, None], scoring.equal_weights(1)
    )
    ranked = pd.Series(scoring.ranks(scores), index=sheet["country"])
    assert (ranked["Singapore"], ranked["Finland"], ranked["Libya"]) == (1, 2, ranked.max())
    assert sorted(ranked)[2:7] == [3, 3, 3, 3, 7]
