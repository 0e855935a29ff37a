"""Jobs: run once, followed as they go, and never left "running"."""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from flywheel import jobs
from flywheel.accounts.models import User, Workspace
from flywheel.celery import app
from flywheel.embedded.process import wait_until
from flywheel.jobs import registry, runner, starting
from flywheel.jobs.errors import JobLost
from flywheel.jobs.lost import SEND_AGAIN_SECONDS, find_lost_jobs
from flywheel.jobs.models import Job
from flywheel.jobs.progress import Heartbeat, Progress
from tests.sample_room.jobs import calls
from tests.workers import celery_worker, children

State = Job.State
RunJobs = Callable[[], int]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the messages sent."""
    ids: list[str] = []
    monkeypatch.setattr(app, "send_task", lambda name, args: ids.append(args[0]))
    return ids


def _silent(job: Job, attempt: int = 1) -> None:
    """As a worker leaves the row when it dies."""
    past = timezone.now() - timedelta(seconds=settings.JOB_LOST_AFTER_SECONDS + 1)
    Job.objects.filter(pk=job.pk).update(state=State.RUNNING, attempt=attempt, heartbeat_at=past)


# --- starting ---------------------------------------------------------------------------------------------------------
def test_a_job_is_sent_only_when_its_transaction_commits(
    workspace: Workspace,
    sent: list[str],
    django_capture_on_commit_callbacks: Callable[..., contextlib.AbstractContextManager[list[object]]],
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        job = jobs.start(workspace, "sample.count", {"to": 1})
        assert sent == []
    assert sent == [str(job.pk)]
    job.refresh_from_db()
    assert job.sent_at is not None


def test_a_job_knows_who_started_it(workspace: Workspace, owner: User) -> None:
    assert jobs.start(workspace, "sample.count", {"to": 1}, user=owner).created_by == owner


def test_once_returns_the_waiting_job_of_the_same_work(workspace: Workspace) -> None:
    first = jobs.start(workspace, "sample.count", {"to": 1}, once=True)
    assert jobs.start(workspace, "sample.count", {"to": 1}, once=True) == first
    assert jobs.start(workspace, "sample.count", {"to": 2}, once=True) != first


def test_once_starts_another_when_the_first_is_under_way(workspace: Workspace) -> None:
    first = jobs.start(workspace, "sample.count", {"to": 1}, once=True)
    runner.claim(first.pk)
    assert jobs.start(workspace, "sample.count", {"to": 1}, once=True) != first


def test_a_broker_that_is_away_leaves_the_job_to_be_sent_later(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(name: str, args: list[str]) -> None:
        raise BrokerError("connection refused")

    job = jobs.start(workspace, "sample.count", {"to": 1})
    monkeypatch.setattr(app, "send_task", away)
    starting.send(job.pk)
    job.refresh_from_db()
    assert (job.state, job.sent_at) == (State.QUEUED, None)


# --- running ----------------------------------------------------------------------------------------------------------
def test_a_job_runs_to_its_result(workspace: Workspace, run_jobs: RunJobs) -> None:
    job = jobs.start(workspace, "sample.count", {"to": 5})
    assert run_jobs() == 1
    job.refresh_from_db()
    assert (job.state, job.result, job.done, job.total) == (State.DONE, {"counted": 5}, 5, 5)
    assert job.finished_at is not None


def test_jobs_that_a_job_starts_run_too(workspace: Workspace, run_jobs: RunJobs) -> None:
    jobs.start(workspace, "sample.chain", {})
    assert run_jobs() == 2
    assert set(Job.objects.values_list("state", flat=True)) == {State.DONE}


def test_a_message_that_comes_twice_runs_the_job_once(workspace: Workspace) -> None:
    calls.clear()
    job = jobs.start(workspace, "sample.count", {"to": 1})
    runner.run(job.pk, heartbeat=False)
    runner.run(job.pk, heartbeat=False)
    assert calls == ["count"]


def test_a_message_of_a_deleted_job_does_nothing(workspace: Workspace) -> None:
    job = jobs.start(workspace, "sample.count", {"to": 1})
    pk = job.pk
    job.delete()
    runner.run(pk, heartbeat=False)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("sample.crash", "ZeroDivisionError: nothing to divide by"),
        ("sample.refuse", "The file has no header."),
        ("sample.unheard", "LookupError: No handler for jobs of kind 'sample.unheard'."),
    ],
)
def test_a_job_that_fails_says_why(workspace: Workspace, run_jobs: RunJobs, kind: str, error: str) -> None:
    job = jobs.start(workspace, kind, {})
    run_jobs()
    job.refresh_from_db()
    assert (job.state, job.error) == (State.FAILED, error)


@pytest.mark.django_db(transaction=True)
def test_a_lost_database_connection_is_tried_again(workspace: Workspace, run_jobs: RunJobs) -> None:
    job = jobs.start(workspace, "sample.disconnect", {"good": settings.JOB_MAX_ATTEMPTS})
    run_jobs()
    job.refresh_from_db()
    assert (job.state, job.result) == (State.DONE, {"attempt": settings.JOB_MAX_ATTEMPTS})


@pytest.mark.django_db(transaction=True)
def test_a_database_that_stays_away_fails_the_job_with_its_reason(workspace: Workspace, run_jobs: RunJobs) -> None:
    job = jobs.start(workspace, "sample.disconnect", {"good": settings.JOB_MAX_ATTEMPTS + 1})
    run_jobs()
    job.refresh_from_db()
    assert job.state == State.FAILED
    assert "terminating connection" in job.error
    assert not Workspace.objects.filter(name="unfinished").exists()


def test_two_handlers_of_one_kind_are_refused() -> None:
    registry.find("sample.count")
    with pytest.raises(ValueError, match=r"sample\.count"):
        registry.handler("sample.count")(lambda job, progress: None)


# --- the fence --------------------------------------------------------------------------------------------------------
def test_a_worker_that_lost_its_job_may_not_commit(workspace: Workspace) -> None:
    job = runner.claim(jobs.start(workspace, "sample.count", {"to": 1}).pk)
    assert job is not None
    Job.objects.filter(pk=job.pk).update(attempt=job.attempt + 1)
    with pytest.raises(JobLost):
        Progress(job).hold()


def test_the_holder_of_the_job_may_commit(workspace: Workspace) -> None:
    job = runner.claim(jobs.start(workspace, "sample.count", {"to": 1}).pk)
    assert job is not None
    Progress(job).hold()


@pytest.mark.django_db(transaction=True)
def test_hold_outside_a_transaction_is_a_mistake(workspace: Workspace) -> None:
    job = jobs.start(workspace, "sample.count", {"to": 1})
    with pytest.raises(transaction.TransactionManagementError):
        Progress(job).hold()


@pytest.mark.django_db(transaction=True)
def test_a_job_taken_over_in_the_middle_writes_nothing_and_leaves_the_row_alone(workspace: Workspace) -> None:
    job = jobs.start(workspace, "sample.write", {"seconds": 1.5})
    worker = _in_thread(lambda: runner.run(job.pk))
    _wait_for_step(job, "storing")
    Job.objects.filter(pk=job.pk).update(attempt=2)
    worker.join()
    job.refresh_from_db()
    assert (job.state, job.attempt) == (State.RUNNING, 2)
    assert not Workspace.objects.filter(name__endswith="half").exists()


def _in_thread(work: Callable[[], object]) -> threading.Thread:
    """Run it on a database connection of its own."""

    def target() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=target)
    thread.start()
    return thread


def _wait_for_step(job: Job, step: str) -> None:
    assert wait_until(lambda: Job.objects.filter(pk=job.pk, step=step).exists(), 30)


# --- progress ---------------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_progress_is_seen_while_the_handlers_transaction_is_open(workspace: Workspace) -> None:
    job = jobs.start(workspace, "sample.write", {"seconds": 2})
    worker = _in_thread(lambda: runner.run(job.pk))
    assert wait_until(lambda: Job.objects.filter(pk=job.pk, done=1, total=2).exists(), 1.9)
    assert not Workspace.objects.filter(name__endswith="half").exists()
    worker.join()
    assert Workspace.objects.filter(name__endswith="half").count() == 2


@pytest.mark.django_db(transaction=True)
def test_progress_is_written_at_most_twice_per_second(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    beat = Heartbeat._beat
    monkeypatch.setattr(Heartbeat, "_beat", lambda self: (written.append(1), beat(self)))
    runner.run(jobs.start(workspace, "sample.tell", {"seconds": 2}).pk)
    assert 2 <= len(written) <= 4


@pytest.mark.django_db(transaction=True)
def test_a_silent_handler_is_kept_alive_by_its_heartbeat(workspace: Workspace) -> None:
    job = jobs.start(workspace, "sample.write", {"seconds": settings.JOB_LOST_AFTER_SECONDS + 1})
    worker = _in_thread(lambda: runner.run(job.pk))
    while worker.is_alive():
        find_lost_jobs()
        time.sleep(0.2)
    job.refresh_from_db()
    assert (job.state, job.attempt) == (State.DONE, 1)


# --- lost jobs --------------------------------------------------------------------------------------------------------
def test_a_job_whose_worker_fell_silent_is_queued_and_sent_again(workspace: Workspace, sent: list[str]) -> None:
    job = jobs.start(workspace, "sample.count", {"to": 1})
    _silent(job)
    find_lost_jobs()
    job.refresh_from_db()
    assert job.state == State.QUEUED
    assert sent == [str(job.pk)]


def test_a_job_that_lost_every_worker_fails_with_its_reason(workspace: Workspace, sent: list[str]) -> None:
    job = jobs.start(workspace, "sample.count", {"to": 1})
    _silent(job, attempt=settings.JOB_MAX_ATTEMPTS)
    find_lost_jobs()
    job.refresh_from_db()
    assert (job.state, sent) == (State.FAILED, [])
    assert job.error == f"Its worker process stopped unexpectedly at each of {settings.JOB_MAX_ATTEMPTS} attempts."


def test_a_running_job_with_a_heartbeat_is_left_alone(workspace: Workspace, sent: list[str]) -> None:
    job = jobs.start(workspace, "sample.count", {"to": 1})
    runner.claim(job.pk)
    find_lost_jobs()
    job.refresh_from_db()
    assert (job.state, sent) == (State.RUNNING, [])


def test_a_lost_message_is_sent_again_and_a_fresh_one_is_not(workspace: Workspace, sent: list[str]) -> None:
    lost, fresh = (jobs.start(workspace, "sample.count", {"to": n}) for n in (1, 2))
    old = timezone.now() - timedelta(seconds=SEND_AGAIN_SECONDS + 1)
    Job.objects.filter(pk=lost.pk).update(sent_at=old)
    Job.objects.filter(pk=fresh.pk).update(sent_at=timezone.now())
    find_lost_jobs()
    assert sent == [str(lost.pk)]


@pytest.mark.django_db(transaction=True)
def test_a_silent_job_that_is_just_committing_is_left_alone(workspace: Workspace, sent: list[str]) -> None:
    job = jobs.start(workspace, "sample.count", {"to": 1})
    _silent(job)
    with transaction.atomic():
        Job.objects.select_for_update().get(pk=job.pk)
        finder = _in_thread(find_lost_jobs)
        finder.join()
    job.refresh_from_db()
    assert job.state == State.RUNNING


# --- real worker processes --------------------------------------------------------------------------------------------
def _ends(job: Job, state: Job.State) -> bool:
    """Whether the job comes to `state` within a minute, with the beat task run as beat would."""

    def ended() -> bool:
        find_lost_jobs()
        return Job.objects.filter(pk=job.pk, state=state).exists()

    return wait_until(ended, 60, pause=0.5)


@pytest.mark.long
@pytest.mark.usefixtures("empty_queue")
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("victim", ["worker", "pool process"])
def test_a_job_whose_worker_is_killed_in_a_transaction_is_finished_by_another(
    victim: str, workspace: Workspace, server_environment: dict[str, str], tmp_path: Path
) -> None:
    with celery_worker(server_environment, tmp_path / "first.log") as first:
        job = jobs.start(workspace, "sample.write", {"seconds": 60})
        _wait_for_step(job, "storing")
        pool = children(first.pid)
        os.kill(first.pid if victim == "worker" else pool[0], signal.SIGKILL)
        assert wait_until(lambda: not Path(f"/proc/{pool[0]}").exists(), 10)
        assert not Workspace.objects.filter(name__endswith="half").exists()
        with celery_worker(server_environment, tmp_path / "second.log"):
            assert _ends(job, State.DONE)
    job.refresh_from_db()
    assert (job.attempt, job.result) == (2, {"attempt": 2})
    assert set(Workspace.objects.filter(name__endswith="half").values_list("slug", flat=True)) == {
        "first-2",
        "second-2",
    }
