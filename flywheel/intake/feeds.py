"""Feeds: tables that a loader writes, read on schedule. What is new becomes a file, and the file an ordinary batch.

The cursor moves only when that batch has loaded; a rejected one leaves it, with the reason on the feed, so that the
rows are read again once they have been put right.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from flywheel import jobs
from flywheel.accounts.models import Workspace
from flywheel.facts.models import Source
from flywheel.intake import batches, tables
from flywheel.intake.batches import Reporter
from flywheel.intake.formats.base import MADE_MARK
from flywheel.intake.kinds import KINDS
from flywheel.intake.models import Batch, Feed
from flywheel.intake.plans import FORMAT_OPTIONS, Plan, by_header, plan_of
from flywheel.intake.reading import FileProblemError, Format
from flywheel.intake.recognising import guess
from flywheel.intake.reports import report
from flywheel.intake.tables import NUMBERS, TIMES, Table, TableProblemError
from flywheel.intake.words import expected

WRITTEN = Format("utf-8", ",")  # what `tables.export` writes
REPEAT_AFTER = timedelta(hours=24)  # rows that were rejected and have not changed; rates may have come meanwhile
ABANDONED_AFTER = timedelta(hours=1)  # a draft that `manage.py run_feed` would be loading
ERROR_LINES = 5  # of a rejected batch's report; its page has all
log = structlog.get_logger(__name__)


# --- making feeds -----------------------------------------------------------------------------------------------------
def add(
    source: Source,
    table_name: str,
    kind: str,
    mapping: str = "",
    cursor: str = "",
    every_minutes: int = 60,
    name: str = "",
) -> tuple[Feed, Table]:
    """A feed of `shop.orders`, and the table as it was found; raises TableProblemError."""
    schema, table_part = tables.split(table_name)
    with tables.connected() as conn:
        table = tables.found(conn, schema, table_part)
        cursor_column = tables.cursor_of(table, cursor)
        tables.unread(conn, table, cursor_column, "")  # whether new rows can be told at all
    plan = _plan(source.workspace, table, kind, mapping)
    name = name or f"{source.workspace.slug}.{table_name}"
    if Feed.objects.filter(name=name).exists():
        raise TableProblemError(_("There is a feed %(name)s already; give this one another name.") % {"name": name})
    feed = Feed.objects.create(
        workspace=source.workspace,
        source=source,
        name=name,
        schema=schema,
        table=table_part,
        plan=plan.as_data,
        cursor_column=cursor_column,
        every_minutes=every_minutes,
    )
    return feed, table


def _plan(workspace: Workspace, table: Table, kind: str, mapping: str) -> Plan:
    """How the table's columns are read: by a saved mapping, or by their names."""
    names = [name for name in table.columns if not name.startswith("_dlt_")]
    plan = _mapped(workspace, names, kind, mapping) if mapping else by_header(KINDS[kind], names)
    for name, column in plan.columns.items():
        _check_type(plan, name, column, table.columns.get(column, ""))
    options = {"decimal": "."} | {key: value for key, value in plan.options.items() if key not in FORMAT_OPTIONS}
    plan = replace(plan, options=WRITTEN.options | options, format="")
    try:
        plan.check(names)
    except FileProblemError as problem:
        words = {"column": problem.column, "expected": expected(problem.code, problem.detail)}
        raise TableProblemError(_("%(column)s: expected %(expected)s.") % words) from problem
    return plan


def _mapped(workspace: Workspace, names: list[str], kind: str, mapping: str) -> Plan:
    """The mapping's plan for the kind; a feed reads one, as versions of a row are told apart by its key."""
    found = guess(workspace, names, name=mapping)
    plans = [plan for plan in found.plans if kind in ("", plan.kind.slug)] if found else []
    if found is None or len(plans) != 1:
        kinds = ", ".join(plan.kind.slug for plan in found.plans) if found else ""
        words = {"name": mapping, "kinds": kinds}
        raise TableProblemError(_("The mapping %(name)s reads %(kinds)s: choose one of them as the kind.") % words)
    if found.renamed:
        words = {"name": mapping, "columns": ", ".join(old for old, _new in found.renamed)}
        raise TableProblemError(_("Columns of the mapping %(name)s are missing: %(columns)s.") % words)
    (plan,) = plans
    if plan.sums or plan.is_spread or any(column.startswith(MADE_MARK) for column in plan.columns.values()):
        words = {"name": mapping}
        raise TableProblemError(_("The mapping %(name)s works values out, which is for files only.") % words)
    return plan


def _check_type(plan: Plan, name: str, column: str, kind: str) -> None:
    """Raise TableProblemError where the mapping's signs are those of texts, and the column is none."""
    decimal, pattern = plan.options.get("decimal", "."), plan.options.get("date_format", "")
    if kind in NUMBERS and decimal != ".":
        words = {"column": column, "sign": decimal}
        raise TableProblemError(_("%(column)s holds numbers, but the mapping's decimal sign is %(sign)s.") % words)
    if kind in TIMES and pattern and plan.kind.by_name[name].type in {"timestamp", "deadline", "date"}:
        words = {"column": column, "pattern": pattern}
        raise TableProblemError(_("%(column)s holds times, but the mapping reads %(pattern)s.") % words)


# --- on schedule ------------------------------------------------------------------------------------------------------
def start_due(now: datetime) -> int:
    """Settle what is over, and start a job for each feed whose time has come; returns how many."""
    settle_all()
    idle = Feed.objects.filter(enabled=True, reached="").select_related("workspace")
    due = [feed for feed in idle if _is_due(feed, now)]
    for feed in due:
        jobs.start(feed.workspace, "feed", {"feed": feed.pk}, once=True)
    return len(due)


def _is_due(feed: Feed, now: datetime) -> bool:
    return feed.last_run_at is None or feed.last_run_at + timedelta(minutes=feed.every_minutes) <= now


def settle_all() -> None:
    """Settle every feed whose batch was under way."""
    for feed in Feed.objects.exclude(reached="").select_related("workspace", "batch__job"):
        settle(feed)


def settle(feed: Feed) -> None:
    """Move the cursor when the feed's batch has loaded; else say on the feed why it has not. Safe to run again."""
    if not feed.reached or (feed.batch and _is_under_way(feed.batch)):
        return
    waiting = Feed.objects.filter(pk=feed.pk, reached=feed.reached, batch=feed.batch)
    if feed.batch and feed.batch.loaded_at:
        waiting.update(cursor=feed.reached, reached="", last_error="")
    else:
        waiting.update(reached="", last_error=_why(feed))
    feed.refresh_from_db()


def _is_under_way(batch: Batch) -> bool:
    if batch.state == Batch.State.DRAFT:
        return timezone.now() - batch.created_at < ABANDONED_AFTER
    return not batch.is_over


def _why(feed: Feed) -> str:
    with override(feed.workspace.language):
        if feed.batch is None:
            return _("Its batch has been deleted.")
        return "\n".join(report(feed.batch)[:ERROR_LINES])


# --- reading ----------------------------------------------------------------------------------------------------------
def read(feed: Feed, reporter: Reporter, by_hand: bool = False, again: bool = False) -> Batch | None:
    """A batch of what is new in the feed's table; None when nothing is, or a batch is under way already.

    Its job is started, except `by_hand`, when the caller loads it. Rows that are as they were when they were rejected
    are read `again` when asked for, by hand, or a day later.

    Raises TableProblemError, with the reason kept on the feed.
    """
    settle(feed)
    if feed.reached:
        return None
    Feed.objects.filter(pk=feed.pk).update(last_run_at=timezone.now())
    path = batches.new_path(feed.workspace, f"{feed.schema}.{feed.table}.csv")
    batch = None
    try:
        batch = _read(feed, path, reporter, by_hand, again or by_hand)
    except TableProblemError as problem:
        Feed.objects.filter(pk=feed.pk).update(last_error=str(problem))
        raise
    finally:
        if batch is None:
            path.unlink(missing_ok=True)
    return batch


def _read(feed: Feed, path: Path, reporter: Reporter, by_hand: bool, again: bool) -> Batch | None:
    plan = plan_of(feed.plan)
    reporter.step("fetching")
    with tables.connected() as conn:
        table = tables.found(conn, feed.schema, feed.table)
        rows = tables.unread(conn, table, tables.cursor_of(table, feed.cursor_column), feed.cursor)
        count = tables.export(conn, table, plan, rows, path, reporter.advance) if rows else 0
    if rows is None or not count:
        reached = rows.reached if rows else feed.cursor
        Feed.objects.filter(pk=feed.pk, cursor=feed.cursor, reached="").update(cursor=reached, last_error="")
        return None
    if not again and _was_rejected(feed, path):
        return None
    return _bound(feed, plan, path, rows.reached, reporter, by_hand)


@transaction.atomic
def _bound(feed: Feed, plan: Plan, path: Path, reached: str, reporter: Reporter, by_hand: bool) -> Batch | None:
    """The batch of the rows that were read, unless another process has read the feed meanwhile."""
    now = Feed.objects.select_for_update().get(pk=feed.pk)
    if (now.cursor, now.reached, now.batch_id) != (feed.cursor, "", feed.batch_id):
        return None
    if feed.batch and not feed.batch.loaded_at:
        Path(feed.batch.path).unlink(missing_ok=True)  # started again, it would put these older rows over newer ones
    batch = batches.create(feed.source, plan, path, f"{feed.schema}.{feed.table}.csv")
    Feed.objects.filter(pk=feed.pk).update(batch=batch, reached=reached)
    if not by_hand:
        batches.start(batch)
    log.info("feed.read", feed=feed.name, batch=batch.pk, reached=reached)
    reporter.hold()
    return batch


def _was_rejected(feed: Feed, path: Path) -> bool:
    """Whether the feed's last batch was rejected, lately, with these very rows."""
    last = feed.batch
    return (
        last is not None
        and last.state == Batch.State.REJECTED
        and timezone.now() - last.created_at < REPEAT_AFTER
        and last.digest == batches.digest_of(path)
    )
