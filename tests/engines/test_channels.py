"""The channel mix: returns and concentration."""

from math import isnan, nan

import pandas as pd
import pytest

from engines.channels import HIGH_HHI, concentration, mix, return_on
from engines.results import Estimate, Unavailable


def mixed():
    return mix(*frames())


def frames():
    journey = pd.DataFrame(
        {
            "channel": ["ads", "direct", "amazon"],
            "sessions": [10_000.0, 5_000.0, nan],
            "first_orders": [100.0, 60.0, 40.0],
            "orders": [120.0, 80.0, 50.0],
            "net_base": [12_000.0, 9_000.0, 4_000.0],
            "costed_net_base": [12_000.0, 9_000.0, 4_000.0],
            "contribution_base": [5_000.0, 4_000.0, 1_000.0],
        }
    )
    return journey, pd.DataFrame({"channel": ["ads"], "cost_base": [3_000.0]})


def test_returns_contribution_and_shares():
    found = mixed()
    ads, direct, amazon = found.channels
    assert (ads.channel, ads.roas.value, ads.contribution) == ("ads", 4.0, 2_000.0)
    assert (direct.roas, direct.contribution) == (Unavailable("no_spend_data"), 4_000.0)
    assert isnan(amazon.sessions)
    assert found.margin == pytest.approx(10_000 / 25_000)
    assert sum(c.customer_share for c in found.channels) == pytest.approx(1)


def test_concentration_is_one_when_all_comes_from_one_and_one_nth_when_all_are_alike():
    assert concentration([5.0]) == 1
    assert concentration([2.0, 2.0, 2.0, 2.0, nan, 0.0]) == pytest.approx(HIGH_HHI)
    assert isnan(concentration([nan, 0.0]))
    assert mixed().hhi_customers == pytest.approx(0.5**2 + 0.3**2 + 0.2**2)


def test_a_return_on_few_orders_is_withheld():
    assert return_on(500.0, 100.0, 29) == Unavailable("too_few", 29, 30)
    assert isinstance(return_on(500.0, 100.0, 30), Estimate)
