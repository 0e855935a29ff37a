"""Pages of the sources: which numbers can be trusted, and what is agreed on each source's data."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from flywheel import jobs
from flywheel.accounts.access import get_workspace
from flywheel.accounts.models import Role
from flywheel.accounts.panels import page_or_panel
from flywheel.facts.models import Source
from flywheel.intake import feed_views, sources
from flywheel.intake.agreement import SourceForm
from flywheel.intake.health import CHECK
from flywheel.intake.models import Batch

LAST_BATCHES = 10


@login_required
@require_safe
def source_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Every source with its age, gaps and volume, those that need an eye first."""
    workspace = get_workspace(request, slug)
    rows = sources.rows(workspace)
    context = {
        "rows": rows,
        "has_health": any(row.kinds for row in rows),
        "check": sources.last_check(workspace),
        "may_load": request.role >= Role.MEMBER,  # type: ignore[attr-defined]
    }
    return page_or_panel(request, "intake/sources.html", "sources", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def source_detail(request: HttpRequest, slug: str, source_id: int) -> HttpResponse:
    """One source: its kinds day by day, its last batches, and what is agreed, which an engine lead may change."""
    workspace = get_workspace(request, slug, needs=Role.ENGINE_LEAD if request.method == "POST" else Role.READER)
    source = get_object_or_404(Source, workspace=workspace, pk=source_id)
    source.workspace = workspace
    form = SourceForm(request.POST or None, instance=source)
    if form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("source-detail", slug, source.pk)
    shown = sources.row(workspace, Source.objects.get(pk=source.pk) if form.errors else source)
    feeds = feed_views.rows(workspace, source)
    check = sources.last_check(workspace)
    context = {
        "row": shown,
        "tables": [(kind, sources.day_table(workspace, kind)) for kind in shown.kinds],
        "check": check,
        "feeds": feeds,
        "is_changing": bool(check and not check.is_over) or any(row.is_under_way for row in feeds),
        "batches": Batch.objects.filter(workspace=workspace, source=source).select_related("job")[:LAST_BATCHES],
        "form": form,
        "may_change": request.role >= Role.ENGINE_LEAD,  # type: ignore[attr-defined]
        "may_load": request.role >= Role.MEMBER,  # type: ignore[attr-defined]
    }
    return page_or_panel(request, "intake/source.html", "health", context)


@login_required
@require_POST
def source_check(request: HttpRequest, slug: str) -> HttpResponse:
    """Check all sources now."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    jobs.start(workspace, CHECK, {}, user=request.user, once=True)  # type: ignore[arg-type]
    return redirect("source-list", slug)
