"""The kept verdict and the pages that show it."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.urls import reverse
from plotly import graph_objects  # type: ignore[import-untyped]

from engines.diagnosis import NO_CALL_REASONS
from engines.drivers import OTHER_DRIVERS, STAGE_DRIVERS
from engines.kpi import KPIS, headlines
from engines.results import Estimate
from flywheel.aftersales import overview as aftersales
from flywheel.conversion import overview as conversion
from flywheel.diagnosis import words
from flywheel.diagnosis.engine_pages import Choice, kpi_cards, load
from flywheel.diagnosis.models import Diagnosis
from flywheel.diagnosis.running import diagnose_week, newest_week
from flywheel.facts.models import DirtyWeek, Order, Rollup
from flywheel.market import overview as market
from tests.businesses import LAST, Plant, business
from tests.measured import store

WEEK = LAST.astype(object)
NOW = datetime(2026, 11, 18, 9, tzinfo=UTC)  # the Wednesday after the last week
PLANT = Plant("payments", 0.7, 10, {"market": "US", "device": "mobile"})

OVERVIEWS = {"market": market.overview, "conversion": conversion.overview, "aftersales": aftersales.overview}


@pytest.fixture
def sound(workspace):
    store(workspace, business(1))
    return workspace


@pytest.fixture
def weak(workspace):
    store(workspace, business(2, PLANT))
    return workspace


def page(client, user, name, *args, **query):
    client.force_login(user)
    return client.get(reverse(name, args=args), query)


# --- keeping ----------------------------------------------------------------------------------------------------------
def test_the_newest_week_is_the_last_complete_one_with_data(weak):
    assert newest_week(weak, NOW) == WEEK
    assert newest_week(weak, NOW - timedelta(days=7)) == WEEK - timedelta(weeks=1)


def test_a_workspace_without_measures_has_no_newest_week(workspace):
    assert newest_week(workspace, NOW) is None


def test_the_stored_verdict_names_the_planted_weakness(weak):
    verdict = diagnose_week(weak, WEEK, NOW).result["verdict"]
    assert (verdict["called"], verdict["engine"], verdict["driver"], verdict["market"]) == (
        True,
        "conversion",
        "payment_rate",
        "US",
    )


def test_running_it_again_on_the_same_data_adds_nothing(weak):
    assert diagnose_week(weak, WEEK, NOW).pk == diagnose_week(weak, WEEK, NOW).pk


def test_what_was_published_stays_when_data_is_restated(weak):
    published = diagnose_week(weak, WEEK, NOW)
    store(weak, business(1))
    restated = diagnose_week(weak, WEEK, NOW + timedelta(hours=2))
    assert restated.revision == 1
    published.refresh_from_db()
    assert published.result["verdict"]["called"]
    assert not restated.result["verdict"]["called"]


def test_files_that_come_one_by_one_leave_one_published_verdict(workspace):
    whole = business(2, PLANT)
    store(workspace, replace(whole, market=whole.market.iloc[:0]))
    early = diagnose_week(workspace, WEEK, NOW)
    assert early.result["verdict"]["reason"] == "no_spend_data"
    store(workspace, whole)
    settled = diagnose_week(workspace, WEEK, NOW + timedelta(minutes=5))
    assert (settled.pk, settled.revision) == (early.pk, 0)
    assert settled.result["verdict"]["called"]


def test_a_verdict_that_lacked_data_is_replaced_even_days_later(workspace):
    whole = business(2, PLANT)
    store(workspace, replace(whole, market=whole.market.iloc[:0]))
    diagnose_week(workspace, WEEK, NOW)
    store(workspace, whole)
    diagnose_week(workspace, WEEK, NOW + timedelta(days=2))
    assert [d.revision for d in Diagnosis.objects.filter(workspace=workspace)] == [0]


def test_the_diagnosis_job_keeps_the_newest_week(weak, run_jobs, time_machine):
    from flywheel import jobs

    time_machine.move_to(NOW)
    job = jobs.start(weak, "diagnose", {})
    run_jobs()
    job.refresh_from_db()
    assert (job.state, job.result) == ("done", {"week": str(WEEK)})
    assert Diagnosis.objects.get(workspace=weak).week == WEEK


def test_data_weeks_behind_the_calendar_is_stale(weak):
    late = NOW + timedelta(weeks=4)
    assert diagnose_week(weak, newest_week(weak, late), late).result["verdict"]["reason"] == "stale"


# --- the flywheel page ------------------------------------------------------------------------------------------------
def test_the_page_says_engine_driver_place_and_money(weak, reader, client):
    diagnose_week(weak, WEEK, NOW)
    html = page(client, reader, "flywheel", "acme").content.decode()
    sentence = re.search(r'fw-verdict-sentence">(.*?)</p>', html).group(1)
    assert sentence.startswith("Customer conversion is the weakest link: payment success (US · mobile) costs about €")
    assert 'data-verdict="call"' in html
    assert "Weakest link" in html


def test_the_page_speaks_chinese(weak, reader, client):
    diagnose_week(weak, WEEK, NOW)
    client.cookies["django_language"] = "zh-hans"
    html = page(client, reader, "flywheel", "acme").content.decode()
    assert "最薄弱的环节" in html
    assert "支付成功率" in html
    assert not re.search(r">[^<]*\b(weakest|costs about|Opportunity)\b[^<]*<", html)


def test_no_call_says_its_reason_and_the_next_step(workspace, reader, client):
    whole = business(1)
    store(workspace, replace(whole, conversion=whole.conversion.assign(sessions=np.nan, engaged_sessions=np.nan)))
    diagnose_week(workspace, WEEK, NOW)
    html = page(client, reader, "flywheel", "acme").content.decode()
    assert "No call this week: no traffic data." in html
    assert "Load traffic" in html
    assert html.count("not available: no traffic data") >= 2  # sessions and CVR


def test_the_page_costs_few_queries(weak, reader, client, django_assert_max_num_queries):
    diagnose_week(weak, WEEK, NOW)
    client.force_login(reader)
    with django_assert_max_num_queries(12):
        client.get(reverse("flywheel", args=["acme"]))


def test_a_verdict_is_out_of_date_when_weeks_go_by_without_data(weak, reader, client, time_machine):
    diagnose_week(weak, WEEK, NOW)
    time_machine.move_to(NOW + timedelta(weeks=1))
    assert 'data-verdict="call"' in page(client, reader, "flywheel", "acme").content.decode()
    time_machine.move_to(NOW + timedelta(weeks=2))
    html = page(client, reader, "flywheel", "acme").content.decode()
    assert "No call this week: the data is out of date." in html
    assert "fw-trust-late" in html
    assert 'data-verdict="call"' in page(client, reader, "flywheel", "acme", week=str(WEEK)).content.decode()


def test_a_diagnosis_kept_by_an_earlier_version_is_still_shown(weak, reader, client):
    row = diagnose_week(weak, WEEK, NOW)
    del row.result["left_out"], row.result["verdict"]["engine_loss"]
    row.save()
    assert page(client, reader, "flywheel", "acme").status_code == 200


def test_new_data_on_its_way_is_told(weak, reader, client):
    from flywheel import jobs

    diagnose_week(weak, WEEK, NOW)
    assert "New data is being worked in" not in page(client, reader, "flywheel", "acme").content.decode()
    jobs.start(weak, "roll", {})
    assert "New data is being worked in" in page(client, reader, "flywheel", "acme").content.decode()


def test_a_restated_verdict_shows_what_was_published(weak, reader, client, time_machine):
    time_machine.move_to(NOW)
    diagnose_week(weak, WEEK, NOW)
    store(weak, business(1))
    diagnose_week(weak, WEEK, NOW + timedelta(hours=2))
    html = page(client, reader, "flywheel", "acme").content.decode()
    assert "No call this week: nothing stands out." in html
    assert re.search("First published: “Customer conversion is the weakest link", html)


def test_the_way_to_the_engine_shows_the_same_four_weeks(weak, reader, client, time_machine):
    time_machine.move_to(NOW)
    kept = diagnose_week(weak, WEEK, NOW)
    html = page(client, reader, "flywheel", "acme").content.decode()
    way = re.search(r'href="([^"]*engines/conversion/[^"]*market=US[^"]*)"', html).group(1).replace("&amp;", "&")
    response = client.get(way)
    choice = response.context["choice"]
    assert (choice.market, choice.weeks, choice.week) == ("US", 4, WEEK)
    driver = next(d for d in kept.result["drivers"] if (d["key"], d["market"]) == ("payment_rate", "US"))
    name = KPIS["payment_rate"].name.en
    card = next(c for c in response.context["cards"] if c["name"] == name)
    assert card["result"].value == pytest.approx(driver["now"], rel=0.01)  # the driver leaves referral traffic out


def test_a_market_without_measures_cannot_be_chosen(sound, reader, client):
    from flywheel.facts.models import Market

    Market.objects.create(workspace=sound, code="XX")
    for code in ("XX", "\x00", "<b>"):
        html = page(client, reader, "engine", "acme", "market", market=code).content.decode()
        assert '<option value="" selected' in html or '<option value="">' in html
        assert "selected" not in html.split('id="weeks"')[0].split('id="market"')[1]


def test_no_referral_channel_is_not_zero_referrals(workspace, reader, client):
    whole = business(1)
    frame = whole.conversion.loc[whole.conversion["channel"] != "referral"]
    store(workspace, replace(whole, conversion=frame))
    diagnose_week(workspace, WEEK, NOW)
    html = page(client, reader, "flywheel", "acme").content.decode()
    assert "Word of mouth unknown" in html


def test_an_empty_workspace_shows_the_first_step(workspace, reader, client):
    html = page(client, reader, "flywheel", "acme").content.decode()
    assert reverse("import-new", args=["acme"]) in html


def test_a_week_without_diagnosis_is_not_found(weak, reader, client):
    diagnose_week(weak, WEEK, NOW)
    assert page(client, reader, "flywheel", "acme", week="2020-01-06").status_code == 404
    assert page(client, reader, "flywheel", "acme", week="nonsense").status_code == 404
    assert page(client, reader, "flywheel", "acme", week=str(WEEK)).status_code == 200


def test_a_stranger_finds_nothing(weak, stranger, client):
    for name, *args in (("flywheel",), ("engine", "market"), ("engine", "conversion"), ("engine", "aftersales")):
        assert page(client, stranger, name, "acme", *args).status_code == 404


def test_nobody_sees_a_page_without_logging_in(weak, client):
    response = client.get(reverse("flywheel", args=["acme"]))
    assert response.status_code == 302
    assert reverse("account_login") in response["Location"]


def test_a_reader_may_not_start_a_diagnosis(weak, reader, engine_lead, client):
    client.force_login(reader)
    assert client.post(reverse("diagnosis-run", args=["acme"])).status_code == 403
    client.force_login(engine_lead)
    assert client.post(reverse("diagnosis-run", args=["acme"])).status_code == 302


def test_one_workspace_never_shows_the_numbers_of_another(weak, reader, client):
    from flywheel.accounts.models import Membership, Role, Workspace

    other = Workspace.objects.create(name="Other", slug="other")
    Membership.objects.create(workspace=other, user=reader, role=Role.READER)
    diagnose_week(weak, WEEK, NOW)
    html = page(client, reader, "flywheel", "other").content.decode()
    assert 'data-verdict="none"' in html


# --- the engines' pages -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("engine", OVERVIEWS)
@pytest.mark.parametrize("query", [{}, {"market": "US", "weeks": "4"}, {"weeks": "0"}, {"weeks": "x", "market": "?"}])
def test_an_engine_page_shows_its_kpis(engine, query, sound, reader, client):
    html = page(client, reader, "engine", "acme", engine, **query).content.decode()
    for kpi in headlines(engine):
        assert kpi.name.en in html


@pytest.mark.parametrize("engine", OVERVIEWS)
def test_every_figure_is_one_that_plotly_accepts(engine, sound):
    context = OVERVIEWS[engine](sound, Choice(WEEK, 13, "", WEEK))
    assert context["charts"]
    for chart in context["charts"]:
        graph_objects.Figure(_without_theme(chart["figure"]))
        assert chart["rows"]
        assert chart["summary"]


def _without_theme(value):
    """The figure with colours for the theme's names and without its own axis formats."""
    if isinstance(value, dict):
        return {k: _without_theme(v) for k, v in value.items() if k != "fw_format"}
    if isinstance(value, list):
        return [_without_theme(v) for v in value]
    return "#123456" if isinstance(value, str) and value.startswith("@") else value


def test_an_engine_page_answers_htmx_with_its_panel_alone(sound, reader, client):
    client.force_login(reader)
    response = client.get(reverse("engine", args=["acme", "conversion"]), headers={"HX-Request": "true"})
    html = response.content.decode()
    assert html.lstrip().startswith('<div id="panel"')
    assert "<html" not in html
    assert "HX-Request" in response["Vary"]


def test_an_unknown_engine_is_not_found(sound, reader, client):
    client.force_login(reader)
    assert client.get("/w/acme/engines/warp/").status_code == 404


def test_the_flywheel_and_the_engine_page_show_the_same_number(sound, reader, client):
    kept = diagnose_week(sound, WEEK, NOW)
    stored = {r["key"]: r["recent"][-1] for r in kept.kpis}
    for engine in OVERVIEWS:
        loaded = replace(load(sound, Choice(WEEK, 4, "", WEEK)), weeks=1)
        cards = kpi_cards(sound, engine, loaded)
        for entry, card in zip(headlines(engine), cards, strict=True):
            told = stored[entry.key]
            if isinstance(card["result"], Estimate):
                assert card["result"].value == pytest.approx(told["value"], rel=1e-9), entry.key
            else:
                assert card["result"].reason == told["reason"], entry.key


def test_orders_by_status_say_which_count(sound, reader, client):
    from flywheel.facts.models import Source
    from flywheel.measures.rolling import roll_dirty_weeks

    source = Source.objects.create(workspace=sound, slug="shop", name="Shop")
    for n, (status, state) in enumerate([("paid", "open"), ("canceled", "cancelled"), ("paid", "open")]):
        Order.objects.create(
            workspace=sound, source=source, external_id=str(n), status=status, state=state, currency="EUR",
            ordered_at=datetime(2026, 11, 10, tzinfo=UTC), order_date=WEEK, week=WEEK, month=WEEK.replace(day=1),
        )  # fmt: skip
    DirtyWeek.objects.create(workspace=sound, rollup=Rollup.CONVERSION, week=WEEK)
    roll_dirty_weeks(sound)
    table = OVERVIEWS["conversion"](sound, Choice(WEEK, 4, "", WEEK))["statuses"]
    assert [(r["status"], r["orders"], r["counted"]) for r in table["rows"]] == [
        ("paid", 2.0, True),
        ("canceled", 1.0, False),
    ]
    assert (table["total"], table["counted"]) == (3.0, 2.0)


# --- words ------------------------------------------------------------------------------------------------------------
def test_every_driver_and_reason_has_words():
    assert set(words.DRIVERS) == {d.key for d in (*STAGE_DRIVERS, *OTHER_DRIVERS)}
    assert set(words.NO_CALL) == set(NO_CALL_REASONS) == set(words.NEXT_STEP)
