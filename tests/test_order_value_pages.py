"""Order value and profiles as people use them: figures with samples, thresholds, lists of pairs and customers."""

import csv
import io

import pytest
import time_machine as clock
from django.urls import reverse
from plotly import graph_objects  # type: ignore[import-untyped]
from python_calamine import CalamineWorkbook

from flywheel import jobs
from flywheel.accounts.models import Membership, Role, User, Workspace
from flywheel.conversion import segments
from flywheel.conversion.models import Analysis, CustomerProfile, FreeShipping
from tests.builders import loaded, order
from tests.test_conversion_analyses import line
from tests.test_diagnosis_room import _without_theme

pytestmark = pytest.mark.django_db
MONDAY = "2026-03-16T09:00:00+01:00"
GERMAN = [n for n in range(240) if n % 3]


def net(n):
    return 20 + n % 60 - 2


@pytest.fixture
def member(workspace):
    user = User.objects.create_user("member@example.com", name="Member")
    Membership.objects.create(workspace=workspace, user=user, role=Role.MEMBER)
    return user


@clock.travel(MONDAY)
def make_shop(workspace, run_jobs, folder):
    """240 orders of 120 customers in two markets, some of tent, pegs and a spreadsheet's formula."""
    rows = [
        order(f"A-{n}", customer_id=f"C-{n % 120}", market="DE" if n % 3 else "FR", gross=str(20 + n % 60),
              discount="2", shipping="4.90", cogs="8", ordered_at=f"2026-03-{2 + n % 14:02d} 10:00")
        for n in range(240)
    ]  # fmt: skip
    lines = [line(f"A-{n}", 1, "tent", name="Zelt 帐篷") for n in range(0, 240, 3)]
    lines += [line(f"A-{n}", 2, "=pegs", name="Pegs") for n in range(0, 240, 6)]
    lines += [line(f"A-{n}", 3, "mug") for n in range(1, 240, 3)]
    lines += [line(f"A-{n}", 4, "lamp") for n in range(1, 240, 6)]
    loaded(workspace, folder, "orders", rows)
    loaded(workspace, folder, "order_lines", lines)
    loaded(workspace, folder, "spend", [{"date": "2026-03-10", "currency": "EUR", "cost": "5", "market": "DE"}])
    jobs.start(workspace, "roll", {})
    run_jobs()


KEPT = {"shop": make_shop}


@pytest.fixture
def shop(workspace, time_machine):
    """The workspace that `make_shop` made, on that day."""
    time_machine.move_to(MONDAY)
    return workspace


def get(client, user, name, *args, **query):
    client.force_login(user)
    return client.get(reverse(name, args=["acme", *args]), query)


def sheet_of(response):
    return CalamineWorkbook.from_filelike(io.BytesIO(response.content)).get_sheet_by_index(0).to_python()


def table_of(response):
    return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))


# --- every page -------------------------------------------------------------------------------------------------------
PAGES = ("conversion-value", "conversion-profiles", "conversion-pairs")


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("query", [
    {}, {"market": "DE", "weeks": "4"}, {"weeks": "0", "moved": "0.5", "item": "category"}, {"week": "0001-01-01"},
    {"market": "\0", "weeks": "-1", "channel": "<b>", "item": "x", "moved": "1e999", "page": "x"},
])  # fmt: skip
def test_a_page_answers_whatever_is_asked(page, query, shop, reader, client):
    assert get(client, reader, page, **query).status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_an_empty_workspace_shows_the_first_step(page, workspace, reader, client):
    assert reverse("import-new", args=["acme"]) in get(client, reader, page).content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_answers_htmx_with_its_panel_and_strangers_not_at_all(page, shop, reader, stranger, client):
    client.force_login(reader)
    panel = client.get(reverse(page, args=["acme"]), headers={"HX-Request": "true"}).content.decode()
    assert panel.lstrip().startswith('<div id="panel"')
    assert "<html" not in panel
    assert get(client, stranger, page).status_code == 404


def test_figures_are_ones_that_plotly_accepts_and_stand_before_a_table(shop, reader, client):
    for page in PAGES[:2]:
        chart = get(client, reader, page, market="DE").context["chart"]
        graph_objects.Figure(_without_theme(chart["figure"]))
        assert chart["summary"]
        assert chart["rows"]


@pytest.mark.parametrize("table", ["order-values", "bought-together", "thresholds", "segments"])
def test_a_table_opens_as_csv_and_as_a_workbook(table, shop, member, reader, stranger, client):
    threshold(client, member, market="DE", amount="50")
    text = get(client, reader, "conversion-table", table, "csv")
    assert text.content.startswith(b"\xef\xbb\xbf")
    rows = table_of(text)
    assert len(rows) > 1
    sheet = sheet_of(get(client, reader, "conversion-table", table, "xlsx"))
    assert [str(cell) for cell in sheet[0]] == rows[0]
    assert len(sheet) == len(rows)
    assert get(client, stranger, "conversion-table", table, "csv").status_code == 404


# --- figures and thresholds -------------------------------------------------------------------------------------------
def test_a_figure_stands_with_its_interval_and_sample_on_the_page_and_in_the_file(shop, reader, client):
    page = get(client, reader, "conversion-value", market="FR").content.decode()
    assert "n = 80" in page
    (row,) = table_of(get(client, reader, "conversion-table", "order-values", "csv", market="FR"))[1:]
    head = table_of(get(client, reader, "conversion-table", "order-values", "csv"))[0]
    aov = head.index("Average order value (AOV)")
    assert float(row[aov]) == pytest.approx(sum(net(n) for n in range(0, 240, 3)) / 80)
    assert float(row[aov + 1]) < float(row[aov]) < float(row[aov + 2])
    discount = head.index("Discount rate")
    assert float(row[discount]) == pytest.approx(2 * 80 / sum(20 + n % 60 for n in range(0, 240, 3)))
    assert row[discount + 3] == "80.0"
    assert row[head.index("Attach rate")] == ""  # of 80 orders: a rate takes 100, as on its own page


def test_the_attach_rate_is_of_orders_whose_lines_are_known(shop, reader, client):
    cards = {c["name"]: c["result"] for c in get(client, reader, "conversion-value").context["cards"]}
    assert (cards["Average order value (AOV)"].n, cards["Attach rate"].n) == (240, 160)


def test_a_period_that_no_job_worked_out_has_its_kpis_and_offers_the_spread(shop, member, client):
    page = get(client, member, "conversion-value", market="DE", weeks="4").content.decode()
    assert "n = 160" in page
    assert "Work it out" in page


def threshold(client, user, **data):
    client.force_login(user)
    return client.post(reverse("conversion-threshold-new", args=["acme"]), data, follow=True)


def test_a_threshold_takes_the_markets_currency_and_is_weighed_at_its_margin(shop, member, client):
    threshold(client, member, market="DE", amount="50")
    assert FreeShipping.objects.get().currency == "EUR"
    (row,) = get(client, member, "conversion-value", market="DE", moved="0.5").context["thresholds"]
    near = [net(n) for n in GERMAN if 40 <= net(n) < 50]
    margin = sum(net(n) - 8 for n in GERMAN) / sum(net(n) for n in GERMAN)
    free = sum(net(n) >= 50 for n in GERMAN) + 0.5 * len(near)
    assert row["margin"] == pytest.approx(margin)
    assert row["effect"] == pytest.approx(margin * 0.5 * sum(50 - v for v in near) - 4.9 * free)
    (_head, cells) = table_of(get(client, member, "conversion-table", "thresholds", "csv", market="DE", moved="0.5"))
    assert cells[:3] == ["DE", "EUR", "50.00"]
    assert float(cells[-1]) == pytest.approx(row["effect"])


def test_a_threshold_tells_who_reaches_it_and_others_are_set_beside_it(shop, member, client):
    threshold(client, member, market="DE", amount="50")
    context = get(client, member, "conversion-value", market="DE", moved="0.5").context
    (row,) = context["thresholds"]
    near = [net(n) for n in GERMAN if 40 <= net(n) < 50]
    assert row["found"].reached.value == pytest.approx(sum(net(n) >= 50 for n in GERMAN) / 160)
    assert row["found"].near.value == pytest.approx(len(near) / 160)
    assert row["found"].missing == pytest.approx(sum(50 - v for v in near) / len(near))
    assert row["found"].gain == pytest.approx(0.5 * sum(50 - v for v in near))
    assert len(context["candidates"]) >= 3
    assert 50.0 not in [c["found"].value for c in context["candidates"]]


def test_the_file_of_other_thresholds_holds_the_pages_rows(shop, member, client):
    threshold(client, member, market="DE", amount="50")
    query = {"market": "DE", "moved": "0.5"}
    shown = get(client, member, "conversion-value", **query).context["candidates"]
    head, *rows = table_of(get(client, member, "conversion-table", "threshold-candidates", "csv", **query))
    told = [dict(zip(head, row, strict=True)) for row in rows]
    assert [float(row["Threshold"]) for row in told] == [c["found"].value for c in shown]
    assert float(told[0]["Near below, lower limit"]) == pytest.approx(shown[0]["found"].near.low)
    assert {row["Assumed share"] for row in told} == {"0.5"}
    assert len(table_of(get(client, member, "conversion-table", "threshold-candidates", "csv"))) == 1  # of no market


@pytest.mark.parametrize("amount", ["0", "-5", "NaN", "1e400", "x", ""])
def test_a_threshold_that_is_no_amount_is_refused(amount, shop, member, client):
    assert threshold(client, member, market="DE", amount=amount).status_code == 200
    assert not FreeShipping.objects.exists()


def test_a_reader_sees_thresholds_and_enters_none(shop, reader, member, client):
    assert threshold(client, reader, market="DE", amount="50").status_code == 403
    threshold(client, member, market="DE", amount="50")
    other = threshold(client, member, market="DE", amount="60").content.decode()
    assert "There is an entry for this already" in other
    assert "Enter a threshold" not in get(client, reader, "conversion-value").content.decode()


def test_a_threshold_in_another_currency_is_not_set_against_the_orders(shop, member, client):
    threshold(client, member, market="DE", amount="8000", currency="JPY")
    response = get(client, member, "conversion-value", market="DE")
    assert "found" not in response.context["thresholds"][0]
    assert "in JPY, while most orders are in EUR" in response.content.decode()
    assert table_of(get(client, member, "conversion-table", "thresholds", "csv"))[1] == ["DE", "JPY", "8000.00"]


def test_a_threshold_of_a_market_without_orders_needs_its_currency(shop, tmp_path, member, client):
    loaded(shop, tmp_path, "spend", [{"date": "2026-03-10", "currency": "EUR", "cost": "5", "market": "JP"}])
    refused = threshold(client, member, market="JP", amount="9000").content.decode()
    assert "say in which currency" in refused
    assert "9000" in refused
    assert threshold(client, member, market="JP", amount="9000", currency="XXX").status_code == 200
    assert not FreeShipping.objects.exists()
    threshold(client, member, market="JP", amount="9000", currency="JPY")
    assert FreeShipping.objects.get().currency == "JPY"
    assert "no orders in these weeks" in get(client, member, "conversion-value").content.decode()


def test_without_costs_a_threshold_has_no_effect_in_money(workspace, tmp_path, run_jobs, member, client, time_machine):
    time_machine.move_to(MONDAY)
    loaded(workspace, tmp_path, "orders", [order(f"A-{n}", gross=str(20 + n)) for n in range(60)])
    jobs.start(workspace, "roll", {})
    run_jobs()
    threshold(client, member, market="DE", amount="50")
    page = get(client, member, "conversion-value", market="DE")
    assert page.context["thresholds"][0]["effect"] is None
    assert "shipping not known" in page.content.decode()


# --- bought together --------------------------------------------------------------------------------------------------
def test_pairs_are_searched_by_id_and_name_sorted_and_exported(shop, reader, client):
    assert [p["first"] for p in pairs(client, reader)] == ["=pegs", "lamp"]
    assert [p["second"] for p in pairs(client, reader, q="帐篷 PEGS")] == ["tent"]
    assert pairs(client, reader, q="no such thing") == []
    rows = table_of(get(client, reader, "conversion-table", "bought-together", "csv", q="tent"))
    assert [row[:6] for row in rows[1:]] == [["'=pegs", "Pegs", "tent", "Zelt 帐篷", "40.0", "40.0"]]
    assert "Page 1" not in get(client, reader, "conversion-pairs").content.decode()


def pairs(client, user, **query):
    return list(get(client, user, "conversion-pairs", **query).context["page"])


def test_many_pairs_are_paged_and_the_value_page_shows_the_surest(shop, reader, client):
    kept = Analysis.objects.get(workspace=shop, kind="baskets", market="", weeks=13)
    (pair, *_others) = kept.result["sku"]
    kept.result["sku"] = [{**pair, "first": f"sku-{n:02d}", "together": n} for n in range(60)]
    kept.save()
    assert [len(pairs(client, reader, page=p)) for p in ("1", "2", "3")] == [25, 25, 10]
    assert pairs(client, reader, sort="together")[0]["first"] == "sku-59"
    page = get(client, reader, "conversion-value").content.decode()
    assert "sku-14" in page
    assert "sku-15" not in page
    assert "Search all 60 pairs" in page


@pytest.mark.parametrize("query", [
    {"item": "secrets", "sort": "x", "page": "-1", "q": "\0" * 300},
    {"q": "<script>alert(1)</script>", "market": "\0"},
    {"item": "category", "q": "%", "weeks": "9999"},
])  # fmt: skip
def test_the_pairs_answer_whatever_is_asked(query, shop, reader, client):
    response = get(client, reader, "conversion-pairs", **query)
    assert response.status_code == 200
    assert b"<script>alert" not in response.content


def test_pairs_of_a_period_not_worked_out_offer_to_do_it(shop, member, client):
    assert "Work it out" in get(client, member, "conversion-pairs", weeks="4").content.decode()


# --- profiles ---------------------------------------------------------------------------------------------------------
def test_a_segments_customers_are_listed_paged_and_exported_for_members(shop, member, reader, stranger, client):
    largest = max(set(_segments()), key=_segments().count)
    page = get(client, member, "conversion-segment", largest)
    assert page.context["page"].paginator.count == _segments().count(largest)
    for kind in ("csv", "xlsx"):
        assert get(client, reader, "conversion-customers", largest, kind).status_code == 403
        assert get(client, stranger, "conversion-customers", largest, kind).status_code == 404
    assert get(client, reader, "conversion-segment", largest).status_code == 403
    sheet = sheet_of(get(client, member, "conversion-customers", largest, "xlsx"))
    rows = table_of(get(client, member, "conversion-customers", largest, "csv"))
    assert [row[0] for row in sheet] == [row[0] for row in rows]
    assert len(rows) - 1 == _segments().count(largest)


def _segments():
    return list(CustomerProfile.objects.values_list("segment", flat=True))


def test_segments_add_up_over_markets_and_shares_to_one(shop, reader, client):
    whole = get(client, reader, "conversion-profiles").context
    assert sum(row["customers"] for row in whole["segments"]) == whole["customers"] == 120
    assert sum(row["revenue_share"] for row in whole["segments"]) == pytest.approx(1)
    parts = [get(client, reader, "conversion-profiles", market=m).context["customers"] for m in ("DE", "FR")]
    assert sum(parts) == 120
    page = get(client, reader, "conversion-profiles").content.decode()
    assert "Champions" in page
    assert reverse("conversion-customers", args=["acme", "champions", "csv"]) not in page  # ids are for members


@pytest.mark.parametrize("key", ["market", "channel"])
def test_the_files_of_segments_by_place_hold_the_pages_rows(key, shop, reader, client):
    part = next(p for p in get(client, reader, "conversion-profiles").context["by"] if p["key"] == key)
    head, *rows = table_of(get(client, reader, "conversion-table", f"segments-by-{key}", "csv"))
    assert head[2:] == [str(name) for name in part["segments"]]
    assert [row[0] for row in rows] == [row["name"] for row in part["rows"]]
    assert [float(cell) for cell in rows[0][2:]] == pytest.approx(part["rows"][0]["cells"])


def test_few_customers_have_no_profiles(workspace, tmp_path, reader, client, run_jobs, time_machine):
    time_machine.move_to(MONDAY)
    loaded(workspace, tmp_path, "orders", [order(f"A-{n}", customer_id=f"C-{n}") for n in range(20)])
    jobs.start(workspace, "roll", {})
    run_jobs()
    page = get(client, reader, "conversion-profiles").content.decode()
    assert "too few observations (20 of 100 needed)" in page


def test_a_segments_list_keeps_to_market_and_workspace(shop, member, client):
    other = Workspace.objects.create(name="Other", slug="other")
    CustomerProfile.objects.filter(customer="C-1").update(workspace=other)
    shown = [
        row[0]
        for key in set(_segments())
        for row in table_of(get(client, member, "conversion-customers", key, "csv", market="DE"))[1:]
    ]
    assert len(shown) == len(set(shown)) == 79  # of 80 German customers one is another business's now
    assert "C-1" not in shown


def test_too_many_customers_for_a_workbook_are_offered_as_csv(shop, member, client, monkeypatch):
    monkeypatch.setattr(segments, "MOST_IN_WORKBOOK", 0)
    key = _segments()[0]
    client.force_login(member)
    url = reverse("conversion-customers", args=["acme", key, "xlsx"])
    assert "take the CSV file" in client.get(url, follow=True).content.decode()
    assert get(client, member, "conversion-customers", key, "csv").status_code == 200


@pytest.mark.parametrize("query", [{"page": "x", "market": "\0", "channel": "\0'"}, {"market": "nowhere"}])
def test_a_segments_list_answers_whatever_is_asked(query, shop, member, client):
    assert get(client, member, "conversion-segment", "champions", **query).status_code == 200
    assert get(client, member, "conversion-customers", "champions", "csv", **query).status_code == 200
    assert get(client, member, "conversion-segment", "secrets", **query).status_code == 404
    assert get(client, member, "conversion-customers", "champions", "exe", **query).status_code == 404


def test_pages_of_lists_cost_few_queries(shop, member, client, django_assert_max_num_queries):
    client.force_login(member)
    for url in (
        reverse("conversion-pairs", args=["acme"]),
        reverse("conversion-segment", args=["acme", _segments()[0]]),
    ):
        with django_assert_max_num_queries(30):
            client.get(url)
