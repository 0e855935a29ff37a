"""The channel mix page: costs, returns with their reasons, and the shift."""

import csv
import io
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from django.urls import reverse
from python_calamine import CalamineWorkbook

from engines import weekly
from engines.kpi import KPIS
from engines.response import Response
from engines.results import Unavailable
from flywheel.diagnosis import engine_pages
from flywheel.diagnosis.engine_pages import Choice
from flywheel.market import channel_mix
from tests.businesses import LAST, business
from tests.measured import store

WEEK = LAST.astype(object)
CHOICE = Choice(WEEK, 13, "", WEEK)


@pytest.fixture
def sold(workspace):
    store(workspace, business(1))
    return workspace


def page(client, user, **query) -> str:
    client.force_login(user)
    return client.get(reverse("market-channels", args=["acme"]), query).content.decode()


def test_each_spending_channel_has_a_marginal_return_with_interval_or_a_reason(sold):
    loaded = channel_mix.load(sold, CHOICE)
    spending = {c.channel for c in loaded.mix.channels if c.cost_base > 0}
    assert set(loaded.responses) == spending == {"google_ads", "meta_ads"}
    for found in loaded.responses.values():
        assert isinstance(found, Response | Unavailable)
        if isinstance(found, Response):
            assert found.marginal.low < found.marginal.value < found.marginal.high


def test_the_page_says_how_far_a_channel_is_to_be_scaled(client, sold, reader):
    html = page(client, reader)
    assert "one divided by the contribution margin" in html
    assert "Concentration (HHI)" in html
    assert "Chance that it pays" in html


def with_curves(business_, decline):
    """The business with spend that varies at will and revenue that follows it, the second channel `decline` as well."""
    rng = np.random.default_rng(5)
    spend = business_.market.copy()
    spend["cost_base"] *= np.exp(rng.normal(0, 0.5, len(spend)))
    journey = business_.conversion.copy()
    keys = ["week", "market", "channel"]
    cost = journey[keys].merge(spend[[*keys, "cost_base"]], how="left", on=keys)["cost_base"].to_numpy()
    mean = spend.groupby(["market", "channel"])["cost_base"].transform("mean")
    means = spend.assign(mean=mean)[[*keys, "mean"]]
    usual = journey[keys].merge(means, how="left", on=keys)["mean"].to_numpy()
    lift = np.where(journey["channel"] == "meta_ads", decline, 1.0) * 6 * usual * cost / (cost + usual) / 2
    for name in ("net_base", "costed_net_base"):
        journey[name] = np.where(np.isnan(cost), journey[name], 2 * usual + lift)
    journey["contribution_base"] = 0.45 * journey["net_base"]
    return replace(business_, market=spend, conversion=journey)


def test_a_clear_plan_is_shown_channel_by_channel_within_its_bounds(client, workspace, reader):
    store(workspace, with_curves(business(1), 0.05))
    plan = channel_mix.context(workspace, CHOICE)["plan"]
    assert plan["is_clear"]
    lines = {line["name"]: line for line in plan["lines"]}
    assert lines["meta_ads"]["share"] == pytest.approx(-0.3, abs=0.01)
    assert lines["google_ads"]["moved"] == pytest.approx(-lines["meta_ads"]["moved"])
    html = page(client, reader)
    assert "the budget stays as it is" in html
    assert "Planned spend per week" in html
    rows = {r["Channel"]: r for r in files(client)}
    assert float(rows["meta_ads"]["Planned spend per week"]) == pytest.approx(lines["meta_ads"]["planned"])
    unpaid = [row for name, row in rows.items() if name not in lines]
    assert len(unpaid) == 2
    assert {(row["Planned spend per week"], row["Spend per week now"]) for row in unpaid} == {("", "")}


def files(client) -> list[dict[str, str]]:
    content = client.get(reverse("market-channels-file", args=["acme", "csv"])).content
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def test_a_channel_without_a_curve_keeps_its_budget_and_says_why(client, workspace, reader):
    made = with_curves(business(1), 0.05)
    steady = made.market[made.market["channel"] == "google_ads"].assign(channel="steady_ads", cost_base=70.0)
    store(workspace, replace(made, market=pd.concat([made.market, steady], ignore_index=True)))
    plan = channel_mix.context(workspace, CHOICE)["plan"]
    (line,) = (line for line in plan["lines"] if line["reason"])
    assert (line["spend"], line["planned"], line["moved"]) == (pytest.approx(420), pytest.approx(420), 0)
    assert "keeps its budget:" in page(client, reader)
    (row,) = (r for r in files(client) if r["Why it keeps its budget"])
    assert row["Planned spend per week"] == ""
    assert float(row["Spend per week now"]) == pytest.approx(420)


def test_where_nothing_is_clear_no_budget_is_planned(client, sold, reader):
    plan = channel_mix.context(sold, CHOICE)["plan"]
    assert plan["gain"].low <= 0 <= plan["gain"].high
    assert not plan["is_clear"]
    html = page(client, reader)
    assert "No plan stands out" in html
    assert "Planned spend per week" not in html
    assert {r["Planned spend per week"] for r in files(client)} == {""}


def test_without_data_the_page_names_the_first_step(client, workspace, reader):
    assert "No complete week of data yet" in page(client, reader)
    address = reverse("market-channels-file", args=["acme", "csv"])
    assert client.get(address).headers["Location"] == reverse("engine", args=["acme", "market"])


def test_the_files_hold_a_row_per_channel(client, sold, reader):
    client.force_login(reader)
    text = client.get(reverse("market-channels-file", args=["acme", "csv"]), {"market": "DE"}).content.decode()
    assert len(text.strip().splitlines()) == 5
    book = client.get(reverse("market-channels-file", args=["acme", "xlsx"])).content
    rows = CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_index(0).to_python()
    assert rows[0][0] == "Channel"
    assert isinstance(rows[1][3], float)


def test_a_file_is_about_the_week_that_its_page_shows(client, sold, reader):
    week = WEEK - timedelta(weeks=40)
    loaded = channel_mix.load(sold, Choice(week, 4, "", WEEK))
    client.force_login(reader)
    address = reverse("market-channels-file", args=["acme", "csv"])
    text = client.get(address, {"week": str(week), "weeks": "4"}).content.decode("utf-8-sig")
    spend = [float(row["Spend"]) for row in csv.DictReader(io.StringIO(text)) if row["Spend"]]
    assert sorted(spend) == pytest.approx(sorted(c.cost_base for c in loaded.mix.channels if c.cost_base > 0))
    assert channel_mix.load(sold, Choice(WEEK, 4, "", WEEK)).mix != loaded.mix


def test_what_all_channels_cost_is_what_the_kpi_pages_say(client, sold, reader):
    loaded = engine_pages.load(sold, CHOICE)
    cards = {card["name"]: card["result"] for card in channel_mix.context(sold, CHOICE)["cards"]}
    for key in ("cac_paid", "cac", "cac_full", "mer", "channel_hhi"):
        assert cards[KPIS[key].name.en] == weekly.result_at(KPIS[key], loaded.panel, loaded.last, None, 13)
