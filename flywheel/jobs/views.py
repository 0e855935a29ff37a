"""Jobs: a list and, for each job, a page that follows it until it is over."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST, require_safe

from flywheel.accounts.access import get_workspace
from flywheel.accounts.models import Role
from flywheel.accounts.panels import page_or_panel
from flywheel.jobs.models import Job
from flywheel.jobs.starting import start

PER_PAGE = 25


@login_required
@require_safe
def job_list(request: HttpRequest, slug: str) -> HttpResponse:
    """The workspace's jobs, newest first; refreshed every two seconds while one is not over."""
    workspace = get_workspace(request, slug)
    jobs = Job.objects.filter(workspace=workspace).select_related("created_by")
    page = Paginator(jobs, PER_PAGE).get_page(request.GET.get("page"))
    busy = any(not job.is_over for job in page)
    return page_or_panel(request, "jobs/list.html", "jobs", {"page": page, "busy": busy})


@login_required
@require_safe
def job_detail(request: HttpRequest, slug: str, job_id: UUID) -> HttpResponse:
    """One job, as far as it is."""
    workspace = get_workspace(request, slug)
    job = get_object_or_404(Job.objects.select_related("created_by"), workspace=workspace, pk=job_id)
    can_run_again = job.state == Job.State.FAILED and request.role >= Role.MEMBER  # type: ignore[attr-defined]
    return page_or_panel(request, "jobs/detail.html", "job", {"job": job, "can_run_again": can_run_again})


@login_required
@require_POST
def job_again(request: HttpRequest, slug: str, job_id: UUID) -> HttpResponse:
    """Start a failed job's work once more, as a new job."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    failed = get_object_or_404(Job, workspace=workspace, pk=job_id, state=Job.State.FAILED)
    job = start(workspace, failed.kind, failed.params, user=request.user, once=True)  # type: ignore[arg-type]
    return redirect("job-detail", slug, job.pk)
