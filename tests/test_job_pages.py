"""The jobs pages: what each state shows, who may run work again."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from flywheel.accounts.models import User, Workspace
from flywheel.jobs.models import Job

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def _job(workspace: Workspace, state: str = Job.State.RUNNING, **fields: object) -> Job:
    defaults = {"kind": "roll", "step": "rolling", "done": 3, "total": 12, "started_at": NOON}
    return Job.objects.create(workspace=workspace, state=state, **{**defaults, **fields})


def _get(client: Client, user: User, name: str, *arguments: object, **headers: str) -> str:
    client.force_login(user)
    return client.get(reverse(name, args=["acme", *arguments]), headers=headers).content.decode()


def test_a_running_job_shows_its_step_and_progress_and_keeps_asking(client, reader, workspace) -> None:
    html = _get(client, reader, "job-detail", _job(workspace).pk)
    assert '<progress value="3" max="12"' in html
    assert "Summing up weeks" in html
    assert 'hx-trigger="every 1s"' in html


def test_a_job_of_unknown_length_shows_an_open_progress_bar(client, reader, workspace) -> None:
    html = _get(client, reader, "job-detail", _job(workspace, total=0, done=0).pk)
    assert '<progress aria-label="Summing up weeks">' in html


@pytest.mark.parametrize("state", [Job.State.DONE, Job.State.FAILED])
def test_a_job_that_is_over_stops_asking(client, reader, workspace, state) -> None:
    job = _job(workspace, state, finished_at=NOON + timedelta(seconds=75))
    html = _get(client, reader, "job-detail", job.pk)
    assert "hx-trigger" not in html
    assert "1 min 15 sec" in html


def test_htmx_gets_the_panel_alone_and_history_the_page(client, reader, workspace) -> None:
    job = _job(workspace)
    panel = _get(client, reader, "job-detail", job.pk, **{"HX-Request": "true"})
    assert panel.lstrip().startswith('<section class="card" id="job"')
    restored = _get(
        client, reader, "job-detail", job.pk, **{"HX-Request": "true", "HX-History-Restore-Request": "true"}
    )
    assert "<html" in restored


def test_a_cache_keeps_page_and_panel_apart(client, reader, workspace) -> None:
    client.force_login(reader)
    assert "HX-Request" in client.get(reverse("job-list", args=["acme"])).headers["Vary"]


def test_a_failed_job_says_why_and_a_member_may_run_it_again(client, engine_lead, workspace) -> None:
    job = _job(workspace, Job.State.FAILED, error="The file is empty.", finished_at=NOON, params={"batch": 7})
    html = _get(client, engine_lead, "job-detail", job.pk)
    assert "The file is empty." in html
    again = reverse("job-again", args=["acme", job.pk])
    assert again in html
    new = client.post(again).headers["Location"]
    started = Job.objects.get(state=Job.State.QUEUED)
    assert new == reverse("job-detail", args=["acme", started.pk])
    assert (started.kind, started.params, started.created_by) == ("roll", {"batch": 7}, engine_lead)


def test_running_again_twice_starts_one_job(client, engine_lead, workspace) -> None:
    job = _job(workspace, Job.State.FAILED, finished_at=NOON)
    client.force_login(engine_lead)
    for _ in range(2):
        client.post(reverse("job-again", args=["acme", job.pk]))
    assert Job.objects.filter(state=Job.State.QUEUED).count() == 1


def test_a_reader_may_look_and_not_run_again(client, reader, workspace) -> None:
    job = _job(workspace, Job.State.FAILED, finished_at=NOON)
    again = reverse("job-again", args=["acme", job.pk])
    assert again not in _get(client, reader, "job-detail", job.pk)
    assert client.post(again).status_code == 403
    assert not Job.objects.filter(state=Job.State.QUEUED).exists()


@pytest.mark.parametrize("state", [Job.State.QUEUED, Job.State.RUNNING, Job.State.DONE])
def test_only_failed_work_is_run_again(client, engine_lead, workspace, state) -> None:
    job = _job(workspace, state)
    client.force_login(engine_lead)
    assert client.post(reverse("job-again", args=["acme", job.pk])).status_code == 404


def test_looking_never_runs_anything_again(client, engine_lead, workspace) -> None:
    job = _job(workspace, Job.State.FAILED, finished_at=NOON)
    client.force_login(engine_lead)
    assert client.get(reverse("job-again", args=["acme", job.pk])).status_code == 405


def test_another_workspaces_job_is_not_found(client, reader, workspace) -> None:
    other = Workspace.objects.create(name="Other", slug="other")
    job = _job(other)
    client.force_login(reader)
    assert client.get(reverse("job-detail", args=["acme", job.pk])).status_code == 404
    assert client.get(reverse("job-detail", args=["other", job.pk])).status_code == 404


def test_the_list_shows_only_this_workspaces_jobs_and_asks_while_one_runs(client, reader, workspace) -> None:
    _job(Workspace.objects.create(name="Other", slug="other"), kind="demo")
    _job(workspace, Job.State.DONE, finished_at=NOON)
    html = _get(client, reader, "job-list")
    assert "Sum up the changed weeks" in html
    assert "Build the demo business" not in html
    assert "hx-trigger" not in html
    _job(workspace)
    assert 'hx-trigger="every 2s"' in _get(client, reader, "job-list")


def test_a_workspace_without_jobs_says_what_will_be_here(client, reader, workspace) -> None:
    assert "No work has been done yet" in _get(client, reader, "job-list")


def test_older_jobs_are_on_further_pages(client, reader, workspace) -> None:
    for _ in range(26):
        _job(workspace, Job.State.DONE, finished_at=NOON)
    assert "?page=2" in _get(client, reader, "job-list")
