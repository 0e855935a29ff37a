"""The channel mix page: three costs, returns with their reasons, the shift, and what investments add."""

import io
from datetime import date

import pytest
from django.urls import reverse
from python_calamine import CalamineWorkbook

from engines.response import Response
from engines.results import Estimate, Unavailable
from flywheel.accounts.models import Workspace
from flywheel.diagnosis.engine_pages import Choice
from flywheel.facts.models import Investment, Source
from flywheel.market import channel_mix
from tests.businesses import LAST, business
from tests.measured import store

WEEK = LAST.astype(object)
CHOICE = Choice(WEEK, 13, "", WEEK)


@pytest.fixture
def sold(workspace):
    store(workspace, business(1))
    return workspace


def invested(workspace, month, amount, kind="people", market="", engine="market") -> None:
    source = Source.objects.get_or_create(workspace=workspace, slug="books", defaults={"name": "Books"})[0]
    Investment.objects.create(
        workspace=workspace,
        source=source,
        external_id=f"{month}{kind}{market}{engine}",
        month=month,
        engine=engine,
        market=market,
        kind=kind,
        currency="EUR",
        amount=amount,
        fx_rate=1,
    )


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


def test_investments_of_the_market_engine_count_by_the_days_within_the_weeks(sold):
    invested(sold, date(2026, 10, 1), 3100)
    invested(sold, date(2026, 11, 1), 3000)  # 15 of its 30 days lie within
    invested(sold, date(2026, 3, 1), 9999)
    invested(sold, date(2026, 10, 1), 500, engine="conversion")
    assert channel_mix.investments(sold, CHOICE) == pytest.approx({"people": 3100 + 1500})


def test_of_one_market_only_its_own_investments_count(sold):
    invested(sold, date(2026, 10, 1), 3100)
    invested(sold, date(2026, 10, 1), 100, market="DE")
    assert channel_mix.investments(sold, Choice(WEEK, 13, "DE", WEEK)) == pytest.approx({"people": 100})


def test_the_fully_loaded_cost_is_above_the_blended_one_and_names_what_it_lacks(client, sold, reader):
    invested(sold, date(2026, 10, 1), 50_000)
    mix = channel_mix.load(sold, CHOICE).mix
    assert isinstance(mix.cac_loaded, Estimate)
    assert mix.cac_loaded.value > mix.cac_blended.value
    html = page(client, reader)
    assert "The fully loaded CAC lacks, because it is not known: tools, agencies and services" in html


def test_without_investments_the_fully_loaded_cost_is_withheld(sold):
    mix = channel_mix.load(sold, CHOICE).mix
    assert isinstance(mix.cac_loaded, Unavailable) or "people" in mix.lacking


def test_the_page_says_how_far_a_channel_is_to_be_scaled(client, sold, reader):
    html = page(client, reader)
    assert "one divided by the contribution margin" in html
    assert "Concentration (HHI)" in html
    assert "Chance that it pays" in html


def test_investments_of_another_workspace_do_not_count(sold):
    other = Workspace.objects.create(name="Other", slug="other")
    invested(other, date(2026, 10, 1), 3100)
    assert channel_mix.investments(sold, CHOICE) == {}


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
