"""The pages of the conversion engine: what they show, who may change what, and what hostile input does."""

import csv
import io
import re
from dataclasses import replace
from datetime import date, timedelta

import pandas as pd
import pytest
from django.urls import reverse
from plotly import graph_objects  # type: ignore[import-untyped]
from python_calamine import CalamineWorkbook

from engines import differences, weekly
from engines.kpi import KPIS
from flywheel import jobs
from flywheel.accounts.models import Membership, Role, Workspace
from flywheel.accounts.templatetags.formats import reading
from flywheel.conversion.checklist import ITEMS
from flywheel.conversion.models import Analysis, Change, OfferedMethod, PainPoint, TrustItem
from flywheel.diagnosis.engine_pages import Choice, load
from flywheel.measures.models import CountedSessions, MoveWeek
from tests.builders import loaded
from tests.businesses import LAST, business
from tests.measured import store
from tests.test_conversion_analyses import event, shop  # noqa: F401
from tests.test_diagnosis_room import _without_theme

pytestmark = pytest.mark.django_db
PAGES = ("journey", "trust", "experience")
TABLES = ("journey", "journey-steps", "touch-points", "flows", "step-times", "checklist", "payment-methods",
          "orders-paid")  # fmt: skip


@pytest.fixture
def sound(workspace):
    store(workspace, business(1))
    return workspace


@pytest.fixture
def member(workspace):
    from tests.conftest import _member

    return _member(workspace, "member", Role.MEMBER)


def get(client, user, name, *args, **query):
    client.force_login(user)
    return client.get(reverse(name, args=["acme", *args]), query)


def html_of(client, user, page, **query):
    return get(client, user, f"conversion-{page}", **query).content.decode()


def post(client, user, page, /, *args, **data):
    client.force_login(user)
    return client.post(reverse(page, args=["acme", *args]), data, follow=True)


# --- every page -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("query", [{}, {"market": "US", "weeks": "4"}, {"weeks": "0"},
                                   {"market": "\x00", "weeks": "-1", "channel": "<b>", "device": "x", "page": "x"},
                                   {"compare": "other", "from": "0001-01-01", "to": "9999-12-31"},
                                   {"compare": "other", "from": "no", "to": ""}, {"week": "0001-01-01"}])  # fmt: skip
def test_a_page_answers_whatever_is_asked(page, query, sound, reader, client):
    assert get(client, reader, f"conversion-{page}", **query).status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_an_empty_workspace_shows_the_first_step(page, workspace, reader, client):
    assert reverse("import-new", args=["acme"]) in html_of(client, reader, page)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_answers_htmx_with_its_panel_and_strangers_not_at_all(page, sound, reader, stranger, client):
    client.force_login(reader)
    panel = client.get(reverse(f"conversion-{page}", args=["acme"]), headers={"HX-Request": "true"}).content.decode()
    assert panel.lstrip().startswith('<div id="panel"')
    assert "<html" not in panel
    assert get(client, stranger, f"conversion-{page}").status_code == 404


@pytest.mark.parametrize("page", PAGES)
def test_a_page_costs_few_queries(page, shop, reader, client, django_assert_max_num_queries):  # noqa: F811
    client.force_login(reader)
    with django_assert_max_num_queries(45):
        client.get(reverse(f"conversion-{page}", args=["acme"]))


def test_every_figure_is_one_that_plotly_accepts(shop, tmp_path, reader, client):  # noqa: F811
    loaded(shop, tmp_path, "page_experience", [
        {"week": "2026-03-02", "market": "DE", "device": "mobile", "lcp_ms": 2300},
        {"week": "2026-03-09", "market": "DE", "device": "mobile", "lcp_ms": 4300, "inp_ms": 210, "cls": "0.3"},
    ])  # fmt: skip
    drawn = set()
    for page in PAGES:
        context = get(client, reader, f"conversion-{page}").context
        charts = [context.get("chart"), *(context.get("charts") or [])]
        for chart in filter(None, charts):
            graph_objects.Figure(_without_theme(chart["figure"]))
            assert chart["summary"]
            assert chart["rows"]
            drawn.add(chart["id"])
    assert drawn == {"journey", "page-lcp-ms", "page-inp-ms", "page-cls"}


# --- the journey ------------------------------------------------------------------------------------------------------
def test_more_checkouts_than_carts_are_a_contradiction_on_every_page(workspace, reader, client):
    """Not a share of 130 % whose interval ends at 100 %."""
    whole = business(1)
    counts = whole.conversion.assign(checkouts=(1.3 * whole.conversion["carts"]).round())
    store(workspace, replace(whole, conversion=counts))
    words = "the counts contradict each other"
    for page in (("conversion-journey",), ("engine", "conversion")):
        html = get(client, reader, *page).content.decode()
        assert words in html
        assert not re.search(r"\b130\.\d+%|\bnan\b", html)
    losses = get(client, reader, "conversion-journey").context["losses"]
    assert {row["step"].money.reason for row in losses if row["step"].key == "checkouts"} == {"more_than_all"}


def test_the_journey_stands_beside_the_period_before_and_another(sound, reader, client):
    before = get(client, reader, "conversion-journey", weeks="4").context
    assert before["has_other"]
    assert before["view"].other == (
        before["choice"].week - timedelta(weeks=7),
        before["choice"].week - timedelta(weeks=4),
    )
    year = get(client, reader, "conversion-journey", weeks="4", compare="year").context
    assert year["view"].other[1] == year["choice"].week - timedelta(weeks=52)
    query = {"compare": "other", "from": "2026-01-07", "to": "2026-02-01"}
    other = get(client, reader, "conversion-journey", weeks="4", **query).context
    assert other["view"].other == (date(2026, 1, 5), date(2026, 1, 26))
    assert not get(client, reader, "conversion-journey", weeks="0").context["has_other"]


def test_the_steps_of_a_segment_are_those_of_its_measures(sound, reader, client):
    whole = business(1).conversion
    last = whole["week"].max()
    own = whole[(whole["week"] == last) & (whole["market"] == "US") & (whole["device"] == "mobile")]
    context = get(
        client, reader, "conversion-journey", weeks="4", market="US", device="mobile", week=str(last.date())
    ).context
    four = whole[
        (whole["week"] > last - timedelta(weeks=4)) & (whole["market"] == "US") & (whole["device"] == "mobile")
    ]
    counts = {row["step"].key: row["step"].now.count for row in context["changes"]}
    assert counts["sessions"] == four["sessions"].sum() > own["sessions"].sum()
    assert counts["payments"] == four["payments"].sum()
    assert [s["key"] for s in context["segments"]] == ["channel"]
    lost = next(row["step"] for row in context["losses"] if row["step"].key == "carts")
    assert lost.orders == pytest.approx(
        (four["product_views"].sum() - four["carts"].sum()) * four["payments"].sum() / four["carts"].sum()
    )
    assert lost.money.value == pytest.approx(lost.orders * four["net_base"].sum() / four["orders"].sum())


def test_a_marketplace_that_counts_only_views_is_no_part_of_the_way_to_the_payment(workspace, reader, client):
    whole = business(1)
    views = whole.conversion.loc[whole.conversion["channel"] == "email", ["week", "market", "device"]]
    views = views.assign(channel="amazon", sessions=9_000.0, product_views=8_000.0)
    store(workspace, replace(whole, conversion=pd.concat([whole.conversion, views], ignore_index=True)))
    context = get(client, reader, "conversion-journey", weeks="4").context
    steps = {row["step"].key: row["step"].now for row in context["changes"]}
    four = whole.conversion[whole.conversion["week"] > whole.conversion["week"].max() - timedelta(weeks=4)]
    assert steps["sessions"].count == four["sessions"].sum()
    assert steps["product_views"].step_rate.value == pytest.approx(
        four["product_views"].sum() / four["engaged_sessions"].sum()
    )
    assert context["left_out"] == 9_000 * len(views) / 120 * 4
    assert "432,000 sessions are left out" in html_of(client, reader, "journey", weeks="4")
    overview = get(client, reader, "engine", "conversion", weeks="4").context
    assert overview["charts"][0]["rows"][2][2] == reading(steps["product_views"].step_rate).text


def test_paths_times_and_exits_are_on_the_page(shop, reader, client):  # noqa: F811
    html = html_of(client, reader, "journey")
    assert re.search(r'id="points".*?Product view.*?80.*?id="flows"', html, re.S)
    assert "Time between steps" in html


def test_a_period_not_worked_out_yet_offers_to_do_it(shop, reader, member, client, run_jobs):  # noqa: F811
    assert "Not worked out for this period yet" in html_of(client, reader, "value", weeks="4")
    assert "Work it out" not in html_of(client, reader, "value", weeks="4")
    assert "Work it out" in html_of(client, member, "value", weeks="4")
    assert post(client, reader, "conversion-analyse", weeks="4").status_code == 403
    assert post(client, member, "conversion-analyse", weeks="4").status_code == 200
    assert "It is being worked out" in html_of(client, member, "value", weeks="4")
    run_jobs()
    assert Analysis.objects.filter(workspace=shop, weeks=4, kind="values").exists()
    assert "Orders by value" in html_of(client, reader, "value", weeks="4")


def test_before_the_first_count_the_paths_are_not_worked_out_yet(shop, member, client, run_jobs):  # noqa: F811
    CountedSessions.objects.all().delete()
    MoveWeek.objects.all().delete()
    assert "Not worked out for this period yet" in html_of(client, member, "journey")
    post(client, member, "conversion-analyse", weeks="13")
    run_jobs()
    assert "The sample: all 80 sessions" in html_of(client, member, "journey")


def visits(day, sessions, carts, seconds, **cells):
    """Sessions of home and, so many seconds later, a product view, of which the first `carts` go on to the cart."""
    return [
        event(f"{day}-{cells}-{n}", 0, name) | {"happened_at": f"{day} 10:00:{at:02d}"} | cells
        for n in range(sessions)
        for name, at in [("home", 0), ("product_view", seconds), *([("add_to_cart", 50)] if n < carts else [])]
    ]


def test_paths_and_times_follow_every_filter_and_the_other_period(shop, tmp_path, reader, client, run_jobs):  # noqa: F811
    loaded(shop, tmp_path, "events", [
        *visits("2026-03-10", 60, 20, 20, market="FR", channel="search", device="desktop"),
        *visits("2026-03-03", 92, 46, 40, market="FR", channel="search", device="desktop"),
        *visits("2026-03-10", 70, 0, 5, market="FR", channel="email", device="mobile"),
    ])  # fmt: skip
    jobs.start(shop, "conversion_analyses", {})
    run_jobs()

    def paths(**query):
        return get(client, reader, "conversion-journey", **{"weeks": "4", "compare": "none"} | query).context["paths"]

    assert paths()["sessions"] == 80 + 60 + 92 + 70
    assert paths(market="FR")["sessions"] == 60 + 92 + 70
    assert paths(channel="search")["sessions"] == 60 + 92
    assert paths(market="FR", device="mobile")["sessions"] == 70
    query = {"market": "FR", "channel": "search", "compare": "other", "from": "2026-03-02", "to": "2026-03-02",
             "week": "2026-03-09", "weeks": "4"}  # fmt: skip
    shown = paths(**query)
    assert shown["then"].sessions == 92
    view = next(row for row in shown["points"] if row["point"].key == "product_views")
    assert view["point"].exit_rate.value == pytest.approx(86 / 152)
    assert view["then"].exit_rate.value == pytest.approx(46 / 92)
    assert view["change"] == differences.of_rates(86, 152, 46, 92)
    time = shown["times"][0]
    assert (time["n"], time["then_n"]) == (152, 92)
    assert time["then_p50"].value == pytest.approx(40, rel=0.05)
    html = html_of(client, reader, "journey", **query)
    assert "The sample: all 152 sessions" in html
    assert "Compared with 92 sessions" in html


def test_the_files_of_paths_are_the_pages_rows(shop, reader, client):  # noqa: F811
    shown = get(client, reader, "conversion-journey").context["paths"]
    (point,) = [p for p in rows_of(client, reader, "touch-points") if p["Touch point"] == "Product view"]
    assert float(point["Visits"]) == shown["points"][0]["point"].visits == 80
    assert [float(row["Times"]) for row in rows_of(client, reader, "flows")] == [
        f["flow"].count for f in shown["flows"]
    ]
    (time,) = rows_of(client, reader, "step-times")
    assert float(time["Median (seconds)"]) == pytest.approx(shown["times"][0]["p50"].value)


def test_a_market_without_events_says_so(shop, reader, client):  # noqa: F811
    assert "Session events of these weeks, market, channel" in html_of(client, reader, "journey", market="FR")


# --- pain points ------------------------------------------------------------------------------------------------------
PAIN = {"step": "payments", "market": "US", "device": "mobile", "text": "Form closes", "status": "open"}


def test_a_pain_point_is_added_with_its_money_solved_and_taken_back(sound, member, client):
    html = post(client, member, "conversion-pain-new", **PAIN).content.decode()
    point = PainPoint.objects.get(workspace=sound)
    row = re.search(r'<th scope="row" translate="no">Form closes.*?</tr>', html, re.S).group(0)
    assert re.search(r"€[\d,]+", row)
    post(client, member, "conversion-pain-solve", point.pk)
    point.refresh_from_db()
    assert (point.status, point.solved_on is not None, point.version) == ("solved", True, 2)
    post(client, member, "conversion-pain-delete", point.pk)
    assert not PainPoint.objects.exists()
    for change in Change.objects.order_by("-pk"):
        post(client, member, "conversion-undo", change.pk)
    assert not PainPoint.objects.exists()  # also the adding was taken back
    assert Change.objects.filter(action="undone").count() == 3


@pytest.mark.parametrize(("field", "value", "words"), [
    ("step", "sessions", "Select a valid choice"), ("market", "XX", "is no market or country"),
    ("text", "", "required"), ("text", "x" * 301, "at most 300"), ("solved_on", "0001-01-01", "cannot be right"),
    ("text", "a\x00b", "Null characters"),
])  # fmt: skip
def test_a_wrong_pain_point_is_refused_in_words(field, value, words, sound, member, client):
    data = PAIN | {"status": "solved", field: value}
    html = post(client, member, "conversion-pain-new", **data).content.decode()
    assert words in html
    assert not PainPoint.objects.exists()


def test_what_people_type_is_shown_as_text(sound, member, client):
    html = post(client, member, "conversion-pain-new", **PAIN | {"text": "<script>alert(1)</script>"}).content.decode()
    assert "<script>alert(1)" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_a_reader_changes_nothing_and_sees_no_buttons(sound, reader, member, client):
    post(client, member, "conversion-pain-new", **PAIN)
    point, change = PainPoint.objects.get(), Change.objects.get()
    for name, *args in (("pain-new",), ("pain-edit", point.pk), ("pain-delete", point.pk), ("pain-solve", point.pk),
                        ("undo", change.pk), ("checklist", "DE"), ("item-new",), ("method-new",)):  # fmt: skip
        assert post(client, reader, f"conversion-{name}", *args, **PAIN).status_code == 403
    for page in PAGES:
        assert reverse("conversion-pain-new", args=["acme"]) not in html_of(client, reader, page)
    assert PainPoint.objects.count() == 1


def test_one_workspace_reaches_nothing_of_another(sound, member, client):
    other = Workspace.objects.create(name="Other", slug="other")
    theirs = PainPoint.objects.create(workspace=other, step="payments", text="Secret trouble")
    change = Change.objects.create(
        workspace=other, record="painpoint", record_id=theirs.pk, title="Secret", action="added"
    )
    Membership.objects.filter(workspace=other).delete()
    for name, pk in (
        ("pain-edit", theirs.pk),
        ("pain-delete", theirs.pk),
        ("pain-solve", theirs.pk),
        ("undo", change.pk),
    ):
        assert post(client, member, f"conversion-{name}", pk, **PAIN).status_code == 404
    assert "Secret" not in html_of(client, member, "journey")
    theirs.refresh_from_db()
    assert theirs.text == "Secret trouble"


# --- trust ------------------------------------------------------------------------------------------------------------
def filled(**states):
    return {f"{key}-state": states.get(key, "unknown") for key in ITEMS} | {f"{key}-seen": "" for key in ITEMS}


def test_the_checklist_of_a_market_is_filled_in_on_one_page(sound, member, client):
    data = filled(https="yes", returns="no", duties="not_applicable") | {"https-evidence": "https://example.com"}
    html = post(client, member, "conversion-checklist", "DE", **data).content.decode()
    assert TrustItem.objects.count() == 3  # only what was answered
    assert 'href="https://example.com"' in html
    context = get(client, member, "conversion-trust", market="DE").context
    assert context["coverage"][0]["all"].score == pytest.approx(1 / (len(ITEMS) - 1))
    row = TrustItem.objects.get(item="returns")
    again = data | {"returns-state": "yes", "returns-seen": row.version, "https-seen": 1, "duties-seen": 1}
    post(client, member, "conversion-checklist", "DE", **again)
    row.refresh_from_db()
    assert (row.state, row.version) == ("yes", 2)
    assert Change.objects.filter(record="trustitem").count() == 4


def test_a_checklist_that_somebody_changed_meanwhile_stores_nothing(sound, member, client):
    post(client, member, "conversion-checklist", "DE", **filled(https="yes"))
    stale = filled(https="no", returns="yes") | {"https-seen": "0"}
    html = post(client, member, "conversion-checklist", "DE", **stale).content.decode()
    assert "nothing has been saved" in html
    assert TrustItem.objects.get().state == "yes"


def test_the_rate_around_a_change_is_shown_with_its_warning(sound, member, client):
    html = html_of(client, member, "trust", market="US")
    assert "No change has a date yet" in html
    data = filled(reviews="yes") | {"reviews-since": "2026-08-05"}
    post(client, member, "conversion-checklist", "US", **data)
    html = html_of(client, member, "trust", market="US")
    assert "Weak evidence" in html
    effect = get(client, member, "conversion-trust", market="US").context["changes"][0]["effect"]
    assert effect.weeks == (8, 8)
    assert effect.difference.low < effect.difference.value < effect.difference.high


def test_the_rate_around_a_change_is_the_kpis_and_a_source_without_payments_does_not_move_it(workspace, member, client):
    whole = business(1)
    day = whole.conversion["week"].max() - timedelta(weeks=12)
    store(workspace, whole)
    TrustItem.objects.create(workspace=workspace, market="US", group="proof", item="reviews", state="yes", since=day)
    effect = effect_of(client, member)
    own = load(workspace, Choice((day + timedelta(weeks=8)).date(), 8, "US", LAST.astype(object)))
    assert effect.after == weekly.result_at(KPIS["cvr"], own.panel, own.last, own.market, 8)
    views = whole.conversion.loc[whole.conversion["channel"] == "email", ["week", "market", "device"]]
    views = views.assign(channel="amazon", orders=900.0)  # a marketplace that tells neither sessions nor payments
    store(workspace, replace(whole, conversion=pd.concat([whole.conversion, views], ignore_index=True)))
    assert effect_of(client, member) == effect
    silent = whole.conversion.assign(
        payments=whole.conversion["payments"].where(whole.conversion["channel"] != "email")
    )  # its orders tell what its sessions do not
    store(workspace, replace(whole, conversion=silent))
    assert effect_of(client, member) == effect


def effect_of(client, user):
    (change,) = get(client, user, "conversion-trust", market="US").context["changes"]
    return change["effect"]


def test_own_items_join_the_list_and_an_unknown_market_has_none(sound, member, client):
    data = {"market": "DE", "group": "content", "name": "Gift wrapping", "state": "no"}
    assert "Gift wrapping" in post(client, member, "conversion-item-new", **data).content.decode()
    assert post(client, member, "conversion-checklist", "XX").status_code == 404
    assert (
        "This field is required" in post(client, member, "conversion-item-new", **data | {"name": ""}).content.decode()
    )


def test_a_file_is_of_the_week_that_the_page_shows(sound, reader, client):
    newest = get(client, reader, "conversion-journey").context["choice"].week
    query = {"week": newest - timedelta(weeks=10), "weeks": "4", "compare": "none"}
    shown = get(client, reader, "conversion-journey", **query).context["changes"][0]["step"].now.count
    text = get(client, reader, "conversion-table", "journey", "csv", **query).content.decode("utf-8-sig")
    assert sum(float(row["Sessions"]) for row in csv.DictReader(io.StringIO(text))) == shown


# --- experience and payment -------------------------------------------------------------------------------------------
def test_page_experience_is_rated_by_its_limits(shop, tmp_path, reader, client):  # noqa: F811
    loaded(shop, tmp_path, "page_experience", [
        {"week": "2026-03-09", "market": "DE", "device": "mobile", "lcp_ms": 2500, "inp_ms": 501, "cls": "0.11"},
    ])  # fmt: skip
    (row,) = get(client, reader, "conversion-experience").context["pages"]
    assert [cell["rating"] for cell in row["cells"]] == ["good", "poor", "medium"]
    assert [cell["text"] for cell in row["cells"]] == ["2.50 s", "501 ms", "0.11"]


def test_a_metric_missing_in_the_newest_week_is_not_an_older_one(shop, tmp_path, reader, client):  # noqa: F811
    loaded(shop, tmp_path, "page_experience", [
        {"week": "2026-03-02", "market": "DE", "device": "mobile", "lcp_ms": 2500, "inp_ms": 501},
        {"week": "2026-03-09", "market": "DE", "device": "mobile", "lcp_ms": 2400},
    ])  # fmt: skip
    (row,) = get(client, reader, "conversion-experience").context["pages"]
    assert [cell and cell["text"] for cell in row["cells"]] == ["2.40 s", None, None]


def test_the_mobile_gap_has_an_interval_and_money(sound, reader, client):
    rows = get(client, reader, "conversion-experience", weeks="26").context["gaps"]
    assert rows[0]["name"] == "All markets"
    assert rows[0]["phones"] == pytest.approx(sum(r["phones"] for r in rows[1:]))
    assert all(r["gap"].low < r["gap"].value < r["gap"].high for r in rows)


def test_methods_offered_are_set_against_what_the_market_prefers(shop, member, client, tmp_path):  # noqa: F811
    loaded(shop, tmp_path, "payments", [
        {"order_id": f"A-{n}", "sequence": 1, "method": "Visa" if n % 2 else "PayPal Checkout", "amount": "9"}
        for n in range(60)
    ])  # fmt: skip
    jobs.start(shop, "roll", {})
    from flywheel.measures.rolling import roll_dirty_weeks
    from tests.builders import Silent

    roll_dirty_weeks(shop, Silent())
    context = get(client, member, "conversion-experience", market="DE").context
    rows = {r["code"]: r for r in context["methods"]}
    assert rows["paypal"]["offered"]
    assert rows["paypal"]["source"]
    assert rows["card"]["payments"] == 20
    assert not rows["klarna"]["offered"]
    assert "Klarna" in context["markets_paid"][0]["missing"]
    assert rows["paypal"]["success"].value < 1
    post(client, member, "conversion-method-new", market="DE", method="klarna", is_offered="on")
    post(client, member, "conversion-method-new", market="DE", method="PayPal")
    rows = {r["code"]: r for r in get(client, member, "conversion-experience", market="DE").context["methods"]}
    assert rows["klarna"]["offered"]
    assert not rows["paypal"]["offered"]  # what was entered goes before what the payments say
    html = post(client, member, "conversion-method-new", market="DE", method="Klarna").content.decode()
    assert "There is an entry for this already" in html
    assert OfferedMethod.objects.count() == 2


def test_orders_paid_are_shown_of_all_markets_and_of_one_week_by_week(shop, reader, client):  # noqa: F811
    context = get(client, reader, "conversion-experience").context
    assert [(r["code"], r["method"]) for r in context["success"]][:2] == [("DE", "card"), ("DE", "paypal")]
    html = html_of(client, reader, "experience")
    assert "Orders paid by market and method" in html
    assert "not of attempts" in html
    trend = get(client, reader, "conversion-experience", market="DE", method="paypal").context["trend"]
    assert trend["method"] == "paypal"
    assert [row[1] for row in trend["chart"]["rows"]] == ["91.1%", "88.6%"]  # 41 of 45, 31 of 35
    assert "Orders paid week by week" in html_of(client, reader, "experience", market="DE", method="<script>")
    query = {"market": "DE", "method": "paypal", "chart": "method-success", "file": "csv"}
    text = get(client, reader, "conversion-experience", **query).content.decode("utf-8-sig")
    assert [float(row[1]) for row in list(csv.reader(io.StringIO(text)))[1:]] == pytest.approx([41 / 45, 31 / 35])
    (row,) = [r for r in rows_of(client, reader, "payment-methods", market="DE") if r["Payment method"] == "PayPal"]
    own = context["success"][1]["success"]
    limits = [float(row[f"Share of orders paid{part}"]) for part in ("", ", lower limit", ", upper limit", ", sample")]
    assert limits == pytest.approx([own.value, own.low, own.high, own.n])
    rows = rows_of(client, reader, "orders-paid")
    assert [float(r["Orders placed"]) for r in rows] == [r["placed"] for r in context["success"]]


# --- files ------------------------------------------------------------------------------------------------------------
def rows_of(client, user, table, **query):
    text = get(client, user, "conversion-table", table, "csv", **query).content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_the_file_of_the_steps_holds_rates_intervals_and_what_is_lost(sound, reader, client):
    query = {"weeks": "4", "market": "US"}
    context = get(client, reader, "conversion-journey", **query).context
    rows = rows_of(client, reader, "journey-steps", **query)
    for row, shown in zip(rows[1:], context["changes"][1:], strict=True):
        rate, change = shown["step"].now.step_rate, shown["step"].step_change
        loss = next(item["step"] for item in context["losses"] if item["step"].key == shown["step"].key)
        assert row["Step"] == str(shown["name"])
        told = [float(row[f"Of the step before{part}"]) for part in ("", ", lower limit", ", upper limit", ", sample")]
        assert told == pytest.approx([rate.value, rate.low, rate.high, rate.n])
        assert float(row["Change, lower limit"]) == pytest.approx(change.low)
        assert float(row["Money lost"]) == pytest.approx(loss.money.value)
        assert float(row["Orders lost"]) == pytest.approx(loss.orders)
    assert rows[0]["Of the step before"] == ""
    assert "Change" not in rows_of(client, reader, "journey-steps", **query, compare="none")[0]


def test_the_file_of_pain_points_holds_all_with_what_is_at_stake(sound, member, client):
    for n in range(60):
        PainPoint.objects.create(workspace=sound, text=f"={n}", **{k: PAIN[k] for k in ("step", "market", "device")})
    row = get(client, member, "conversion-journey").context["pain"]["rows"][0]
    rows = rows_of(client, member, "pain-points")
    assert len(rows) == 60
    assert rows[0]["What is wrong"] == "'=59"
    assert float(rows[0]["At stake"]) == pytest.approx(row["loss"].money.value)
    assert rows_of(client, member, "pain-points", market="DE") == []


def test_the_file_of_page_experience_holds_values_and_ratings(shop, tmp_path, reader, client):  # noqa: F811
    loaded(shop, tmp_path, "page_experience", [
        {"week": "2026-03-09", "market": "DE", "device": "mobile", "lcp_ms": 2500, "inp_ms": 501},
    ])  # fmt: skip
    text = get(client, reader, "conversion-table", "page-experience", "csv").content.decode("utf-8-sig")
    (shown,) = get(client, reader, "conversion-experience").context["pages"]
    assert list(csv.reader(io.StringIO(text)))[1] == [
        shown["market"], shown["device"], "2026-03-09", "2500.0", "good", "501.0", "poor", "", "",
    ]  # fmt: skip


def test_the_file_of_changes_holds_the_rates_around_them(sound, member, client):
    TrustItem.objects.create(
        workspace=sound, market="US", group="proof", item="reviews", state="yes", since="2026-08-05"
    )
    effect = effect_of(client, member)
    (row,) = rows_of(client, member, "before-after")
    assert (float(row["Before"]), float(row["After"])) == pytest.approx((effect.before.value, effect.after.value))
    assert float(row["Difference, lower limit"]) == pytest.approx(effect.difference.low)


@pytest.mark.parametrize("table", TABLES)
def test_a_table_opens_as_csv_and_as_a_workbook(table, shop, member, client):  # noqa: F811
    post(client, member, "conversion-checklist", "DE", **filled(https="yes"))
    text = get(client, member, "conversion-table", table, "csv").content
    assert text.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(text.decode("utf-8-sig"))))
    book = get(client, member, "conversion-table", table, "xlsx").content
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_index(0).to_python()
    assert [str(cell) for cell in sheet[0]] == rows[0]
    assert len(sheet) == len(rows)
    assert len(rows) > 1


def test_the_journeys_file_is_about_the_week_that_its_page_shows(sound, reader, client):
    asked = {"week": str(LAST.astype(object) - timedelta(weeks=30)), "weeks": "4"}
    steps = get(client, reader, "conversion-journey", **asked).context["changes"]
    text = get(client, reader, "conversion-table", "journey", "csv", **asked).content.decode("utf-8-sig")
    sessions = sum(float(row["Sessions"]) for row in csv.DictReader(io.StringIO(text)))
    assert sessions == pytest.approx(steps[0]["step"].now.count)


@pytest.mark.parametrize("page", PAGES)
def test_a_number_of_five_thousand_digits_is_none(page, sound, member, client):
    assert get(client, member, f"conversion-{page}", weeks="9" * 5000).context["choice"].weeks == 13
    assert post(client, member, "conversion-analyse", weeks="9" * 5000).status_code == 200


def test_a_table_that_is_none_is_not_found(shop, reader, stranger, client):  # noqa: F811
    assert get(client, reader, "conversion-table", "secrets", "csv").status_code == 404
    assert get(client, reader, "conversion-table", "journey", "pdf").status_code == 404
    assert get(client, stranger, "conversion-table", "journey", "csv").status_code == 404


def test_the_pages_speak_chinese(shop, member, client):  # noqa: F811
    client.cookies["django_language"] = "zh-hans"
    for page in PAGES:
        assert get(client, member, f"conversion-{page}").status_code == 200
