"""The positioning map: shares that add up, empty places that are asked for, and too few offers."""

import numpy as np
import pytest

from engines.positioning import CELLS, Map, position
from engines.results import EngineInputError, Unavailable


def crowd(reviews_left=10.0, reviews_right=10.0):
    """Offers in the lower left and the upper right corner, none between."""
    x = np.array([1, 1.2, 1.4, 1.1, 9, 9.2, 8.8, 9.1])
    y = np.array([1, 1.3, 1.1, 1.2, 9, 8.9, 9.3, 9.1])
    return x, y, np.array([reviews_left] * 4 + [reviews_right] * 4)


def test_demand_and_supply_are_shares_of_the_whole_map():
    found = position(*crowd())
    assert isinstance(found, Map)
    assert len(found.cells) == CELLS**2
    assert sum(c.demand for c in found.cells) == pytest.approx(1)
    assert sum(c.supply for c in found.cells) == pytest.approx(1)
    assert sum(c.offers for c in found.cells) == 8


def test_without_a_difference_in_reviews_no_place_is_asked_for_more_than_it_is_served():
    assert position(*crowd()).openings == ()


def test_the_emptiest_demanded_cells_lie_next_to_the_offers_with_many_reviews():
    openings = position(*crowd(1, 500)).openings
    assert openings
    assert all(c.offers == 0 and c.gap > 0 for c in openings)
    assert [c.gap for c in openings] == sorted((c.gap for c in openings), reverse=True)
    assert openings[0].column >= CELLS // 2
    assert openings[0].row >= CELLS // 2


def test_the_map_does_not_depend_on_the_unit_of_an_attribute():
    x, y, reviews = crowd(3, 90)
    one, other = position(x, y, reviews), position(x * 1000, y, reviews)
    assert [c.demand for c in one.cells] == pytest.approx([c.demand for c in other.cells])


def test_offers_that_do_not_tell_both_attributes_are_left_out():
    x, y, reviews = crowd()
    x[:5] = np.nan
    assert position(x, y, reviews) == Unavailable("too_few_offers", 3, 5)


def test_without_reviews_there_is_no_demand():
    x, y, reviews = crowd()
    reviews[1:] = np.nan
    assert position(x, y, reviews).reason == "no_demand_data"
    assert position(x, y, np.zeros(8)).reason == "no_demand_data"


def test_offers_that_are_all_alike_still_make_a_map():
    assert isinstance(position(np.ones(6), np.ones(6), np.ones(6)), Map)


def test_columns_that_do_not_fit_are_refused():
    with pytest.raises(EngineInputError):
        position(np.ones(6), np.ones(5), np.ones(6))
    with pytest.raises(EngineInputError):
        position(np.ones(6), np.ones(6), -np.ones(6))
