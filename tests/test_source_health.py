"""The check of sources: what it finds in facts, whole and apart per source, kind and workspace."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.apps import apps
from django.utils import timezone

from flywheel.accounts.models import Workspace
from flywheel.facts import models as facts
from flywheel.facts.models import Fact, Order, Refund, Source, SourceHealth, Spend, Ticket, Traffic
from flywheel.intake import batches, health
from flywheel.intake.models import Batch
from flywheel.intake.tasks import check_all_sources
from flywheel.jobs.models import Job
from tests.builders import Silent, loaded
from tests.builders import order as order_row
from tests.facts_builder import moment, order, week_of

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 30)  # a Monday
NOON = datetime(2026, 3, 30, 12, tzinfo=UTC)


@pytest.fixture
def shop(workspace) -> Source:
    return Source.objects.create(workspace=workspace, slug="shop", name="Shop")


def ago(days: int) -> date:
    """A day before TODAY."""
    return TODAY - timedelta(days=days)


def traffic(source: Source, *days: date) -> None:
    """A record of traffic on each of the days."""
    Traffic.objects.bulk_create(
        Traffic(workspace=source.workspace, source=source, external_id=f"{day}", date=day, week=week_of(day))
        for day in days
    )


def orders(source: Source, per_day: dict[date, int], **values: object) -> None:
    """So many orders on each day."""
    at = Order.objects.count()
    Order.objects.bulk_create(
        order(source.workspace, source, f"{at}-{day}-{n}", day, **values)
        for day, k in per_day.items()
        for n in range(k)
    )


def checked(source: Source, kind: str, now: datetime = NOON) -> SourceHealth:
    """What a check finds of a kind of a source."""
    health.check(source.workspace, Silent(), now)
    return SourceHealth.objects.get(source=source, kind=kind)


# --- days -------------------------------------------------------------------------------------------------------------
def test_it_counts_records_per_day_and_finds_the_gap(shop):
    traffic(shop, *(ago(n) for n in range(1, 30) if n not in (10, 11)))
    found = checked(shop, "traffic")
    assert found.gaps == [["2026-03-19", "2026-03-20", 2]]
    assert (found.oldest_day, found.newest_day, found.records) == (ago(29), ago(1), 27)
    assert found.days["2026-03-29"] == 1
    assert "2026-03-19" not in found.days


def test_a_shop_closed_on_sundays_has_no_gaps(shop):
    traffic(shop, *(ago(n) for n in range(1, 100) if ago(n).weekday() != 6))
    assert checked(shop, "traffic").gaps == []


def test_days_without_orders_are_gaps_only_for_a_shop_with_five_a_day(shop, workspace):
    small = Source.objects.create(workspace=workspace, slug="small", name="Small")
    days = [ago(n) for n in range(1, 30) if n not in (10, 11)]
    orders(shop, dict.fromkeys(days, 5))
    orders(small, dict.fromkeys(days, 4))
    assert len(checked(shop, "orders").gaps) == 1
    little = SourceHealth.objects.get(source=small)
    assert (little.gaps, little.pause_days) == ([], 3)


def test_a_time_counts_on_its_day_in_the_workspace(shop, workspace):
    late = datetime(2026, 3, 20, 23, 30, tzinfo=UTC)  # already the 21st in Berlin
    Ticket.objects.create(
        workspace=workspace, source=shop, external_id="T", opened_at=late, week=week_of(date(2026, 3, 21))
    )
    assert checked(shop, "tickets").days == {"2026-03-21": 1}


def test_records_dated_in_the_future_are_told_and_left_out(shop):
    traffic(shop, ago(2), ago(1), ago(-1), ago(-400))
    found = checked(shop, "traffic")
    assert (found.newest_day, found.records, found.ahead) == (ago(1), 2, 2)


def test_a_source_silent_for_years_is_looked_at_where_it_stopped(shop, workspace, tmp_path):
    loaded(workspace, tmp_path, "traffic", [{"date": "2019-05-06", "sessions": 1}], source="shop")
    traffic(shop, *(date(2019, 5, 5) - timedelta(days=n) for n in range(130)))
    found = checked(shop, "traffic")
    assert (found.newest_day, found.oldest_day) == (date(2019, 5, 6), date(2019, 5, 6) - timedelta(days=119))
    assert found.records == 120


def test_a_source_silent_for_two_months_keeps_its_whole_window(shop):
    traffic(shop, *(ago(60 + n) for n in range(130)))
    found = checked(shop, "traffic")
    assert (found.newest_day, found.records) == (ago(60), 120)


def test_a_week_still_running_counts_up_to_today(shop, workspace):
    facts.PageExperience.objects.create(workspace=workspace, source=shop, external_id="p", week=TODAY)
    clock = health.CLOCKS[facts.PageExperience]
    ((source, found),) = health._found(workspace, clock, {shop.pk}, NOON)
    assert (source, dict(found.days), found.ahead) == (shop.pk, {TODAY: 1}, 0)


def test_a_month_ends_on_its_last_day():
    clock = health.CLOCKS[facts.Investment]
    assert clock.last_day(date(2024, 2, 1)) == date(2024, 2, 29)
    assert clock.last_day(date(2026, 12, 1)) == date(2026, 12, 31)


def test_every_kind_of_fact_has_a_clock_or_is_known_to_have_none():
    known = {model for model in apps.get_app_config("facts").get_models() if issubclass(model, Fact)}
    assert known == set(health.CLOCKS) | health.UNDATED


@pytest.mark.parametrize("model", list(health.CLOCKS))
def test_every_clock_can_be_asked(workspace, model):
    assert dict(health._found(workspace, health.CLOCKS[model], {1}, NOON)) == {}


def test_records_without_dates_have_their_last_batch(workspace, tmp_path):
    batch = loaded(workspace, tmp_path, "customers", [{"customer_id": "C-1", "market": "DE"}])
    found = checked(batch.source, "customers")
    assert (found.last_batch_id, found.last_loaded_at, found.newest_day) == (batch.pk, batch.loaded_at, None)


# --- weeks ------------------------------------------------------------------------------------------------------------
def test_a_drop_in_volume_is_told_with_its_week(shop):
    usual = {ago(n): 10 for n in range(8, 8 + 9 * 7)}
    orders(shop, usual | {ago(n): 4 for n in range(1, 8)})
    assert checked(shop, "orders").volume == {"week": "2026-03-23", "count": 28, "usual": 70.0, "signal": -1}


def test_a_small_shop_halves_without_a_signal(shop):
    orders(shop, {ago(n): 6 for n in range(8, 80)} | {ago(n): 2 for n in range(1, 8)})
    assert checked(shop, "orders").volume == {"week": "2026-03-23", "count": 14, "usual": 42.0, "signal": 0}


def test_a_young_source_has_no_usual_week(shop):
    orders(shop, {ago(n): 10 for n in range(1, 30)})
    assert checked(shop, "orders").volume == {"have": 3, "needed": 8}


# --- what of orders is known ------------------------------------------------------------------------------------------
def test_coverage_counts_the_orders_of_eight_whole_weeks(shop):
    orders(shop, {ago(7): 3, ago(56): 1}, market="DE", cogs=5, customer="c")
    orders(shop, {ago(7): 4}, channel="email", promised_at=moment(ago(3)))
    orders(shop, {ago(0): 9, ago(57): 9}, device="mobile")  # the running week, and a day before the first
    orders(shop, {ago(7): 9}, device="mobile", state="cancelled")
    assert checked(shop, "orders").coverage == {
        "first": "2026-02-02",
        "last": "2026-03-29",
        "orders": 8,
        "known": {"market": 4, "channel": 4, "device": 0, "customer": 4, "cost": 4, "promise": 4},
    }


def test_coverage_of_a_silent_source_is_of_its_own_last_weeks(shop):
    orders(shop, {ago(100): 2, ago(170): 5}, market="DE")
    found = checked(shop, "orders").coverage
    assert (found["orders"], found["last"]) == (2, "2025-12-21")


def test_orders_of_the_running_week_alone_have_no_coverage_yet(shop):
    orders(shop, {TODAY: 2})
    assert checked(shop, "orders").coverage == {}


# --- apart, and kept up to date ---------------------------------------------------------------------------------------
def test_sources_kinds_and_workspaces_are_told_apart(shop, workspace):
    other = Workspace.objects.create(name="Other", slug="other")
    theirs = Source.objects.create(workspace=other, slug="shop", name="Shop")
    ads = Source.objects.create(workspace=workspace, slug="ads", name="Ads")
    traffic(shop, ago(1))
    traffic(ads, ago(5))
    traffic(theirs, ago(9))
    Spend.objects.create(
        workspace=workspace, source=ads, external_id="s", date=ago(3), week=week_of(ago(3)), currency="EUR"
    )
    health.check(workspace, Silent(), NOON)
    found = set(SourceHealth.objects.values_list("workspace", "source", "kind", "newest_day"))
    assert found == {
        (workspace.pk, shop.pk, "traffic", ago(1)),
        (workspace.pk, ads.pk, "traffic", ago(5)),
        (workspace.pk, ads.pk, "spend", ago(3)),
    }


def test_a_later_check_takes_the_place_of_the_last(shop, workspace):
    traffic(shop, ago(2))
    Refund.objects.create(
        workspace=workspace,
        source=shop,
        external_id="r",
        refunded_at=moment(ago(4)),
        refund_date=ago(4),
        week=week_of(ago(4)),
        currency="EUR",
    )
    health.check(workspace, Silent(), NOON)
    Refund.objects.all().delete()
    traffic(shop, ago(1))
    health.check(workspace, Silent(), NOON)
    assert list(SourceHealth.objects.values_list("kind", "newest_day")) == [("traffic", ago(1))]


def test_the_last_batch_is_the_last_that_was_loaded(workspace, tmp_path):
    first = loaded(workspace, tmp_path, "orders", [order_row("A-1")])
    last = loaded(workspace, tmp_path, "orders", [order_row("A-2")])
    Batch.objects.filter(pk=first.pk).update(loaded_at=timezone.now() + timedelta(hours=1))
    assert checked(last.source, "orders").last_batch_id == first.pk


def test_a_file_of_several_kinds_is_the_last_batch_of_each(workspace, tmp_path):
    batch = loaded(workspace, tmp_path, "orders", [order_row()])
    Batch.objects.update(plans=[*batch.plans, {"kind": "order_lines"}])
    assert checked(batch.source, "order_lines").last_batch_id == batch.pk
    assert SourceHealth.objects.get(kind="orders").last_batch_id == batch.pk


def test_an_undone_batch_leaves_the_one_before_as_the_last(workspace, tmp_path, run_jobs):
    first = loaded(workspace, tmp_path, "orders", [order_row("A-1")])
    later = loaded(workspace, tmp_path, "orders", [order_row("A-2", ordered_at="2026-03-04 10:00:00")])
    run_jobs()
    batches.undo(later, Silent())
    run_jobs()
    found = SourceHealth.objects.get()
    assert (found.last_batch_id, found.newest_day) == (first.pk, date(2026, 3, 2))


def test_a_landed_batch_is_checked_by_its_job(workspace, tmp_path, run_jobs):
    batch = loaded(workspace, tmp_path, "orders", [order_row()])
    run_jobs()
    assert Job.objects.get(kind=health.CHECK).result == {"checked": 1}
    assert SourceHealth.objects.get().last_batch_id == batch.pk


def test_an_unchanged_file_is_a_load_too(workspace, tmp_path, run_jobs):
    loaded(workspace, tmp_path, "orders", [order_row()])
    run_jobs()
    again = loaded(workspace, tmp_path, "orders", [order_row()])
    run_jobs()
    assert SourceHealth.objects.get().last_batch_id == again.pk


def test_each_day_has_one_check_after_the_workspaces_midnight(workspace, shop):
    Workspace.objects.create(name="Empty", slug="empty")
    with time_machine.travel("2026-03-29 22:30:00+00:00", tick=False):  # 00:30 on Monday in Berlin
        for _hour in range(2):
            check_all_sources()
            Job.objects.update(state=Job.State.DONE)
    with time_machine.travel("2026-03-30 21:59:00+00:00", tick=False):
        check_all_sources()
    assert list(Job.objects.values_list("workspace__slug", "kind")) == [("acme", health.CHECK)]
    with time_machine.travel("2026-03-30 22:01:00+00:00", tick=False):
        check_all_sources()
    assert Job.objects.count() == 2
