"""The panel against sums made row by row: what each rate takes, and what depends on week, market and channel."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from engines.business import LEFT_PAIRS, STEP_PAIRS, Business, panel
from engines.panel import Array

FIRST = np.datetime64("2026-01-05")
WEEKS, MARKETS, CHANNELS, DEVICES = 3, ("DE", "FR"), ("ads", "direct", "shop"), ("desktop", "mobile")
STEPS = ("sessions", *sorted({name for names in STEP_PAIRS.values() for name in names} - {"sessions"}))
Row = dict[str, object]


def business(seed: int, unknown: float) -> Business:
    """A journey and a spend of which a share of the cells, and some rows, are not known."""
    rng = np.random.default_rng(seed)
    keys = pd.MultiIndex.from_product(
        [[FIRST + 7 * n for n in range(WEEKS)], MARKETS, CHANNELS, DEVICES],
        names=["week", "market", "channel", "device"],
    ).to_frame(index=False)

    def filled(frame: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
        values = rng.integers(0, 40, (len(frame), len(names))).astype(float)
        values[rng.random(values.shape) < unknown] = np.nan
        frame = frame.assign(**dict(zip(names, values.T, strict=True)))
        return frame[rng.random(len(frame)) >= unknown / 2].astype({"week": "datetime64[s]"})

    journey = filled(keys, (*STEPS, "orders", "first_orders", "priced_orders", "net_base", "net_squares"))
    spend = filled(keys.drop(columns="device").drop_duplicates(), ("cost_base",))
    nothing = keys[:0].astype({"week": "datetime64[s]"})
    return Business(journey, spend, nothing, nothing, {"direct": "referral"})


def summed(frame: pd.DataFrame, measure: str, keep: Callable[[Row], bool]) -> Array:
    """The measure of the rows to keep, by week and market; NaN where none of them tells it."""
    found = np.full((WEEKS, len(MARKETS)), np.nan)
    for row in frame.to_dict("records"):
        if keep(row) and not np.isnan(row[measure]):
            at = (int((row["week"].to_datetime64().astype("datetime64[D]") - FIRST).astype(int)) // 7,
                  MARKETS.index(row["market"]))  # fmt: skip
            found[at] = np.nan_to_num(found[at]) + row[measure]
    return found


def told(*names: str) -> Callable[[Row], bool]:
    return lambda row: not any(np.isnan(row[name]) for name in names)  # type: ignore[call-overload]


def place(row: Row) -> tuple[object, ...]:
    return row["week"], row["market"], row["channel"]


def zero_where_known(taken: Array, whole: Array) -> Array:
    return np.where(np.isnan(taken) & ~np.isnan(whole), 0.0, taken)


@pytest.mark.parametrize("unknown", [0.0, 0.3, 0.8, 1.0])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_rate_takes_the_rows_that_tell_both_its_sides(seed, unknown):
    given = business(seed, unknown)
    found = panel(given, FIRST, FIRST + 7 * (WEEKS - 1))
    for key, names in STEP_PAIRS.items():
        for pair in zip(names[::2], names[1::2], strict=True):
            for measure in pair:
                expected = summed(given.conversion, measure, told(*pair))
                if (key, measure) == ("engaged_share", "sessions"):
                    expected = zero_where_known(expected, found["sessions"])
                np.testing.assert_array_equal(found.of(key, measure), _placed(found, expected), f"{key} {measure}")
    for key, step in LEFT_PAIRS.items():
        begun, paid = (summed(given.conversion, name, told(step, "payments")) for name in (step, "payments"))
        np.testing.assert_array_equal(found.of(key, step), _placed(found, begun), key)
        np.testing.assert_array_equal(found.of(key, f"abandoned_{step}"), _placed(found, np.maximum(begun - paid, 0)))


@pytest.mark.parametrize("unknown", [0.0, 0.3, 0.8, 1.0])
@pytest.mark.parametrize("seed", [1, 2])
def test_paid_tracked_and_visited_are_told_by_week_market_and_channel(seed, unknown):
    given = business(seed, unknown)
    found = panel(given, FIRST, FIRST + 7 * (WEEKS - 1))
    spent = {place(row) for row in given.market.to_dict("records") if row["cost_base"] > 0}
    seen = {place(row) for row in given.conversion.to_dict("records") if row["sessions"] > 0}
    kept = {
        "paid_first_orders": ("first_orders", lambda row: place(row) in spent),
        "tracked_orders": ("orders", lambda row: place(row) in seen),
        "paid_orders": ("orders", lambda row: place(row) in spent & seen),
        "referral_orders": ("orders", lambda row: row["channel"] == "direct" and place(row) in seen),
    }
    for name, (measure, keep) in kept.items():
        np.testing.assert_array_equal(found[name], _placed(found, summed(given.conversion, measure, keep)), name)
    bought = summed(given.market, "cost_base", lambda row: place(row) in seen)
    bought = zero_where_known(bought, summed(given.market, "cost_base", lambda _row: True))
    np.testing.assert_array_equal(found.of("cost_per_session", "cost_base"), _placed(found, bought))


def _placed(found, expected: Array) -> Array:
    """The columns of the markets that the panel has."""
    return expected[:, [MARKETS.index(code) for code in found.markets]]
