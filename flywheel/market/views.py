"""The pages of the market engine that show what is known: overview, positioning, channel mix, campaigns, roadmap."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods
from django.views.decorators.vary import vary_on_headers

from flywheel.accounts import records
from flywheel.accounts.access import get_workspace
from flywheel.accounts.models import Role, Workspace
from flywheel.accounts.panels import page_or_panel
from flywheel.accounts.sheets import download
from flywheel.diagnosis.engine_pages import Choice
from flywheel.diagnosis.engine_views import choice_file, show
from flywheel.diagnosis.market_names import Names
from flywheel.diagnosis.register_views import listed
from flywheel.market import campaigns as campaigns_page
from flywheel.market import channel_mix, positioning, roadmap
from flywheel.market import overview as overview_page
from flywheel.market.models import GatePass, RoadmapEntry, Stage
from flywheel.market.registers import REGISTERS
from flywheel.market.room import ROOM

SHOWN_PASSES = 20


@login_required
@require_GET
@vary_on_headers("HX-Request")
def overview(request: HttpRequest, slug: str, engine: str) -> HttpResponse:
    """The KPIs of the market engine, their charts and tables."""
    return show(request, slug, ROOM, "engine", "market/overview.html", overview_page.overview)


# --- positioning ------------------------------------------------------------------------------------------------------
@login_required
@require_GET
def positioning_map(request: HttpRequest, slug: str) -> HttpResponse:
    """Competitors' offers and our own on two attributes, and the emptiest places that are asked for."""
    workspace = get_workspace(request, slug)
    context = {
        **ROOM.frame(workspace, "market-positioning"),
        **positioning.context(workspace, request.GET),
        "own": listed(workspace, REGISTERS["offers"], QueryDict()),
        "may_edit": request.role >= Role.MEMBER,  # type: ignore[attr-defined]
    }
    return page_or_panel(request, "market/positioning.html", "panel", context)


@login_required
@require_GET
def positioning_file(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """Every offer of the map as CSV or as a workbook."""
    workspace = get_workspace(request, slug)
    columns, rows = positioning.table(workspace, request.GET)
    return download("positioning", kind, columns, rows)


# --- channel mix ------------------------------------------------------------------------------------------------------
@login_required
@require_GET
@vary_on_headers("HX-Request")
def channels(request: HttpRequest, slug: str) -> HttpResponse:
    """What channels cost and bring, and where one more unit of spend brings most."""
    return show(request, slug, ROOM, "market-channels", "market/channels.html", channel_mix.context)


@login_required
@require_GET
def channels_file(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """The channel mix of the chosen weeks and market as CSV or as a workbook."""
    return choice_file(request, slug, ROOM, "channel-mix", kind, channel_mix.table)


@login_required
@require_GET
@vary_on_headers("HX-Request")
def campaigns(request: HttpRequest, slug: str) -> HttpResponse:
    """What each advertising campaign costs, and how often it is seen and clicked."""

    def context(workspace: Workspace, choice: Choice) -> dict[str, Any]:
        return campaigns_page.context(workspace, choice, request.GET)

    return show(request, slug, ROOM, "market-campaigns", "market/campaigns.html", context)


@login_required
@require_GET
def campaigns_file(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """All campaigns of the chosen weeks and market as CSV or as a workbook."""
    return choice_file(
        request, slug, ROOM, "campaigns", kind, lambda w, choice: campaigns_page.table(w, choice, request.GET)
    )


# --- roadmap ----------------------------------------------------------------------------------------------------------
@login_required
@require_GET
def roadmap_list(request: HttpRequest, slug: str) -> HttpResponse:
    """The markets on their way in, and how far each is from its next gate."""
    workspace = get_workspace(request, slug)
    register = REGISTERS["roadmap"]
    context = listed(workspace, register, request.GET)
    page = context["page"].object_list
    evidence = roadmap.gather(workspace, list(page))
    names = Names(workspace)
    context["rows"] = [
        {
            "record": entry,
            "name": names[entry.market],
            "gate": roadmap.next_gate(entry, evidence),
            "score": evidence.row(entry)[1],
            "late": line["late"],
        }
        for entry, line in zip(page, context["rows"], strict=True)
    ]
    context |= ROOM.frame(workspace, "market-roadmap")
    context["may_edit"] = request.role >= Role.MEMBER  # type: ignore[attr-defined]
    return page_or_panel(request, "market/roadmap.html", "panel", context)


class MoveForm(forms.Form):
    """Where to, and why."""

    seen = forms.IntegerField(widget=forms.HiddenInput)
    stage = forms.ChoiceField(label=gettext_lazy("Entry stage"), choices=Stage.choices)
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Needed where the gate is not open, and on the way back."),
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def roadmap_gate(request: HttpRequest, slug: str, record_id: int) -> HttpResponse:
    """A market's gate: what it asks for, what is met; a member takes the market through it, or back."""
    needs = Role.MEMBER if request.method == "POST" else Role.READER
    workspace = get_workspace(request, slug, needs=needs)
    entry = get_object_or_404(RoadmapEntry, workspace=workspace, pk=record_id)
    gate = roadmap.next_gate(entry, roadmap.gather(workspace, [entry]))
    first = {"seen": entry.version, "stage": gate.stage if gate else entry.stage}
    form = MoveForm(request.POST or None, initial=first)
    if request.method == "POST" and form.is_valid() and _moved(request, entry, form):
        return redirect("market-roadmap", slug)
    names = Names(workspace)
    context = {
        **ROOM.frame(workspace, "market-roadmap"),
        "entry": entry,
        "name": names[entry.market],
        "gate": gate,
        "form": form,
        "passes": _passes(entry),
        "may_edit": request.role >= Role.MEMBER,  # type: ignore[attr-defined]
    }
    return render(request, "market/gate.html", context)


def _moved(request: HttpRequest, entry: RoadmapEntry, form: MoveForm) -> bool:
    data = form.cleaned_data
    entry.version = data["seen"]
    before = entry.stage
    try:
        roadmap.move(entry, data["stage"], data["reason"], request.user)  # type: ignore[arg-type]
    except roadmap.GateError as problem:
        form.add_error("reason", str(problem))
    except records.StaleError:
        form.add_error(None, _("Somebody has changed this since you opened it. Open the page again."))
    else:
        messages.success(
            request, _("The market is now at the stage “%(stage)s”.") % {"stage": entry.get_stage_display()}
        )
        return True
    entry.stage = before
    return False


def _passes(entry: RoadmapEntry) -> list[dict[str, object]]:
    """The market's way so far, with the criteria as they stood."""
    found = GatePass.objects.filter(workspace=entry.workspace, market=entry.market).select_related("user")
    return [{"passed": p, "criteria": [roadmap.Criterion(**c) for c in p.criteria]} for p in found[:SHOWN_PASSES]]
