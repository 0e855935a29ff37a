"""The page of advertising campaigns: sorted, paged, filtered by market, and as a file."""

import csv
import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from engines import weekly
from engines.kpi import KPIS
from flywheel.diagnosis import engine_pages
from flywheel.diagnosis.engine_pages import Choice
from flywheel.market import campaigns
from tests.businesses import LAST, business
from tests.measured import store

WEEK = LAST.astype(object)
CHOICE = Choice(WEEK, 13, "", WEEK)


def advertised(count: int = 3) -> pd.DataFrame:
    """The spend of a business in `count` campaigns per channel, each dearer per click than the one before."""
    whole = business(1).market
    parts = []
    for at in range(count):
        part = whole.assign(campaign=f"campaign {at:02}")
        part["clicks"] = (part["clicks"] / count).round()
        part["impressions"] = (part["clicks"] * 40 / (at + 1)).round()
        part["cost_base"] = part["clicks"] * 0.1 * (at + 1)
        parts.append(part)
    rows = pd.concat(parts, ignore_index=True)
    pairs = {"ctr_impressions": "impressions", "ctr_clicks": "clicks", "cpc_cost_base": "cost_base"}
    return rows.assign(**{to: rows[name] for to, name in pairs.items()}, cpc_clicks=rows["clicks"])


@pytest.fixture
def spent(workspace):
    store(workspace, replace(business(1), market=advertised()))
    return workspace


@pytest.fixture
def read(client, reader):
    client.force_login(reader)
    return lambda name="market-campaigns", *args, **query: client.get(reverse(name, args=["acme", *args]), query)


def rows(response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


def test_each_campaign_of_a_channel_is_a_row_with_its_own_price(spent, read):
    found = rows(read("market-campaigns-file", "csv"))
    assert len(found) == 6
    assert {(row["Campaign"], round(float(row["CPC"]), 6)) for row in found} == {
        ("campaign 00", 0.1), ("campaign 01", 0.2), ("campaign 02", 0.3)
    }  # fmt: skip
    assert sum(float(row["Share of spend"]) for row in found) == pytest.approx(1)
    assert all(float(row["CTR, lower limit"]) < float(row["CTR"]) < float(row["CTR, upper limit"]) for row in found)


def test_all_campaigns_together_are_what_the_kpis_say(spent):
    loaded = engine_pages.load(spent, CHOICE)
    context = campaigns.context(spent, CHOICE, {})
    for key in ("ctr", "cpc"):
        own = weekly.result_at(KPIS[key], loaded.panel, loaded.last, None, 13)
        assert getattr(context["together"], key) == own
        assert KPIS[key].name.en in [card["name"] for card in context["cards"]]
    assert len(context["charts"]) == 2


def test_a_market_has_its_own_campaigns(spent, read):
    whole, one = (
        sum(float(r["Spend"]) for r in rows(read("market-campaigns-file", "csv", **q))) for q in ({}, {"market": "FR"})
    )
    assert 0 < one < whole / 4


@pytest.mark.parametrize(
    ("sort", "first"),
    [("spend", "campaign 02"), ("cpc", "campaign 00"), ("ctr", "campaign 02"), ("name", "campaign 00")],
)
def test_rows_come_in_the_order_that_is_asked_for(spent, read, sort, first):
    assert rows(read("market-campaigns-file", "csv", sort=sort))[0]["Campaign"] == first
    assert f'value="{sort}" selected' in read(sort=sort).content.decode()


def test_an_order_that_does_not_exist_is_that_by_spend(spent, read):
    assert 'value="spend" selected' in read(sort="'; drop").content.decode()


def test_what_is_not_told_is_open_and_comes_last(workspace, read):
    told = advertised()
    told.loc[
        told["campaign"] == "campaign 00", ["clicks", "ctr_impressions", "ctr_clicks", "cpc_cost_base", "cpc_clicks"]
    ] = np.nan
    store(workspace, replace(business(1), market=told))
    last = rows(read("market-campaigns-file", "csv", sort="cpc"))[-1]
    assert (last["Campaign"], last["Clicks"], last["CPC"], last["CTR"]) == ("campaign 00", "", "", "")
    assert float(last["Spend"]) > 0


def test_many_campaigns_come_in_pages_without_a_query_each(
    workspace, read, django_assert_max_num_queries: DjangoAssertNumQueries
):
    store(workspace, replace(business(1), market=advertised(15)))
    with django_assert_max_num_queries(40):
        html = read(weeks="4", sort="name").content.decode()
    assert html.count("campaign 0") + html.count("campaign 1") == campaigns.PER_PAGE
    assert "sort=name&amp;page=2" in html
    second = read(weeks="4", sort="name", page="2").content.decode()
    assert second.count("campaign 1") == 5


def test_a_hostile_name_is_no_formula_and_no_markup(workspace, read):
    told = advertised(1).assign(campaign='=HYPERLINK("x")<b>')
    store(workspace, replace(business(1), market=told))
    assert rows(read("market-campaigns-file", "csv"))[0]["Campaign"].startswith("'=")
    assert "&lt;b&gt;" in read().content.decode()


def test_without_advertising_the_page_says_what_to_load(workspace, read):
    store(workspace, replace(business(1), market=advertised()[:0]))
    assert "No campaigns in this period" in read().content.decode()


def test_without_data_the_page_names_the_first_step(workspace, read):
    assert "No complete week of data yet" in read().content.decode()
    answer = read("market-campaigns-file", "csv")
    assert answer.headers["Location"] == reverse("engine", args=["acme", "market"])
