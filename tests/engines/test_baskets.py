import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from engines import baskets
from engines.baskets import Histogram, bin_width, candidates, lift, pairs, stands, threshold
from engines.results import Unavailable

orders = st.lists(st.integers(1, 63), min_size=100, max_size=130).map(
    lambda marks: [{c for n, c in enumerate("ABCDEF") if mark >> n & 1} for mark in marks]
)


def compressed(baskets_):
    return [(list(items), float(n)) for items, n in Counter(tuple(sorted(b)) for b in baskets_).items()]


def test_a_planted_pair_is_found_with_its_counts():
    rows = [(["tent", "pegs"], 60.0), (["tent"], 40.0), (["pegs"], 20.0), (["mug"], 880.0)]
    found = pairs(rows)[0]
    assert (found.first, found.second, found.together, found.n) == ("pegs", "tent", 60, 1000)
    assert found.support == 0.06
    assert (found.to_second.value, found.to_first.value) == (0.75, 0.6)
    assert found.lift.value == pytest.approx(1000 * 60 / (80 * 100))
    assert found.p_value == pytest.approx(fisher_exact([[60, 20], [40, 880]], "greater").pvalue)


def test_products_bought_by_chance_are_no_pairs():
    rng = np.random.default_rng(3)
    rows = compressed([{c for c in "ABCDEFGH" if rng.random() < 0.3} | {"x"} for _ in range(2_000)])
    assert len(pairs(rows)) <= 2  # of 28 pairs, at a false discovery rate of 5 %


def test_shops_of_chance_rarely_show_a_pair():
    """400 products, a long tail, nothing planted: every pair shown is false, so few shops may show any."""
    rng, shown = np.random.default_rng(8), 0
    chance = 1 / np.arange(1, 401) ** 0.8
    chance /= chance.sum()
    for _ in range(40):
        rows = compressed([set(rng.choice(400, 1 + rng.poisson(1.2), p=chance).astype(str)) for _ in range(1_500)])
        shown += bool(pairs(rows))
    assert shown / 40 <= 0.1


def test_the_tea_and_coffee_of_the_textbook():
    """Confidence 75 %, yet lift .9375: who drinks tea drinks coffee more rarely than others."""
    rows = [(["coffee", "tea"], 150.0), (["tea"], 50.0), (["coffee"], 650.0), (["water"], 150.0)]
    found = lift(150, 200, 800, 1_000)
    assert found.value == pytest.approx(0.9375)
    assert pairs(rows) == ()


def test_the_groceries_of_a_known_library():
    """Onion -> eggs of the mlxtend guide, the five baskets a hundred times: support .6, confidence 1, lift 1.25."""
    found = {
        (p.first, p.second): p
        for p in pairs([
            (["beans", "eggs", "milk", "nutmeg", "onion", "yogurt"], 100.0),
            (["beans", "dill", "eggs", "nutmeg", "onion", "yogurt"], 100.0),
            (["apple", "beans", "eggs", "milk"], 100.0),
            (["beans", "corn", "milk", "unicorn", "yogurt"], 100.0),
            (["beans", "corn", "eggs", "ice cream", "onion"], 100.0),
        ])
    }  # fmt: skip
    onion = found["eggs", "onion"]
    assert (onion.support, onion.to_first.value, onion.lift.value) == (0.6, 1.0, pytest.approx(1.25))
    assert not any("beans" in pair for pair in found)  # in every basket: lift 1 with all


def test_the_false_discoveries_of_benjamini_and_hochberg():
    """The 15 tests of their example: four stand at 5 %."""
    p = np.array([0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719,
                  0.6528, 0.7590, 1.0])  # fmt: skip
    assert stands(p, 15).tolist() == [True] * 4 + [False] * 11
    assert stands(p[::-1], 15).tolist() == [False] * 11 + [True] * 4
    assert stands(p, 100).sum() == 2  # the same values among more tests
    assert stands(np.array([]), 0).tolist() == []


def test_few_orders_and_rare_pairs_say_nothing():
    assert pairs([(["a", "b"], 99.0)]) == Unavailable("too_few", 99, 100)
    assert pairs([]) == Unavailable("too_few", 0, 100)
    assert pairs([(["a", "b"], 9.0), (["c"], 991.0)]) == ()


def test_a_wholesale_list_is_not_paired():
    many = [f"sku-{n}" for n in range(baskets.MAX_ITEMS + 1)]
    assert pairs([(many, 50.0), (["c"], 950.0)]) == ()


@given(orders)
def test_counts_are_those_of_a_loop(rows):
    found = pairs(compressed(rows))
    for pair in found:
        assert pair.together == sum({pair.first, pair.second} <= b for b in rows) >= baskets.MIN_TOGETHER
        assert pair.with_first == sum(pair.first in b for b in rows)
        assert pair.lift.low <= pair.lift.value <= pair.lift.high
        assert pair.first < pair.second


def test_lifts_interval_covers_one_for_independent_products():
    rng, held = np.random.default_rng(11), 0
    for _ in range(300):
        a, b = rng.random(800) < 0.3, rng.random(800) < 0.2
        found = lift((a & b).sum(), a.sum(), b.sum(), 800)
        held += found.low <= 1 <= found.high
    assert 0.92 <= held / 300 <= 0.98


# --- order values -----------------------------------------------------------------------------------------------------
@given(st.floats(0.01, 1e7))
def test_the_width_of_a_bin_is_round_and_gives_a_few_hundred_bins(upper):
    width = bin_width(upper)
    assert 150 <= upper / width <= baskets.BINS * 1.001
    assert round(width / 10 ** math.floor(math.log10(width) + 1e-9), 6) in {1, 2, 2.5, 5, 10}


def histogram(values, width=1.0):
    bins: dict = {}
    for value in values:
        n, total, paid = bins.get(int(value // width), (0, 0.0, 0.0))
        bins[int(value // width)] = (n + 1, total + value, paid + 5.0)
    return Histogram.of(width, bins)


def test_a_threshold_tells_who_reaches_it_and_what_the_others_lack():
    found = threshold(histogram([20.0] * 40 + [45.0] * 40 + [60.0] * 20), 50.0, 0.25)
    assert found.reached.value == 0.2
    assert found.near.value == 0.4
    assert found.missing == pytest.approx(5.0)
    assert found.gain == pytest.approx(0.25 * 40 * 5)
    assert found.shipping == pytest.approx(20 * 5 + 0.25 * 40 * 5)


def test_a_threshold_earns_the_margin_of_what_it_sells_less_the_shipping_it_gives_away():
    found = threshold(histogram([20.0] * 40 + [45.0] * 40 + [60.0] * 20), 50.0, 0.25)
    assert baskets.effect(found, 0.4) == pytest.approx(0.4 * 50 - 150)
    assert baskets.effect(threshold(histogram([20.0] * 40), 50.0, 0.0), 0.4) == 0


def test_a_threshold_of_few_orders_has_no_share():
    assert threshold(histogram([20.0] * 5), 10.0, 0.2).reached == Unavailable("too_few", 5, 30)


@given(st.lists(st.floats(0, 390), min_size=30, max_size=200), st.integers(1, 390))
def test_a_threshold_on_the_edge_of_a_bin_is_counted_exactly(values, value):
    found = threshold(histogram(values), float(value), 0.3)
    assert found.reached.value == pytest.approx(sum(v >= value for v in values) / len(values))
    assert found.gain >= 0


@given(st.lists(st.floats(1, 390), min_size=30, max_size=200))
def test_candidates_rise_and_lie_among_the_orders(values):
    found = candidates(histogram(values))
    assert list(found) == sorted(set(found))
    assert len(found) <= 5
    assert all(0 < t <= 2 * max(values) + 2 for t in found)
