"""A worker that dies in the middle of a load: nothing partial stays, and the batch is finished by the next one."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from flywheel.accounts.models import Workspace
from flywheel.embedded.process import wait_until
from flywheel.facts.models import DirtyWeek, Order
from flywheel.intake import batches
from flywheel.intake.kinds import KINDS
from flywheel.intake.models import Batch
from flywheel.intake.plans import by_header
from flywheel.intake.preparing import Prepared, Preparer
from flywheel.intake.reading import Chunk
from flywheel.jobs.lost import find_lost_jobs
from flywheel.jobs.models import Job
from flywheel.jobs.runner import run
from tests.builders import csv_file, order
from tests.workers import celery_worker, children

ROWS = 20_000


@contextlib.contextmanager
def _orders_locked() -> Iterator[None]:
    """The orders table held by somebody else, so that a load waits in the middle of storing."""
    other = connection.get_new_connection(connection.get_connection_params())
    try:
        other.execute("LOCK TABLE facts_order IN EXCLUSIVE MODE")
        yield
    finally:
        other.close()


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("empty_queue")
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_load_whose_worker_is_killed_leaves_nothing_and_finishes_later(
    workspace: Workspace, server_environment: dict[str, str], tmp_path: Path
) -> None:
    rows = [order(f"A-{n}", customer_id=f"C-{n}") for n in range(ROWS)]
    path = csv_file(tmp_path, rows)
    plan = by_header(KINDS["orders"], list(rows[0]))
    batch = batches.create(batches.source_named(workspace, "shop"), plan, path, "orders.csv")
    with _orders_locked(), celery_worker(server_environment, tmp_path / "first.log") as first:
        batches.start(batch)
        assert wait_until(lambda: Job.objects.filter(kind="import", state="running", step="storing").exists(), 60)
        pool = children(first.pid)
        os.kill(pool[0], signal.SIGKILL)
        os.kill(first.pid, signal.SIGKILL)
    assert not Order.objects.filter(workspace=workspace).exists()
    assert not DirtyWeek.objects.filter(workspace=workspace).exists()
    assert Job.objects.get(kind="import").state == "running"  # nobody has missed it yet

    def finished() -> bool:
        find_lost_jobs()
        return Batch.objects.filter(pk=batch.pk, state=Batch.State.LOADED).exists()

    with celery_worker(server_environment, tmp_path / "second.log"):
        assert wait_until(finished, 90, pause=0.5)
    batch.refresh_from_db()
    assert (batch.rows, batch.added, batch.job.attempt) == (ROWS, ROWS, 2)
    assert Order.objects.filter(workspace=workspace).count() == ROWS


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_is_lost_in_the_middle_of_copy_leaves_nothing_and_the_next_attempt_loads(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [order(f"A-{n}", customer_id=f"C-{n}") for n in range(ROWS)]
    path = csv_file(tmp_path, rows)
    plan = by_header(KINDS["orders"], list(rows[0]))
    batch = batches.create(batches.source_named(workspace, "shop"), plan, path, "orders.csv")
    batches.start(batch)
    prepare, seen = Preparer.prepare, []

    def cut(self: Preparer, chunk: Chunk) -> Prepared:
        seen.append(chunk)
        if len(seen) == 2:  # the first chunk is on its way to the server
            _end_own_connection()
        return prepare(self, chunk)

    monkeypatch.setattr(Preparer, "prepare", cut)
    run(batch.job.pk, heartbeat=False)
    batch.job.refresh_from_db()
    assert (batch.job.state, Order.objects.count(), DirtyWeek.objects.count()) == ("queued", 0, 0)
    run(batch.job.pk, heartbeat=False)
    batch.refresh_from_db()
    assert (batch.state, batch.added, batch.job.attempt) == ("loaded", ROWS, 2)


def _end_own_connection() -> None:
    other = connection.get_new_connection(connection.get_connection_params())
    with contextlib.closing(other):
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])
