"""The flywheel page."""

from datetime import date

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from flywheel import jobs
from flywheel.accounts.access import get_workspace
from flywheel.accounts.models import Role, Workspace
from flywheel.diagnosis.flywheel_page import flywheel_context
from flywheel.diagnosis.models import Diagnosis
from flywheel.diagnosis.running import newest_week
from flywheel.facts.calendar import last_complete_week
from flywheel.jobs.models import Job


@login_required
@require_GET
def flywheel(request: HttpRequest, slug: str) -> HttpResponse:
    """The verdict, the wheel and the weekly table of one week: the newest, or `?week=`."""
    workspace = get_workspace(request, slug)
    diagnosis = _diagnosis(workspace, request.GET.get("week", ""))
    if diagnosis is None:
        context = {"has_data": newest_week(workspace) is not None, "busy": is_busy(workspace)}
        return render(request, "diagnosis/flywheel_empty.html", context)
    if "week" in request.GET:
        return render(request, "diagnosis/flywheel.html", flywheel_context(workspace, diagnosis))
    context = flywheel_context(workspace, diagnosis, last_complete_week(workspace)) | {"busy": is_busy(workspace)}
    return render(request, "diagnosis/flywheel.html", context)


def is_busy(workspace: Workspace) -> bool:
    """Whether work that may change the verdict is waiting or under way."""
    under_way = (Job.State.QUEUED, Job.State.RUNNING)
    return Job.objects.filter(
        workspace=workspace, state__in=under_way, kind__in=("import", "roll", "diagnose")
    ).exists()


def _diagnosis(workspace: Workspace, week: str) -> Diagnosis | None:
    """The newest revision of the newest diagnosed week, or of `week`; Http404 for a week without a diagnosis."""
    kept = Diagnosis.objects.filter(workspace=workspace)
    if not week:
        return kept.first()
    try:
        wanted = date.fromisoformat(week)
    except ValueError:
        raise Http404 from None
    found = kept.filter(week=wanted).first()
    if found is None:
        raise Http404
    return found


@login_required
@require_POST
def run_diagnosis(request: HttpRequest, slug: str) -> HttpResponse:
    """Start a diagnosis of the newest week and follow it."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    job = jobs.start(workspace, "diagnose", {}, user=request.user, once=True)  # type: ignore[arg-type]
    messages.info(request, _("The diagnosis is running."))
    return redirect("job-detail", workspace.slug, job.pk)
