"""The pages of repurchase, campaigns, service and community: what they show, who sees it, and their files."""

import io
import re
from datetime import date, timedelta
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from python_calamine import CalamineWorkbook

from engines import weekly
from engines.kpi import KPIS
from engines.results import Estimate, Unavailable
from flywheel.accounts.models import Membership, Role, Workspace
from flywheel.aftersales import campaigns, community, repurchase, service
from flywheel.aftersales.asking import Ask
from flywheel.aftersales.page_views import PAGES
from flywheel.diagnosis.engine_pages import Choice
from flywheel.jobs.models import Job
from flywheel.measures import counting
from flywheel.measures.models import Counted, CustomerMonth, DurationWeek
from tests.builders import count, loaded, order
from tests.businesses import LAST, business
from tests.measured import store
from tests.test_diagnosis_room import _without_theme

pytestmark = pytest.mark.django_db
WEEK = LAST.astype(object)
CHOICE = Choice(WEEK, 13, "", WEEK)
FILES = [(key, table) for key, (_context, tables) in PAGES.items() for table in tables]


@pytest.fixture
def sold(workspace: Workspace) -> Workspace:
    """Weekly measures of a whole business."""
    store(workspace, business(1))
    count(workspace)
    return workspace


@pytest.fixture
def mailed(sold: Workspace, tmp_path: Path) -> Workspace:
    """With a mailing that has a hold-out, and one that has none."""
    sent = f"{WEEK} 09:00:00"
    rows = [
        {
            "campaign_id": "M1", "sent_at": sent, "name": "=News", "market": "DE", "sent": 10_000, "opened": 3_000,
            "clicked": 400, "ordered": 90, "held_out": 2_000, "held_out_ordered": 5,
        },
        {"campaign_id": "M2", "sent_at": sent, "name": "Spring", "market": "US", "sent": 500, "ordered": 5},
    ]  # fmt: skip
    loaded(sold, tmp_path, "campaigns", rows)
    return sold


def ask(workspace: Workspace, choice: Choice = CHOICE, **query: str) -> Ask:
    return Ask(workspace, choice, query)


def page(client, user, key: str, **query) -> str:
    client.force_login(user)
    return client.get(reverse(f"aftersales-{key}", args=["acme"]), query).content.decode()


def file(client, user, key: str, table: str, kind: str = "csv", **query):
    client.force_login(user)
    return client.get(reverse("aftersales-file", args=["acme", key, table, kind]), query)


# --- every page -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("key", PAGES)
@pytest.mark.parametrize("query", [{}, {"market": "US", "weeks": "4"}, {"weeks": "0"}, {"show": "x", "channel": "?"}])
def test_a_page_opens_for_every_choice(key, query, sold, reader, client):
    html = page(client, reader, key, **query)
    assert 'id="panel"' in html
    assert "After-sales engine" in html


@pytest.mark.parametrize("key", PAGES)
def test_htmx_gets_the_panel_alone(key, sold, reader, client):
    client.force_login(reader)
    html = client.get(reverse(f"aftersales-{key}", args=["acme"]), headers={"HX-Request": "true"}).content.decode()
    assert html.lstrip().startswith('<div id="panel"')


@pytest.mark.parametrize("key", PAGES)
def test_without_data_a_page_names_the_first_step(key, workspace, reader, client):
    assert "No complete week of data yet" in page(client, reader, key)


@pytest.mark.parametrize("key", PAGES)
def test_a_stranger_finds_nothing(key, sold, stranger, client):
    client.force_login(stranger)
    assert client.get(reverse(f"aftersales-{key}", args=["acme"])).status_code == 404
    for table in PAGES[key][1]:
        assert client.get(reverse("aftersales-file", args=["acme", key, table, "csv"])).status_code == 404


def test_nobody_sees_a_page_without_logging_in(sold, client):
    for key in PAGES:
        assert client.get(reverse(f"aftersales-{key}", args=["acme"])).status_code == 302


@pytest.mark.parametrize("key", PAGES)
def test_a_page_cannot_be_posted_to(key, sold, owner, client):
    client.force_login(owner)
    assert client.post(reverse(f"aftersales-{key}", args=["acme"])).status_code == 405


@pytest.mark.parametrize("key", PAGES)
def test_every_figure_is_one_that_plotly_accepts_with_its_table(key, mailed):
    from plotly import graph_objects  # type: ignore[import-untyped]

    charts = PAGES[key][0](ask(mailed))["charts"]
    assert charts or key == "campaigns"
    for chart in charts:
        graph_objects.Figure(_without_theme(chart["figure"]))
        assert chart["rows"]
        assert chart["summary"]


def test_one_workspace_never_shows_the_facts_of_another(mailed, reader, client):
    other = Workspace.objects.create(name="Other", slug="other", base_currency="EUR", time_zone="Europe/Berlin")
    Membership.objects.create(workspace=other, user=reader, role=Role.READER)
    store(other, business(1))
    client.force_login(reader)
    assert (
        "No campaigns to customers in this period"
        in client.get("/w/other/engines/aftersales/campaigns/").content.decode()
    )
    assert campaigns.context(ask(other))["programme"].mailings == 0


# --- files ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("key", "table"), FILES)
def test_every_table_is_a_file_for_chinese_excel_and_a_workbook(key, table, mailed, owner, client):
    text = file(client, owner, key, table).content
    assert text.startswith("\ufeff".encode())
    book = file(client, owner, key, table, "xlsx").content
    rows = CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_index(0).to_python()
    assert ",".join(map(str, rows[0])) == text.decode("utf-8-sig").splitlines()[0].replace('"', "")


def test_who_invited_is_named_to_members_alone(sold, owner, reader, client):
    for user, status in ((owner, 200), (reader, 403)):
        client.force_login(user)
        tables = client.get(reverse("aftersales-community", args=["acme"])).context["tables"]
        assert ("advocates" in {shown.table.key for shown in tables}) is (status == 200)
        assert file(client, user, "community", "advocates").status_code == status


def test_a_name_that_would_run_as_a_formula_is_neutralised(mailed, reader, client):
    assert "'=News" in file(client, reader, "campaigns", "mailings").content.decode()


def test_a_file_has_results_with_interval_and_sample_as_numbers(sold, reader, client):
    book = file(client, reader, "repurchase", "windows", "xlsx").content
    head, total, *_rest = CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_index(0).to_python()
    assert head[1:5] == ["Within 30 days", "Within 30 days, low", "Within 30 days, high", "Within 30 days, sample"]
    assert total[2] < total[1] < total[3]


def test_what_is_no_table_is_not_found(sold, reader, client):
    assert file(client, reader, "repurchase", "nothing").status_code == 404
    assert file(client, reader, "nothing", "windows").status_code == 404
    assert file(client, reader, "repurchase", "windows", "pdf").status_code == 404


def test_a_file_of_a_workspace_without_data_is_not_found(workspace, reader, client):
    assert file(client, reader, "repurchase", "windows").status_code == 404


# --- repurchase -------------------------------------------------------------------------------------------------------
def test_the_repeat_rate_over_all_markets_is_the_kpis(sold):
    asked = ask(sold)
    (all_markets, *_others) = repurchase.TABLES["windows"](asked).rows
    for days, found in zip((30, 60, 90, 180), all_markets[1:], strict=True):
        assert found == weekly.result_at(KPIS[f"repeat_rate_{days}"], asked.loaded.panel, asked.loaded.last, None, 13)


def test_cohorts_show_what_was_asked_for(sold, reader, client):
    assert "Customers who order again, by month of first order" in page(client, reader, "repurchase")
    assert '"text": [["€' in page(client, reader, "repurchase", show="money").replace("\\u20ac", "€")


def test_a_channel_narrows_cohorts_and_windows(sold):
    sizes = [float(ask(sold, channel=c).cohorts.sizes.sum()) for c in ("", "email")]
    assert sizes[1] < sizes[0] / 3
    assert ask(sold, channel="nonsense").channel == ""


def test_the_file_of_cohorts_marks_months_that_are_not_over(sold):
    rows = repurchase.TABLES["cohorts"](ask(sold)).rows
    assert {row[-1] for row in rows if row[0] == "2026-11"} == {"no"}
    assert {row[-1] for row in rows if row[0] == "2026-01" and row[1] == 1} == {"yes"}


@pytest.fixture
def late_shop(workspace: Workspace, tmp_path: Path, run_jobs) -> Workspace:
    """80 first orders of January 2026, half of them late; of those 4 come back in March, of the others 16."""
    rows = [
        order(
            f"A-{n}",
            customer_id=f"C-{n}",
            ordered_at="2026-01-06 10:00:00",
            promised_at="2026-01-10",
            delivered_at="2026-01-12" if n < 40 else "2026-01-09",
        )
        for n in range(80)
    ]
    back = [n for n in range(80) if n < 4 or 40 <= n < 56]
    rows += [order(f"B-{n}", customer_id=f"C-{n}", ordered_at="2026-03-06 10:00:00") for n in back]
    rows += [order("Z", customer_id="C-999", ordered_at="2026-06-02 10:00:00")]
    loaded(workspace, tmp_path, "orders", rows)
    run_jobs()
    return workspace


def test_a_late_first_parcel_is_told_in_words_with_number_interval_and_sample(late_shop, reader, client):
    week = ask(late_shop, Choice(np.datetime64("2026-06-01").astype(object), 13, "", WEEK))
    effect = repurchase.context(week)["late"]
    assert effect.difference.value == pytest.approx(0.1 - 0.4)
    assert (effect.late.n, effect.lost.value) == (40, pytest.approx(12))
    html = page(client, reader, "repurchase", week="2026-06-01")
    assert "Customers whose first parcel came late come back less often." in html
    assert "−30.0 points" in html
    assert "n = 80" in html


def test_what_was_counted_from_the_delivery_on_is_forgotten_and_counted_anew(late_shop, run_jobs):
    Job.objects.all().delete()
    import_module("flywheel.aftersales.migrations.0004_count_first_deliveries_anew").count_anew(apps, None)
    assert Job.objects.get().kind == "aftersales_counts"
    assert not ask(late_shop).standing.is_kept
    run_jobs()
    assert ask(late_shop).standing.is_kept


def test_growth_accounting_of_a_shop_adds_up_on_the_page(late_shop):
    months = ask(late_shop, Choice(np.datetime64("2026-06-01").astype(object), 13, "", WEEK)).growth
    told = {m.month[:7]: (m.new, m.retained, m.resurrected, m.lost) for m in months}
    assert told["2026-01"] == (80, 0, 0, 0)
    assert told["2026-02"] == (0, 0, 0, 80)  # type: ignore[unreachable]
    assert told["2026-03"] == (0, 0, 20, 0)
    assert told["2026-06"] == (1, 0, 0, 0)


def test_thin_deliveries_say_how_many_are_missing(sold, reader, client):
    assert "no delivery data" in page(client, reader, "repurchase")


# --- how counts stand -------------------------------------------------------------------------------------------------
COUNTED_PAGES = ("repurchase", "service", "community")
ORDERS = re.compile(r"\bfacts_(order|firstorder|orderline|ticket|review|referral)\b")


def again_in_april(workspace: Workspace, folder: Path) -> None:
    """Ten of the late shop's customers who have not come back yet do so, told late."""
    rows = [order(f"L-{n}", customer_id=f"C-{n}", ordered_at="2026-04-03 10:00:00") for n in range(20, 30)]
    loaded(workspace, folder, "orders", rows)


@pytest.mark.parametrize("key", COUNTED_PAGES)
def test_what_was_counted_says_when_and_from_which_data(key, late_shop, reader, client):
    html = page(client, reader, key)
    assert "Counted over all customers" in html
    assert "from orders up to 2 Jun 2026" in html


@pytest.mark.parametrize("key", COUNTED_PAGES)
def test_before_counting_the_page_says_that_work_is_on_its_way_or_leads_to_it(key, late_shop, owner, reader, client):
    Counted.objects.all().delete()
    CustomerMonth.objects.all().delete()
    run = reverse("aftersales-count-run", args=["acme"])
    assert run not in page(client, reader, key)
    html = page(client, owner, key)
    assert "has not been worked out yet" in html
    assert run in html
    response = client.post(run)
    job = Job.objects.get(kind="aftersales_counts", state=Job.State.QUEUED)
    assert response.url == reverse("job-detail", args=["acme", job.pk])
    assert "is being worked out" in page(client, owner, key)


def test_before_counting_nothing_is_said_to_be_missing(late_shop, reader, client):
    Counted.objects.all().delete()
    for model in counting.TABLES:
        model._default_manager.all().delete()
    html = page(client, reader, "repurchase")
    assert "not available: not worked out yet" in html
    assert "no delivery data" not in html
    assert "Load referrals" not in page(client, reader, "community")


def test_readers_and_strangers_start_no_counting(late_shop, reader, stranger, client):
    run = reverse("aftersales-count-run", args=["acme"])
    client.force_login(reader)
    assert client.post(run).status_code == 403
    assert client.get(run).status_code == 405
    client.force_login(stranger)
    assert client.post(run).status_code == 404


def test_late_orders_make_what_was_counted_stale_until_it_is_counted_again(
    late_shop, tmp_path, reader, client, run_jobs
):
    def retained_or_back(html_week: str) -> list[float]:
        months = ask(late_shop, Choice(date.fromisoformat(html_week), 13, "", WEEK)).growth
        return [m.resurrected for m in months if m.month == "2026-04-01"]

    again_in_april(late_shop, tmp_path)
    assert ask(late_shop).standing.is_stale
    assert retained_or_back("2026-06-01") == [0]
    html = page(client, reader, "repurchase")
    assert "New data is being worked in." in html
    assert "Counted over all customers" not in html
    run_jobs()
    assert not ask(late_shop).standing.is_stale
    assert retained_or_back("2026-06-01") == [10]
    assert "Counted over all customers" in page(client, reader, "repurchase")


def test_when_the_work_fails_the_page_says_that_its_counts_are_older_than_the_data(
    late_shop, tmp_path, owner, client, run_jobs
):
    again_in_april(late_shop, tmp_path)
    Job.objects.filter(state=Job.State.QUEUED).update(state=Job.State.FAILED)
    html = page(client, owner, "repurchase")
    assert "Data has changed since" in html
    assert reverse("aftersales-count-run", args=["acme"]) in html


def test_a_roll_whose_work_never_came_to_its_end_leaves_the_counts_stale(late_shop):
    assert not ask(late_shop).standing.is_stale
    later = timezone.now() + timedelta(hours=1)
    roll = {"workspace": late_shop, "kind": "roll", "state": Job.State.DONE, "finished_at": later}
    Job.objects.create(**roll, result={"weeks": 0})
    assert not ask(late_shop).standing.is_stale
    Job.objects.create(**roll, result={"weeks": 3})
    assert ask(late_shop).standing.is_stale


@pytest.mark.parametrize("key", PAGES)
@pytest.mark.parametrize("query", [{}, {"market": "DE", "weeks": "0", "channel": "direct"}])
def test_a_page_reads_no_facts_and_asks_a_bounded_number_of_times(key, query, late_shop, reader, client):
    client.force_login(reader)
    with CaptureQueriesContext(connection) as captured:
        client.get(reverse(f"aftersales-{key}", args=["acme"]), query)
    assert len(captured) <= 40
    assert not [q["sql"] for q in captured if ORDERS.search(q["sql"])]


@pytest.mark.parametrize(("key", "table"), FILES)
def test_a_file_reads_no_facts(key, table, late_shop, owner, client):
    with CaptureQueriesContext(connection) as captured:
        assert file(client, owner, key, table).status_code == 200
    assert not [q["sql"] for q in captured if ORDERS.search(q["sql"])]


# --- campaigns --------------------------------------------------------------------------------------------------------
def test_the_lift_is_against_the_holdout_and_the_other_mailing_has_none(mailed, reader, client):
    found = campaigns.context(ask(mailed))
    assert found["programme"].lift.value == pytest.approx(0.009 - 0.0025)
    rows = {row[0]: row for row in found["tables"][0].rows}
    assert isinstance(rows["=News"][6], Estimate)
    assert rows["Spring"][6] == Unavailable("no_holdout")
    assert "orders that would not have come anyway" in page(client, reader, "campaigns")


def test_without_any_holdout_the_page_says_what_to_do(mailed, reader, client):
    html = page(client, reader, "campaigns", market="US")
    assert "No mailing of this period has a hold-out group" in html
    assert "held_out_ordered" in html
    assert reverse("import-template", args=["acme", "campaigns"]) in html


def test_mailings_turn_pages(sold, tmp_path, reader, client):
    rows = [
        {"campaign_id": f"M{n}", "sent_at": f"{WEEK - timedelta(days=n)} 09:00:00", "name": f"Mail {n:02}", "sent": 500}
        for n in range(30)
    ]
    loaded(sold, tmp_path, "campaigns", rows)
    assert "Mail 29" not in page(client, reader, "campaigns")
    assert "page-mailings=2#mailings" in page(client, reader, "campaigns")
    assert "Mail 29" in page(client, reader, "campaigns", **{"page-mailings": "2"})
    assert "Mail 00" in page(client, reader, "campaigns", **{"page-mailings": "nonsense"})


# --- service ----------------------------------------------------------------------------------------------------------
def test_promises_are_counted_both_ways_by_market_and_carrier(sold):
    promises, carriers = (service.TABLES[key](ask(sold)) for key in ("promises", "carriers"))
    total = promises.rows[0]
    assert total[1] == sum(row[1] for row in promises.rows[1:]) == carriers.rows[0][1]  # type: ignore[misc]
    assert total[7].value > total[9].value  # by date more parcels are on time than by time stamp
    assert [row[0] for row in carriers.rows] == ["dhl"]


def took(workspace: Workspace, carrier: str, hours: int, parcels: int) -> None:
    """Keep how long parcels of a carrier took: each some of `hours` to the next."""
    counts = np.array([hours * 60, parcels], dtype=">i4").tobytes()
    DurationWeek.objects.create(
        workspace=workspace, week=WEEK, market="US", carrier=carrier, what="delivery", counts=counts
    )


def test_each_carrier_has_its_own_median_and_90th_percentile(sold):
    took(sold, "dhl", 48, 190)
    took(sold, "dhl", 240, 10)
    took(sold, "post", 480, 60)
    (dhl,) = service.TABLES["carriers"](ask(sold)).rows
    assert dhl[3].value == pytest.approx((48 + 100 / 190) / 24)
    assert dhl[4].value == pytest.approx((48 + 180 / 190) / 24)
    assert dhl[3].low < dhl[3].value < dhl[3].high
    assert (dhl[3].n, dhl[3].unit) == (200, "days")


def test_too_few_parcels_of_a_carrier_have_no_median(sold):
    took(sold, "dhl", 48, 49)
    assert service.TABLES["carriers"](ask(sold)).rows[0][3] == Unavailable("too_few", 49, 50)


def test_a_carrier_whose_times_nobody_knows_has_no_median(sold):
    assert service.TABLES["carriers"](ask(sold)).rows[0][3] == Unavailable("no_delivery_data")


def test_all_deliveries_have_the_median_that_the_kpi_has(sold):
    for market, hours in (("US", 48), ("DE", 96)):
        counts = np.array([hours * 60, 100], dtype=">i4").tobytes()
        DurationWeek.objects.create(
            workspace=sold, week=WEEK, market=market, carrier="dhl", what="delivery", counts=counts
        )
    asked = ask(sold)
    kpi = weekly.result_at(KPIS["delivery_days_p90"], asked.loaded.panel, asked.loaded.last, None, 13)
    assert service.TABLES["promises"](asked).rows[0][4] == kpi


def test_times_and_care_are_the_kpis_of_the_market(sold):
    asked = ask(sold)
    rows = {row[0]: row for row in service.TABLES["care"](asked).rows}
    place = asked.loaded.panel.markets.index("US")
    expected = weekly.result_at(KPIS["contact_rate"], asked.loaded.panel, asked.loaded.last, place, 13)
    assert rows["US"][2] == expected
    assert rows["All markets"][1] == sum(row[1] for name, row in rows.items() if name != "All markets")  # type: ignore[misc]


def test_reasons_of_tickets_have_shares_that_add_up(sold, tmp_path):
    rows = [
        {"ticket_id": f"T{n}", "opened_at": f"{WEEK} 10:00:00", "reason": "where" if n % 3 else "", "csat": 5}
        for n in range(90)
    ]
    loaded(sold, tmp_path, "tickets", rows)
    count(sold)
    reasons = service.TABLES["reasons"](ask(sold)).rows
    assert [(row[0], row[1]) for row in reasons] == [("where", 60), ("not told", 30)]
    assert sum(row[2] for row in reasons) == pytest.approx(1)  # type: ignore[misc]
    assert reasons[0][4].value == 1


# --- community --------------------------------------------------------------------------------------------------------
def test_word_of_mouth_is_compared_with_channels_that_spend(sold, reader, client):
    asked = ask(sold)
    spoken = community.word_of_mouth(sold, asked.loaded)
    ratio = weekly.result_at(KPIS["word_of_mouth_lift"], asked.loaded.panel, asked.loaded.last, None, 13)
    assert spoken.first.value / spoken.second.value == pytest.approx(ratio.value)
    assert "Word of mouth" in page(client, reader, "community")


def test_invitations_times_conversion_is_k_and_multiplies_who_comes_from_elsewhere(sold):
    asked = ask(sold)
    shape = asked.loaded.panel["first_orders"].shape
    asked.loaded.panel.values["invitations"] = np.full(shape, 50.0)
    asked.loaded.panel.values["referred_first_orders"] = np.full(shape, 10.0)
    found = community.context(asked)["referrals"]
    product = found["invitations_per_customer"].value * found["referral_conversion"].value
    assert found["referral_k"].value == pytest.approx(product)
    assert found["customers"].value == pytest.approx(found["elsewhere"] / (1 - product))
    assert found["factor"].low < found["factor"].value < found["factor"].high


def test_without_referrals_the_page_says_so(sold, owner, client):
    html = page(client, owner, "community")
    assert "no referral data" in html
    assert "Load referrals to see who recommends you." in html


def test_who_brings_customers_is_told_in_words_and_by_name(sold, tmp_path, owner, client):
    loaded(sold, tmp_path, "orders", [order("A-1", customer_id="N1", ordered_at=f"{WEEK} 10:00:00")])
    invited = {"invited_at": f"{WEEK} 08:00:00"}
    rows = [
        {"referral_id": "I1", "referrer_id": "C-77", "order_id": "A-1", **invited},
        {"referral_id": "I2", "referrer_id": "C-78", **invited},
    ]
    loaded(sold, tmp_path, "referrals", rows)
    count(sold)
    html = page(client, owner, "community")
    assert "2 customers invited others, and 1 of them (50.0%) brought a new customer." in html
    assert "C-77" in html
