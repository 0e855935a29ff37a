"""The KPI pages: the list, one KPI with its tables, its files, and the dictionary made of the same registry."""

import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.urls import reverse
from python_calamine import CalamineWorkbook

from engines.kpi import KPIS, METHODS
from flywheel.accounts.models import Workspace
from flywheel.accounts.templatetags.formats import in_unit
from flywheel.accounts.words import REASONS
from flywheel.diagnosis import metric_guide
from flywheel.environment import BASE_DIR
from flywheel.measures.models import AftersalesWeek, ConversionWeek
from tests.businesses import LAST, Plant, business
from tests.measured import store

pytestmark = pytest.mark.django_db
WEEK: date = LAST.astype(object)
PLANT = Plant("payments", 0.7, 10, {"market": "US", "device": "mobile"})


@pytest.fixture(autouse=True)
def _that_wednesday():
    with time_machine.travel(datetime(2026, 11, 18, 9, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def measured(workspace):
    store(workspace, business(2, PLANT))
    return workspace


@pytest.fixture
def read(client, reader):
    """Opens a page as a reader."""
    client.force_login(reader)

    def opened(name, *args, headers=None, **query):
        return client.get(reverse(name, args=["acme", *args]), query, headers=headers or {})

    return opened


def test_the_list_names_every_kpi_with_its_value_or_the_reason(measured, read):
    html = read("kpi-list").content.decode()
    for kpi in KPIS.values():
        assert f'data-kpi="{kpi.key}"' in html
        assert reverse("kpi", args=["acme", kpi.key]) in html
    assert "not available: no survey answers" in html


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_kpi_has_a_page_that_defines_it(measured, read, language):
    for key, kpi in KPIS.items():
        response = read("kpi", key, headers={"Accept-Language": language}, weeks="4")
        assert response.status_code == 200
        html = response.content.decode()
        assert METHODS[kpi.shape].get(language) in html
        assert kpi.formula in html
        assert 'id="panel"' in html


def test_a_page_breaks_the_figure_down_by_market_and_by_channel(measured, read):
    context = read("kpi", "cvr", weeks="4").context
    markets, channels = context["by_market"], context["by_channel"]
    assert markets[0]["name"] == "All markets"
    assert {row["code"] for row in markets[1:]} == {"DE", "US", "GB", "FR", "JP", "BR"}
    assert sum(row["result"].n for row in markets[1:]) == pytest.approx(markets[0]["result"].n)
    assert sum(row["result"].n for row in channels[1:]) == pytest.approx(markets[0]["result"].n)


def test_weeks_that_are_missing_are_a_gap_in_the_line_and_named_in_its_table(workspace, read):
    whole = business(1)
    missing = [WEEK - timedelta(weeks=n) for n in (5, 6)]
    store(workspace, replace(whole, conversion=whole.conversion.loc[~whole.conversion["week"].dt.date.isin(missing)]))
    chart = read("kpi", "cvr", weeks="13").context["chart"]
    line = chart["figure"]["data"][1]
    assert line["x"] == [str(date.fromisoformat(line["x"][0]) + timedelta(weeks=n)) for n in range(len(line["x"]))]
    assert {day for day, value in zip(line["x"], line["y"], strict=True) if value is None} == set(map(str, missing))
    rows = list(reversed(chart["rows"]))
    for day in missing:
        assert rows[line["x"].index(str(day))][1:] == ["not available: no traffic data", "", ""]
    assert len(rows) == len(line["x"])


def test_without_a_choice_the_figure_is_of_all_markets_though_that_of_some_orders_is_not_known(measured, read):
    known = read("kpi", "cvr", weeks="4").context["line"].result
    ConversionWeek.objects.create(workspace=measured, week=WEEK, sessions=1000, orders=10)
    context = read("kpi", "cvr", weeks="4").context
    assert context["line"].result.n == known.n + 1000
    assert context["line"].result == context["by_market"][0]["result"]
    assert len(context["by_market"]) > 2


def test_of_one_market_the_channels_are_its_own(measured, read):
    context = read("kpi", "cvr", weeks="4", market="US").context
    (market,) = context["by_market"]
    assert market["code"] == "US"
    assert context["by_channel"][0]["result"].n == pytest.approx(market["result"].n)
    assert context["line"].result == market["result"]


def test_what_has_no_channel_says_so_instead_of_a_table(measured, read):
    response = read("kpi", "channel_hhi")
    assert response.context["by_channel"] is None
    assert "is not known by channel" in response.content.decode()


def test_htmx_gets_the_panel_alone(measured, read):
    for name, args in (("kpi-list", []), ("kpi", ["cvr"])):
        response = read(name, *args, headers={"HX-Request": "true"})
        assert response.content.decode().lstrip().startswith('<div id="panel"')
        assert "HX-Request" in response["Vary"]


def test_an_unknown_kpi_table_or_format_is_not_found(measured, read):
    assert read("kpi", "luck").status_code == 404
    assert read("kpi-export", "luck", "weeks", "csv").status_code == 404
    assert read("kpi-export", "cvr", "years", "csv").status_code == 404
    assert read("kpi-export", "cvr", "weeks", "pdf").status_code == 404


def test_without_data_the_page_names_the_next_step(workspace, read):
    for name, args in (("kpi-list", []), ("kpi", ["cvr"])):
        assert reverse("import-new", args=["acme"]) in read(name, *args).content.decode()
    assert read("kpi-export", "cvr", "weeks", "csv").status_code == 404


def test_a_stranger_finds_nothing(measured, client, stranger):
    client.force_login(stranger)
    for name, args in (("kpi-list", []), ("kpi", ["cvr"]), ("kpi-export", ["cvr", "weeks", "csv"])):
        assert client.get(reverse(name, args=["acme", *args])).status_code == 404


def test_the_weeks_as_csv_open_in_a_chinese_spreadsheet(measured, read):
    response = read("kpi-export", "cvr", "weeks", "csv")
    assert response.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    journey = business(2, PLANT).conversion
    newest = journey.loc[journey["week"].to_numpy().astype("datetime64[D]") == LAST]
    assert rows[0][0] == "Week of"
    assert rows[-1][0] == str(WEEK)
    assert float(rows[-1][1]) == pytest.approx(newest["orders"].sum() / newest["sessions"].sum())
    assert len(rows) == 1 + 104
    assert "cvr-weeks" in response["Content-Disposition"]


@pytest.mark.parametrize("table", ["weeks", "markets", "channels"])
def test_every_table_opens_as_a_workbook_with_its_numbers(measured, read, table):
    content = read("kpi-export", "cac", table, "xlsx").content
    rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    assert len(rows) > 4
    assert any(isinstance(cell, float) and cell > 0 for cell in rows[1])


def test_a_hostile_market_name_is_no_formula_in_the_file(measured, read):
    from flywheel.facts.models import Market

    Market.objects.filter(workspace=measured, code="DE").update(name="=HYPERLINK(1)")
    text = read("kpi-export", "cvr", "markets", "csv").content.decode("utf-8-sig")
    assert "'=HYPERLINK(1)" in text


def test_the_dictionary_in_the_guide_is_current():
    written = (BASE_DIR / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert written == metric_guide.page(), "manage.py describe_metrics > docs/metrics.md"


def test_every_reason_has_words():
    from engines.results import REASONS as KNOWN

    assert REASONS.keys() == KNOWN


def test_every_unit_of_a_kpi_can_be_written():
    texts = {unit: in_unit(2.5, unit, "EUR") for unit in {k.unit for k in KPIS.values()}}
    assert len(set(texts.values())) >= len(texts) - 2  # money twice, counts and points alike
    assert (texts["hours"], texts["months"], texts["index"]) == ("2.5 h", "2 months", "2.500")


def test_the_agreed_time_of_a_reply_is_a_setting(workspace: Workspace, client, owner):
    client.force_login(owner)
    address = reverse("workspace-edit", args=["acme"])
    form = {"name": "Acme", "language": "en"}
    assert client.post(address, form | {"agreed_reply_hours": 4}).status_code == 302
    workspace.refresh_from_db()
    assert workspace.agreed_reply_hours == 4
    for wrong in (0, 169, "soon"):
        assert client.post(address, form | {"agreed_reply_hours": wrong}).status_code == 200


def test_weeks_that_are_all_too_small_say_that_the_value_is_of_them_together(measured, read):
    rows = AftersalesWeek.objects.filter(workspace=measured)
    one_a_week = list(rows.order_by("week").distinct("week").values_list("pk", flat=True))
    rows.update(survey_answers=0, promoters=0, passives=0, detractors=0)
    rows.filter(pk__in=one_a_week).update(survey_answers=5, promoters=3, passives=1, detractors=1)
    page = read("kpi", "nps", weeks="13")
    assert page.context["chart"] is None
    assert "only a value of the chosen weeks together" in page.content.decode()
