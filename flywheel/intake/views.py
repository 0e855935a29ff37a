"""Import pages: batches, upload, mapping, and one batch as it is loaded."""

from pathlib import Path

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from flywheel.accounts.access import get_workspace
from flywheel.accounts.models import Role, Workspace
from flywheel.accounts.panels import page_or_panel
from flywheel.facts.models import Source
from flywheel.intake import batches
from flywheel.intake.forms import MappingForm, UploadForm
from flywheel.intake.kinds import KINDS
from flywheel.intake.models import Batch
from flywheel.intake.plans import Plan, by_header, plan_of
from flywheel.intake.reading import FileProblemError
from flywheel.intake.recognising import first_plan
from flywheel.intake.samples import Preview, preview, template_csv
from flywheel.intake.words import file_problem, note

PER_PAGE = 25
SHOWN_ERRORS = 100


@login_required
@require_safe
def import_list(request: HttpRequest, slug: str) -> HttpResponse:
    """The workspace's batches, newest first, and the templates to fill in."""
    workspace = get_workspace(request, slug)
    known = Batch.objects.filter(workspace=workspace).select_related("source", "job", "created_by")
    page = Paginator(known, PER_PAGE).get_page(request.GET.get("page"))
    busy = any(batch.shown_state in (Batch.State.QUEUED, Batch.RUNNING) for batch in page)
    context = {"page": page, "busy": busy, "kinds": KINDS.values(), "may_load": _may_load(request)}
    return page_or_panel(request, "intake/list.html", "batches", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def import_new(request: HttpRequest, slug: str) -> HttpResponse:
    """Upload a file; it becomes a batch that waits to be confirmed."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    initial = {"kind": request.GET.get("kind", "")}
    form = UploadForm(workspace, request.POST or None, request.FILES or None, initial=initial)
    if form.is_valid():
        batch = _uploaded(request, workspace, form)
        if batch:
            return redirect("import-map", slug, batch.pk)
    return render(request, "intake/new.html", {"form": form, "kinds": KINDS.values()})


def _uploaded(request: HttpRequest, workspace: Workspace, form: UploadForm) -> Batch | None:
    """The batch of an uploaded file; None, with the reason on the form, when it cannot be read."""
    file = form.cleaned_data["file"]
    path = batches.keep_file(workspace, file.name, file)
    try:
        plan = first_plan(workspace, path, form.cleaned_data["kind"], form.cleaned_data["mapping"])
    except FileProblemError as problem:
        form.add_error("file", file_problem(problem))
        path.unlink()
        return None
    if plan is None:
        form.add_error("kind", _("The header fits no kind of data: choose one."))
        path.unlink()
        return None
    source = _source(workspace, form.cleaned_data["source"], plan)
    if source is None:
        form.add_error("source", _("No data of this kind has been loaded yet: say where the file comes from."))
        path.unlink()
        return None
    return batches.create(source, plan, path, file.name, request.user)  # type: ignore[arg-type]


def _source(workspace: Workspace, name: str, plan: Plan) -> Source | None:
    """The source that was named, or else the one that last loaded this kind of data."""
    return batches.source_named(workspace, name) if name else batches.last_source(workspace, plan.kind.slug)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def import_map(request: HttpRequest, slug: str, batch_id: int) -> HttpResponse:
    """How the file is read: check or change the mapping, then load. `?kind=` tries the file as another kind."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    batch = get_object_or_404(Batch.objects.select_related("source"), workspace=workspace, pk=batch_id)
    if not batch.can_start:
        return redirect("import-detail", slug, batch.pk)
    plan, seen = _planned(batch, request.POST.get("kind") or request.GET.get("kind", ""))
    form = MappingForm(workspace, plan, seen, request.POST or None)
    if form.is_valid():
        form.save_mapping()
        Batch.objects.filter(pk=batch.pk, state__in=Batch.STARTABLE).update(
            kind=plan.kind.slug, mapping=form.result().as_data
        )
        batches.start(batch, request.user)  # type: ignore[arg-type]
        return redirect("import-detail", slug, batch.pk)
    context = {"batch": batch, "form": form, "kind": plan.kind, "preview": seen, "kinds": KINDS.values()}
    return render(request, "intake/map.html", context)


def _planned(batch: Batch, kind: str) -> tuple[Plan, Preview]:
    """The batch's plan, or the one its header gives for another kind; and the file's first rows."""
    plan = plan_of(batch.kind, batch.mapping)
    try:
        seen = preview(Path(batch.path), plan)
    except (FileProblemError, FileNotFoundError) as problem:
        raise Http404 from problem
    if kind in KINDS and kind != batch.kind:
        plan = by_header(KINDS[kind], seen.header).read_as(seen.format)
    return plan, seen


@login_required
@require_safe
def import_detail(request: HttpRequest, slug: str, batch_id: int) -> HttpResponse:
    """One batch: its progress while it is loaded, then its report."""
    workspace = get_workspace(request, slug)
    batch = _batch(workspace, batch_id)
    context = {
        "batch": batch,
        "errors": batch.errors.all()[:SHOWN_ERRORS],
        "notes": [note(code, count) for code, count in batch.notes.items()],
        "has_file": batches.bad_rows_path(batch).exists(),
        "kind": KINDS.get(batch.kind),
        "may_load": _may_load(request),
    }
    return page_or_panel(request, "intake/detail.html", "batch", context)


@login_required
@require_safe
def import_errors_file(request: HttpRequest, slug: str, batch_id: int) -> FileResponse:
    """The bad rows of a rejected batch, with the line and what is wrong."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)  # the rows hold what the file held
    path = batches.bad_rows_path(_batch(workspace, batch_id))
    if not path.exists():
        raise Http404
    return FileResponse(path.open("rb"), as_attachment=True, filename=path.name, content_type="text/csv; charset=utf-8")


@login_required
@require_safe
def import_template(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """The generic template of a kind, with example rows."""
    get_workspace(request, slug)
    if kind not in KINDS:
        raise Http404
    response = HttpResponse(template_csv(KINDS[kind]), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{kind}.csv"'
    return response


def _batch(workspace: Workspace, batch_id: int) -> Batch:
    known = Batch.objects.select_related("source", "job", "created_by")
    return get_object_or_404(known, workspace=workspace, pk=batch_id)


def _may_load(request: HttpRequest) -> bool:
    return bool(request.role >= Role.MEMBER)  # type: ignore[attr-defined]
