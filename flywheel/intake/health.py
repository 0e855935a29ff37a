"""How each source's data is doing, kind by kind: checked by a job, so that the pages only read what it found.

A check reads the days up to the newest record through the tables' week columns (BRIN), never a whole table; only for
a source that has fallen silent does it look further back, in ever longer steps, until it finds the last record.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, Protocol

from django.db.models import Count, F, Max, Model, Q, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import TruncDate
from django.utils import timezone

from engines import rhythm
from engines.results import Unavailable
from flywheel.accounts.models import Workspace
from flywheel.facts import calendar
from flywheel.facts import models as facts
from flywheel.facts.calendar import FIRST_YEAR, week_start
from flywheel.facts.models import Order, SourceHealth
from flywheel.intake.kinds import KINDS
from flywheel.intake.models import Batch

CHECK = "check_sources"  # the kind of the job
SHOWN_DAYS = 120  # up to the newest record
LOOK_BACK = timedelta(weeks=18)  # 120 days, from the first day of a week
COVERED_WEEKS = 8
Days = Counter[date]


class Steps(Protocol):
    """What a check tells of its progress (flywheel.jobs gives one to a job's handler)."""

    def step(self, name: str, total: int = 0) -> None:
        """A new step of `total` parts begins."""

    def advance(self, n: int = 1) -> None:
        """`n` more parts are done."""


@dataclass(frozen=True)
class Clock:
    """When the records of a fact happened: `day` is a date or a time, `within` the date column that bounds a query.

    `model` holds what is counted. `period`: a record stands for so long, from its date on. `by_nature`: a source has
    records on every day it is open.
    """

    model: type[Model]
    day: str
    within: str = "week"
    is_time: bool = False
    period: Literal["day", "week", "month"] = "day"
    by_nature: bool = False

    def on_day(self, workspace: Workspace) -> Combinable:
        """The record's date in the workspace, as SQL."""
        return TruncDate(self.day, tzinfo=workspace.zone) if self.is_time else F(self.day)

    def last_day(self, day: date) -> date:
        """The last day of the record's period."""
        if self.period == "week":
            return day + timedelta(days=6)
        if self.period == "month":
            return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        return day


CLOCKS: Mapping[type[Model], Clock] = {
    facts.Order: Clock(facts.Order, "order_date"),
    facts.Refund: Clock(facts.Refund, "refund_date"),
    facts.Traffic: Clock(facts.Traffic, "date", by_nature=True),
    facts.SessionEvent: Clock(facts.Session, "date", by_nature=True),
    facts.Spend: Clock(facts.Spend, "date", by_nature=True),
    facts.Review: Clock(facts.Review, "review_date"),
    facts.Ticket: Clock(facts.Ticket, "opened_at", is_time=True),
    facts.SurveyAnswer: Clock(facts.SurveyAnswer, "answered_at", is_time=True),
    facts.Referral: Clock(facts.Referral, "invited_at", is_time=True),
    facts.CustomerCampaign: Clock(facts.CustomerCampaign, "sent_at", is_time=True),
    facts.PageExperience: Clock(facts.PageExperience, "week", period="week"),
    facts.Investment: Clock(facts.Investment, "month", within="month", period="month"),
    facts.CompetitorOffer: Clock(facts.CompetitorOffer, "seen_on", within="seen_on"),
    facts.ExchangeRate: Clock(facts.ExchangeRate, "day", within="day"),
}
UNDATED = frozenset({facts.OrderLine, facts.OrderFee, facts.Customer, facts.Payment, facts.MarketIndicator})

COVERED: Mapping[str, Q] = {
    "market": ~Q(market=""),
    "channel": ~Q(channel=""),
    "device": ~Q(device=""),
    "customer": ~Q(customer=""),
    "cost": Q(cogs__isnull=False),
    "promise": Q(promised_date__isnull=False),
}  # what of an order is known


@dataclass(frozen=True)
class Found:
    """What one source has of one kind: records per day up to today, those dated later, and the last batch."""

    days: Days
    ahead: int = 0


# --- the check --------------------------------------------------------------------------------------------------------
def check(workspace: Workspace, steps: Steps, now: datetime | None = None) -> int:
    """Check every source of the workspace and keep what is found in place of the last check's; returns how many rows.

    Run it in a transaction: what it found is one picture.
    """
    now = now or timezone.now()
    last = _last_batches(workspace)
    models = {kind.model: kind.slug for kind in reversed(KINDS.values())}
    steps.step("inspecting", total=len(models))
    rows: list[SourceHealth] = []
    for model, kind in models.items():
        loaded = {source for source, loaded_kind in last if loaded_kind == kind}
        found = dict(_found(workspace, CLOCKS[model], loaded, now)) if model in CLOCKS else {}
        for source in sorted(loaded | set(found)):
            rows.append(_row(workspace, source, model, kind, found.get(source), now))
        steps.advance()
    _cover(workspace, [row for row in rows if row.kind == models[Order]], now)
    for row in rows:
        row.last_batch_id, row.last_loaded_at = last.get((row.source_id, row.kind), (None, None))
    _keep(workspace, rows)
    return len(rows)


def _last_batches(workspace: Workspace) -> dict[tuple[int, str], tuple[int, datetime]]:
    """(source, kind) -> number and time of the batch that loaded it last; a batch may hold several kinds."""
    told = "source_id", "kind", "mapping_name"  # batches alike in these hold the same kinds
    loaded = Batch.objects.filter(workspace=workspace, state=Batch.State.LOADED, loaded_at__isnull=False)
    newest: QuerySet[Any, Any] = loaded.order_by(*told, "-loaded_at").distinct(*told)
    batches = newest.values_list("source_id", "pk", "loaded_at", "plans")
    found: dict[tuple[int, str], tuple[int, datetime]] = {}
    for source, pk, loaded_at, plans in sorted(batches, key=lambda batch: batch[2]):
        found |= {(source, plan["kind"]): (pk, loaded_at) for plan in plans if plan["kind"] in KINDS}
    return found


def _keep(workspace: Workspace, rows: list[SourceHealth]) -> None:
    fields = [f.name for f in SourceHealth._meta.fields if f.name not in ("id", "workspace", "source", "kind")]
    SourceHealth.objects.bulk_create(
        sorted(rows, key=lambda row: (row.source_id, row.kind)),  # two checks at once lock in one order
        update_conflicts=True,
        unique_fields=["source", "kind"],
        update_fields=fields,
    )
    kept = {(row.source_id, row.kind) for row in rows}
    known = SourceHealth.objects.filter(workspace=workspace).values_list("pk", "source_id", "kind")
    gone = [pk for pk, source, kind in known if (source, kind) not in kept]
    SourceHealth.objects.filter(pk__in=gone).delete()


# --- records per day --------------------------------------------------------------------------------------------------
def _found(workspace: Workspace, clock: Clock, loaded: set[int], now: datetime) -> Iterator[tuple[int, Found]]:
    """(source, its records per day over SHOWN_DAYS up to its newest), for each source that has ever had any."""
    today = calendar.today(workspace, now)
    since = week_start(today, workspace.first_weekday) - LOOK_BACK
    recent = _per_day(_records(workspace, clock).filter(**{f"{clock.within}__gte": since}), workspace, clock)
    for source in loaded | set(recent):
        days = recent.get(source, Days())
        past = Days({day: count for day, count in days.items() if day <= today})
        ahead = days.total() - past.total()
        newest = max(past, default=None) or _newest_before(workspace, clock, source, since)
        if newest and newest < today - timedelta(days=6):  # the first look does not reach back SHOWN_DAYS from there
            past = _days_to(workspace, clock, source, newest)
        if past or ahead:
            yield source, Found(_shown(clock, past, today), ahead)


def _records(workspace: Workspace, clock: Clock) -> "QuerySet[Any]":
    """The workspace's records of a fact."""
    records: QuerySet[Any] = clock.model._default_manager.filter(workspace=workspace)
    return records


def _per_day(records: "QuerySet[Any]", workspace: Workspace, clock: Clock) -> dict[int, Days]:
    """source -> date -> number of records."""
    grouped = records.annotate(on_day=clock.on_day(workspace)).values_list("source_id", "on_day").order_by()
    found: dict[int, Days] = defaultdict(Counter)
    for source, day, count in grouped.annotate(n=Count("pk")):
        found[source][day] += count
    return dict(found)


def _days_to(workspace: Workspace, clock: Clock, source: int, newest: date) -> Days:
    """The source's records per day around its newest."""
    bounds = {f"{clock.within}__gte": newest - LOOK_BACK - timedelta(days=31), f"{clock.within}__lte": newest}
    records = _records(workspace, clock).filter(source_id=source, **bounds)
    return _per_day(records, workspace, clock).get(source, Days())


def _newest_before(workspace: Workspace, clock: Clock, source: int, before: date) -> date | None:
    """The day of the source's last record before a date; found by looking back in steps that double."""
    span = LOOK_BACK
    while before.year > FIRST_YEAR:
        first = date.fromordinal(max((before - span).toordinal(), 1))
        bounds = {f"{clock.within}__gte": first, f"{clock.within}__lt": before}
        records = _records(workspace, clock).filter(source_id=source, **bounds)
        if newest := records.aggregate(newest=Max(clock.on_day(workspace)))["newest"]:
            return newest
        before, span = first, 2 * span
    return None


def _shown(clock: Clock, days: Days, today: date) -> Days:
    """The SHOWN_DAYS up to the newest, each record on the last day of its period that has been."""
    ended = Days({min(clock.last_day(day), today): count for day, count in days.items()})
    first = max(ended, default=date.max) - timedelta(days=SHOWN_DAYS - 1)
    return Days({day: count for day, count in ended.items() if day >= first})


# --- what they say ----------------------------------------------------------------------------------------------------
def _row(
    workspace: Workspace, source: int, model: type[Model], kind: str, found: Found | None, now: datetime
) -> SourceHealth:
    """What is kept of one source and kind; coverage and the last batch are filled in later."""
    row = SourceHealth(workspace=workspace, source_id=source, kind=kind, computed_at=now)
    if found is None:
        return row
    days, clock = found.days, CLOCKS[model]
    row.ahead, row.records = found.ahead, days.total()
    row.oldest_day, row.newest_day = min(days, default=None), max(days, default=None)
    row.days = {day.isoformat(): count for day, count in sorted(days.items())}
    is_daily = clock.by_nature or (clock.period == "day" and rhythm.usual_day(days) >= rhythm.DAILY_FROM)
    row.pause_days = 0 if is_daily else rhythm.usual_pause(days)
    if is_daily:
        row.gaps = [[gap.first.isoformat(), gap.last.isoformat(), gap.days] for gap in rhythm.gaps(days)]
    if clock.period == "day":
        row.volume = _volume(workspace, days, now)
    return row


def _volume(workspace: Workspace, days: Days, now: datetime) -> dict[str, Any]:
    """The newest whole week against the usual, as plain data; how many weeks there are when they are too few."""
    week = rhythm.newest_whole_week(days, calendar.last_complete_week(workspace, now))
    found = rhythm.volume(days, week)
    if isinstance(found, Unavailable):
        return {"have": found.n, "needed": found.needed}
    return {**asdict(found), "week": found.week.isoformat()}


def _cover(workspace: Workspace, rows: list[SourceHealth], now: datetime) -> None:
    """Fill in, for each source with orders, of how many what is known in its last eight whole weeks."""
    complete = calendar.last_complete_week(workspace, now)
    by_week: dict[date, list[SourceHealth]] = defaultdict(list)
    for row in rows:
        if row.newest_day:
            by_week[min(complete, week_start(row.newest_day, workspace.first_weekday))].append(row)
    for week, same in by_week.items():
        found = {counts["source_id"]: counts for counts in _known(workspace, week, [row.source_id for row in same])}
        for row in same:
            row.coverage = _coverage(week, found.get(row.source_id))


def _known(workspace: Workspace, week: date, sources: list[int]) -> Iterator[Mapping[str, int]]:
    """Per source: its counted orders of the eight weeks up to `week`, and of how many each thing is known."""
    weeks = {"week__gte": week - timedelta(weeks=COVERED_WEEKS - 1), "week__lte": week}
    orders = Order.objects.filter(workspace=workspace, counts=True, source_id__in=sources, **weeks)
    counts = {f"known_{name}": Count("pk", filter=known) for name, known in COVERED.items()}
    rows: QuerySet[Any] = orders.order_by().values("source_id").annotate(orders=Count("pk"), **counts)
    return rows.iterator()


def _coverage(week: date, counts: Mapping[str, int] | None) -> dict[str, Any]:
    if counts is None:
        return {}
    first, last = week - timedelta(weeks=COVERED_WEEKS - 1), week + timedelta(days=6)
    known = {name: counts[f"known_{name}"] for name in COVERED}
    return {"first": first.isoformat(), "last": last.isoformat(), "orders": counts["orders"], "known": known}
