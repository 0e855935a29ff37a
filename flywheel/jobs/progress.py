"""How far a job is: counted in memory by its handler, written to the row by a thread beside it."""

import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models.functions import Now

from flywheel.jobs.errors import JobLost

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from flywheel.jobs.models import Job

TICK_SECONDS = 0.5  # at most two writes per second, however often the handler counts
LOCK_TIMEOUT_MS = 1000  # the handler holds the row while it commits: the heartbeat gives way
log = structlog.get_logger(__name__)


class Progress:
    """What a handler tells of its work. Counting costs no query."""

    def __init__(self, job: "Job") -> None:
        self.job = job
        self.name = ""
        self.done = 0
        self.total = 0
        self.lost = False  # set by the heartbeat when the row belongs to another worker

    def step(self, name: str, total: int = 0) -> None:
        """A new step of `total` parts begins (0: not known). `name` is a key of flywheel.jobs.words.STEPS.

        Raises JobLost when another worker has taken the job over, as `advance` does.
        """
        self._check()
        self.name, self.done, self.total = name, 0, total

    def advance(self, n: int = 1) -> None:
        """`n` more parts of the step are done."""
        self._check()
        self.done += n

    def hold(self) -> None:
        """Lock the job's row until the handler's transaction ends; call it last, just before the commit.

        Raises JobLost when another worker has taken the job over, so that a half-dead worker commits nothing.
        """
        if not connection.in_atomic_block:
            raise transaction.TransactionManagementError("progress.hold() belongs inside the handler's transaction.")
        if not self.row().select_for_update(no_key=True).exists():
            self.lost = True
        self._check()

    def row(self) -> "QuerySet[Job]":
        """The job's row, as long as it is this worker's."""
        from flywheel.jobs.models import Job

        return Job.objects.filter(pk=self.job.pk, attempt=self.job.attempt, state=Job.State.RUNNING)

    def _check(self) -> None:
        if self.lost:
            raise JobLost(f"Job {self.job.pk} was taken over after attempt {self.job.attempt}.")

    @property
    def snapshot(self) -> tuple[str, int, int]:
        """(step, done, total) as of now."""
        return self.name, self.done, self.total


class Heartbeat(threading.Thread):
    """Writes the progress and a sign of life, on the connection of its own thread: each write is committed at once.

    The handler's connection may be inside a long transaction, whose writes nobody else would see.
    """

    def __init__(self, progress: Progress) -> None:
        super().__init__(name=f"heartbeat-{progress.job.pk}", daemon=True)
        self._progress = progress
        self._over = threading.Event()
        self._written = progress.snapshot
        self._written_at = time.monotonic()

    def __enter__(self) -> None:
        self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        """Write when something changed, or when the last sign of life is old, until the block is left."""
        try:
            while not self._over.wait(TICK_SECONDS):
                if self._is_due():
                    self._beat()
        finally:
            connection.close()

    def _is_due(self) -> bool:
        age = time.monotonic() - self._written_at
        return self._progress.snapshot != self._written or age >= settings.JOB_HEARTBEAT_SECONDS

    def _beat(self) -> None:
        name, done, total = snapshot = self._progress.snapshot
        try:
            self._connect()
            alive = self._progress.row().update(step=name, done=done, total=total, heartbeat_at=Now())
        except (DatabaseError, InterfaceError) as error:
            log.debug("job.heartbeat_failed", job=str(self._progress.job.pk), error=str(error))
            connection.close()
            return
        self._progress.lost = not alive
        self._written, self._written_at = snapshot, time.monotonic()

    def _connect(self) -> None:
        if connection.connection is None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, false)", [str(LOCK_TIMEOUT_MS)])
