"""The pages of market screening: the ranking, and the editor of a model."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from flywheel.accounts import records
from flywheel.accounts.access import get_workspace
from flywheel.accounts.models import Role, User, Workspace
from flywheel.accounts.panels import page_or_panel
from flywheel.accounts.sheets import download
from flywheel.market import economies, indicators, screening_page
from flywheel.market.model_form import Editor
from flywheel.market.models import ScoringModel
from flywheel.market.registers import REGISTERS
from flywheel.market.room import ROOM
from flywheel.market.screening import first_markets
from flywheel.market.spec import Spec, first_spec

PAGE = "market-screening"


def _model(request: HttpRequest, workspace: Workspace) -> ScoringModel | None:
    """The model in the address, else the first; None when there is none."""
    known = ScoringModel.objects.filter(workspace=workspace)
    asked = request.GET.get("model", "")
    return (known.filter(pk=int(asked[:18])).first() if asked.isdecimal() else None) or known.first()


@login_required
@require_GET
def screening(request: HttpRequest, slug: str) -> HttpResponse:
    """The markets of a model by score, how stable their ranks are, and every value with its source and year."""
    workspace = get_workspace(request, slug)
    model = _model(request, workspace)
    context = {
        **ROOM.frame(workspace, PAGE),
        **screening_page.context(workspace, model, request.GET.get("page")),
        "models": ScoringModel.objects.filter(workspace=workspace),
        "may_edit": request.role >= Role.MEMBER,  # type: ignore[attr-defined]
        "model_query": f"model={model.pk}" if model else "",
        **screening_page.back_test_context(workspace, model),
        "changes": REGISTERS["models"].changes(workspace),
    }
    return page_or_panel(request, "market/screening.html", "panel", context)


@login_required
@require_GET
def screening_file(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """The ranking with all its values as CSV or as a workbook."""
    workspace = get_workspace(request, slug)
    columns, rows = screening_page.table(workspace, _model(request, workspace))
    return download("market-screening", kind, columns, rows)


@login_required
@require_POST
def model_new(request: HttpRequest, slug: str) -> HttpResponse:
    """Keep a new model: the seven dimensions, or a copy of the model that is named."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    source = _copied(request, workspace)
    spec = Spec.of(source.document) if source else first_spec(first_markets(workspace))
    name = _("Copy of %(name)s") % {"name": source.name} if source else _("Market entry")
    model = ScoringModel(workspace=workspace, name=name[:80], document=spec.document())
    records.add(model, _user(request))
    return redirect("market-model-edit", slug, model.pk)


def _copied(request: HttpRequest, workspace: Workspace) -> ScoringModel | None:
    asked = request.POST.get("model", "")
    if not asked.isdecimal():
        return None
    return get_object_or_404(ScoringModel, workspace=workspace, pk=int(asked[:18]))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def model_edit(request: HttpRequest, slug: str, model_id: int) -> HttpResponse:
    """Change a model's markets, dimensions, bounds and weights."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    model = get_object_or_404(ScoringModel, workspace=workspace, pk=model_id)
    editor = Editor(workspace, model, request.POST if request.method == "POST" else None)
    if editor.is_valid() and _saved(request, model, editor):
        messages.success(request, _("“%(name)s” has been saved.") % {"name": model.name})
        return redirect(f"{reverse(PAGE, args=[slug])}?model={model.pk}")
    context = {
        **ROOM.frame(workspace, PAGE),
        "editor": editor,
        "model": model,
        "dimension_names": [d.label for d in editor.old.dimensions],
        "indicator_names": indicators.names(workspace),
        "market_names": economies.typed(workspace).offered(),
        "changes": REGISTERS["models"].changes(workspace, model.pk),
        "may_edit": True,
    }
    return render(request, "market/model_edit.html", context)


def _saved(request: HttpRequest, model: ScoringModel, editor: Editor) -> bool:
    """Store what was entered; False, with the reason on the form, when somebody else was faster."""
    model.name, model.document = editor.head.cleaned_data["name"], editor.spec.document()
    model.version = editor.head.cleaned_data["version"]
    try:
        records.change(model, _user(request))
    except records.StaleError:
        editor.problem = _(
            "Somebody has saved this model since you opened it. What you entered is still here: look at the saved one "
            "in another window, then open this page again."
        )
        return False
    return True


def _user(request: HttpRequest) -> User:
    return request.user  # type: ignore[return-value]
