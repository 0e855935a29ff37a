"""Channels, weeks and markets of which only a part is known: a ratio is of those that tell both its sides."""

import numpy as np
import pandas as pd
import pytest

from engines import weekly
from engines.business import Business, panel
from engines.kpi import KPIS
from engines.panel import Panel
from engines.results import Estimate, Result, Unavailable

FIRST = np.datetime64("2026-01-05")
UNKNOWN = dict.fromkeys(
    ("sessions", "engaged_sessions", "product_views", "carts", "checkouts", "payment_attempts", "payments"), np.nan
)
SOLD = {"orders": 50.0, "first_orders": 40.0, "priced_orders": 50.0, "net_base": 5_000.0, "net_squares": 6e5}
SHOP = {"sessions": 1_000.0, "engaged_sessions": 500.0, "product_views": 400.0, "carts": 100.0, "checkouts": 60.0,
        "payment_attempts": 50.0, "payments": 40.0}  # fmt: skip
MARKETPLACE = {"sessions": 9_000.0, "product_views": 8_000.0}  # tells neither engagement nor carts


def week(at: int) -> np.datetime64:
    return (FIRST + 7 * at).astype("datetime64[s]")


def rows(*given: dict) -> pd.DataFrame:
    return pd.DataFrame([{"week": week(0), "market": "DE", **UNKNOWN, **row} for row in given])


def spend(*given: dict) -> pd.DataFrame:
    return pd.DataFrame([{"week": week(0), "market": "DE", **row} for row in given])


def made(conversion: pd.DataFrame, market: pd.DataFrame | None = None, by_channel: bool = False, **more) -> Panel:
    nothing = conversion[:0][["week", "market", "channel"]]
    whole = Business(conversion, nothing.assign(cost_base=0.0) if market is None else market,
                     more.get("aftersales", nothing), more.get("cohorts", nothing), {})  # fmt: skip
    last = conversion["week"].max().to_datetime64().astype("datetime64[D]")
    return panel(whole.by_channel() if by_channel else whole, FIRST, last)


def over(key: str, found: Panel, weeks: int = 1) -> Result:
    """The KPI over all markets; the table of markets says the same of all of them."""
    last = len(found.weeks) - 1
    result = weekly.result_at(KPIS[key], found, last, weeks=weeks)
    assert str(weekly.by_market(KPIS[key], found, last, weeks)[-1]) == str(result)
    return result


# --- channels ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("key", "value", "n"),
    [("engaged_share", 0.5, 1_000), ("view_rate", 0.8, 500), ("cart_rate", 0.25, 400), ("cart_abandonment", 0.6, 100)],
)
def test_a_step_is_a_share_of_the_sessions_whose_source_counts_it(key, value, n):
    found = over(key, made(rows({"channel": "shop", **SHOP}, {"channel": "marketplace", **MARKETPLACE})))
    assert (found.value, found.n) == (value, n)


def test_a_channel_whose_source_does_not_count_a_step_says_so():
    channels = made(rows({"channel": "shop", **SHOP}, {"channel": "marketplace", **MARKETPLACE}), by_channel=True)
    found = weekly.by_market(KPIS["engaged_share"], channels, 0).results()
    assert channels.markets == ("marketplace", "shop")
    assert found[0] == Unavailable("not_measured")
    assert found[1].value == found[2].value == 0.5


def test_spend_where_sessions_are_not_known_costs_no_session():
    sold = rows({"channel": "ads", "sessions": 1_000.0}, {"channel": "marketplace", **SOLD})
    bought = spend({"channel": "ads", "cost_base": 500.0}, {"channel": "marketplace", "cost_base": 5_000.0})
    assert over("cost_per_session", made(sold, bought)).value == 0.5
    alone = weekly.by_market(KPIS["cost_per_session"], made(sold, bought, by_channel=True), 0)
    assert alone[1] == Unavailable("no_traffic_data")


# --- weeks ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("key", "value"), [("cac", 25.0), ("mer", 5.0), ("cac_paid", 25.0)])
def test_weeks_without_known_spend_are_left_out_of_what_it_costs(key, value):
    sold = rows(*({"channel": "ads", "week": week(at), **SHOP, **SOLD} for at in range(13)))
    bought = spend(*({"channel": "ads", "week": week(at), "cost_base": 1_000.0} for at in range(2, 6)))
    assert over(key, made(sold, bought), 13).value == value


def test_every_line_over_weeks_leaves_them_out_too():
    sold = rows(*({"channel": "ads", "week": week(at), **SHOP, **SOLD} for at in range(13)))
    bought = spend(*({"channel": "ads", "week": week(at), "cost_base": 1_000.0} for at in range(9, 13)))
    line = weekly.series(KPIS["cac"], made(sold, bought), range(13), weeks=13).results()
    assert {r.value if isinstance(r, Estimate) else r.reason for r in line} == {25.0, "no_spend_data"}


def test_a_market_without_any_spend_counts_among_all_new_customers():
    sold = rows(*({"channel": "ads", "market": code, **SOLD} for code in ("DE", "AT")))
    found = made(sold, spend({"channel": "ads", "cost_base": 1_000.0}))
    assert over("cac", found, 4).value == 12.5
    assert weekly.result_at(KPIS["cac"], found, 0, 0, 4) == Unavailable("no_spend_data")


def test_a_known_spend_of_nothing_is_not_an_unknown_one_and_no_price():
    sold = rows(*({"channel": "ads", "week": week(at), **SHOP, **SOLD} for at in range(8)))
    off = spend(*({"channel": "ads", "week": week(at), "cost_base": 0.0 if at >= 4 else 900.0} for at in range(8)))
    found = made(sold, off)
    for key in ("cac", "cac_paid", "roas", "mer", "cost_per_session"):
        assert over(key, found, 4) == Unavailable("nothing_spent"), key
    assert over("cac", found, 8).value == 4 * 900 / (8 * 40)  # the weeks without spend brought customers too


# --- the full cost of a customer --------------------------------------------------------------------------------------
DISCOUNTED = SOLD | {"first_discount_base": 200.0}  # of 40 first orders


def full(conversion: pd.DataFrame, market: pd.DataFrame, *invested: tuple[str, str, float]) -> Panel:
    frame = pd.DataFrame(invested, columns=["month", "market", "amount_base"])
    frame["month"] = pd.to_datetime(frame["month"]).astype("datetime64[s]")
    nothing = conversion[:0][["week", "market", "channel"]]
    whole = Business(conversion, market, nothing, nothing, {}, investments=frame)
    return panel(whole, FIRST, conversion["week"].max().to_datetime64().astype("datetime64[D]"))


def test_a_market_without_spend_counts_with_its_investments_among_all_and_has_no_full_cost_of_its_own():
    sold = rows(*({"channel": "ads", "market": code, **DISCOUNTED} for code in ("DE", "AT")))
    found = full(sold, spend({"channel": "ads", "cost_base": 1_000.0}), ("2026-01-01", "AT", 3_100.0))
    result = over("cac_full", found)
    assert (result.value, result.n) == (pytest.approx((1_000 + 700 + 400) / 80), 80)
    assert result.value > over("cac", found).value
    assert weekly.result_at(KPIS["cac_full"], found, 0, 0) == Unavailable("no_spend_data")
    assert weekly.result_at(KPIS["cac_full"], found, 0, 1).value == pytest.approx(1_200 / 40)


def test_what_is_invested_in_a_market_before_anything_is_sold_there_counts():
    sold = rows({"channel": "ads", **DISCOUNTED})
    found = full(sold, spend({"channel": "ads", "cost_base": 1_000.0}), ("2026-01-01", "BR", 3_100.0))
    assert over("cac_full", found).value == pytest.approx((1_000 + 700 + 200) / 40)


def test_discounts_that_are_not_told_are_not_none():
    sold = rows({"channel": "shop", **DISCOUNTED}, {"channel": "marketplace", **SOLD})
    bought = spend({"channel": "shop", "cost_base": 1_000.0})
    assert over("cac_full", full(sold, bought, ("2026-01-01", "", 3_100.0))) == Unavailable("no_discount_data")


def test_a_market_that_tells_no_discounts_is_left_out_with_its_costs_and_customers():
    sold = rows({"channel": "ads", "market": "DE", **DISCOUNTED}, {"channel": "ads", "market": "AT", **SOLD})
    bought = spend(*({"channel": "ads", "market": code, "cost_base": 1_000.0} for code in ("DE", "AT")))
    found = full(sold, bought, ("2026-01-01", "", 3_100.0))
    result = over("cac_full", found)
    assert (result.value, result.n) == (pytest.approx((1_000 + 350 + 200) / 40), 40)
    assert weekly.result_at(KPIS["cac_full"], found, 0, 0) == Unavailable("no_discount_data")


def test_a_week_without_a_first_order_has_no_discount_to_tell():
    later = SOLD | {"first_orders": 0.0}
    sold = rows({"channel": "ads", **DISCOUNTED}, {"channel": "ads", "week": week(1), **later})
    bought = spend(*({"channel": "ads", "week": week(at), "cost_base": 1_000.0} for at in (0, 1)))
    found = full(sold, bought, ("2026-01-01", "", 3_100.0))
    assert over("cac_full", found, 2).value == pytest.approx((2_000 + 1_400 + 200) / 40)


def test_a_week_that_reaches_into_a_month_without_investments_is_not_half_invested():
    sold = rows(*({"channel": "ads", "week": week(at), **DISCOUNTED} for at in range(5)))  # the last from 2 February on
    bought = spend(*({"channel": "ads", "week": week(at), "cost_base": 1_000.0} for at in range(5)))
    found = full(sold, bought, ("2026-01-01", "", 3_100.0))
    assert weekly.result_at(KPIS["cac_full"], found, 3, weeks=1) == Unavailable("no_investment_data")  # to 1 February
    assert over("cac_full", found, 5).n == 3 * 40


@pytest.mark.parametrize("spent", [np.nan, 0.0])
def test_a_full_cost_needs_a_spend_that_is_known_but_not_one_above_zero(spent):
    sold = rows({"channel": "ads", **DISCOUNTED})
    found = over("cac_full", full(sold, spend({"channel": "ads", "cost_base": spent}), ("2026-01-01", "", 3_100.0)))
    if np.isnan(spent):
        assert found == Unavailable("no_spend_data")
    else:
        assert found.value == pytest.approx(900 / 40)


# --- weeks before a source --------------------------------------------------------------------------------------------
def test_weeks_before_the_first_ticket_had_no_help_desk_and_weeks_after_the_last_had_no_ticket():
    sold = rows(*({"channel": "shop", "week": week(at), **SOLD} for at in range(13)))
    desk = pd.DataFrame([{"week": week(at), "market": "DE", "channel": "shop", "tickets": 5.0} for at in (9, 10)])
    found = over("contact_rate", made(sold, aftersales=desk), 13)
    assert (found.value, found.n) == (10 / 200, 200)
