"""Import pages: batches, upload, mapping, and one batch as it is loaded or taken back."""

from pathlib import Path

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from flywheel.accounts.access import get_workspace
from flywheel.accounts.models import Role, Workspace
from flywheel.accounts.panels import page_or_panel
from flywheel.facts.models import Source
from flywheel.intake import batches
from flywheel.intake.formats import FORMATS
from flywheel.intake.forms import MappingForm, UploadForm
from flywheel.intake.kinds import KINDS
from flywheel.intake.models import Batch
from flywheel.intake.plans import Plan, by_header
from flywheel.intake.reading import FileProblemError
from flywheel.intake.recognising import Guess, first_guess
from flywheel.intake.samples import Preview, preview
from flywheel.intake.survey import QUESTIONS
from flywheel.intake.templates import FILES, all_templates
from flywheel.intake.uploads import DISK_FULL, FULL
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
    waiting = sum(batch.has_file for batch in batches.waiting(workspace))
    context = {
        "page": page,
        "busy": busy,
        "templates": all_templates,
        "may_load": _may_load(request),
        "waiting": waiting,
    }
    return page_or_panel(request, "intake/list.html", "batches", context)


# --- upload ---------------------------------------------------------------------------------------------------------
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def import_new(request: HttpRequest, slug: str) -> HttpResponse:
    """Upload files; each becomes a batch that waits to be confirmed."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    initial = {"kind": request.GET.get("kind", "")}
    form = UploadForm(workspace, request.POST or None, request.FILES or None, initial=initial)
    if form.is_valid():
        files = form.cleaned_data["file"]
        made = [batch for file in files if (batch := _uploaded(request, workspace, form, file))]
        if len(made) == len(files) == 1:
            return redirect("import-map", slug, made[0].pk)
        if made:
            for problem in _problems(form):
                messages.error(request, problem)
            return redirect("import-waiting", slug)
    context = {"form": form, "templates": all_templates, "formats": FORMATS.values()}
    return render(request, "intake/new.html", context)


def _problems(form: UploadForm) -> list[str]:
    return [str(problem) for listed in form.errors.values() for problem in listed]


def _uploaded(request: HttpRequest, workspace: Workspace, form: UploadForm, file: UploadedFile) -> Batch | None:
    """The batch of an uploaded file, which is being checked; None, with the reason on the form, when unreadable."""
    name = file.name or "file"
    batch = None
    try:
        path = batches.keep_file(workspace, name, file)
    except OSError as problem:
        if problem.errno not in FULL:
            raise
        _refuse(form, "file", name, str(DISK_FULL))
        return None
    try:
        chosen = form.cleaned_data
        slug = batches.source_slug(chosen["source"]) if chosen["source"] else ""
        guess = first_guess(workspace, path, chosen["kind"], chosen["mapping"], slug)
        batch = _made(request, workspace, form, guess, path, name)
    except FileProblemError as problem:
        _refuse(form, "file", name, file_problem(problem))
    finally:
        if batch is None:
            path.unlink(missing_ok=True)
    return batch


def _made(
    request: HttpRequest, workspace: Workspace, form: UploadForm, guess: Guess | None, path: Path, name: str
) -> Batch | None:
    """The batch of a file that was recognised; None, with the reason on the form, when something is not known."""
    if guess is None:
        _refuse(form, "kind", name, _("The header fits no kind of data: choose one."))
        return None
    if guess.is_unclear:
        _refuse(form, "source", name, _("Mappings of several sources fit it: say where the file comes from."))
        return None
    source = _source(workspace, form.cleaned_data["source"], guess)
    if source is None:
        _refuse(form, "source", name, _("No data of this kind has been loaded yet: say where the file comes from."))
        return None
    batch = batches.create(source, guess.plans, path, name, request.user, mapping_name=guess.name)  # type: ignore[arg-type]
    if guess.renamed:
        Batch.objects.filter(pk=batch.pk).update(renamed=dict(guess.renamed))
    batches.start_check(batch, request.user)  # type: ignore[arg-type]
    return batch


def _refuse(form: UploadForm, field: str, name: str, text: str) -> None:
    """A reason on the form, led by the file's name where there are several."""
    several = len(form.cleaned_data.get("file") or ()) > 1
    form.errors.setdefault(field, form.error_class()).append(f"{name}: {text}" if several else text)


def _source(workspace: Workspace, name: str, guess: Guess) -> Source | None:
    """The source that was named, the mapping's, the one that last loaded this kind of data, or the format's program."""
    if name:
        return batches.source_named(workspace, name)
    last = batches.last_source(workspace, guess.plans[0].kind.slug, guess.name)
    if guess.source or last or guess.name not in FORMATS:
        return guess.source or last
    return batches.source_named(workspace, FORMATS[guess.name].program)


# --- batches that wait to be confirmed ------------------------------------------------------------------------------
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def import_waiting(request: HttpRequest, slug: str) -> HttpResponse:
    """All files that wait to be confirmed, and what would become of them; a post loads those that are sound."""
    needs = Role.MEMBER if request.method == "POST" else Role.READER
    workspace = get_workspace(request, slug, needs=needs)
    if request.method == "POST":
        for batch in batches.waiting(workspace):
            if batch.is_sound:
                batches.start(batch, request.user)  # type: ignore[arg-type]
        return redirect("import-list", slug)
    known = [batch for batch in batches.waiting(workspace) if batch.has_file]
    context = {
        "waiting": known,
        "busy": any(batch.is_being_checked for batch in known),
        "sound": sum(batch.is_sound for batch in known),
        "may_load": _may_load(request),
    }
    return page_or_panel(request, "intake/waiting.html", "waiting", context)


@login_required
@require_POST
def import_discard(request: HttpRequest, slug: str, batch_id: int) -> HttpResponse:
    """Forget a file that was not loaded."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    if not batches.discard(_batch(workspace, batch_id)):
        messages.error(request, _("The file is being loaded or was loaded already: it was not discarded."))
    return redirect("import-list", slug)


# --- one batch ------------------------------------------------------------------------------------------------------
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def import_map(request: HttpRequest, slug: str, batch_id: int) -> HttpResponse:
    """What will happen and how the file is read: check or change the mapping, then load.

    `?kind=` tries the file as another kind. A post checks again with what was entered (`action=check`), loads, or loads
    the good rows (`action=load-good`).
    """
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    batch = _batch(workspace, batch_id)
    if not batch.can_start:
        return redirect("import-detail", slug, batch.pk)
    plans, seen = _planned(batch, request.POST.get("kind") or request.GET.get("kind", ""))
    form = MappingForm(workspace, batch.source, plans, seen, _with_answer(request.POST) or None)
    if form.is_valid():
        return _confirmed(request, batch, form)
    context = {
        "batch": batch,
        "form": form,
        "kind": form.kind,
        "preview": seen,
        "kinds": KINDS.values(),
        "format": FORMATS.get(plans[0].format),
        "twin": batches.twin(batch),
        "question": batch.errors.filter(line=0, code__in=QUESTIONS).first() if batch.checked_at else None,
        **_report(batch),
    }
    return page_or_panel(request, "intake/map.html", "check", context)


def _with_answer(posted: QueryDict) -> QueryDict:
    """What was posted, with the answer to a question in its field: `answer=date_order:day`."""
    field, _colon, value = posted.get("answer", "").partition(":")
    data = posted.copy()
    if field in QUESTIONS:
        data[field] = value
    return data


def _confirmed(request: HttpRequest, batch: Batch, form: MappingForm) -> HttpResponse:
    """Do with a batch what the form's button says."""
    action = "check" if request.POST.get("answer") else request.POST.get("action", "load")
    saved = form.save_mapping()
    batches.replan(batch, form.result(), saved.slug if saved else "", skips_bad_rows=action == "load-good")
    user = request.user
    if action == "check":
        batches.start_check(batch, user)  # type: ignore[arg-type]
        return redirect("import-map", batch.workspace.slug, batch.pk)
    batches.start(batch, user)  # type: ignore[arg-type]
    return redirect("import-detail", batch.workspace.slug, batch.pk)


def _planned(batch: Batch, kind: str) -> tuple[tuple[Plan, ...], Preview]:
    """The batch's plans, or the one its header gives for another kind; and the file's first rows."""
    plans = batch.as_plans
    try:
        seen = preview(Path(batch.path), plans[0])
    except (FileProblemError, FileNotFoundError) as problem:
        raise Http404 from problem
    if kind in KINDS and kind != batch.kind:
        plans = (by_header(KINDS[kind], seen.header).with_options(plans[0].options),)
    return plans, seen


@login_required
@require_safe
def import_detail(request: HttpRequest, slug: str, batch_id: int) -> HttpResponse:
    """One batch: its progress while it is loaded, then its report."""
    workspace = get_workspace(request, slug)
    batch = _batch(workspace, batch_id)
    context = {
        "batch": batch,
        "kind": KINDS.get(batch.kind),
        "may_load": _may_load(request),
        **_report(batch),
    }
    return page_or_panel(request, "intake/detail.html", "batch", context)


def _report(batch: Batch) -> dict[str, object]:
    """What was found in a batch's file."""
    return {
        "errors": batch.errors.all()[:SHOWN_ERRORS],
        "notes": [note(code, count) for code, count in batch.notes.items()],
        "has_file": batches.bad_rows_path(batch).exists(),
    }


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def import_undo(request: HttpRequest, slug: str, batch_id: int) -> HttpResponse:
    """Say what taking a batch back would do; a post takes it back, unless others stand on it.

    Where that takes long to find out, the job that takes it back does, and the batch's page tells.
    """
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    batch = _batch(workspace, batch_id)
    if batch.state != Batch.State.LOADED:
        return redirect("import-detail", slug, batch.pk)
    built_on = batches.built_on_soon(batch)
    if request.method == "POST" and not built_on:
        batches.start_undo(batch, request.user)  # type: ignore[arg-type]
        return redirect("import-detail", slug, batch.pk)
    return render(request, "intake/undo.html", {"batch": batch, "built_on": built_on, "is_known": built_on is not None})


@login_required
@require_safe
def import_errors_file(request: HttpRequest, slug: str, batch_id: int) -> FileResponse:
    """The bad rows of a batch, with the line and what is wrong."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)  # the rows hold what the file held
    path = batches.bad_rows_path(_batch(workspace, batch_id))
    if not path.exists():
        raise Http404
    return FileResponse(path.open("rb"), as_attachment=True, filename=path.name, content_type="text/csv; charset=utf-8")


@login_required
@require_safe
def import_template(request: HttpRequest, slug: str, kind: str, file_format: str = "csv") -> HttpResponse:
    """The generic template of a kind, with example rows, in the reader's language; `file_format` is a key of FILES."""
    get_workspace(request, slug)
    if kind not in KINDS:
        raise Http404
    write, content_type = FILES[file_format]
    response = HttpResponse(write(KINDS[kind]), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{kind}.{file_format}"'
    return response


def _batch(workspace: Workspace, batch_id: int) -> Batch:
    known = Batch.objects.select_related("source", "job", "check_job", "created_by", "workspace")
    return get_object_or_404(known, workspace=workspace, pk=batch_id)


def _may_load(request: HttpRequest) -> bool:
    return bool(request.role >= Role.MEMBER)  # type: ignore[attr-defined]
