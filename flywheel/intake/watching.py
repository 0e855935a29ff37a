"""The watched folder: files that scripts drop become batches, and come back with a report.

    WATCH_DIR/<workspace>/<source>/orders.csv                        dropped
    WATCH_DIR/<workspace>/<source>/.taken/<time>-orders.csv          its batch is under way
    WATCH_DIR/<workspace>/<source>/.done/<time>-orders.csv           loaded, with <time>-orders.csv.report.txt
    WATCH_DIR/<workspace>/<source>/.rejected/<time>-orders.csv       not loaded, with its report

Several processes may look at once. A file is claimed by renaming it, which only one can do; its row in WatchedFile is
committed with its batch. A claimed file without a row was left by a process that died, and is taken up again. Files
of one source and kind are loaded one after another, oldest first: of two exports of one order the newer must win.
Whoever can write here may be anyone's script: links are not followed, and nothing is written over.
"""

import hashlib
import os
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from flywheel.accounts.models import Workspace
from flywheel.facts.models import Source
from flywheel.intake import batches
from flywheel.intake.models import Batch, WatchedFile
from flywheel.intake.reading import FileProblemError
from flywheel.intake.recognising import Guess, first_guess
from flywheel.intake.reports import report
from flywheel.intake.words import expected

ENDINGS = (".csv", ".tsv", ".txt", ".xlsx", ".gz", ".zip")
QUIET_SECONDS = 10  # since the last write; a slow upload pauses for less
REMEMBERED_SECONDS = 3600  # how a file looked; a look comes twice a minute
SOURCE_NAME = 120  # characters, as Source.name
TAKEN, DONE, REJECTED = ".taken", ".done", ".rejected"
log = structlog.get_logger(__name__)


class RefusedError(Exception):
    """The file cannot become a batch; the message is its report."""


def look() -> None:
    """Take what is new in the watched folder, start what has its turn, and report what is over."""
    root = settings.WATCH_DIR
    if root is None:
        return
    if not root.is_dir() and _is_first("absent", root):
        log.warning("watch.no_folder", folder=str(root))
    for workspace, folder in _sources(root):
        for path in _files(folder):
            if _is_whole(path):
                _claim(path)
        for path in _files(folder / TAKEN):
            if not _take(workspace, root, path):
                break  # its turn comes again, and later ones must not overtake it
    _report_all(root)
    _start_waiting()


# --- what is there ----------------------------------------------------------------------------------------------------
def _sources(root: Path) -> Iterator[tuple[Workspace, Path]]:
    """Every source's folder, with its workspace."""
    for folder in _folders(root):
        workspace = Workspace.objects.filter(slug=folder.name).first()
        if workspace:
            yield from ((workspace, source) for source in _folders(folder))
        elif _is_first("unknown", folder):
            log.warning("watch.unknown_workspace", folder=folder.name)


def _folders(parent: Path) -> list[Path]:
    """The folders in a folder whose names are text; the database cannot hold others."""
    found = (entry for entry in _entries(parent) if entry.is_dir(follow_symlinks=False))
    return sorted(Path(entry) for entry in found if entry.name.isprintable())


def _files(folder: Path) -> list[Path]:
    """The files to be loaded in a folder, oldest first; hidden and unfinished ones have other names."""
    found = [entry for entry in _entries(folder) if entry.name.lower().endswith(ENDINGS)]
    aged = []
    for entry in found:
        with suppress(FileNotFoundError):
            if entry.is_file(follow_symlinks=False):
                aged.append((entry.stat(follow_symlinks=False).st_mtime_ns, entry.name))
    in_order = sorted(aged, key=lambda one: one[1]) if folder.name == TAKEN else sorted(aged)
    return [folder / name for _time, name in in_order]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    if folder.is_symlink() or not folder.is_dir():
        return []
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        log.warning("watch.unreadable", folder=str(folder), error=str(error))
        return []


def _is_first(what: str, path: Path) -> bool:
    """Whether this is to be said about this path now, as nobody has said it before."""
    return cache.add(_cache_key(what, path), True, timeout=None)


def _is_whole(path: Path) -> bool:
    """Whether the file is as it was at the previous look, and nobody has written to it for a while."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    key, shape = _cache_key("seen", path), (found.st_ino, found.st_size, found.st_mtime_ns)
    before = cache.get(key)
    cache.set(key, shape, REMEMBERED_SECONDS)
    quiet = abs(time.time() - found.st_mtime) > QUIET_SECONDS  # a clock ahead of ours must not keep it for ever
    return before == shape and quiet


def _cache_key(what: str, path: Path) -> str:
    return f"watch-{what}-{hashlib.sha256(os.fsencode(path)).hexdigest()}"


# --- taking -----------------------------------------------------------------------------------------------------------
def _claim(path: Path) -> None:
    """Move the file to where taken ones are, under a name of its own; another process may have been quicker."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
    try:
        path.rename(_own_folder(path.parent, TAKEN) / f"{stamp}-{batches.safe_name(path.name)}")
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("watch.not_taken", file=str(path), error=str(error))


def _own_folder(folder: Path, name: str) -> Path:
    """A folder of ours beside the dropped files; raises NotADirectoryError when something else has its name."""
    own = folder / name
    own.mkdir(exist_ok=True)
    if own.is_symlink():
        raise NotADirectoryError(f"{own} is a link.")
    return own


def _take(workspace: Workspace, root: Path, path: Path) -> bool:
    """Make the claimed file a batch, unless it is one already; False when it has to wait."""
    place = str(path.relative_to(root))
    try:
        try:
            return _take_once(workspace, path, place)
        except RefusedError as refused:
            _put_away(path, REJECTED, [f"{_given_name(path)}: {refused}"])
            return True
    except OSError as error:  # a full disk: it stays, and is tried again
        log.warning("watch.not_taken", file=place, error=str(error))
        return False
    except Exception:  # whatever is wrong with one source's file must not stop the others'
        log.exception("watch.not_taken", file=place)
        return False


def _take_once(workspace: Workspace, path: Path, place: str) -> bool:
    with override(workspace.language), transaction.atomic():
        if not _lock(place):
            return False
        if path.exists() and not WatchedFile.objects.filter(place=place).exists():
            batch = _batch(workspace, path.parent.parent.name, path)
            WatchedFile.objects.create(workspace=workspace, place=place, batch=batch)
            log.info("watch.taken", file=place, batch=batch.pk)
        return True


def _lock(place: str) -> bool:
    """Keep other processes from this file until the transaction ends; False when one has it."""
    number = int.from_bytes(hashlib.sha256(place.encode()).digest()[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        return bool(cursor.fetchone()[0])


def _batch(workspace: Workspace, source_name: str, path: Path) -> Batch:
    """The batch of a copy of the file; raises RefusedError, and keeps no copy, when it cannot be read."""
    with _opened(path) as content:
        kept = batches.keep_file(workspace, _given_name(path), content)
    try:
        source, guess = _source(workspace, source_name), _guess(workspace, kept)
        return batches.create(source, guess.plans, kept, _given_name(path), mapping_name=guess.name)
    except BaseException:
        kept.unlink()
        raise


def _opened(path: Path) -> IO[bytes]:
    """The file, not what a link that took its place leads to."""
    try:
        content = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
    except OSError as error:
        raise RefusedError(_("The file cannot be opened: %(reason)s.") % {"reason": error.strerror}) from error
    if not stat.S_ISREG(os.fstat(content.fileno()).st_mode):
        content.close()
        raise RefusedError(_("This is not a file."))
    return content


def _given_name(path: Path) -> str:
    """The name of a taken file as it was dropped: without the time it was taken."""
    return path.name.split("-", 3)[-1]


def _source(workspace: Workspace, name: str) -> Source:
    try:
        return batches.source_named(workspace, name[:SOURCE_NAME])
    except ValueError as problem:
        raise RefusedError(_("The folder of a source needs a name with letters or digits.")) from problem


def _guess(workspace: Workspace, path: Path) -> Guess:
    """How the file is read; a mapping that fits only after a guess is for a person to look at."""
    try:
        guess = first_guess(workspace, path)
        if guess is None:
            raise RefusedError(_("The header fits no kind of data and no saved mapping."))
        for plan in guess.plans:
            plan.check_date_format()
    except FileProblemError as problem:
        words = {"expected": expected(problem.code, problem.detail)}
        raise RefusedError(_("Expected %(expected)s.") % words) from problem
    if guess.renamed:
        words = {"name": guess.name, "columns": ", ".join(old for old, _new in guess.renamed)}
        raise RefusedError(_("Columns of the mapping %(name)s are missing: %(columns)s.") % words)
    return guess


# --- loading and reporting --------------------------------------------------------------------------------------------
def _start_waiting() -> None:
    """Start the batches before which no other of the same source and kind is under way."""
    busy: set[tuple[int, str]] = set()
    for watched in _unreported().select_related("batch__job", "batch__workspace"):
        batch = watched.batch
        if batch is None or _is_over(batch):
            continue
        kinds = {(batch.source_id, plan.kind.slug) for plan in batch.as_plans}
        if batch.state == Batch.State.DRAFT and not kinds & busy:
            batches.start(batch)
        busy |= kinds


def _unreported() -> QuerySet[WatchedFile]:
    return WatchedFile.objects.filter(reported_at=None).order_by("taken_at")


def _is_over(batch: Batch) -> bool:
    return batch.is_over and batch.state != Batch.State.DRAFT


def _report_all(root: Path) -> None:
    """Report every batch that is over; one whose report fails keeps its turn for the next look."""
    for pk in _unreported().values_list("pk", flat=True):
        try:
            _report_one(root, pk)
        except OSError as error:
            log.warning("watch.not_reported", watched_file=pk, error=str(error))


@transaction.atomic
def _report_one(root: Path, pk: int) -> None:
    unlocked = WatchedFile.objects.filter(pk=pk, reported_at=None).select_for_update(of=("self",), skip_locked=True)
    watched = unlocked.select_related("workspace", "batch__job").first()
    if watched is None or (watched.batch and not _is_over(watched.batch)):
        return
    with override(watched.workspace.language):
        lines = report(watched.batch) if watched.batch else [_("Its batch has been deleted.")]
    loaded = watched.batch is not None and watched.batch.loaded_at is not None
    _put_away(root / watched.place, DONE if loaded else REJECTED, lines)
    WatchedFile.objects.filter(pk=pk).update(reported_at=timezone.now())


def _put_away(path: Path, name: str, lines: list[str]) -> None:
    """Write the report, then move the taken file beside it; safe to run again."""
    folder = _own_folder(path.parent.parent, name)
    partial = folder / f".{path.name}.report.txt"  # the report is whole when it has its name
    partial.unlink(missing_ok=True)
    with partial.open("x", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    partial.rename(folder / f"{path.name}.report.txt")
    with suppress(FileNotFoundError):  # moved by whoever died before saying so, or taken away by hand
        path.rename(folder / path.name)
