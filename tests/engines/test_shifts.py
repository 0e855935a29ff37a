"""The scan that finds where and since when a driver fell, and the comparison of markets."""

import numpy as np
import pandas as pd
import pytest

from engines import peers, shifts
from engines.cubes import Cube

WEEKS, MARKETS, DEVICES = 104, ("DE", "FR", "GB", "US"), ("desktop", "mobile")
SIZES = {"DE": 4000, "FR": 1500, "GB": 2500, "US": 6000}
US_MOBILE = (("market", "US"), ("device", "mobile"))
NOTHING: dict[str, np.ndarray] = {}


def cube(seed: int = 1, factor: float = 1.0, weeks: int = 0, rate: float = 0.6, **where: str) -> Cube:
    """Four markets on two devices; the rate is `factor` times as high in the newest `weeks` of a place."""
    rng = np.random.default_rng(seed)
    cells = pd.DataFrame([(m, d) for m in MARKETS for d in DEVICES], columns=["market", "device"])
    trials = rng.poisson(np.tile(cells["market"].map(SIZES).to_numpy() / 2, (WEEKS, 1)))
    inside = np.ones(len(cells), dtype=bool)
    for dimension, code in where.items():
        inside &= (cells[dimension] == code).to_numpy()
    fallen = (np.arange(WEEKS) >= WEEKS - weeks)[:, None] & inside
    hits = rng.binomial(trials, rate * np.where(fallen, factor, 1.0)).astype(float)
    return Cube(cells, hits, trials.astype(float), trials * rate * (1 - rate), hits)


@pytest.mark.parametrize(
    ("where", "place"),
    [
        ({}, ()),
        ({"market": "US"}, (("market", "US"),)),
        ({"device": "mobile"}, (("device", "mobile"),)),
        ({"market": "US", "device": "mobile"}, US_MOBILE),
    ],
    ids=["everywhere", "market", "device", "both"],
)
def test_it_finds_where_a_driver_fell_since_when_and_by_how_much(where, place):
    found, _ = shifts.scan(cube(factor=0.9, weeks=12, **where), NOTHING)
    assert (found.place, found.onset) == (place, WEEKS - 12)
    assert found.drop == pytest.approx(-np.log(0.9), abs=3 * found.error)
    assert found.score > 100


def test_nothing_is_found_where_nothing_fell():
    scores = [found.score for seed in range(40) if (found := shifts.scan(cube(seed), NOTHING)[0])]
    assert max(scores) < 18


def test_a_rise_is_no_fall():
    found, _ = shifts.scan(cube(factor=1.1, weeks=12), NOTHING)
    assert found is None or found.score < 18


def test_a_shift_of_the_mix_between_devices_is_no_fall():
    even, fewer = cube(seed=3), cube(seed=3)
    mobile = (even.cells["device"] == "mobile").to_numpy()
    rates = np.where(mobile, 0.3, 0.8)
    volume = np.where((np.arange(WEEKS) >= WEEKS - 12)[:, None] & mobile, 3.0, 1.0) * fewer.lower
    hits = np.random.default_rng(4).binomial(volume.astype(int), rates).astype(float)
    found, _ = shifts.scan(Cube(even.cells, hits, volume, volume * rates * (1 - rates), hits), NOTHING)
    assert hits[-12:].sum() / volume[-12:].sum() < 0.9 * hits[:-12].sum() / volume[:-12].sum()
    assert found is None or found.score < 18


def test_a_dip_that_is_over_is_no_weak_link():
    dipped = cube(seed=5)
    dipped.upper[60:70] *= 0.8
    found, _ = shifts.scan(dipped, NOTHING)
    assert found is None or found.score < 18


def test_what_a_covariate_explains_is_no_fall():
    sale = np.where(np.arange(WEEKS) % 26 >= 20, 0.2, 0.0)
    given = {"discount": sale}
    moved = cube(seed=6)
    moved.upper[:] = moved.upper * np.exp(-sale)[:, None]
    found, _ = shifts.scan(moved, given)
    assert found is None or found.score < 18


def test_weeks_that_are_not_known_change_no_place():
    holed = cube(factor=0.85, weeks=12, market="US")
    holed.upper[50:53, 6:] = holed.lower[50:53, 6:] = 0.0
    found, _ = shifts.scan(holed, NOTHING)
    assert found.place == (("market", "US"),)


def test_doubled_counts_keep_the_place_and_the_drop():
    once = cube(factor=0.9, weeks=12, market="GB")
    twice = Cube(once.cells, 2 * once.upper, 2 * once.lower, 2 * once.variance, 2 * once.events)
    one, two = shifts.scan(once, NOTHING)[0], shifts.scan(twice, NOTHING)[0]
    assert (two.place, two.onset) == (one.place, one.onset)
    assert two.drop == pytest.approx(one.drop, rel=0.02)


# --- markets against each other ---------------------------------------------------------------------------------------
def test_a_market_that_was_always_weak_is_measured_by_the_others():
    found = peers.weakest(cube(factor=0.6, weeks=WEEKS, market="GB"))
    assert found.place == (("market", "GB"),)
    assert found.drop == pytest.approx(-np.log(0.6), abs=3 * found.error)


def test_a_device_that_was_always_weak_in_one_market_stands_out_inside_it():
    found = peers.weakest(cube(factor=0.7, weeks=WEEKS, market="US", device="mobile"))
    assert found.place == US_MOBILE
    assert found.drop == pytest.approx(-np.log(0.7), abs=3 * found.error)
    assert found.score > 12


def test_markets_that_merely_differ_are_not_weak():
    merely = cube(seed=8)
    merely.upper[:] = merely.upper * np.repeat([1.0, 0.9, 1.1, 0.95], 2)
    found = peers.weakest(merely)
    assert found is None or found.score < 12


def test_one_market_has_no_others():
    alone = cube(factor=0.6, weeks=WEEKS)
    keep = (alone.cells["market"] == "US").to_numpy()
    parts = (part[:, keep] for part in (alone.upper, alone.lower, alone.variance, alone.events))
    assert peers.weakest(Cube(alone.cells.loc[keep].reset_index(drop=True), *parts)) is None
