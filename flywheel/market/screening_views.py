"""The pages of market screening: the ranking, the editor of a model, values of your own."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
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
from flywheel.market import changes, economies, indicators, own_values, screening_page
from flywheel.market.model_form import Editor
from flywheel.market.models import ScoringModel
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
        "changes": changes.newest(workspace, "scoringmodel"),
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
        "indicator_names": sorted({*map(indicators.label_of, indicators.INDICATORS), *indicators.own_keys(workspace)}),
        "market_names": [name for _code, name in economies.choices(workspace)],
        "changes": changes.newest(workspace, "scoringmodel", model.pk),
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


@login_required
@require_POST
def model_delete(request: HttpRequest, slug: str, model_id: int) -> HttpResponse:
    """Delete a model; it can be taken back."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    with transaction.atomic():
        model = get_object_or_404(ScoringModel.objects.select_for_update(), workspace=workspace, pk=model_id)
        records.delete(model, _user(request))
    messages.success(request, _("“%(name)s” has been deleted. It can be taken back below.") % {"name": model.name})
    return redirect(PAGE, slug)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def values(request: HttpRequest, slug: str) -> HttpResponse:
    """Values entered by hand: see them, add one, or take one away."""
    needs = Role.MEMBER if request.method == "POST" else Role.READER
    workspace = get_workspace(request, slug, needs=needs)
    if request.method == "POST" and "delete" in request.POST:
        return _value_deleted(request, workspace)
    form = own_values.ValueForm(workspace, request.POST or None, initial=request.GET.dict())
    if request.method == "POST" and form.is_valid():
        form.save(_user(request))
        messages.success(request, _("The value has been saved."))
        return redirect("market-values", slug)
    names = economies.Names(workspace)
    rows = [
        {"fact": fact, "market": names[fact.market], "indicator": indicators.label_of(fact.indicator)}
        for fact in own_values.by_hand(workspace)
    ]
    context: dict[str, Any] = {
        **ROOM.frame(workspace, PAGE),
        "form": form,
        "rows": rows,
        "markets": [name for _code, name in economies.choices(workspace)],
        "indicator_names": sorted({*map(indicators.label_of, indicators.INDICATORS), *indicators.own_keys(workspace)}),
        "may_edit": request.role >= Role.MEMBER,  # type: ignore[attr-defined]
    }
    return render(request, "market/values.html", context)


def _value_deleted(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    asked = request.POST["delete"]
    fact = next((f for f in own_values.by_hand(workspace) if str(f.pk) == asked), None)
    if fact:
        fact.delete()
        messages.success(request, _("The value has been deleted."))
    return redirect("market-values", workspace.slug)


def _user(request: HttpRequest) -> User:
    return request.user  # type: ignore[return-value]
