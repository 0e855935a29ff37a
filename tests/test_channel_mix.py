"""The channel mix page: costs, returns with their reasons, and the shift."""

import csv
import io
from datetime import timedelta

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


def test_without_data_the_page_names_the_first_step(client, workspace, reader):
    assert "No complete week of data yet" in page(client, reader)
    address = reverse("market-channels-file", args=["acme", "csv"])
    assert client.get(address).headers["Location"] == reverse("market-channels", args=["acme"])


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
