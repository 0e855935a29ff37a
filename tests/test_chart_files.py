"""The table behind every chart as a file: the figures themselves, of what is chosen on the page."""

import csv
import io
import re
from html import unescape

import pytest
from django.urls import reverse
from python_calamine import CalamineWorkbook

from flywheel.accounts.chart_files import asked, link
from flywheel.accounts.templatetags.formats import compact_money, day, delta, in_unit, number, percent
from tests.businesses import business
from tests.measured import store

pytestmark = pytest.mark.django_db
PAGES = [
    ("engine", "market"),
    ("engine", "conversion"),
    ("engine", "aftersales"),
    ("market-channels",),
    ("conversion-journey",),
]


@pytest.fixture
def sound(workspace):
    """A business of two years, with nothing wrong."""
    store(workspace, business(1))
    return workspace


def html(client, name, *args, **query):
    return client.get(reverse(name, args=["acme", *args]), query).content.decode()


def addresses(text: str) -> list[str]:
    """Of every chart's CSV file."""
    return [unescape(found) for found in re.findall(r'href="([^"]*file=csv)"', text)]


def trend(client, **query) -> str:
    """The address of the file of CAC by week on the market engine's page."""
    text = html(client, "engine", "market", **query)
    return next(address for address in addresses(text) if "chart=trend-cac" in address)


def table(client, address: str) -> list[list[str]]:
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.content.startswith("\ufeff".encode())
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


@pytest.mark.parametrize("page", PAGES)
def test_every_charts_table_comes_as_a_file_with_as_many_rows(client, reader, sound, page):
    client.force_login(reader)
    text = html(client, *page)
    charts = re.findall(r'<figure class="fw-chart" id="([^"]+)">(.*?)</figure>', text, re.DOTALL)
    assert charts
    for name, chart in charts:
        (address,) = addresses(chart)
        columns, *rows = table(client, address)
        assert f"chart={name}" in address
        assert len(columns) == chart.count('<th scope="col"')
        assert len(rows) == chart.count('<th scope="row"')


def test_a_file_holds_the_figures_behind_the_words(client, reader, sound):
    client.force_login(reader)
    address = trend(client, market="DE")
    assert "market=DE" in address
    columns, *rows = table(client, address)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", rows[0][0])
    assert any("(EUR)" in name for name in columns)
    shown = html(client, "engine", "market", market="DE")
    at = next(n for n, name in enumerate(columns) if "(EUR)" in name)
    assert all(f"€{float(row[at]):,.2f}" in shown or f"€{float(row[at]):,.0f}" in shown for row in rows if row[at])


def test_a_workbook_holds_numbers_and_dates(client, reader, sound):
    client.force_login(reader)
    address = trend(client)
    content = client.get(address.replace("file=csv", "file=xlsx")).content
    rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    assert rows[1][0].year > 2000
    assert any(isinstance(cell, float) for cell in rows[1])


def test_a_chinese_reader_gets_chinese_headings_and_the_same_figures(client, reader, sound):
    client.force_login(reader)
    address = trend(client)
    english = table(client, address)
    client.cookies["django_language"] = "zh-hans"
    chinese = table(client, address)
    assert chinese[0] != english[0]
    assert [row[:2] for row in chinese[1:]] == [row[:2] for row in english[1:]]


def test_an_unknown_chart_or_kind_of_file_is_not_found(client, reader, sound):
    client.force_login(reader)
    there, address = reverse("engine", args=["acme", "market"]), trend(client)
    assert client.get(there, {"chart": "another", "file": "csv"}).status_code == 404
    assert client.get(address.replace("file=csv", "file=exe")).status_code == 404


def test_a_stranger_gets_no_file(client, stranger, sound):
    client.force_login(stranger)
    there = reverse("engine", args=["acme", "market"])
    assert client.get(there, {"chart": "trend-cac", "file": "csv"}).status_code == 404


def test_a_chart_whose_page_gives_its_table_as_a_file_has_no_second_one(client, reader, sound):
    client.force_login(reader)
    assert addresses(html(client, "kpi", "aov")) == []
    assert "/aov/weeks.csv" in html(client, "kpi", "aov")


def test_a_cell_is_the_figure_a_word_or_nothing(rf):
    row = [
        day(None),
        number(1234.5),
        compact_money(1_500_000, "EUR"),
        percent(0.0321),
        delta(-0.5),
        number(None),
        "=1+1",
    ]
    row += [in_unit(4.25, "stars"), in_unit(0.012, "difference")]
    chart = {"id": "c", "figure": {}, "columns": [f"h{n}" for n in range(len(row))], "rows": [row]}
    answer = asked(rf.get("/", {"chart": "c", "file": "csv"}), "page", {"charts": [chart]})
    columns, cells = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert cells == ["", "1234.5", "1500000", "0.0321", "-0.5", "", "'=1+1", "4.25", "0.012"]
    assert columns[2] == "h2 (EUR)"


@pytest.mark.parametrize("inside", [lambda c: c, lambda c: [None, c], lambda c: {"chart": c, "codes": []}])
def test_a_chart_is_found_by_itself_in_a_list_and_in_a_section(rf, inside):
    context = {"part": inside({"id": "c", "figure": {}, "columns": ["h"], "rows": [["a"]]})}
    assert asked(rf.get("/", {"chart": "c", "file": "csv"}), "page", context).status_code == 200
    link(rf.get("/there/?weeks=4"), context)
    assert "/there/?weeks=4&chart=c&file=csv" in str(context)


def test_the_page_itself_comes_when_no_chart_is_asked_for(rf):
    assert asked(rf.get("/"), "page", {}) is None
