"""A business told by channels, and by the channels of each market."""

import numpy as np
import pytest

from engines import weekly
from engines.business import panel, place
from engines.kpi import KPIS
from tests.businesses import LAST, business


@pytest.mark.parametrize("key", ["cac", "payback_months", "cvr", "ltv_12m", "cost_per_session", "engaged_share"])
def test_channels_of_all_markets_at_once_say_what_each_market_says_of_its_channels(key):
    whole = business(1)
    span = (LAST - 60 * np.timedelta64(7, "D"), LAST)
    together = panel(whole.by_channel_in_market(), *span)
    figures = dict(zip(together.markets, weekly.by_market(KPIS[key], together, 60, 52).results(), strict=False))
    compared = 0
    for market in whole.markets():
        own = panel(whole.by_channel(market), *span)
        for channel, result in zip(own.markets, weekly.by_market(KPIS[key], own, 60, 52).results(), strict=False):
            assert str(figures.get(place(market, channel))) == str(result), (market, channel)
            compared += 1
    assert compared > 3
