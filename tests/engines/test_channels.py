"""The channel mix: returns and concentration."""

from math import isnan, nan

import numpy as np
import pandas as pd
import pytest

from engines.business import Business, panel
from engines.channels import HIGH_HHI, concentration, mix
from engines.results import Unavailable

WEEK = np.datetime64("2026-03-02")


def mixed(journey=None):
    journey = journey or {
        "channel": ["ads", "direct", "amazon"],
        "sessions": [10_000.0, 5_000.0, nan],
        "first_orders": [100.0, 60.0, 40.0],
        "orders": [120.0, 80.0, 50.0],
        "priced_orders": [120.0, 80.0, 50.0],
        "net_base": [12_000.0, 9_000.0, 4_000.0],
        "net_squares": [1_500_000.0, 1_200_000.0, 400_000.0],
        "costed_orders": [120.0, 80.0, 50.0],
        "costed_net_base": [12_000.0, 9_000.0, 4_000.0],
        "contribution_base": [5_000.0, 4_000.0, 1_000.0],
    }
    where = {"week": WEEK, "market": "DE"}
    spend = pd.DataFrame({"channel": ["ads"], "cost_base": [3_000.0]}).assign(**where)
    nothing = pd.DataFrame({"week": spend["week"][:0], "market": spend["market"][:0]})
    business = Business(pd.DataFrame(journey).assign(**where), spend, nothing, nothing, {}, followups=nothing)
    return mix(panel(business.by_channel(), WEEK, WEEK), 1)


def test_returns_contribution_and_shares():
    found = mixed()
    ads, direct, amazon = found.channels
    assert (ads.channel, ads.roas.value, ads.cac.value, ads.contribution.value) == ("ads", 4.0, 30.0, 2_000.0)
    assert (ads.cost_per_session.value, ads.cvr.value) == (0.3, 0.012)
    assert (direct.roas, direct.cac) == (Unavailable("no_spend_data"), Unavailable("no_spend_data"))
    assert (ads.contribution.n, ads.costed_share) == (120, 1)
    assert isnan(amazon.sessions)
    assert amazon.cvr == Unavailable("no_traffic_data")
    assert found.margin == pytest.approx(10_000 / 25_000)
    assert sum(c.customer_share for c in found.channels) == pytest.approx(1)


def test_concentration_is_one_when_all_comes_from_one_and_one_nth_when_all_are_alike():
    assert concentration([5.0]) == 1
    assert concentration([2.0, 2.0, 2.0, 2.0, nan, 0.0]) == pytest.approx(HIGH_HHI)
    assert isnan(concentration([nan, 0.0]))
    assert mixed().hhi_spend == 1


def test_a_return_on_few_orders_is_withheld():
    few = {"channel": ["ads"], "sessions": [900.0], "orders": [29.0], "priced_orders": [29.0], "net_base": [500.0],
           "net_squares": [9_000.0], "first_orders": [29.0]}  # fmt: skip
    (ads,) = mixed(few).channels
    assert ads.roas == ads.cac == Unavailable("too_few", 29, 30)


ADS = {
    "channel": ["ads"],
    "sessions": [nan],
    "orders": [100.0],
    "priced_orders": [100.0],
    "net_base": [10_000.0],
    "net_squares": [2e6],
}


def test_contribution_is_of_all_orders_at_the_margin_of_those_that_tell_their_costs():
    told = {"costed_orders": [25.0], "costed_net_base": [2_500.0], "contribution_base": [1_000.0]}
    (ads,) = mixed(ADS | told).channels
    assert (ads.contribution.value, ads.contribution.n, ads.costed_share) == (10_000 * 0.4 - 3_000, 25, 0.25)


def test_contribution_after_an_unknown_spend_is_not_known():
    direct = mixed().channels[1]
    assert (direct.channel, direct.contribution) == ("direct", Unavailable("no_spend_data"))


def test_contribution_of_orders_whose_costs_nobody_tells_is_not_known():
    (ads,) = mixed(ADS | {"costed_orders": [0.0]}).channels
    assert ads.contribution == Unavailable("no_cost_data")


def test_where_nothing_was_sold_the_spend_is_lost():
    none = {name: [0.0] for name in ("orders", "priced_orders", "net_base", "net_squares", "costed_orders")}
    (ads,) = mixed({"channel": ["ads"], "sessions": [9.0], **none}).channels
    assert ads.contribution.value == -3_000


def test_weeks_without_known_spend_are_left_out_of_what_a_channel_leaves():
    weeks = [WEEK, WEEK + 7]
    sold = {"sessions": nan, "orders": 50.0, "costed_orders": 50.0, "net_base": 5_000.0, "costed_net_base": 5_000.0}
    journey = pd.DataFrame({"week": weeks, "market": "DE", "channel": "ads", "contribution_base": 2_000.0, **sold})
    spend = pd.DataFrame({"week": weeks[1:], "market": "DE", "channel": "ads", "cost_base": [500.0]})
    nothing = spend[:0][["week", "market"]]
    business = Business(journey, spend, nothing, nothing, {}, followups=nothing)
    (ads,) = mix(panel(business.by_channel(), weeks[0], weeks[1]), 2).channels
    assert ads.contribution.value == 1_500
