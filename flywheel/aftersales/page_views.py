"""The pages of repurchase, campaigns, service and community, and their tables as files."""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from flywheel import jobs
from flywheel.accounts.access import get_workspace
from flywheel.accounts.chart_files import KINDS
from flywheel.accounts.models import Role, Workspace
from flywheel.accounts.sheets import download
from flywheel.aftersales import campaigns, community, repurchase, service
from flywheel.aftersales.asking import Ask
from flywheel.aftersales.standing import COUNTS
from flywheel.aftersales.tables import Table, shown, without_page
from flywheel.aftersales.views import ROOM
from flywheel.diagnosis.engine_pages import Choice
from flywheel.diagnosis.engine_views import asked_choice, show

Tables = Mapping[str, Callable[[Ask], Table]]
PAGES: dict[str, tuple[Callable[[Ask], dict[str, Any]], Tables]] = {
    "repurchase": (repurchase.context, repurchase.TABLES),
    "campaigns": (campaigns.context, campaigns.TABLES),
    "service": (service.context, service.TABLES),
    "community": (community.context, community.TABLES),
}
OF_CUSTOMERS = frozenset({"advocates"})  # tables that name customers: as on their own tab, members alone see them
COUNTED = ("repurchase", "service", "community")  # that show counts made by a job


@login_required
@require_GET
@vary_on_headers("HX-Request")
def page(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """One of PAGES."""
    make = PAGES[key][0]

    def context(workspace: Workspace, choice: Choice) -> dict[str, Any]:
        ask = Ask(workspace, choice, request.GET)
        made, may_run = make(ask), request.role >= Role.MEMBER  # type: ignore[attr-defined]
        seen = [table for table in made["tables"] if may_run or table.key not in OF_CUSTOMERS]
        tables = [shown(table, workspace, key, request.GET) for table in seen]
        return {
            **made,
            "charts": [_with_downloads(chart, workspace, key, request.GET) for chart in made.get("charts", ())],
            "page": key,
            "tables": tables,
            "query": without_page(request.GET),
            "standing": ask.standing if key in COUNTED else None,
            "may_run": may_run,
            "may_edit": may_run,
        }

    return show(request, slug, ROOM, f"aftersales-{key}", f"aftersales/{key}.html", context)


def _with_downloads(chart: dict[str, Any], workspace: Workspace, page: str, asked: QueryDict) -> dict[str, Any]:
    """A chart of one of the page's tables (`files`) gives that table's files, which hold more than is drawn."""
    if "files" not in chart:
        return chart
    query = f"?{asked.urlencode()}" if asked else ""
    found = [
        (label, reverse("aftersales-file", args=[workspace.slug, page, chart["files"], kind]) + query)
        for label, kind in KINDS.items()
    ]
    return chart | {"downloads": found}


@login_required
@require_GET
def page_file(request: HttpRequest, slug: str, key: str, table: str, kind: str) -> HttpResponse:
    """One table of a page as CSV or as a workbook."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER if table in OF_CUSTOMERS else Role.READER)
    tables, choice = PAGES[key][1] if key in PAGES else {}, asked_choice(request, workspace)
    if table not in tables or choice is None:
        raise Http404
    columns, rows = tables[table](Ask(workspace, choice, request.GET)).exported()
    return download(f"{key}-{table}-{choice.week}", kind, columns, rows)


@login_required
@require_POST
def count_run(request: HttpRequest, slug: str) -> HttpResponse:
    """Count anew."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    job = jobs.start(workspace, COUNTS, {}, user=request.user, once=True)  # type: ignore[arg-type]
    return redirect("job-detail", slug, job.pk)
