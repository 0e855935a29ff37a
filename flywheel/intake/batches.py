"""Batches: a file becomes one, and lands whole or not at all."""

import gc
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Protocol

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from flywheel import jobs
from flywheel.accounts.models import User, Workspace
from flywheel.facts import upkeep
from flywheel.facts.models import Source
from flywheel.intake.badrows import BadRows
from flywheel.intake.landing import Landed, Stage
from flywheel.intake.models import Batch, RowError
from flywheel.intake.plans import Plan, plan_of
from flywheel.intake.preparing import SHOWN, Issue, Preparer
from flywheel.intake.reading import FileProblemError, Table, opened

SLUG_LENGTH = 60  # as Source.slug
KEPT_DAYS = 7  # long enough to look at a rejected file's bad rows after a weekend
NAME_BYTES = 180  # with the time in front below the 255 bytes of most file systems
KEPT_ERRORS = 1_000  # row errors shown; the file of the bad rows holds them all
DUPLICATES = "duplicates"  # a key of words.NOTES
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


@dataclass
class _Findings:
    """What is wrong with a file: the first issues, and the number of bad rows."""

    first: list[Issue] = field(default_factory=list)
    rows: int = 0
    bad_rows: int = 0

    def add(self, issues: list[Issue]) -> None:
        self.first.extend(issues[: KEPT_ERRORS - len(self.first)])
        self.bad_rows += len({issue.line for issue in issues})


# --- making batches -------------------------------------------------------------------------------------------------
def source_slug(name: str) -> str:
    """What tells a source from the others: its name in small letters of any script; raises ValueError without any."""
    slug = slugify(name, allow_unicode=True)[:SLUG_LENGTH]
    if not slug:
        raise ValueError(f"no letters or digits in {name!r}")
    return slug


def source_named(workspace: Workspace, name: str) -> Source:
    """The workspace's source of that name, made if it is new; raises ValueError for a name without letters."""
    return Source.objects.get_or_create(workspace=workspace, slug=source_slug(name), defaults={"name": name})[0]


def last_source(workspace: Workspace, kind: str) -> Source | None:
    """The source that last loaded this kind of data."""
    loaded = Batch.objects.filter(workspace=workspace, kind=kind, state=Batch.State.LOADED).select_related("source")
    latest = loaded.order_by("-loaded_at").first()
    return latest.source if latest else None


def create(source: Source, plan: Plan, path: Path, file_name: str, user: User | None = None) -> Batch:
    """A batch that waits to be confirmed, of the file at `path`, to be read by `plan`."""
    return Batch.objects.create(
        workspace=source.workspace,
        source=source,
        kind=plan.kind.slug,
        mapping=plan.as_data,
        file_name=file_name[-255:],
        path=str(path),
        size=path.stat().st_size,
        created_by=user,
    )


def keep_file(workspace: Workspace, name: str, content: IO[bytes]) -> Path:
    """Store an uploaded file under the workspace's folder; returns where."""
    folder = settings.UPLOAD_DIR / str(workspace.pk)
    folder.mkdir(parents=True, exist_ok=True)
    stamp = timezone.now().strftime("%Y%m%d-%H%M%S-%f")
    path = folder / f"{stamp}-{_safe_name(name)}"
    with path.open("wb") as target:
        shutil.copyfileobj(content, target, 1024 * 1024)
    return path


def _safe_name(name: str) -> str:
    """The end of the name as file systems take it."""
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


def bad_rows_path(batch: Batch) -> Path:
    """Where the file of the batch's bad rows is, if it has any."""
    folder = settings.UPLOAD_DIR / str(batch.workspace_id)
    return folder / f"bad-rows-{batch.pk}.csv"


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
    if batch.state in {Batch.State.LOADED, Batch.State.REJECTED}:
        _forget_if_loaded(batch)  # a worker may have died between the commit and this
        return batch
    findings = _Findings()
    try:
        with _collection_paused(), transaction.atomic():
            _land(batch, reporter, findings)
    except FileProblemError as problem:
        issue = Issue(problem.line, problem.column, problem.value, problem.code, problem.detail)
        bad_rows = max(findings.bad_rows, 1 if problem.line else 0)
        _reject(batch, reporter, _Findings([issue, *findings.first], findings.rows, bad_rows))
    except RejectedError:
        _reject(batch, reporter, findings)
    batch.refresh_from_db()
    _forget_if_loaded(batch)
    log.info("batch.over", batch=batch.pk, kind=batch.kind, state=batch.state, rows=batch.rows)
    return batch


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


def _land(batch: Batch, reporter: Reporter, findings: _Findings) -> None:
    """Everything between reading the first byte and the commit."""
    plan = plan_of(batch.kind, batch.mapping)
    path = Path(batch.path)
    if not path.exists():
        raise FileProblemError("missing_file")
    reporter.step("reading", total=batch.size)
    with opened(path, **plan.format_options, whole=True) as table:
        plan.check(table.header)
        preparer = _preparer(batch.workspace, plan, table)
        stage = Stage(plan.kind, preparer.slots)
        notes = _read(batch, table, preparer, stage, reporter, findings)
    reporter.step("checking")
    _check_repeats(batch, stage, plan, findings)
    if findings.bad_rows:
        raise RejectedError
    upkeep.lock(batch.workspace)
    reporter.step("storing")
    landed = stage.upsert(batch.workspace, batch.source, batch.pk)
    reporter.step("upkeep")
    upkeep.after_landing(batch.workspace, plan.kind.model)
    if landed.added or landed.changed:
        jobs.start(batch.workspace, "roll", {}, once=True)
    _record(batch, landed, findings.rows, notes)
    reporter.hold()


def _preparer(workspace: Workspace, plan: Plan, table: Table) -> Preparer:
    preparer = Preparer(workspace, plan, table.header)
    for name, code in preparer.fixed_problems():
        raise FileProblemError(code, column=name, value=plan.constants[name])
    return preparer


def _read(
    batch: Batch, table: Table, preparer: Preparer, stage: Stage, reporter: Reporter, findings: _Findings
) -> dict[str, int]:
    """Read the whole file into the stage; after the first bad row go on only to find the others."""
    notes: dict[str, int] = {}
    seen = 0
    with _bad_rows(batch, table.header) as bad_rows, stage.receiving() as store:
        for chunk in table.chunks:
            prepared = preparer.prepare(chunk)
            findings.rows += len(chunk.rows) + len(chunk.ragged)
            findings.add(prepared.issues)
            if prepared.issues:
                bad_rows.add(prepared.bad_cells, prepared.issues)
            elif not findings.bad_rows:
                store(prepared)
            for name, count in prepared.rows.notes.items():
                notes[name] = notes.get(name, 0) + count
            reporter.advance(table.position() - seen)
            seen = table.position()
    if not findings.rows:
        raise FileProblemError("no_rows")
    return notes | table.notes


def _bad_rows(batch: Batch, header: list[str]) -> BadRows:
    path = bad_rows_path(batch)
    path.parent.mkdir(parents=True, exist_ok=True)
    return BadRows(path, header)


def _check_repeats(batch: Batch, stage: Stage, plan: Plan, findings: _Findings) -> None:
    """Equal keys in one file; the rows that contradict each other are read again for the file of the bad rows."""
    if findings.bad_rows:
        return
    issues = stage.settle_repeats()
    if not issues:
        return
    key = plan.columns.get(plan.kind.key[0], plan.kind.key[0])
    issues = [Issue(issue.line, key, issue.value, issue.code, issue.detail) for issue in issues]
    findings.add(issues)
    wanted = {issue.line for issue in issues}
    with opened(Path(batch.path), **plan.format_options, whole=True) as table:
        rows = {
            line: cells
            for chunk in table.chunks
            for line, cells in zip(chunk.lines, chunk.rows, strict=True)
            if line in wanted
        }
        with _bad_rows(batch, table.header) as bad_rows:
            bad_rows.add(rows, issues)


def _record(batch: Batch, landed: Landed, rows: int, notes: dict[str, int]) -> None:
    if landed.repeated:
        notes[DUPLICATES] = landed.repeated
    Batch.objects.filter(pk=batch.pk).update(
        state=Batch.State.LOADED,
        rows=rows,
        added=landed.added,
        changed=landed.changed,
        unchanged=landed.unchanged,
        rejected=0,
        notes=notes,
        loaded_at=timezone.now(),
    )


def _reject(batch: Batch, reporter: Reporter, findings: _Findings) -> None:
    """Record what is wrong, in a transaction of its own; not on a batch that another worker has loaded meanwhile."""
    with transaction.atomic():
        rejected = Batch.objects.filter(pk=batch.pk).exclude(state=Batch.State.LOADED)
        if not rejected.update(
            state=Batch.State.REJECTED,
            rows=findings.rows,
            added=0,
            changed=0,
            unchanged=0,
            rejected=findings.bad_rows,
        ):
            return
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
        reporter.hold()
