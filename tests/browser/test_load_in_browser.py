"""The main job in a real browser with a real worker: log in, load a file, watch it, see the verdict change."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from django.urls import reverse
from playwright.sync_api import Route, expect

from flywheel.diagnosis.running import diagnose_week, newest_week
from tests.browser import chromium
from tests.businesses import LAST, Plant, business
from tests.measured import store
from tests.workers import celery_worker

pytestmark = pytest.mark.django_db(transaction=True)
PLANT = Plant("payments", 0.7, 10, {"market": "US", "device": "mobile"})
WEEKS_BACK = pd.Timedelta(weeks=1)


@pytest.fixture
def business_without_spend(workspace):
    """A business with a weakness and everything but its advertising spend; and that spend, as a file's rows."""
    whole = business(2, PLANT)
    shift = _shift_to_last_week()
    moved = replace(
        whole,
        **{n: _moved(getattr(whole, n), shift) for n in ("conversion", "market", "aftersales", "cohorts")},
    )
    store(workspace, replace(moved, market=moved.market.iloc[:0]))
    diagnose_week(workspace, newest_week(workspace))
    return moved.market


def _shift_to_last_week():
    """What moves the simulated weeks to the newest complete one by the clock."""
    today = datetime.now(UTC)
    monday = pd.Timestamp(today.date()) - pd.Timedelta(days=today.weekday())
    return monday - WEEKS_BACK - pd.Timestamp(LAST)


def _moved(frame, shift):
    return frame.assign(week=frame["week"] + shift)


def _spend_file(folder: Path, spend) -> Path:
    path = folder / "spend.csv"
    columns = {"week": "date", "market": "market", "channel": "channel", "cost_base": "cost"}
    spend.rename(columns=columns)[list(columns.values())].assign(currency="EUR").to_csv(
        path, index=False, date_format="%Y-%m-%d", float_format="%.2f"
    )
    return path


@pytest.mark.long
@pytest.mark.usefixtures("empty_queue")
def test_loading_the_missing_file_changes_the_verdict(
    watched, engine_lead, business_without_spend, server_environment, tmp_path
):
    tab, watch = watched(engine_lead)
    tab.goto("/")
    expect(tab.locator(".fw-verdict-sentence")).to_have_text("No call this week: no spend data.")
    tab.click("text=Load data")
    tab.set_input_files("input[type=file]", _spend_file(tmp_path, business_without_spend))
    tab.fill("input[name=source]", "Ad accounts")
    tab.click("text=Upload and look at it")
    expect(tab.locator("h1")).to_have_text("Before it is loaded")
    with celery_worker(server_environment, tmp_path / "worker.log"):
        tab.click("main button:has-text('Load')")
        expect(tab.locator(".fw-note-success")).to_contain_text("Loaded", timeout=30_000)
        expect(tab.locator("#batch")).to_contain_text(f"{len(business_without_spend):,}")
        tab.goto(reverse("job-list", args=["acme"]))
        expect(tab.locator("#jobs")).to_contain_text("Find the weakest link", timeout=30_000)
        tab.goto(reverse("flywheel", args=["acme"]))
        for _attempt in range(40):
            if tab.locator("[data-verdict=call]").count():
                break
            tab.wait_for_timeout(500)
            tab.reload()
    sentence = tab.locator(".fw-verdict-sentence").inner_text()
    assert re.match(r"Customer conversion is the weakest link: payment success \(US · mobile\) costs about €", sentence)
    assert watch.take() == []


def test_the_engine_filter_swaps_the_panel_and_keeps_the_address(watched, reader, workspace):
    store(workspace, business(1))
    tab, watch = watched(reader)
    tab.goto(reverse("engine", args=["acme", "conversion"]))
    tab.wait_for_selector("[data-fw-drawn]")
    tab.select_option("#market", "US")
    tab.wait_for_url(re.compile("market=US"))
    expect(tab.locator("#markets")).not_to_contain_text("DE")
    expect(tab.locator("#funnel [data-fw-drawn]")).to_have_count(1)
    tab.go_back()
    expect(tab.locator("#markets")).to_contain_text("DE")
    assert watch.take() == []


def test_a_panel_that_takes_its_time_says_so(watched, reader, workspace):
    store(workspace, business(1))
    tab, _watch = watched(reader)
    tab.goto(reverse("engine", args=["acme", "conversion"]))
    loading = tab.get_by_text("Loading …")
    held: list[Route] = []
    expect(loading).to_be_hidden()
    tab.route("**/engines/conversion/?*", lambda route: held.append(route))  # noqa: PLW0108 (a bound method of a list takes no mark)
    tab.select_option("#market", "US")
    expect(loading).to_be_visible()
    held[0].continue_()
    expect(tab.locator("#markets")).not_to_contain_text("DE")
    expect(loading).to_be_hidden()


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_weekly_pages_have_no_accessibility_violation(watched, reader, workspace, mode):
    store(workspace, business(2, PLANT))
    diagnose_week(workspace, LAST.astype(object), datetime(2026, 11, 18, tzinfo=UTC))
    tab, watch = watched(reader, mode=mode)
    for address in (
        reverse("flywheel", args=["acme"]),
        *(reverse("engine", args=["acme", e]) for e in ("market", "conversion", "aftersales")),
    ):
        tab.goto(address)
        assert chromium.violations(tab, mode) == ""
    assert watch.take() == []
