"""KPIs, weekly measures and verdicts over HTTP: the pages' own numbers."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
import time_machine

from engines.kpi import KPIS
from engines.results import Estimate
from flywheel.accounts.models import Workspace
from flywheel.diagnosis.engine_pages import Choice
from flywheel.diagnosis.kpi_pages import kpi_list
from flywheel.diagnosis.running import diagnose_week
from flywheel.measures import frames
from tests.businesses import LAST, Plant, business
from tests.callers import Caller
from tests.measured import store

WEEK = LAST.astype(object)
NOW = datetime(2026, 11, 18, 9, tzinfo=UTC)  # the Wednesday after the last week
PLANT = Plant("payments", 0.7, 10, {"market": "US", "device": "mobile"})


@pytest.fixture(autouse=True)
def _that_wednesday():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def measured(workspace):
    store(workspace, business(2, PLANT))
    return workspace


@pytest.fixture
def caller(measured):
    return Caller(measured, ["metrics:read"])


# --- KPIs -----------------------------------------------------------------------------------------------------------
def test_the_registry_names_every_kpi_in_both_languages(caller):
    told = {entry["key"]: entry for entry in caller.get("kpis").json()["kpis"]}
    assert told.keys() == KPIS.keys()
    assert told["cvr"]["name"] == {"en": "Conversion rate (CVR)", "zh": "转化率（CVR）"}
    assert (told["cvr"]["unit"], told["ltv_cac"]["window_weeks"]) == ("rate", 13)


@pytest.mark.parametrize("market", ["", "US"])
@pytest.mark.parametrize("key", KPIS)
def test_a_kpi_of_a_week_is_the_one_on_the_page(caller, measured, key, market):
    groups = kpi_list(measured, Choice(WEEK, 1, market, WEEK))["groups"]
    result = next(line for group in groups for line in group["rows"] if line.key == key).result
    week = caller.get(f"kpis/{key}", from_=WEEK, market=market).json()["weeks"][-1]
    assert week["week"] == str(WEEK)
    if isinstance(result, Estimate):
        assert [week[name] for name in ("value", "n")] == pytest.approx([result.value, result.n])
        assert week["low"] == pytest.approx(result.low)
    else:
        assert week["unavailable"]["reason"] == result.reason


def test_the_channels_of_a_count_add_up(caller, measured):
    channels = list(frames.channel_kinds(measured))
    parts = [caller.get("kpis/sessions", from_=WEEK, channel=code).json()["weeks"] for code in channels]
    whole = caller.get("kpis/sessions", from_=WEEK).json()["weeks"]
    assert sum(week[-1]["value"] or 0 for week in parts if week) == pytest.approx(whole[-1]["value"])


def test_a_missing_kpi_says_why_in_the_callers_language(workspace):
    whole = business(2)
    store(workspace, type(whole)(**{**vars(whole), "market": whole.market.iloc[:0]}))
    week = Caller(workspace).get("kpis/cac").json()["weeks"][-1]
    assert (week["value"], week["n"]) == (None, None)
    assert week["unavailable"] == {"reason": "no_spend_data", "message": "no spend data", "n": None, "needed": None}


def test_weeks_are_a_year_by_default_and_none_that_is_running(caller):
    weeks = [week["week"] for week in caller.get("kpis/cvr").json()["weeks"]]
    assert (weeks[0], weeks[-1], len(weeks)) == (str(WEEK - timedelta(weeks=51)), str(WEEK), 52)
    later = caller.get("kpis/cvr", from_=WEEK, to=WEEK + timedelta(weeks=5)).json()["weeks"]
    assert [week["week"] for week in later] == [str(WEEK)]
    middle = caller.get("kpis/cvr", from_="2026-06-03", to="2026-06-16").json()["weeks"]
    assert [week["week"] for week in middle] == ["2026-06-01", "2026-06-08", "2026-06-15"]


def test_a_workspace_without_data_has_no_weeks(workspace):
    caller = Caller(workspace)
    assert caller.get("kpis/cvr").json()["weeks"] == []
    assert caller.get("measures/conversion").json()["rows"] == []
    assert caller.get("verdicts").json()["verdicts"] == []


@pytest.mark.parametrize(
    ("address", "query", "status", "code"),
    [
        ("kpis/luck", {}, 404, "kpi"),
        ("kpis/cvr", {"market": "Mars"}, 404, "market"),
        ("measures/conversion", {"channel": "pigeon"}, 404, "channel"),
        ("measures/weather", {}, 422, "parameter"),
        ("measures/market", {"from_": "soon"}, 422, "parameter"),
        ("measures/market", {"from_": "0203-01-01"}, 422, "year"),
        ("kpis/cvr", {"to": "9999-12-31"}, 422, "year"),
        ("kpis/cvr", {"from_": "1990-01-01"}, 422, "span"),
        ("measures/market", {"limit": 0}, 422, "parameter"),
        ("measures/market", {"cursor": "abc"}, 422, "cursor"),
        ("measures/market", {"cursor": "é"}, 422, "cursor"),
        ("measures/market", {"market": "\0"}, 422, "parameter"),
        ("batches/99999999999999999999", {}, 422, "parameter"),
    ],
)
def test_what_cannot_be_read_is_told(caller, address, query, status, code):
    answer = caller.get(address, **query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["message"]


# --- measures -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("rollup", ["market", "conversion", "aftersales", "cohorts"])
def test_measures_are_the_sums_that_the_pages_read(caller, measured, rollup):
    told = caller.get(f"measures/{rollup}", from_=WEEK, limit=5_000).json()
    frame = getattr(frames, rollup)(measured, ("week", "market", "channel"), WEEK, WEEK)
    assert told["currency"] == "EUR"
    assert len(told["rows"]) == len(frame)
    assert set(told["rows"][0]) == set(frame.columns)
    for name in frame.columns.drop(["week", "market", "channel"]):
        total = sum(row[name] for row in told["rows"] if row[name] is not None)
        assert total == pytest.approx(np.nansum(frame[name])), name


def test_unknown_is_null_and_not_zero(workspace):
    whole = business(2)
    store(workspace, type(whole)(**{**vars(whole), "conversion": whole.conversion.assign(cart_views=np.nan)}))
    rows = Caller(workspace).get("measures/conversion", from_=WEEK).json()["rows"]
    assert {row["cart_views"] for row in rows} == {None}


def test_pages_of_measures_hold_every_row_once(caller):
    whole = caller.get("measures/conversion", from_=WEEK - timedelta(weeks=2), limit=5_000).json()
    rows: list[dict] = []
    cursor: str | None = ""
    while cursor is not None:
        page = caller.get("measures/conversion", from_=WEEK - timedelta(weeks=2), limit=7, cursor=cursor).json()
        rows, cursor = rows + page["rows"], page["next"]
    assert whole["next"] is None
    assert rows == whole["rows"]


def test_measures_can_be_had_of_one_market_and_channel(caller, measured):
    channel = next(iter(frames.channel_kinds(measured)))
    rows = caller.get("measures/conversion", market="US", channel=channel).json()["rows"]
    assert {(row["market"], row["channel"]) for row in rows} == {("US", channel)}


# --- verdicts -------------------------------------------------------------------------------------------------------
def test_verdicts_are_told_as_published_newest_first(caller, measured):
    for weeks in (0, 1):
        diagnose_week(measured, WEEK - timedelta(weeks=weeks), NOW)
    told = caller.get("verdicts").json()["verdicts"]
    assert [one["week"] for one in told] == [str(WEEK), str(WEEK - timedelta(weeks=1))]
    verdict = told[0]["published"]
    assert (verdict["called"], verdict["engine"], verdict["driver"], verdict["market"]) == (
        True, "conversion", "payment_rate", "US",
    )  # fmt: skip
    assert verdict["low"] < verdict["loss"] < verdict["high"]
    assert "payment success" in verdict["text"]
    assert (told[0]["now"], told[0]["restated_at"]) == (None, None)
    before = caller.get("verdicts", before=WEEK, limit=5).json()["verdicts"]
    assert [one["week"] for one in before] == [str(WEEK - timedelta(weeks=1))]


def test_a_restated_verdict_stands_beside_the_published_one(caller, measured):
    diagnose_week(measured, WEEK, NOW)
    store(measured, business(1))
    diagnose_week(measured, WEEK, NOW + timedelta(hours=2))
    (told,) = caller.get("verdicts").json()["verdicts"]
    assert (told["published"]["called"], told["now"]["called"]) == (True, False)
    assert (told["now"]["loss"], told["now"]["chance"]) == (None, None)
    assert told["restated_at"] > told["published_at"]


def test_nothing_of_another_workspace_is_told(caller, measured):
    diagnose_week(measured, WEEK, NOW)
    other = Caller(Workspace.objects.create(name="Other", slug="other"))
    assert other.get("kpis/cvr").json()["weeks"] == []
    assert other.get("measures/conversion").json()["rows"] == []
    assert other.get("verdicts").json()["verdicts"] == []
    assert other.get("kpis/cvr", market="US").status_code == 404


def test_a_week_is_a_date(caller):
    assert date.fromisoformat(caller.get("measures/market").json()["rows"][0]["week"]) <= WEEK
