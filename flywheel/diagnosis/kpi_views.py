"""The KPI pages: the list, one KPI, and its tables as files."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from engines.kpi import KPIS, Kpi
from flywheel.accounts.access import get_workspace
from flywheel.accounts.models import Workspace
from flywheel.accounts.panels import page_or_panel
from flywheel.accounts.sheets import download
from flywheel.diagnosis import kpi_pages
from flywheel.diagnosis.engine_pages import Choice, choices
from flywheel.diagnosis.engine_views import asked_choice


@login_required
@require_GET
@vary_on_headers("HX-Request")
def kpis(request: HttpRequest, slug: str) -> HttpResponse:
    """Every KPI over the chosen weeks."""
    return _show(request, slug, "diagnosis/kpis.html", kpi_pages.kpi_list)


@login_required
@require_GET
@vary_on_headers("HX-Request")
def kpi(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """One KPI: definition, weeks, markets, channels."""
    entry = _entry(key)
    return _show(request, slug, "diagnosis/kpi.html", lambda w, choice: kpi_pages.kpi_page(w, choice, entry))


@login_required
@require_GET
def kpi_export(request: HttpRequest, slug: str, key: str, table: str, kind: str) -> HttpResponse:
    """One of a KPI's tables as a file."""
    workspace, entry = get_workspace(request, slug), _entry(key)
    choice = asked_choice(request, workspace)
    if table not in kpi_pages.TABLES or choice is None:
        raise Http404
    columns, rows = kpi_pages.export(workspace, choice, entry, table)
    return download(f"{key}-{table}-{choice.week}", kind, columns, rows)


def _entry(key: str) -> Kpi:
    """The KPI of that key; Http404 when there is none."""
    if key not in KPIS:
        raise Http404
    return KPIS[key]


def _show(
    request: HttpRequest, slug: str, template: str, context: Callable[[Workspace, Choice], dict[str, Any]]
) -> HttpResponse:
    workspace = get_workspace(request, slug)
    choice = asked_choice(request, workspace)
    if choice is None:
        return render(request, "diagnosis/kpis_empty.html")
    return page_or_panel(
        request, template, "panel", {"choice": choice, **choices(workspace), **context(workspace, choice)}
    )
