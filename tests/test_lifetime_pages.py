"""The tabs "Lifetime value" and "Customers" of the after-sales engine: what they show, to whom, and their files."""

import csv
import io
from datetime import date, timedelta

import pytest
import time_machine as clock
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from plotly import graph_objects  # type: ignore[import-untyped]
from python_calamine import CalamineWorkbook

from engines import business as measures
from engines.results import Estimate
from flywheel import jobs
from flywheel.accounts.models import Membership, Role, User, Workspace
from flywheel.aftersales import customer_lists
from flywheel.aftersales.models import CohortContribution, CustomerScore, LifetimeFit, Replenishment
from flywheel.facts.models import Customer, Order, OrderLine, Rollup, Spend
from flywheel.jobs.models import Job
from tests.customers_builder import AS_OF, line, sell
from tests.facts_builder import mark_dirty, new_source, order, set_first_orders, week_of
from tests.test_diagnosis_room import _without_theme
from tests.test_lifetimes import give_back, money, refills

pytestmark = pytest.mark.django_db
PAGES = ("aftersales-lifetime", "aftersales-customers")
MONDAY, APRIL = "2026-03-09T09:00:00+01:00", "2026-04-09T09:00:00+01:00"


@pytest.fixture
def member(workspace):
    user = User.objects.create_user("member@example.com", name="Member")
    Membership.objects.create(workspace=workspace, user=user, role=Role.MEMBER)
    return user


def roll(workspace: Workspace) -> None:
    """Mark every week of two and a half years, roll them, and start all that follows."""
    weeks = [week_of(AS_OF) - timedelta(weeks=n) for n in range(130)]
    for rollup in Rollup.values:
        mark_dirty(workspace, rollup, weeks)
    jobs.start(workspace, "roll", {})


@clock.travel(MONDAY)
def make_business(workspace, run_jobs, folder):
    """400 customers in two markets, an article that is due, and advertising for one of the channels."""
    source = new_source(workspace)
    sell(workspace, source)
    refills(workspace, source)
    set_first_orders(workspace)
    for n in range(60):
        day = AS_OF - timedelta(weeks=n)
        Spend.objects.create(
            workspace=workspace, source=source, external_id=str(n), market="DE", channel="google", date=day,
            week=week_of(day), currency="EUR", cost=30, fx_rate=1,
        )  # fmt: skip
    roll(workspace)
    run_jobs()


@pytest.fixture
def business(workspace, time_machine):
    """The workspace that `make_business` made, on that day."""
    time_machine.move_to(MONDAY)
    return workspace


def get(client, user, name, *args, **query):
    client.force_login(user)
    return client.get(reverse(name, args=["acme", *args]), query)


def html_of(client, user, name, **query):
    return get(client, user, name, **query).content.decode()


def table_of(response):
    return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))


# --- both pages -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("query", [
    {}, {"market": "US", "weeks": "4"}, {"weeks": "0"}, {"market": "\x00", "weeks": "-1"}, {"list": "<b>", "page": "x"},
    {"list": "slipping", "page": "999"}, {"week": "0001-01-01"}, {"list": "advocates", "market": "no such"},
])  # fmt: skip
def test_a_page_answers_whatever_is_asked(page, query, business, member, client) -> None:
    assert get(client, member, page, **query).status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_an_empty_workspace_shows_the_first_step(page, workspace, reader, client) -> None:
    assert reverse("import-new", args=["acme"]) in html_of(client, reader, page)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_answers_htmx_with_its_panel_and_strangers_not_at_all(page, business, reader, stranger, client) -> None:
    client.force_login(reader)
    panel = client.get(reverse(page, args=["acme"]), headers={"HX-Request": "true"}).content.decode()
    assert panel.lstrip().startswith('<div id="panel"')
    assert "<html" not in panel
    assert get(client, stranger, page).status_code == 404


@pytest.mark.parametrize("page", PAGES)
def test_before_the_work_is_done_the_page_leads_to_it(page, workspace, member, client, run_jobs, time_machine) -> None:
    time_machine.move_to(MONDAY)
    sell(workspace, new_source(workspace), 150)
    roll(workspace)
    run_jobs()
    LifetimeFit.objects.all().delete()
    address = reverse("aftersales-lifetime-run", args=["acme"])
    assert address in html_of(client, member, page)
    client.post(address)
    job = Job.objects.get(kind="ltv", state=Job.State.QUEUED)
    assert reverse("job-detail", args=["acme", job.pk]) in html_of(client, member, page)
    run_jobs()
    assert LifetimeFit.objects.filter(scope="all").exists()


def test_readers_start_no_work_and_see_no_button(business, reader, client) -> None:
    LifetimeFit.objects.all().delete()
    address = reverse("aftersales-lifetime-run", args=["acme"])
    assert address not in html_of(client, reader, "aftersales-lifetime")
    assert client.post(address).status_code == 403
    assert client.get(address).status_code == 405


# --- lifetime value ---------------------------------------------------------------------------------------------------
def row_of(workspace, client, user, scope, code, **query):
    context = get(client, user, "aftersales-lifetime", **query).context
    (row,) = (r for r in context["rows"] if (r["scope"], r["fit"].code) == (scope, code))
    return row


def test_the_observed_comes_before_the_forecast(business, reader, client) -> None:
    html = html_of(client, reader, "aftersales-lifetime")
    assert 0 < html.index('id="brought"') < html.index('id="hold-out"') < html.index('id="lifetimes"')


def test_charts_are_drawn_by_plotly_and_have_their_table(business, reader, client) -> None:
    charts = get(client, reader, "aftersales-lifetime").context["charts"]
    assert [chart["id"] for chart in charts] == ["brought", "cohort-value"]
    for chart in charts:
        graph_objects.Figure(_without_theme(chart["figure"]))
        assert chart["rows"]
        assert all(len(row) == len(chart["columns"]) for row in chart["rows"])


def test_what_was_observed_is_the_mean_contribution_of_those_old_enough(business, reader, client) -> None:
    row = row_of(business, client, reader, "all", "")
    assert row["observed"].n < LifetimeFit.objects.get(scope="all").customers
    assert 30 < row["observed"].value < 200


def test_ltv_to_cac_is_of_the_chosen_weeks(business, reader, client) -> None:
    row = row_of(business, client, reader, "channel", "google", weeks="52")
    assert row["cac"].value == pytest.approx(52 * 30 / row["cac"].n)
    assert row["ratio"].value == pytest.approx(row["ltv"].value / row["cac"].value)
    assert row["ratio"].low < row["ratio"].value < row["ratio"].high
    assert row["reached"].value == 1


def test_a_market_whose_advertising_has_ended_has_no_ratio_to_what_it_costs(business, reader, client, run_jobs) -> None:
    Spend.objects.filter(date__gt=AS_OF - timedelta(weeks=40)).update(market="FR")
    roll(business)
    run_jobs()
    row = row_of(business, client, reader, "market", "DE", weeks="26")
    assert (row["ratio"].reason, row["reached"].reason) == ("nothing_spent", "nothing_spent")


def test_a_channel_without_spend_has_no_cac_and_says_so(business, reader, client) -> None:
    row = row_of(business, client, reader, "channel", "email", weeks="52")
    assert row["ratio"].reason == "no_spend_data"
    assert row["payback"].reason == "no_spend_data"
    assert "no spend data" in html_of(client, reader, "aftersales-lifetime", weeks="52")


def test_a_channel_whose_spend_is_zero_has_no_ratio_and_no_payback(business, reader, client, run_jobs) -> None:
    Spend.objects.filter(channel="google").update(cost=0)
    roll(business)
    run_jobs()
    row = row_of(business, client, reader, "channel", "google", weeks="52")
    assert row["cac"].reason == "nothing_spent"
    assert (row["ratio"].reason, row["reached"].reason) == ("nothing_spent", "nothing_spent")
    assert "nothing was spent" in html_of(client, reader, "aftersales-lifetime", weeks="52")


def test_a_cost_that_is_never_earned_back_is_not_paid_back_so_far(business, reader, client, run_jobs) -> None:
    Spend.objects.update(cost=900_000)
    roll(business)
    run_jobs()
    assert row_of(business, client, reader, "all", "", weeks="52")["reached"].reason == "not_yet_paid_back"


def test_a_chosen_market_shows_its_own_fit_those_of_its_channels_and_their_curves(business, reader, client) -> None:
    context = get(client, reader, "aftersales-lifetime", market="DE").context
    assert [(r["scope"], r["fit"].place) for r in context["rows"]] == [("market", ("DE",)), ("both", ("DE", "google"))]
    assert context["charts"][0]["columns"][1:3] == ["DE", "google"]


SPENT_WEEKS = 105  # as long as there are orders


@clock.travel(MONDAY)
def make_mixed(workspace, run_jobs, folder):
    """480 customers of two markets, each by two channels: enough by search, too few by mail."""
    source = new_source(workspace)
    sell(workspace, source, 480, mixed=True)
    days = [AS_OF - timedelta(weeks=n) for n in range(SPENT_WEEKS)]
    Spend.objects.bulk_create(
        Spend(workspace=workspace, source=source, external_id=f"{code} {day}", market="DE", channel=code, date=day,
              week=week_of(day), currency="EUR", cost=10, fx_rate=1)
        for code in ("google", "email") for day in days
    )  # fmt: skip
    roll(workspace)
    run_jobs()


@pytest.fixture
def mixed(workspace, time_machine):
    """The workspace that `make_mixed` made, on that day."""
    time_machine.move_to(MONDAY)
    return workspace


def test_a_channel_in_a_market_shows_its_own_forecast_beside_what_holds_it(mixed, reader, client) -> None:
    context = get(client, reader, "aftersales-lifetime", market="DE", channel="google", weeks="0").context
    assert [(r["scope"], r["fit"].place) for r in context["rows"]] == [
        ("both", ("DE", "google")), ("market", ("DE",)), ("channel", ("google",)),
    ]  # fmt: skip
    own = LifetimeFit.objects.get(scope="both", code="DE", channel="google")
    assert context["cards"][0]["result"].value == own.result["ltv"]["value"]
    assert context["rows"][0]["cac"].value == pytest.approx(10 * SPENT_WEEKS / context["rows"][0]["cac"].n)
    assert context["rows"][0]["cac"].n == own.customers
    assert not context["instead"]
    assert context["charts"][0]["columns"][1:] == ["DE · google", "Customers"]


def test_a_channel_with_too_few_customers_in_a_market_shows_the_markets_forecast_and_says_why(
    mixed, reader, client
) -> None:
    response = get(client, reader, "aftersales-lifetime", market="DE", channel="email")
    market = LifetimeFit.objects.get(scope="market", code="DE")
    assert response.context["cards"][0]["result"].value == market.result["ltv"]["value"]
    words = "No forecast for this channel in this market: too few observations (80 of 100 needed)."
    assert f"{words} Figures and model are those of: DE." in response.content.decode()


def test_a_channel_without_customers_in_a_market_says_so(mixed, reader, client) -> None:
    LifetimeFit.objects.filter(scope="both", code="DE", channel="email").delete()
    html = html_of(client, reader, "aftersales-lifetime", market="DE", channel="email")
    assert "too few observations (0 of 100 needed). Figures and model are those of: DE." in html


def test_where_the_market_is_too_small_as_well_all_customers_stand_in(
    workspace, reader, client, run_jobs, time_machine
) -> None:
    time_machine.move_to(MONDAY)
    sell(workspace, new_source(workspace), 180, mixed=True)
    roll(workspace)
    run_jobs()
    context = get(client, reader, "aftersales-lifetime", market="DE", channel="email").context
    assert context["instead"].endswith("Figures and model are those of: All customers.")
    assert context["rows"][-1]["scope"] == "all"


def test_a_chosen_channel_shows_its_fit_and_those_in_each_market(mixed, reader, client) -> None:
    context = get(client, reader, "aftersales-lifetime", channel="google").context
    places = [r["fit"].place for r in context["rows"]]
    assert places == [("google",), ("DE", "google"), ("US", "google")]
    assert context["charts"][0]["columns"][1:4] == ["google", "DE", "US"]


def test_a_channel_that_is_none_is_not_asked_for(mixed, reader, client) -> None:
    context = get(client, reader, "aftersales-lifetime", channel="\x00").context
    assert context["rows"][0]["scope"] == "all"


def test_data_that_came_since_is_told(business, reader, client) -> None:
    mark_dirty(business, Rollup.COHORTS, [week_of(AS_OF)])
    assert "lifetime values do not hold it yet" in html_of(client, reader, "aftersales-lifetime")


def test_the_page_of_lifetime_values_reads_no_facts(business, reader, client) -> None:
    client.force_login(reader)
    for keep in (True, False):
        if not keep:
            LifetimeFit.objects.all().delete()
        with CaptureQueriesContext(connection) as captured:
            client.get(reverse("aftersales-lifetime", args=["acme"]), {"market": "DE", "channel": "google"})
        assert len(captured) <= 50
        assert not [q["sql"] for q in captured if "facts_order" in q["sql"]]


@pytest.mark.parametrize("name", ["aftersales-lifetime", "aftersales-lifetime-file"])
def test_the_page_does_no_work_per_market(name, mixed, reader, client, monkeypatch) -> None:
    """Queries and panels of two markets, each with two channels, and of five."""

    def counted(*args):
        panels.append(args)
        return original(*args)

    def work():
        panels.clear()
        with CaptureQueriesContext(connection) as captured:
            get(client, reader, name, *args, channel="google")
        return len(captured), len(panels)

    original, panels = measures.panel, list[object]()
    monkeypatch.setattr(measures, "panel", counted)
    args = ["csv"] if name.endswith("file") else []
    work()  # what is remembered from then on
    of_two = work()
    for fit in LifetimeFit.objects.filter(scope="both", code="DE"):
        for code in ("FR", "IT", "ES"):
            fit.pk, fit.code, fit._state.adding = None, code, True
            fit.save()
    assert LifetimeFit.objects.filter(scope="both", channel="google").count() == 5
    assert work() == of_two


def test_the_hold_out_error_stands_on_the_page(business, reader, client) -> None:
    html = html_of(client, reader, "aftersales-lifetime")
    found = LifetimeFit.objects.get(scope="all").result["hold_out"]
    assert f"{found['actual']:,.0f} came" in html
    assert "182 days" in html


def test_thin_data_is_refused_in_words(workspace, reader, client, run_jobs, time_machine) -> None:
    time_machine.move_to(MONDAY)
    sell(workspace, new_source(workspace), 60)
    roll(workspace)
    run_jobs()
    assert "too few observations (60 of 100 needed)" in html_of(client, reader, "aftersales-lifetime")
    assert "too few observations (60 of 100 needed)" in html_of(client, reader, "aftersales-customers", list="slipping")


def test_a_business_account_is_warned_of(workspace, reader, client, run_jobs, time_machine) -> None:
    time_machine.move_to(MONDAY)
    source = new_source(workspace)
    sell(workspace, source, 300)
    for n in range(700):
        order(workspace, source, f"b{n}", AS_OF - timedelta(days=n), customer="hotel", **money(90, 50)).save()
    set_first_orders(workspace)
    roll(workspace)
    run_jobs()
    assert "1 account orders so often" in html_of(client, reader, "aftersales-lifetime")


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_the_table_is_a_file_with_limits(kind, business, reader, client) -> None:
    response = get(client, reader, "aftersales-lifetime-file", kind)
    if kind == "csv":
        rows = table_of(response)
    else:
        rows = CalamineWorkbook.from_filelike(io.BytesIO(response.content)).get_sheet_by_index(0).to_python()
    assert len(rows) == 1 + LifetimeFit.objects.count()
    at = rows[0].index("LTV, 12 months")
    value, low, high = (float(cell) for cell in rows[1][at : at + 3])
    assert low < value < high


def test_another_kind_of_file_and_strangers_get_nothing(business, reader, stranger, client) -> None:
    assert get(client, reader, "aftersales-lifetime-file", "exe").status_code == 404
    assert get(client, stranger, "aftersales-lifetime-file", "csv").status_code == 404


def test_what_was_brought_and_the_month_that_reaches_the_cac_have_intervals(business, reader, client) -> None:
    row = row_of(business, client, reader, "all", "")
    assert row["observed"].low < row["observed"].value < row["observed"].high
    assert 1 <= row["reached"].low <= row["reached"].value
    assert row["reached"].high is None or row["reached"].high >= row["reached"].value
    CohortContribution.objects.update(squares=None)
    older = row_of(business, client, reader, "all", "")
    assert (older["observed"].value, older["observed"].low) == (row["observed"].value, None)


def test_an_older_fit_that_kept_the_margin_alone_is_still_shown(business, reader, client) -> None:
    fit = LifetimeFit.objects.get(scope="all")
    fit.result["margin"] = 0.4
    fit.save()
    assert get(client, reader, "aftersales-lifetime").context["margin"] is None


# --- customers --------------------------------------------------------------------------------------------------------
def test_a_list_shows_its_customers_and_how_many_are_on_the_others(business, member, client) -> None:
    context = get(client, member, "aftersales-customers").context
    counts = {entry["key"]: entry["count"] for entry in context["lists"]}
    assert counts["due"] == Replenishment.objects.count() > 30
    assert counts["slipping"] == CustomerScore.objects.filter(at_risk__gt=0).count() > 0
    html = html_of(client, member, "aftersales-customers")
    assert "Article GAS" in html


def test_the_most_valuable_who_slip_away_come_first(business, member, client) -> None:
    page = get(client, member, "aftersales-customers", list="slipping").context["page"]
    losses = [r["row"].at_risk for r in page]
    assert losses == sorted(losses, reverse=True)
    assert all(0.1 <= r["row"].alive < 0.6 * r["row"].alive_then for r in page)
    assert page.object_list[0]["ids"] == (page.object_list[0]["row"].customer.replace("c1-", "ref-1-"),)


def test_a_market_narrows_the_list(business, member, client) -> None:
    page = get(client, member, "aftersales-customers", list="slipping", market="DE").context["page"]
    assert {r["row"].market for r in page} == {"DE"}


def test_long_lists_are_paged(business, member, client, monkeypatch) -> None:
    monkeypatch.setattr(customer_lists, "PER_PAGE", 10)
    first = get(client, member, "aftersales-customers").context["page"]
    second = get(client, member, "aftersales-customers", page="2").context["page"]
    assert len(first) == len(second) == 10
    assert not {r["row"].pk for r in first} & {r["row"].pk for r in second}


def test_a_page_asks_the_database_as_often_for_many_customers_as_for_few(
    business, member, client, django_assert_max_num_queries, monkeypatch
) -> None:
    monkeypatch.setattr(customer_lists, "PER_PAGE", 50)
    client.force_login(member)
    with django_assert_max_num_queries(30):
        client.get(reverse("aftersales-customers", args=["acme"]))


def test_readers_see_how_many_but_not_who(business, reader, client) -> None:
    html = html_of(client, reader, "aftersales-customers")
    assert "r0" not in html.split('id="customers"')[1].split("</section>")[0].split()
    assert "members of the team" in html
    assert get(client, reader, "aftersales-customers-file", "due", "csv").status_code == 403


@pytest.mark.parametrize("key", customer_lists.LISTS)
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_every_list_is_a_file_for_the_mail_tool(key, kind, business, member, client) -> None:
    response = get(client, member, "aftersales-customers-file", key, kind)
    assert response.status_code == 200
    if kind == "csv":
        assert response.content.startswith(b"\xef\xbb\xbf")
        assert len(table_of(response)) == 1 + customer_lists.rows(business, customer_lists.Asked(key)).count()


def test_the_file_holds_ids_and_hashes_and_no_formulas(business, member, client) -> None:
    source = new_source(business, "crm")
    row = Replenishment.objects.first()
    Replenishment.objects.filter(pk=row.pk).update(name="=cmd|' /C calc'!A0")
    Customer.objects.create(workspace=business, source=source, external_id="x", person=row.customer, email_hash="ab12")
    table = table_of(get(client, member, "aftersales-customers-file", "due", "csv"))
    (found,) = (cells for cells in table if cells[0] == row.customer and cells[4] == row.sku)
    assert found[2] == "ab12"
    assert found[5].startswith("'=")
    assert not any("@" in cell for cells in table for cell in cells)


def test_another_business_is_never_in_a_file(business, member, client, run_jobs) -> None:
    other = Workspace.objects.create(name="Other", slug="other", base_currency="EUR")
    source = new_source(other)
    made = sell(other, source, 200, seed=2)
    OrderLine.objects.bulk_create(line(o, "GAS") for o in made)
    jobs.start(other, "ltv", {})
    run_jobs()
    assert CustomerScore.objects.filter(workspace=other).exists()
    for key in customer_lists.LISTS:
        table = table_of(get(client, member, "aftersales-customers-file", key, "csv"))
        assert not [cells for cells in table if cells[0].startswith("c2-")]
    assert client.get(reverse("aftersales-customers", args=["other"])).status_code == 404
    assert client.get(reverse("aftersales-customers-file", args=["other", "due", "csv"])).status_code == 404


def test_a_list_that_is_too_long_for_a_workbook_is_offered_as_csv(business, member, client, monkeypatch) -> None:
    monkeypatch.setattr(customer_lists, "MOST_IN_WORKBOOK", 5)
    client.force_login(member)
    response = client.get(reverse("aftersales-customers-file", args=["acme", "due", "xlsx"]), follow=True)
    assert "take the CSV file" in response.content.decode()


def test_no_list_of_that_name(business, member, client) -> None:
    assert get(client, member, "aftersales-customers-file", "everyone", "csv").status_code == 404


# --- the KPIs and the curve -------------------------------------------------------------------------------------------
@clock.travel(APRIL)
def make_refunded(workspace, run_jobs, folder):
    """120 customers of March 2025, a third of whom got money back within the year, a month after it, and for an order
    that was cancelled; nobody new since."""
    source = new_source(workspace)
    for n in range(120):
        first = date(2025, 3, 3) + timedelta(days=n % 28)
        days = (0, 0, 100, 366) if n % 2 else (0, 365)
        known = {"customer": f"c{n}", "market": "DE", "channel": "google"}
        made = [order(workspace, source, f"{n}-{at}", first + timedelta(days=d), **known, **money(60, 20))
                for at, d in enumerate(days)]  # fmt: skip
        made.append(order(workspace, source, f"{n}-x", first, state="cancelled", **known, **money(60, 20)))
        Order.objects.bulk_create(made)
        if n % 3 == 0:
            for parent, at, amount in ((made[0], 20, 9), (made[1], 365, 6), (made[0], 395, 20), (made[-1], 5, 60)):
                give_back(parent, first + timedelta(days=at), amount)
    order(workspace, source, "late", date(2026, 4, 5), **known, **money(60, 20)).save()  # all have had twelve months
    set_first_orders(workspace)
    mark_dirty(workspace, Rollup.COHORTS, [date(2025, 3, 3) + timedelta(weeks=n) for n in range(60)])
    mark_dirty(workspace, Rollup.CONVERSION, [date(2025, 3, 3) + timedelta(weeks=n) for n in range(60)])
    jobs.start(workspace, "roll", {})
    run_jobs()


@pytest.fixture
def refunded(workspace, time_machine):
    """The workspace that `make_refunded` made, on that day."""
    time_machine.move_to(APRIL)
    return workspace


def test_ltv_observed_is_after_refunds_and_what_the_curve_says_of_the_same_customers(refunded, reader, client) -> None:
    context = get(client, reader, "aftersales-lifetime").context
    brought = (60 * 120 + 60 * 80 - 40 * (9 + 6)) / 120  # what is kept of two or three orders of 40 each within a year
    card = context["observed"][0]
    assert card["name"] == "LTV observed, 12 months"
    assert card["result"].value == pytest.approx(brought)
    assert context["rows"][0]["observed"].value == pytest.approx(brought)
    assert context["rows"][0]["observed"].n == card["result"].n == 120


def test_what_customers_have_brought_is_told_by_the_kpis_and_leads_to_them(business, reader, client) -> None:
    html = html_of(client, reader, "aftersales-lifetime")
    for key in ("ltv_12m", "ltv_cac", "payback_months"):
        assert reverse("kpi", args=["acme", key]) in html
    assert not get(client, reader, "aftersales-lifetime", channel="google").context["observed"]


def test_payback_is_that_of_the_kpis_page_whatever_the_customers(business, reader, client) -> None:
    rows = get(client, reader, "aftersales-lifetime", weeks="52").context["rows"]
    own = get(client, reader, "kpi", "payback_months", weeks="52").context
    found: dict[tuple[str, tuple[str, ...]], object] = {("all", ()): own["line"].result}
    found |= {("market", (row["code"],)): row["result"] for row in own["by_market"]}
    found |= {("channel", (row["code"],)): row["result"] for row in own["by_channel"]}
    assert {row["scope"] for row in rows} == {"all", "market", "channel"}
    for row in rows:
        own_page = found[row["scope"], row["fit"].place]
        assert str(row["payback"]) == str(own_page), row["fit"].place
    assert isinstance(rows[0]["payback"], Estimate)


KEPT = {"business": make_business, "mixed": make_mixed, "refunded": make_refunded}


def test_without_measures_the_file_leads_to_the_page_that_names_the_first_step(workspace, reader, client) -> None:
    answer = get(client, reader, "aftersales-lifetime-file", "csv")
    assert answer.headers["Location"] == reverse("engine", args=["acme", "aftersales"])
    assert "No complete week of data yet" in client.get(answer.headers["Location"]).content.decode()
