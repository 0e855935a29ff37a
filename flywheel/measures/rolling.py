"""Facts to weekly measures: re-rolls the weeks whose facts have changed, and only those."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from django.db import connection, models, transaction

from engines import rollups
from flywheel.accounts.models import Workspace
from flywheel.facts.models import DirtyWeek, Rollup
from flywheel.measures import restating
from flywheel.measures.models import (
    AftersalesWeek,
    CohortMonth,
    CohortWeek,
    ConversionWeek,
    DurationWeek,
    FollowUpWeek,
    MarketWeek,
    PaymentWeek,
    StatusWeek,
)

LOCK = 0x524F4C4C  # "ROLL": the first half of the advisory lock's key, the workspace is the second
WEEK = timedelta(days=7)
Span = tuple[date, date]


class Steps(Protocol):
    """What a roll tells of its progress (flywheel.jobs gives one to a job's handler)."""

    def step(self, name: str, total: int = 0) -> None:
        """A new step of `total` parts begins."""

    def advance(self, n: int = 1) -> None:
        """`n` more parts are done."""


@dataclass(frozen=True, slots=True)
class Target:
    """A measure table, the SQL text that fills it, and the column its spans are in.

    `ages`: its weeks change by growing older, which is no restatement. `packed`: the columns of the text that become
    one column `counts` of the table, a row for each of the other columns' values.
    """

    model: type[models.Model]
    text: str
    column: str = "week"
    by_month: bool = False
    ages: bool = False
    packed: tuple[str, ...] = ()

    def spans(self, weeks: Iterable[date]) -> list[Span]:
        """The spans to roll again for these weeks: of weeks, or of the months they touch."""
        return month_spans(weeks) if self.by_month else week_spans(weeks)


TARGETS: dict[str, tuple[Target, ...]] = {
    Rollup.MARKET: (Target(MarketWeek, "market"),),
    Rollup.CONVERSION: (
        Target(ConversionWeek, "conversion"),
        Target(StatusWeek, "statuses"),
        Target(PaymentWeek, "payments"),
    ),
    Rollup.AFTERSALES: (
        Target(AftersalesWeek, "aftersales"),
        Target(FollowUpWeek, "followups", ages=True),
        Target(DurationWeek, "durations", ages=True, packed=("bucket", "facts")),
    ),
    Rollup.COHORTS: (
        Target(CohortWeek, "cohorts"),
        Target(CohortMonth, "cohort_months", column="cohort", by_month=True),
    ),
}


def roll_dirty_weeks(workspace: Workspace, progress: Steps | None = None) -> int:
    """Roll the dirty weeks of `workspace` again, in one transaction; how many there were.

    Rolling is a delete and an insert from the facts, so doing it twice gives the same. One roll at a time per
    workspace; facts that land meanwhile leave their weeks dirty for the next.
    """
    freshen_statistics()
    with transaction.atomic():
        _lock(workspace)
        return _roll_all(workspace, progress)


def freshen_statistics() -> None:
    """Let the planner see a fact table that has grown by a fifth since it was last counted.

    Right after a first load it would take 200,000 rows for five, and join them row by row. Called before the
    transaction of a roll where there is one, since the table stays locked against VACUUM until the commit.
    """
    with connection.cursor() as cursor:
        cursor.execute(_GROWN_TABLES)
        for (table,) in cursor.fetchall():
            cursor.execute(f"ANALYZE {connection.ops.quote_name(table)}")


_GROWN_TABLES = """
SELECT c.relname
FROM pg_class AS c
WHERE c.relname LIKE 'facts\\_%' AND c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
    AND pg_relation_size(c.oid) > (1.2 * c.relpages + 10) * current_setting('block_size')::int
ORDER BY c.relname
"""  # pages on disk are always exact; the counters of pg_stat_user_tables lag by seconds


def _roll_all(workspace: Workspace, progress: Steps | None) -> int:
    dirty = _take_dirty_weeks(workspace)
    plan = [(target, span) for name, weeks in dirty.items() for target in TARGETS[name] for span in target.spans(weeks)]
    if progress:
        progress.step("rolling", total=len(plan))
    for target, span in plan:
        _roll(workspace, target, span)
        if progress:
            progress.advance(1)
    for name in dirty.keys() & restating.WATCHED.keys():
        for span in week_spans(dirty[name]):
            restating.note(workspace, name, [target.model for target in TARGETS[name] if not target.ages], span)
    return sum(len(weeks) for weeks in dirty.values())


def week_spans(weeks: Iterable[date]) -> list[Span]:
    """First and last week of each run of consecutive weeks."""
    return list(_runs(sorted(set(weeks)), _next_week))


def month_spans(weeks: Iterable[date]) -> list[Span]:
    """First and last month of each run of consecutive months that the weeks touch (a week may touch two)."""
    months = {day.replace(day=1) for week in weeks for day in (week, week + timedelta(days=6))}
    return list(_runs(sorted(months), _next_month))


def _next_week(week: date) -> date:
    return week + WEEK


def _next_month(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _runs(days: list[date], following: Callable[[date], date]) -> Iterator[Span]:
    """First and last of each run in sorted `days` where every day is the one `following` the day before it."""
    if not days:
        return
    first = last = days[0]
    for day in days[1:]:
        if day != following(last):
            yield first, last
            first = day
        last = day
    yield first, last


def _lock(workspace: Workspace) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, workspace.pk])


def _take_dirty_weeks(workspace: Workspace) -> dict[str, list[date]]:
    """Delete the workspace's dirty weeks and give them back by roll-up.

    They are locked in the order of their key, the order in which a landing batch writes them. A batch that has
    written one of them holds it until it commits, so its facts are seen by the roll that follows.
    """
    mine = DirtyWeek.objects.filter(workspace=workspace)
    taken = list(mine.select_for_update().order_by("rollup", "week").values_list("pk", "rollup", "week"))
    mine.filter(pk__in=[pk for pk, _, _ in taken]).delete()
    weeks: dict[str, list[date]] = defaultdict(list)
    for _, rollup, week in taken:
        weeks[rollup].append(week)
    return dict(weeks)


def _roll(workspace: Workspace, target: Target, span: Span) -> None:
    first, last = span
    target.model._default_manager.filter(
        workspace=workspace, **{f"{target.column}__gte": first, f"{target.column}__lte": last}
    ).delete()
    with connection.cursor() as cursor:
        cursor.execute(insert_sql(target), {"workspace": workspace.pk, "first": first, "last": last})


def insert_sql(target: Target) -> str:
    """The statement that fills a measure table, with psycopg's named parameters workspace, first and last."""
    meta = target.model._meta
    columns = [field.attname for field in meta.concrete_fields if not field.primary_key]
    if target.packed:
        return f"INSERT INTO {meta.db_table} ({', '.join(columns)})\n{_packed(target, columns)}"
    return f"INSERT INTO {meta.db_table} ({', '.join(columns)})\n{select_sql(target, columns)}"


def select_sql(target: Target, columns: Sequence[str]) -> str:
    """The statement that gives these columns of a roll-up's text, with psycopg's named parameters."""
    text = re.sub(r":(workspace|first|last)\b", r"%(\1)s", rollups.text(target.text))
    return f"SELECT {', '.join(columns)} FROM (\n{text}) AS rolled"  # noqa: S608 (columns of a measure table)


def _packed(target: Target, columns: Sequence[str]) -> str:
    keys = ", ".join(column for column in columns if column != "counts")
    pair = " || ".join(f"int4send({column}::integer)" for column in target.packed)
    rows = select_sql(target, [keys, *target.packed])
    packing = f"string_agg({pair}, '' ORDER BY {target.packed[0]}) AS counts"
    return f"SELECT {keys}, {packing} FROM ({rows}) AS spread GROUP BY {keys}"  # noqa: S608 (as above)
