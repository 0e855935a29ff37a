"""Campaigns: their rates are the KPIs, shares add up, and what is not told stays unknown."""

from math import isnan, nan

import pandas as pd
import pytest

from engines.campaigns import campaigns
from engines.results import Estimate, Unavailable


def summed(**columns):
    rows = pd.DataFrame({"channel": "ads", "campaign": ["a", "b", "c"], **columns})
    pairs = {
        "ctr_impressions": "impressions",
        "ctr_clicks": "clicks",
        "cpc_cost_base": "cost_base",
        "cpc_clicks": "clicks",
    }
    return rows.assign(**{to: rows[name] for to, name in pairs.items() if to not in rows})


def test_rates_are_of_each_campaign_and_shares_add_up_to_all():
    found, together = campaigns(
        summed(cost_base=[300.0, 100.0, 0.0], impressions=[10_000.0, 20_000.0, 500.0], clicks=[200.0, 400.0, 10.0])
    )
    assert [c.ctr.value for c in found] == pytest.approx([0.02, 0.02, 0.02])
    assert [c.cpc.value for c in found[:2]] == pytest.approx([1.5, 0.25])
    assert [c.share for c in found] == pytest.approx([0.75, 0.25, 0.0])
    assert (together.cost_base, together.clicks, together.share) == (400.0, 610.0, 1.0)
    assert together.cpc.value == pytest.approx(400 / 610)  # of the sums, no mean of rates


def test_what_an_account_does_not_tell_stays_unknown():
    found, together = campaigns(
        summed(cost_base=[300.0, nan, 50.0], impressions=[10_000.0, 5_000.0, nan], clicks=[200.0, 100.0, nan])
    )
    assert isnan(found[1].cost_base)
    assert isnan(found[1].share)
    assert found[1].cpc == found[2].ctr == found[2].cpc == Unavailable("no_spend_data")
    assert isinstance(found[1].ctr, Estimate)
    assert found[0].share == pytest.approx(300 / 350)
    assert together.cost_base == 350.0


def test_a_few_clicks_are_no_price_of_a_click():
    found, _together = campaigns(summed(cost_base=[3.0] * 3, impressions=[9.0] * 3, clicks=[2.0] * 3))
    assert found[0].cpc.reason == found[0].ctr.reason == "too_few"


def test_without_campaigns_there_is_nothing_together():
    assert campaigns(summed(cost_base=1.0, impressions=1.0, clicks=1.0)[:0]) == ((), None)
