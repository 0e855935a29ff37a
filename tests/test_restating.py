"""Weeks whose measures change after they were complete: marked once they do, and only then."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from flywheel.accounts.models import Workspace
from flywheel.diagnosis import restatements
from flywheel.diagnosis.models import Diagnosis
from flywheel.diagnosis.running import SETTLING, diagnose_week
from flywheel.facts.models import Order, Rollup
from flywheel.measures.models import RolledWeek
from flywheel.measures.restating import WATCHED, Restated, restated
from flywheel.measures.rolling import TARGETS, roll_dirty_weeks
from tests.builders import load_rows, loaded, order
from tests.facts_builder import mark_dirty

pytestmark = pytest.mark.django_db
WEEK = date(2026, 3, 2)  # a Monday
MONDAY = datetime(2026, 3, 9, 8, tzinfo=UTC)  # the morning after it
TUESDAY, LATER = MONDAY + timedelta(days=1), MONDAY + timedelta(days=30)


@pytest.fixture
def roll(workspace: Workspace, tmp_path: Path, time_machine: Any) -> Callable[..., list[Restated]]:
    """Load rows of a kind at a moment, roll, and tell which weeks are marked then."""

    def load_and_roll(at: datetime, kind: str = "orders", *rows: dict[str, object]) -> list[Restated]:
        time_machine.move_to(at)
        if rows:
            loaded(workspace, tmp_path, kind, rows)
        roll_dirty_weeks(workspace)
        return restated(workspace, WEEK - timedelta(weeks=60), WEEK + timedelta(weeks=60))

    return load_and_roll


def refund(amount: str = "20", day: str = "2026-03-05") -> dict[str, object]:
    return {"order_id": "A-1", "refunded_at": day, "amount": amount, "currency": "EUR", "refund_id": "R-1"}


def names(found: list[Restated]) -> set[tuple[str, date]]:
    return {(one.rollup, one.week) for one in found}


# --- when a week is restated -----------------------------------------------------------------------------------------
def test_a_late_refund_restates_its_week(roll) -> None:
    assert roll(MONDAY, "orders", order()) == []
    roll(MONDAY, "refunds", refund())
    [found] = roll(LATER, "refunds", refund("50"))
    assert (found.rollup, found.week, found.at.isoformat()[:16]) == ("aftersales", WEEK, "2026-04-08T10:00")
    assert found.moved == {"refund_base": (20, 50)}


def test_late_orders_restate_their_week_with_what_moved(roll) -> None:
    roll(MONDAY, "orders", order())
    [found] = roll(TUESDAY, "orders", order("A-2"))
    assert (found.rollup, found.week) == ("conversion", WEEK)
    assert found.moved == {"orders": (1, 2), "net_base": (100, 200)}


def test_a_change_of_the_parts_alone_restates_too(roll) -> None:
    roll(MONDAY, "orders", order())
    [found] = roll(TUESDAY, "orders", order(market="FR"))
    assert found.moved == {}


def test_files_of_the_same_day_are_no_restatement(roll) -> None:
    roll(MONDAY, "orders", order())
    assert roll(MONDAY + timedelta(hours=10), "orders", order("A-2")) == []


def test_the_day_is_the_workspaces(roll, workspace: Workspace) -> None:
    evening = datetime(2026, 3, 9, 22, 30, tzinfo=UTC)  # 23:30 in Berlin
    roll(evening, "orders", order())
    assert names(roll(evening + timedelta(hours=1), "orders", order("A-2"))) == {("conversion", WEEK)}


def test_rolling_again_without_a_change_is_no_restatement(roll, workspace: Workspace) -> None:
    roll(MONDAY, "orders", order(), order("A-2", market="FR"))
    for rollup in Rollup.values:
        mark_dirty(workspace, rollup, [WEEK])
    assert roll(LATER) == []


def test_a_running_week_is_never_restated(roll) -> None:
    roll(MONDAY - timedelta(days=4), "orders", order())
    assert roll(MONDAY - timedelta(days=2), "orders", order("A-2")) == []
    assert roll(MONDAY, "orders", order("A-3")) == []  # its first roll as a whole week
    assert names(roll(TUESDAY, "orders", order("A-4"))) == {("conversion", WEEK)}


def test_what_was_first_published_stays_the_measure_of_what_moved(roll) -> None:
    roll(MONDAY, "orders", order())
    roll(TUESDAY, "orders", order("A-2"))
    [found] = roll(LATER, "orders", order("A-3"))
    assert found.moved["orders"] == (1, 3)
    assert found.at.date() == LATER.date()


def test_a_week_that_is_as_published_again_is_no_longer_marked(roll, workspace: Workspace) -> None:
    roll(MONDAY, "orders", order())
    assert roll(TUESDAY, "orders", order(gross="90.00"))
    assert roll(LATER, "orders", order()) == []
    assert names(roll(LATER, "orders", order("A-2"))) == {("conversion", WEEK)}


def test_a_week_that_loses_its_last_order_is_restated(roll) -> None:
    roll(MONDAY, "orders", order())
    [found] = roll(TUESDAY, "orders", order(status="cancelled"))
    assert found.moved == {"orders": (1, None), "net_base": (100, None), "first_orders": (1, None)}


def test_an_old_week_with_data_for_the_first_time_is_not_restated(roll) -> None:
    roll(MONDAY, "orders", order())
    assert roll(LATER, "orders", order("A-0", customer_id="C-0", ordered_at="2025-11-04 10:00:00")) == []


def test_cohorts_are_left_out(roll) -> None:
    roll(MONDAY, "orders", order())
    found = roll(LATER, "orders", order("A-9", ordered_at="2026-04-01 10:00:00"))
    assert found == []
    assert not RolledWeek.objects.filter(rollup=Rollup.COHORTS).exists()


def test_each_workspace_has_marks_of_its_own(roll) -> None:
    roll(MONDAY, "orders", order())
    roll(TUESDAY, "orders", order("A-2"))
    other = Workspace.objects.create(name="Other", slug="other", base_currency="EUR", time_zone="UTC")
    assert restated(other, WEEK, WEEK) == []


def test_the_watched_totals_are_columns_of_their_roll_up() -> None:
    for rollup, columns in WATCHED.items():
        known = {field.name for field in TARGETS[rollup][0].model._meta.concrete_fields}
        assert set(columns) <= known & restatements.MOVED.keys()


def test_consecutive_weeks_are_noted_by_one_statement(workspace: Workspace, tmp_path: Path) -> None:
    rows = [order(f"A-{n}", ordered_at=f"{WEEK - timedelta(weeks=n)} 10:00:00") for n in range(20)]
    loaded(workspace, tmp_path, "orders", rows)
    with CaptureQueriesContext(connection) as queries:
        roll_dirty_weeks(workspace)
    assert sum("MERGE INTO measures_rolledweek" in query["sql"] for query in queries) == 2  # conversion, after-sales
    assert RolledWeek.objects.filter(rollup="conversion").count() == 20


# --- in words ---------------------------------------------------------------------------------------------------------
def one(rollup: str = "conversion", at: datetime = LATER, **moved: tuple[float | None, float | None]) -> Restated:
    return Restated(rollup, WEEK, at, moved)


def test_a_remark_tells_the_day_and_what_moved() -> None:
    found = [one("aftersales", refunds=(None, 3.0)), one(orders=(112.0, 118.0), net_base=(10_200.0, 10_750.4))]
    assert restatements.marks(found, "EUR") == {
        WEEK: "restated 8 Apr 2026: 112 → 118 orders, €10,200 → €10,750 net revenue, – → 3 refunds"
    }


def test_a_remark_beside_one_market_says_that_it_is_about_all() -> None:
    text = restatements.marks([one(orders=(1.0, 2.0))], "EUR", of_all_markets=True)[WEEK]
    assert text == "restated 8 Apr 2026: 1 → 2 orders in all markets together"


@pytest.mark.parametrize("moved", [{}, {"net_base": (10_200.0, 10_200.3)}])
def test_a_remark_without_a_total_that_moved_says_so(moved) -> None:
    assert restatements.marks([one(**moved)], "EUR")[WEEK] == "restated 8 Apr 2026: the totals stay, their parts moved"


# --- on the pages -----------------------------------------------------------------------------------------------------
@pytest.fixture
def history(workspace: Workspace, tmp_path: Path, time_machine: Any) -> Workspace:
    """Twelve weeks of orders, diagnosed on the Monday after."""
    time_machine.move_to(MONDAY)
    rows = [
        order(f"A-{week}-{n}", customer_id=f"C-{week}-{n}", ordered_at=f"{WEEK - timedelta(weeks=week)} 10:00:00")
        for week in range(12)
        for n in range(40)
    ]
    traffic = [{"date": WEEK - timedelta(weeks=week), "market": "DE", "sessions": 900} for week in range(12)]
    loaded(workspace, tmp_path, "orders", rows)
    loaded(workspace, tmp_path, "traffic", traffic)
    roll_dirty_weeks(workspace)
    diagnose_week(workspace, WEEK)
    return workspace


def restate(workspace: Workspace, tmp_path: Path) -> None:
    """Six orders of the newest week come late."""
    late = [order(f"L-{n}", customer_id="C-0-0", ordered_at=f"{WEEK} 10:00:00") for n in range(6)]
    assert load_rows(workspace, tmp_path, "orders", late).added == 6
    roll_dirty_weeks(workspace)


def page(client: Any, user: object, name: str, *args: object, **query: object) -> str:
    client.force_login(user)
    return str(client.get(reverse(name, args=args), query).content.decode())


REMARK = "restated 10 Mar 2026: 40 → 46 orders, €4,000 → €4,600 net revenue"


def test_the_weekly_review_marks_the_week(history, client, reader, tmp_path, time_machine) -> None:
    assert "fw-restated" not in page(client, reader, "flywheel", history.slug)
    time_machine.move_to(TUESDAY)
    restate(history, tmp_path)
    diagnose_week(history, WEEK)
    text = page(client, reader, "flywheel", history.slug)
    assert f'<span class="fw-restated" title="{REMARK}">restated</span>' in text
    assert text.count(f"</strong> {REMARK}</li>") == 1


def test_a_page_from_before_the_restatement_says_that_it_does_not_know(
    history, client, reader, tmp_path, time_machine
) -> None:
    time_machine.move_to(TUESDAY)
    restate(history, tmp_path)
    assert Diagnosis.objects.get().computed_at + SETTLING < TUESDAY
    text = page(client, reader, "flywheel", history.slug, week=WEEK)
    assert "restated 10 Mar 2026, after this page was worked out: 40 → 46 orders" in text


def test_an_engines_weekly_tables_mark_the_week(history, client, reader, tmp_path, time_machine) -> None:
    time_machine.move_to(TUESDAY)
    restate(history, tmp_path)
    marked = f'2 Mar 2026<span class="fw-restated-words">{REMARK}</span>'
    assert page(client, reader, "engine", history.slug, "market").count(marked) == 1  # sessions; no spend, so no CAC
    assert page(client, reader, "engine", history.slug, "conversion").count(marked) == 1
    assert "fw-restated" not in page(client, reader, "engine", history.slug, "aftersales")
    assert "in all markets together" in page(client, reader, "engine", history.slug, "conversion", market="DE")


def test_a_page_asks_once_for_its_marks(history, client, reader) -> None:
    with CaptureQueriesContext(connection) as queries:
        page(client, reader, "engine", history.slug, "conversion")
    assert sum("measures_rolledweek" in query["sql"] for query in queries) == 1
    assert Order.objects.count() == 480
