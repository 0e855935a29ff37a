"""Rolling dirty weeks, and the door from the measure tables to DataFrames."""

import threading
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection, transaction

from flywheel import jobs
from flywheel.accounts.models import Workspace
from flywheel.facts.models import Channel, DirtyWeek, Order, Rollup, Source, Spend, Traffic
from flywheel.jobs import registry, runner
from flywheel.jobs.models import Job
from flywheel.measures import frames
from flywheel.measures.models import ConversionWeek, MarketWeek, PaymentWeek, StatusWeek
from flywheel.measures.rolling import TARGETS, month_spans, roll_dirty_weeks, week_spans
from tests.facts_builder import (
    FIRST_DAY,
    RandomFacts,
    mark_dirty,
    mark_everything_dirty,
    new_source,
    order,
    set_first_orders,
    week_of,
)

WEEKS = 40
SECOND_WEEK = FIRST_DAY + timedelta(weeks=1)


@pytest.fixture
def source(workspace: Workspace) -> Source:
    return new_source(workspace)


def stored(workspace: Workspace) -> dict[str, list]:
    """Every measure row of the workspace, sorted, without its id."""
    rows = {}
    for targets in TARGETS.values():
        for target in targets:
            columns = [f.attname for f in target.model._meta.concrete_fields if not f.primary_key]
            found = target.model._default_manager.filter(workspace=workspace).values_list(*columns)
            rows[target.text] = sorted(found, key=str)
    return rows


# --- rolling ----------------------------------------------------------------------------------------------------------
def test_weeks_in_a_row_are_rolled_together() -> None:
    weeks = [FIRST_DAY + timedelta(weeks=n) for n in (5, 0, 1, 2, 7, 2)]
    assert week_spans(weeks) == [(weeks[1], weeks[5]), (weeks[0], weeks[0]), (weeks[4], weeks[4])]
    assert week_spans([]) == []


def test_a_week_may_touch_two_months() -> None:
    assert month_spans([date(2024, 1, 29)]) == [(date(2024, 1, 1), date(2024, 2, 1))]
    assert month_spans([date(2024, 12, 30), date(2024, 6, 3)]) == [
        (date(2024, 6, 1), date(2024, 6, 1)),
        (date(2024, 12, 1), date(2025, 1, 1)),
    ]


def test_rolling_twice_changes_nothing(workspace: Workspace, source: Source) -> None:
    RandomFacts(workspace, source, 1, WEEKS).create(300)
    mark_everything_dirty(workspace, WEEKS + 6)
    assert roll_dirty_weeks(workspace) == 4 * (WEEKS + 6)
    once = stored(workspace)
    assert all(once.values())
    mark_everything_dirty(workspace, WEEKS + 6)
    roll_dirty_weeks(workspace)
    assert stored(workspace) == once
    assert not DirtyWeek.objects.exists()


def test_without_dirty_weeks_nothing_is_rolled(workspace: Workspace, source: Source) -> None:
    RandomFacts(workspace, source, 1, WEEKS).create(30)
    assert roll_dirty_weeks(workspace) == 0
    assert not ConversionWeek.objects.exists()


@pytest.mark.parametrize("seed", [5, 6, 7])
def test_rolling_touched_weeks_gives_what_rolling_everything_gives(
    workspace: Workspace, source: Source, seed: int
) -> None:
    RandomFacts(workspace, source, seed, WEEKS).create(400)
    mark_everything_dirty(workspace, WEEKS + 6)
    roll_dirty_weeks(workspace)
    before = set_first_orders(workspace)

    changed, delivered = _change_some_facts(workspace, source, seed)
    after = set_first_orders(workspace)
    moved = {c for c in before.keys() | after.keys() if before.get(c) != after.get(c)}
    firsts = {history[c][0] for c in moved for history in (before, after) if c in history}
    mark_dirty(workspace, Rollup.CONVERSION, changed | firsts)
    mark_dirty(workspace, Rollup.COHORTS, firsts)
    mark_dirty(workspace, Rollup.MARKET, changed)
    mark_dirty(workspace, Rollup.AFTERSALES, delivered | changed | firsts)
    assert 0 < roll_dirty_weeks(workspace) < WEEKS * 3
    some = stored(workspace)

    mark_everything_dirty(workspace, WEEKS + 6)
    roll_dirty_weeks(workspace)
    assert some == stored(workspace)


def _change_some_facts(workspace: Workspace, source: Source, seed: int) -> tuple[set[date], set[date]]:
    """Late orders of old customers, an order that no longer counts, one removed, new spend: weeks, delivery weeks."""
    random = RandomFacts(workspace, source, seed + 100, WEEKS, tag="late")
    new = [random.order(n, 400) for n in range(4)]
    Order.objects.bulk_create(new)
    cancelled, removed = Order.objects.filter(counts=True).exclude(customer="").order_by("order_date")[:2]
    Order.objects.filter(pk=cancelled.pk).update(state="cancelled")
    Order.objects.filter(pk=removed.pk).delete()
    spend = random.spend(0)
    spend.save()
    orders = (*new, cancelled, removed)
    return {*(o.week for o in orders), spend.week}, {o.delivered_week for o in orders if o.delivered_week}


def test_only_the_dirty_roll_up_and_week_is_rolled(workspace: Workspace, source: Source) -> None:
    RandomFacts(workspace, source, 2, WEEKS).create(300)
    mark_dirty(workspace, Rollup.CONVERSION, [SECOND_WEEK])
    roll_dirty_weeks(workspace)
    for model in (ConversionWeek, StatusWeek, PaymentWeek):
        assert set(model.objects.values_list("week", flat=True)) == {SECOND_WEEK}
    assert not MarketWeek.objects.exists()


def test_another_workspace_keeps_its_dirty_weeks_and_measures(workspace: Workspace, source: Source) -> None:
    other = Workspace.objects.create(name="Other", slug="other", base_currency="EUR")
    RandomFacts(other, new_source(other), 2, WEEKS).create(100)
    mark_everything_dirty(other, WEEKS)
    roll_dirty_weeks(other)
    theirs = stored(other)
    mark_dirty(other, Rollup.MARKET, [SECOND_WEEK])
    mark_everything_dirty(workspace, WEEKS)
    roll_dirty_weeks(workspace)
    assert stored(other) == theirs
    assert DirtyWeek.objects.get().workspace == other


def test_a_week_whose_facts_are_gone_loses_its_measures(workspace: Workspace, source: Source) -> None:
    RandomFacts(workspace, source, 2, WEEKS).create(100)
    mark_everything_dirty(workspace, WEEKS + 6)
    roll_dirty_weeks(workspace)
    Spend.objects.all().delete()
    mark_dirty(workspace, Rollup.MARKET, [SECOND_WEEK + timedelta(weeks=n) for n in range(-1, WEEKS)])
    roll_dirty_weeks(workspace)
    assert not MarketWeek.objects.exists()


def test_a_roll_that_fails_leaves_weeks_dirty_and_measures_as_they_were(workspace: Workspace, source: Source) -> None:
    RandomFacts(workspace, source, 2, WEEKS).create(100)
    mark_everything_dirty(workspace, WEEKS)
    roll_dirty_weeks(workspace)
    before = stored(workspace)
    Spend.objects.all().delete()
    mark_everything_dirty(workspace, WEEKS)
    with pytest.raises(RuntimeError, match="worker lost"):
        _roll_and_fail(workspace)
    assert stored(workspace) == before
    assert DirtyWeek.objects.count() == 4 * WEEKS


@transaction.atomic
def _roll_and_fail(workspace: Workspace) -> None:
    roll_dirty_weeks(workspace)
    raise RuntimeError("worker lost")


class Recorded:
    """Progress that remembers."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, int]] = []
        self.done = 0

    def step(self, name: str, total: int = 0) -> None:
        self.steps.append((name, total))

    def advance(self, n: int = 1) -> None:
        self.done += n


def test_it_tells_how_far_it_is(workspace: Workspace) -> None:
    mark_everything_dirty(workspace, 3)
    progress = Recorded()
    roll_dirty_weeks(workspace, progress)
    assert progress.steps == [("rolling", 9)]
    assert progress.done == 9


# --- the job ---------------------------------------------------------------------------------------------------------
def running_job(workspace: Workspace) -> Job:
    """A roll that this worker has claimed."""
    job = runner.claim(jobs.start(workspace, "roll", {}).pk)
    assert job is not None
    return job


def test_the_job_rolls_and_starts_the_diagnosis(workspace: Workspace) -> None:
    order(workspace, new_source(workspace), 1, FIRST_DAY).save()
    mark_dirty(workspace, Rollup.CONVERSION, [FIRST_DAY])
    job = jobs.start(workspace, "roll", {})
    runner.run(job.pk, heartbeat=False)
    job.refresh_from_db()
    assert (job.state, job.result, job.error) == (Job.State.DONE, {"weeks": 1}, "")
    assert ConversionWeek.objects.get().orders == 1
    assert Job.objects.get(kind="diagnose").state == Job.State.QUEUED


def test_the_job_starts_no_diagnosis_when_nothing_had_changed(workspace: Workspace) -> None:
    runner.run(jobs.start(workspace, "roll", {}).pk, heartbeat=False)
    assert list(Job.objects.values_list("kind", "state")) == [("roll", Job.State.DONE)]


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_lost_its_job_rolls_nothing() -> None:
    workspace = Workspace.objects.create(name="Acme", slug="acme", base_currency="EUR")
    order(workspace, new_source(workspace), 1, FIRST_DAY).save()
    mark_dirty(workspace, Rollup.CONVERSION, [FIRST_DAY])
    job = running_job(workspace)
    Job.objects.filter(pk=job.pk).update(attempt=job.attempt + 1)
    with pytest.raises(jobs.JobLost):
        registry.find("roll")(job, jobs.Progress(job))
    assert not ConversionWeek.objects.exists()
    assert DirtyWeek.objects.count() == 1
    assert not Job.objects.filter(kind="diagnose").exists()


# --- two at a time ----------------------------------------------------------------------------------------------------
def in_thread(work: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    """Run `work` on a database connection of its own; the thread and, once it is over, what came of it."""
    results: list[object] = []

    def run() -> None:
        try:
            results.append(work())
        finally:
            connection.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, results


@pytest.mark.django_db(transaction=True)
def test_a_roll_waits_for_a_batch_that_is_landing_in_its_weeks() -> None:
    workspace = Workspace.objects.create(name="Acme", slug="acme", base_currency="EUR")
    source = new_source(workspace)
    mark_dirty(workspace, Rollup.CONVERSION, [FIRST_DAY])
    with transaction.atomic():
        order(workspace, source, 1, FIRST_DAY).save()
        mark_dirty(workspace, Rollup.CONVERSION, [FIRST_DAY])
        thread, results = in_thread(lambda: roll_dirty_weeks(workspace))
        thread.join(0.3)
        assert thread.is_alive()
    thread.join(20)
    assert results == [1]
    assert ConversionWeek.objects.get().orders == 1


@pytest.mark.django_db(transaction=True)
def test_two_rolls_of_a_workspace_follow_each_other() -> None:
    workspace = Workspace.objects.create(name="Acme", slug="acme", base_currency="EUR")
    order(workspace, new_source(workspace), 1, FIRST_DAY).save()
    mark_dirty(workspace, Rollup.CONVERSION, [FIRST_DAY])
    with transaction.atomic():
        assert roll_dirty_weeks(workspace) == 1
        thread, results = in_thread(lambda: roll_dirty_weeks(workspace))
        thread.join(0.3)
        assert thread.is_alive()
    thread.join(20)
    assert results == [0]
    assert ConversionWeek.objects.get().orders == 1


# --- frames -----------------------------------------------------------------------------------------------------------
def measure(workspace: Workspace, week: int, market: str = "DE", **values: object) -> None:
    """A stored slice of conversion in week number `week`."""
    start = FIRST_DAY + timedelta(weeks=week)
    ConversionWeek.objects.create(workspace=workspace, week=start, market=market, **values)


def column(frame: object, name: str) -> list[float | None]:
    """A column as a list, None for NaN."""
    return [None if np.isnan(v) else float(v) for v in frame[name]]


def test_a_frame_has_documented_columns_and_dtypes(workspace: Workspace) -> None:
    measure(workspace, 0, device="mobile", sessions=10, net_base=Decimal("12.5"))
    frame = frames.conversion(workspace)
    assert list(frame)[:4] == ["week", "market", "channel", "device"]
    assert [str(frame[c].dtype) for c in ("week", "market", "sessions", "net_base")] == [
        "datetime64[s]",
        "str",
        "float64",
        "float64",
    ]
    assert frame.loc[0, "net_base"] == 12.5
    assert np.isnan(frame.loc[0, "orders"])


def test_an_empty_frame_has_the_same_columns_and_dtypes(workspace: Workspace) -> None:
    empty = frames.conversion(workspace)
    assert len(empty) == 0
    assert len(frames.conversion(workspace, by=("week", "market"))) == 0
    measure(workspace, 0)
    assert list(empty.dtypes.items()) == list(frames.conversion(workspace).dtypes.items())


def test_as_stored_unknown_stays_unknown(workspace: Workspace) -> None:
    measure(workspace, 0, device="mobile", sessions=10)
    measure(workspace, 0, device="desktop", orders=1)
    frame = frames.conversion(workspace)
    assert column(frame, "orders") == [1, None]
    assert column(frame, "sessions") == [None, 10]


def test_no_orders_is_zero_where_the_workspace_has_orders_around(workspace: Workspace) -> None:
    measure(workspace, 0, orders=5, net_base=50)
    measure(workspace, 1, market="FR", sessions=10)
    measure(workspace, 2, orders=4)
    measure(workspace, 3, sessions=10)
    frame = frames.conversion(workspace, by=("week",))
    assert column(frame, "orders") == [5, 0, 4, None]
    assert column(frame, "net_base") == [50, None, None, None]
    assert column(frame, "first_orders") == [None] * 4
    by_market = frames.conversion(workspace, by=("week", "market"), where={"market": "FR"})
    assert column(by_market, "orders") == [0, 0, 0, None]


def test_traffic_that_did_not_come_in_is_never_zero(workspace: Workspace) -> None:
    measure(workspace, 0, sessions=10)
    measure(workspace, 1, orders=4)
    measure(workspace, 2, sessions=10)
    assert column(frames.conversion(workspace, by=("week",)), "sessions") == [10, None, 10]


def test_spend_of_unknown_cost_is_not_zero_spend(workspace: Workspace) -> None:
    for week, cost in ((0, 5), (1, None), (3, 7)):
        start = FIRST_DAY + timedelta(weeks=week)
        MarketWeek.objects.create(workspace=workspace, week=start, cost_base=cost, clicks=2)
    frame = frames.market(workspace, by=("week",))
    assert column(frame, "cost_base") == [5, None, 0, 7]
    assert column(frame, "clicks") == [2, 2, 0, 2]
    assert list(frame)[:4] == ["week", "cost_base", "impressions", "clicks"]
    assert "rows" not in frame


def test_every_week_is_there_when_grouped_by_week(workspace: Workspace) -> None:
    measure(workspace, 0, orders=5)
    measure(workspace, 3, market="FR", orders=4)
    frame = frames.conversion(workspace, by=("market", "week"))
    assert list(frame["market"]) == ["DE"] * 4 + ["FR"] * 4
    assert column(frame, "orders") == [5, 0, 0, 0, 0, 0, 0, 4]
    bounded = frames.conversion(workspace, by=("week",), first=FIRST_DAY + timedelta(days=3), last=date(2024, 1, 17))
    assert list(bounded["week"].dt.date) == []
    bounded = frames.conversion(workspace, by=("week",), first=FIRST_DAY - timedelta(days=3), last=date(2024, 1, 17))
    assert list(bounded["week"].dt.date) == [FIRST_DAY, SECOND_WEEK, date(2024, 1, 15)]


def test_a_total_over_all_weeks_is_one_row(workspace: Workspace) -> None:
    measure(workspace, 0, orders=5)
    measure(workspace, 1, market="FR", orders=4)
    assert column(frames.conversion(workspace, by=()), "orders") == [9]
    assert column(frames.conversion(workspace, by=(), where={"market": ["US"]}), "orders") == [0]
    assert column(frames.conversion(workspace, by=(), first=date(2025, 1, 6)), "orders") == [None]


def test_where_keeps_the_named_codes(workspace: Workspace) -> None:
    for market in ("DE", "FR", "NA"):
        measure(workspace, 0, market=market, orders=1)
    assert list(frames.conversion(workspace, where={"market": ["FR", "NA"]})["market"]) == ["FR", "NA"]


def test_a_key_that_is_not_the_tables_is_refused(workspace: Workspace) -> None:
    with pytest.raises(ValueError, match="no key 'carrier'"):
        frames.conversion(workspace, by=("week", "carrier"))
    with pytest.raises(ValueError, match="it has week, market"):
        frames.conversion(workspace, where={"1=1 --": "x"})


def test_another_workspaces_measures_are_never_seen(workspace: Workspace) -> None:
    other = Workspace.objects.create(name="Other", slug="other", base_currency="EUR")
    measure(other, 0, orders=5)
    measure(workspace, 1, sessions=1)
    frame = frames.conversion(workspace, by=("week",))
    assert (len(frame), column(frame, "orders")) == (1, [None])


def test_markets_are_those_of_every_weekly_table(workspace: Workspace) -> None:
    assert frames.markets(workspace) == []
    MarketWeek.objects.create(workspace=workspace, week=FIRST_DAY, market="US")
    ConversionWeek.objects.create(workspace=workspace, week=FIRST_DAY, market="DE")
    assert frames.markets(workspace) == ["DE", "US"]


def test_channel_kinds_by_code(workspace: Workspace) -> None:
    Channel.objects.create(workspace=workspace, code="ads", kind=Channel.Kind.SEARCH)
    Channel.objects.create(workspace=workspace, code="odd")
    assert frames.channel_kinds(workspace) == {"ads": "search", "odd": ""}


def test_grouped_sums_are_those_of_the_stored_rows(workspace: Workspace, source: Source) -> None:
    RandomFacts(workspace, source, 8, WEEKS).create(400)
    mark_everything_dirty(workspace, WEEKS + 6)
    roll_dirty_weeks(workspace)
    for read in (frames.market, frames.conversion, frames.aftersales, frames.cohorts):
        as_stored, total = read(workspace), read(workspace, ("week", "market"))
        sums = as_stored.groupby(["week", "market"])[list(total)[2:]].sum(min_count=1).reset_index()
        both = sums.merge(total, on=["week", "market"], suffixes=("", "_grouped"))
        assert len(both) == len(sums) > 50
        for measure_name in list(total)[2:]:
            known = both[measure_name].notna().to_numpy()
            np.testing.assert_allclose(both[measure_name][known], both[f"{measure_name}_grouped"][known], rtol=1e-12)


def test_the_small_tables_have_frames_too(workspace: Workspace, source: Source) -> None:
    facts = {"market": "DE", "status": "paid", "customer": "a", "gross": Decimal(9)}
    order(workspace, source, 1, FIRST_DAY, **facts).save()
    order(workspace, source, 2, date(2024, 2, 6), **facts).save()
    set_first_orders(workspace)
    traffic = {"date": FIRST_DAY, "week": week_of(FIRST_DAY), "sessions": 3}
    Traffic.objects.create(workspace=workspace, source=source, external_id="1", **traffic)
    mark_everything_dirty(workspace, 8)
    roll_dirty_weeks(workspace)
    assert column(frames.statuses(workspace, by=("status",)), "orders") == [2]
    months = frames.cohort_months(workspace, last=date(2024, 1, 1))
    assert [str(m)[:10] for m in months["month"]] == ["2024-01-01", "2024-02-01"]
    assert column(months, "net_base") == [9, 9]
    assert len(frames.payments(workspace)) == 0
