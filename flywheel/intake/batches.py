"""Batches: a file becomes one, and lands whole or not at all."""

import gc
import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from pathlib import Path
from typing import IO, Protocol

import structlog
from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.text import slugify
from psycopg.errors import QueryCanceled

from flywheel import jobs
from flywheel.accounts.models import User, Workspace
from flywheel.facts import rates, upkeep
from flywheel.facts import undo as facts_undo
from flywheel.facts.models import ExchangeRate, Source
from flywheel.facts.rerating import TooLargeError
from flywheel.intake import survey
from flywheel.intake.badrows import BadRows
from flywheel.intake.findings import Findings, Sink, record_column
from flywheel.intake.landing import Landed, Stage
from flywheel.intake.models import Batch, RowError
from flywheel.intake.plans import Plan
from flywheel.intake.preparing import SHOWN, Issue, Preparer, reading_of
from flywheel.intake.reading import Chunk, FileProblemError, Table, found_format, opened
from flywheel.intake.shaping import as_spread, shaped

OUTCOMES = frozenset({Batch.State.LOADED, Batch.State.REJECTED, Batch.State.UNDONE})
SLUG_LENGTH = 60  # as Source.slug
KEPT_DAYS = 7  # long enough to look at a rejected file's bad rows after a weekend
PAGE_SECONDS = 2.0  # that a page waits to tell what was built on a batch, which may be of millions of records
NAME_BYTES = 180  # with the time in front below the 255 bytes of most file systems
DUPLICATES, UNREAD = "duplicates", "unread"  # keys of words.NOTES
log = structlog.get_logger(__name__)


class Reporter(Protocol):
    """Who is told how far the work is: a job's Progress, or the terminal."""

    def step(self, name: str, total: int = 0) -> None:
        """A new step of `total` parts begins."""

    def advance(self, n: int = 1) -> None:
        """`n` more parts are done."""

    def hold(self) -> None:
        """Last call inside the transaction, before it commits."""


class RejectedError(Exception):
    """The batch has bad rows: its transaction is rolled back."""


class _PartsTakenError(Exception):
    """Rows were taken of records that turned out bad: their savepoint is rolled back."""


# --- making batches -------------------------------------------------------------------------------------------------
def source_slug(name: str) -> str:
    """What tells a source from the others: its name in small letters of any script; raises ValueError without any."""
    slug = slugify(name, allow_unicode=True)[:SLUG_LENGTH]
    if not slug:
        raise ValueError(f"no letters or digits in {name!r}")
    return slug


def source_named(workspace: Workspace, name: str) -> Source:
    """The workspace's source of that name, made if it is new; raises ValueError for a name without letters."""
    slug = source_slug(name)
    renamed = Source.objects.filter(workspace=workspace, name__iexact=name).exclude(slug=slug).first()
    return renamed or Source.objects.get_or_create(workspace=workspace, slug=slug, defaults={"name": name})[0]


def last_source(workspace: Workspace, kind: str, mapping_name: str = "") -> Source | None:
    """The source that last loaded this kind of data; of files read by a mapping or format, the one of such files."""
    loaded = Batch.objects.filter(workspace=workspace, kind=kind, state=Batch.State.LOADED).select_related("source")
    same = loaded.filter(mapping_name=mapping_name) if mapping_name else loaded
    latest = same.order_by("-loaded_at").first()
    return latest.source if latest else None


def create(
    source: Source,
    plans: Plan | Sequence[Plan],
    path: Path,
    file_name: str,
    user: User | None = None,
    *,
    mapping_name: str = "",
    skips_bad_rows: bool = False,
) -> Batch:
    """A batch that waits to be confirmed, of the file at `path`, to be read by one plan or several."""
    several = (plans,) if isinstance(plans, Plan) else tuple(plans)
    return Batch.objects.create(
        workspace=source.workspace,
        source=source,
        kind=several[0].kind.slug,
        plans=[plan.as_data for plan in several],
        mapping_name=mapping_name,
        file_name=file_name[-255:],
        path=str(path),
        size=path.stat().st_size,
        digest=digest_of(path),
        skips_bad_rows=skips_bad_rows,
        created_by=user,
    )


def digest_of(path: Path) -> str:
    """What tells a file's content from any other's."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "blake2s").hexdigest()


def twin(batch: Batch) -> Batch | None:
    """The loaded batch that held the very same file, if there is one; the newest of several."""
    if not batch.digest:
        return None
    same = Batch.objects.filter(workspace=batch.workspace, digest=batch.digest, state=Batch.State.LOADED)
    return same.exclude(pk=batch.pk).select_related("source").order_by("-loaded_at").first()


def keep_file(workspace: Workspace, name: str, content: IO[bytes]) -> Path:
    """Store an uploaded file under the workspace's folder; returns where."""
    path = new_path(workspace, name)
    try:
        with path.open("wb") as target:
            shutil.copyfileobj(content, target, 1024 * 1024)
    except BaseException:  # a full disk: what is there of the file only takes more of it
        path.unlink(missing_ok=True)
        raise
    return path


def new_path(workspace: Workspace, name: str) -> Path:
    """Where a file of this name is to be stored, under the workspace's folder."""
    folder = settings.UPLOAD_DIR / str(workspace.pk)
    folder.mkdir(parents=True, exist_ok=True)
    stamp = timezone.now().strftime("%Y%m%d-%H%M%S-%f")
    return folder / f"{stamp}-{safe_name(name)}"


def safe_name(name: str) -> str:
    """The end of the name as file systems and the database take it."""
    sound = "".join(letter for letter in name if letter.isalnum() or letter in "._-").encode(errors="ignore")
    return sound[-NAME_BYTES:].decode(errors="ignore") or "file"


def start(batch: Batch, user: User | None = None) -> bool:
    """Queue the batch's job; False when it was queued, loaded or rejected already."""
    with transaction.atomic():
        waiting = Batch.objects.filter(pk=batch.pk, state__in=Batch.STARTABLE)
        claimed = waiting.update(state=Batch.State.QUEUED)
        if claimed:
            job = jobs.start(batch.workspace, "import", {"batch": batch.pk}, user=user)
            Batch.objects.filter(pk=batch.pk).update(job=job)
    batch.refresh_from_db()
    return bool(claimed)


def start_check(batch: Batch, user: User | None = None) -> None:
    """Queue the job that finds out what loading the batch would do."""
    with transaction.atomic():
        job = jobs.start(batch.workspace, "check", {"batch": batch.pk}, user=user)
        Batch.objects.filter(pk=batch.pk).update(check_job=job, checked_at=None)
    batch.refresh_from_db()


def start_undo(batch: Batch, user: User | None = None) -> None:
    """Queue the job that takes a loaded batch back."""
    with transaction.atomic():
        loaded = Batch.objects.select_for_update().filter(pk=batch.pk, state=Batch.State.LOADED)
        if loaded.exists():
            job = jobs.start(batch.workspace, "undo", {"batch": batch.pk}, user=user, once=True)
            loaded.update(job=job)
    batch.refresh_from_db()


def replan(batch: Batch, plans: Sequence[Plan], mapping_name: str = "", *, skips_bad_rows: bool = False) -> None:
    """Have a batch that waits read by other plans; one that was started meanwhile is left alone."""
    data = [plan.as_data for plan in plans]
    changed: dict[str, object] = {"mapping_name": mapping_name} if mapping_name else {}
    Batch.objects.filter(pk=batch.pk, state__in=Batch.STARTABLE).update(
        kind=plans[0].kind.slug, plans=data, skips_bad_rows=skips_bad_rows, **changed
    )
    batch.refresh_from_db()


def waiting(workspace: Workspace) -> QuerySet[Batch]:
    """The files that wait to be confirmed, oldest first."""
    drafts = Batch.objects.filter(workspace=workspace, state=Batch.State.DRAFT)
    return drafts.select_related("source", "job", "check_job", "workspace").order_by("created_at")


def discard(batch: Batch) -> bool:
    """Delete a batch that was not loaded, and its file; False when it is more than that by now."""
    with transaction.atomic():
        draft = Batch.objects.select_for_update().filter(pk=batch.pk, state=Batch.State.DRAFT).first()
        if draft is None:
            return False
        draft.delete()
    for path in (Path(batch.path), _bad_rows_path(batch, checking=True), _bad_rows_path(batch, checking=False)):
        if path.is_relative_to(settings.UPLOAD_DIR):
            path.unlink(missing_ok=True)
    return True


def bad_rows_path(batch: Batch) -> Path:
    """Where the file of the batch's bad rows is, if it has any: those found by the check, or by the load after it.

    Two files, since a check may still be writing when the load begins.
    """
    return _bad_rows_path(batch, checking=batch.state == Batch.State.DRAFT)


def _bad_rows_path(batch: Batch, checking: bool) -> Path:
    folder = settings.UPLOAD_DIR / str(batch.workspace_id)
    return folder / f"bad-rows-{batch.pk}{'-check' if checking else ''}.csv"


# --- files are personal data: none stays longer than it is needed ---------------------------------------------------
def _forget_if_loaded(batch: Batch) -> None:
    """Delete the uploaded file of a loaded batch; a file that `manage.py import` read where it was is not ours."""
    path = Path(batch.path)
    if batch.state == Batch.State.LOADED and path.is_relative_to(settings.UPLOAD_DIR):
        path.unlink(missing_ok=True)


def forget_old(now: datetime) -> int:
    """Delete uploads and files of bad rows that are older than KEPT_DAYS, except what is about to be loaded.

    The batches stay, and their pages say that the file is gone. Returns how many files were deleted.
    """
    limit = (now - timedelta(days=KEPT_DAYS)).timestamp()
    waiting = set(Batch.objects.filter(state=Batch.State.QUEUED).values_list("path", flat=True))
    old = [
        path
        for path in settings.UPLOAD_DIR.glob("*/*")
        if path.is_file() and path.stat().st_mtime < limit and str(path) not in waiting
    ]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


# --- loading --------------------------------------------------------------------------------------------------------
def load(batch: Batch, reporter: Reporter) -> Batch:
    """Load the batch's file, whole or not at all, and record the outcome on its row.

    Safe to run again: a batch that has an outcome keeps it.
    """
    if batch.state in OUTCOMES:
        _forget_if_loaded(batch)  # a worker may have died between the commit and this
        return batch
    findings = Findings()
    try:
        with _collection_paused(), transaction.atomic():
            _land(batch, reporter, findings)
    except FileProblemError as problem:
        _reject(batch, reporter, _with_problem(findings, problem))
    except RejectedError:
        _reject(batch, reporter, findings)
    batch.refresh_from_db()
    _forget_if_loaded(batch)
    log.info("batch.over", batch=batch.pk, kind=batch.kind, state=batch.state, rows=batch.rows)
    return batch


def check(batch: Batch, reporter: Reporter) -> Batch:
    """Find out what loading the batch would do, and record that on its row; nothing is loaded."""
    findings, landed = Findings(), Landed()
    try:
        with _collection_paused(), transaction.atomic():
            landed = _in_whole_records(findings, lambda: _compared(batch, reporter, findings))
    except FileProblemError as problem:
        findings = _with_problem(findings, problem)
    with transaction.atomic():
        if Batch.objects.filter(pk=batch.pk, state__in=Batch.STARTABLE, plans=batch.plans).update(
            checked_at=timezone.now(), **_counts(landed, findings)
        ):
            _keep_errors(batch, findings)
        reporter.hold()
    batch.refresh_from_db()
    return batch


def _with_problem(findings: Findings, problem: FileProblemError) -> Findings:
    """The findings led by what is wrong with the file as a whole."""
    issue = Issue(problem.line, problem.column, problem.value, problem.code, problem.detail)
    return replace(findings, first=[issue, *findings.first], bad_lines=findings.bad_lines | ({issue.line} - {0}))


@contextmanager
def _collection_paused() -> Iterator[None]:
    """Without Python's cycle collector, which otherwise walks each chunk's strings again and again (half the time)."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@dataclass(frozen=True)
class Staged:
    """One kind's rows, ready to be stored."""

    plan: Plan
    stage: Stage
    rates: rates.Version  # that their amounts were turned into the base currency by


def _land(batch: Batch, reporter: Reporter, findings: Findings) -> None:
    """Everything between reading the first byte and the commit."""
    landed = _in_whole_records(findings, lambda: _stored(batch, reporter, findings))
    if findings.is_bad and not (batch.skips_bad_rows and landed.any):
        raise RejectedError
    start_jobs_after(batch.workspace, landed)
    Batch.objects.filter(pk=batch.pk).update(
        state=Batch.State.LOADED, loaded_at=timezone.now(), **_counts(landed, findings)
    )
    _keep_errors(batch, findings)
    reporter.hold()


def _stored(batch: Batch, reporter: Reporter, findings: Findings) -> Landed:
    """The good rows of a file stored, unless there are bad ones and it must land whole."""
    landed = Landed()
    for staged in _staged(batch, reporter, findings):
        if findings.is_bad and not batch.skips_bad_rows:
            continue
        upkeep.lock(batch.workspace)
        reporter.step("storing")
        landed += staged.stage.upsert(batch.workspace, batch.source, batch.pk)
        reporter.step("upkeep")
        follow_up(batch, staged)
    return landed


def _compared(batch: Batch, reporter: Reporter, findings: Findings) -> Landed:
    """What storing the good rows would do."""
    landed = Landed()
    for staged in _staged(batch, reporter, findings, checking=True):
        landed += staged.stage.compare(batch.workspace, batch.source)
    return landed


def _in_whole_records(findings: Findings, once: Callable[[], Landed]) -> Landed:
    """What comes of the file when no row is taken of a record that has a bad one: it may take a second reading."""
    while True:
        with suppress(_PartsTakenError), transaction.atomic():
            landed = once()
            if findings.is_incomplete:
                raise _PartsTakenError
            return landed
        findings.again()


def start_jobs_after(workspace: Workspace, landed: Landed) -> None:
    """The work that a landed batch leaves to be done; late in its transaction, whose end it waits for."""
    if landed.added or landed.changed:
        jobs.start(workspace, "roll", {}, once=True)
    jobs.start(workspace, "check_sources", {}, once=True)


def follow_up(batch: Batch, staged: Staged) -> None:
    """What follows from the landed rows; raises FileProblemError for an exchange rate that no amount can stand."""
    model = staged.plan.kind.model
    try:
        upkeep.after_landing(batch.workspace, model, batch.pk)
        if model is not ExchangeRate and rates.version(batch.workspace) != staged.rates:
            upkeep.rerate(batch.workspace)  # others landed rates while this file was read
    except TooLargeError as problem:
        raise FileProblemError("rate_amount", detail=str(problem)) from problem


def _staged(batch: Batch, reporter: Reporter, findings: Findings, checking: bool = False) -> Iterator[Staged]:
    """The batch's rows, one kind of fact after the other; each must be stored or compared before the next."""
    path = Path(batch.path)
    if not batch.path or not path.exists():
        raise FileProblemError("missing_file")
    bad_path = _bad_rows_path(batch, checking)
    bad_path.parent.mkdir(parents=True, exist_ok=True)
    with BadRows(bad_path) as bad_rows:
        plans = _settled(batch, path)
        findings.tells = all(plan.only for plan in plans)
        for number, plan in enumerate(plans):
            reporter.step("reading", total=batch.size)
            with _opened(batch.workspace, path, plan, None if number else findings) as (whole, table, preparer):
                stage = Stage(plan.kind, preparer.slots, plan.sums)
                sink = Sink(findings, bad_rows, whole.header, record_column(plan, whole.header))
                bad_keys = _read(table, preparer, stage, reporter, sink)
                findings.notes.update({} if number else whole.notes)
            reporter.step("checking")
            _check_repeats(batch, stage, plan, sink, bad_keys)
            yield Staged(plan, stage, preparer.business.rates.version)
        if findings.tells:
            findings.notes[UNREAD] = findings.rows - len(findings.told)


def _settled(batch: Batch, path: Path) -> list[Plan]:
    """The batch's plans with what they leave open found from the file: encoding, delimiter, dates, decimal sign."""
    plans = batch.as_plans
    found = found_format(path, **plans[0].file_options, whole=True)
    known = [plan.with_options(plan.options | found.options) for plan in plans]
    return survey.settled(batch.workspace, path, known)


@contextmanager
def _opened(
    workspace: Workspace, path: Path, plan: Plan, findings: Findings | None = None
) -> Iterator[tuple[Table, Table, Preparer]]:
    """The file's table, the same as the plan sees it, and the one who makes its chunks ready.

    With `findings` the file's rows are counted there, whatever the plan makes of them.
    """
    reading = reading_of(workspace, plan)
    with opened(path, **plan.file_options) as whole:
        counted = replace(whole, chunks=findings.counting(whole.chunks)) if findings else whole
        table = shaped(counted, plan, reading)
        plan = as_spread(plan)
        plan.check(table.header)
        preparer = Preparer(workspace, plan, table.header)
        for name, code in preparer.fixed_problems():
            raise FileProblemError(code, column=name, value=plan.constants[name])
        yield whole, table, preparer


def _read(table: Table, preparer: Preparer, stage: Stage, reporter: Reporter, sink: Sink) -> set[str]:
    """Read the whole file into the stage, its bad rows to the sink; the keys of the bad rows."""
    findings, seen = sink.findings, 0
    bad_keys: set[str] = set()
    with stage.receiving() as store:
        for chunk in table.chunks:
            if findings.tells:
                findings.told.update(chunk.lines, (row.line for row in chunk.ragged))
            prepared = preparer.prepare(chunk)
            good, keys = sink.sorted_out(prepared)
            bad_keys |= keys
            store(good)
            findings.notes.update(prepared.rows.notes)
            reporter.advance(table.position() - seen)
            seen = table.position()
    if not findings.rows:
        raise FileProblemError("no_rows")
    return bad_keys


def _check_repeats(batch: Batch, stage: Stage, plan: Plan, sink: Sink, bad_keys: set[str]) -> None:
    """Equal keys in one file; the rows with a problem are read again for the file of the bad rows.

    Where rows of one key are added up, a bad one takes the others with it: a sum that lacks a part is wrong, and the
    part alone, loaded later, would take its place.
    """
    found = [*(stage.take_out(bad_keys) if plan.sums else []), *stage.settle_repeats()]
    issues = [replace(issue, column=plan.columns.get(issue.column, issue.column)) for issue in found]
    if issues:
        wanted = {issue.line for issue in issues}
        with _opened(batch.workspace, Path(batch.path), plan) as (_whole, table, _preparer):
            sink.add_late(_rows_at(table.chunks, wanted), issues)


def _rows_at(chunks: Iterator[Chunk], wanted: set[int]) -> dict[int, list[str]]:
    """The rows on some lines."""
    return {
        line: cells for chunk in chunks for line, cells in zip(chunk.lines, chunk.rows, strict=True) if line in wanted
    }


# --- the outcome ----------------------------------------------------------------------------------------------------
def _counts(landed: Landed, findings: Findings) -> dict[str, object]:
    """The columns of a batch that tell what became, or would become, of its rows."""
    repeated = {DUPLICATES: landed.repeated} if landed.repeated else {}
    return {
        "rows": findings.rows,
        "added": landed.added,
        "changed": landed.changed,
        "unchanged": landed.unchanged,
        "rejected": len(findings.bad_lines),
        "problems": len(findings.first),
        "notes": {**{name: count for name, count in findings.notes.items() if count}, **repeated},
    }


def _reject(batch: Batch, reporter: Reporter, findings: Findings) -> None:
    """Record what is wrong, in a transaction of its own; not on a batch that another worker has loaded meanwhile."""
    with transaction.atomic():
        rejected = Batch.objects.filter(pk=batch.pk).exclude(state=Batch.State.LOADED)
        if rejected.update(state=Batch.State.REJECTED, **_counts(Landed(), findings)):
            _keep_errors(batch, findings)
            reporter.hold()


def _keep_errors(batch: Batch, findings: Findings) -> None:
    """The first errors, in place of those that an earlier look had found."""
    RowError.objects.filter(batch=batch).delete()
    RowError.objects.bulk_create(
        RowError(
            batch=batch,
            line=issue.line,
            column=issue.column[:SHOWN],
            value=issue.value[:SHOWN],
            code=issue.code,
            detail=issue.detail[:SHOWN],
        )
        for issue in sorted(findings.first, key=lambda issue: issue.line)
    )


# --- undoing --------------------------------------------------------------------------------------------------------
class BuiltOnError(Exception):
    """The batch cannot be taken back: `batches` were built on it, newest first."""

    def __init__(self, batches: list[Batch]) -> None:
        super().__init__(", ".join(str(batch.pk) for batch in batches))
        self.batches = batches


def undo(batch: Batch, reporter: Reporter, user: User | None = None) -> Batch:
    """Take a loaded batch back: what it added goes, what it changed is as it was. Raises BuiltOnError.

    Safe to run again: a batch that is not loaded is left as it is.
    """
    with transaction.atomic():
        upkeep.lock(batch.workspace)
        batch.refresh_from_db()
        if batch.state == Batch.State.LOADED:
            reporter.step("checking")
            if later := built_on(batch):
                raise BuiltOnError(later)
            reporter.step("undoing")
            undone = facts_undo.undo(batch.workspace, batch.pk)
            Batch.objects.filter(pk=batch.pk).update(state=Batch.State.UNDONE, undone_at=timezone.now(), undone_by=user)
            if undone.deleted or undone.restored:
                jobs.start(batch.workspace, "roll", {}, once=True)
            jobs.start(batch.workspace, "check_sources", {}, once=True)
        reporter.hold()
    batch.refresh_from_db()
    return batch


def built_on(batch: Batch) -> list[Batch]:
    """The loaded batches that stand on this one, newest first: they must be undone before it.

    Also those of the same source and kind that found rows there already: which ones is not kept, and they may be ours.
    """
    later = Batch.objects.filter(
        workspace=batch.workspace, state=Batch.State.LOADED, loaded_at__gt=batch.loaded_at
    ).select_related("source")
    same = reduce(or_, (Q(plans__contains=[{"kind": plan["kind"]}]) for plan in batch.plans), Q(kind=batch.kind))
    found_there = Q(same, source=batch.source, unchanged__gt=0)
    changed = facts_undo.later_batches(batch.workspace, batch.pk)
    return list(later.filter(Q(pk__in=changed) | found_there).order_by("-loaded_at"))


def built_on_soon(batch: Batch) -> list[Batch] | None:
    """The same for a page; None when the answer takes longer than one may, so that it is left to the undo itself."""
    try:
        with transaction.atomic(), _statements_within(PAGE_SECONDS):
            return built_on(batch)
    except OperationalError as problem:
        if not isinstance(problem.__cause__, QueryCanceled):
            raise
        return None


@contextmanager
def _statements_within(seconds: float) -> Iterator[None]:
    """Statements of the transaction that take longer are cancelled."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{1000 * seconds:.0f}"])
        yield
        cursor.execute("SET LOCAL statement_timeout TO DEFAULT")
