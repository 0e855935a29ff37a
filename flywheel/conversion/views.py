"""The pages of the conversion engine, and their files."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from flywheel import jobs
from flywheel.accounts.access import get_workspace
from flywheel.accounts.models import Role, Workspace
from flywheel.conversion import (
    analyses,
    experience_page,
    journey_page,
    profiles_page,
    trust_page,
    value_page,
)
from flywheel.conversion import overview as overview_page
from flywheel.conversion.files import MAKERS
from flywheel.conversion.registers import REGISTERS
from flywheel.conversion.room import ROOM
from flywheel.diagnosis.engine_pages import COUNTS, Choice
from flywheel.diagnosis.engine_views import choice_file, show


@login_required
@require_GET
@vary_on_headers("HX-Request")
def overview(request: HttpRequest, slug: str, engine: str) -> HttpResponse:
    """The KPIs of the conversion engine, their charts and tables."""
    return show(request, slug, ROOM, "engine", "conversion/overview.html", overview_page.overview)


@login_required
@require_GET
@vary_on_headers("HX-Request")
def journey(request: HttpRequest, slug: str) -> HttpResponse:
    """The funnel beside another period, segments, losses, paths and pain points."""

    def context(workspace: Workspace, choice: Choice) -> dict[str, Any]:
        made = REGISTERS["pain"].changes(workspace)
        return journey_page.context(workspace, choice, request.GET, _may(request)) | {"made": made}

    return show(request, slug, ROOM, "conversion-journey", "conversion/journey.html", context)


@login_required
@require_GET
@vary_on_headers("HX-Request")
def trust(request: HttpRequest, slug: str) -> HttpResponse:
    """The trust checklist of a market, or the coverage of all."""

    def context(workspace: Workspace, choice: Choice) -> dict[str, Any]:
        made = REGISTERS["item"].changes(workspace)
        return trust_page.context(workspace, choice, _may(request)) | {"made": made}

    return show(request, slug, ROOM, "conversion-trust", "conversion/trust.html", context)


@login_required
@require_GET
@vary_on_headers("HX-Request")
def experience(request: HttpRequest, slug: str) -> HttpResponse:
    """Page experience, mobile gap, abandonment, payment methods."""

    def context(workspace: Workspace, choice: Choice) -> dict[str, Any]:
        made = REGISTERS["method"].changes(workspace)
        return experience_page.context(workspace, choice, request.GET, _may(request)) | {"made": made}

    return show(request, slug, ROOM, "conversion-experience", "conversion/experience.html", context)


@login_required
@require_GET
@vary_on_headers("HX-Request")
def value(request: HttpRequest, slug: str) -> HttpResponse:
    """Order value, its spread, thresholds, what is bought together."""

    def context(workspace: Workspace, choice: Choice) -> dict[str, Any]:
        made = REGISTERS["threshold"].changes(workspace)
        return value_page.context(workspace, choice, request.GET, _may(request)) | {"made": made}

    return show(request, slug, ROOM, "conversion-value", "conversion/value.html", context)


@login_required
@require_GET
@vary_on_headers("HX-Request")
def profiles(request: HttpRequest, slug: str) -> HttpResponse:
    """Customers by recency, frequency and money."""

    def context(workspace: Workspace, choice: Choice) -> dict[str, Any]:
        return profiles_page.context(workspace, choice, request.GET, _may(request))

    return show(request, slug, ROOM, "conversion-profiles", "conversion/profiles.html", context)


def _may(request: HttpRequest) -> bool:
    return bool(request.role >= Role.MEMBER)  # type: ignore[attr-defined]


@login_required
@require_POST
def analyse(request: HttpRequest, slug: str) -> HttpResponse:
    """Work out a period anew and follow the job."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    weeks = COUNTS.get(request.POST.get("weeks", ""))
    params = {} if weeks is None else {"weeks": weeks}
    job = jobs.start(workspace, analyses.JOB, params, user=request.user, once=True)  # type: ignore[arg-type]
    messages.info(request, _("It is being worked out; this may take some minutes."))
    return redirect("job-detail", workspace.slug, job.pk)


# --- files ------------------------------------------------------------------------------------------------------------
@login_required
@require_GET
def table_file(request: HttpRequest, slug: str, table: str, kind: str) -> HttpResponse:
    """One of the room's tables, as the address filters it, as CSV or as a workbook."""
    if table not in MAKERS:
        raise Http404
    return choice_file(request, slug, ROOM, table, kind, lambda w, choice: MAKERS[table](w, choice, request.GET))
