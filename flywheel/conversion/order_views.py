"""The lists behind the pages of order value and profiles: what is bought together, the customers of a segment."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from engines.profiles import SEGMENTS
from flywheel.accounts.access import get_workspace
from flywheel.accounts.models import Role, Workspace
from flywheel.accounts.sheets import download
from flywheel.conversion import pairs_page, segments
from flywheel.conversion.room import ROOM
from flywheel.conversion.segments import Asked
from flywheel.conversion.words import SEGMENTS as NAMES
from flywheel.diagnosis.engine_pages import Choice
from flywheel.diagnosis.engine_views import show


@login_required
@require_GET
@vary_on_headers("HX-Request")
def pairs(request: HttpRequest, slug: str) -> HttpResponse:
    """All kept pairs of products or categories, searched, sorted and paged."""

    def context(workspace: Workspace, choice: Choice) -> dict[str, Any]:
        may_edit = request.role >= Role.MEMBER  # type: ignore[attr-defined]
        return {**pairs_page.context(workspace, choice, request.GET), "may_edit": may_edit}

    return show(request, slug, ROOM, "conversion-value", "conversion/pairs.html", context)


@login_required
@require_GET
@vary_on_headers("HX-Request")
def segment(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """The customers of a segment by their ids, the most valuable first."""
    get_workspace(request, slug, needs=Role.MEMBER)
    _check(key)

    def context(workspace: Workspace, choice: Choice) -> dict[str, Any]:
        asked = _asked(request, key, choice.market)
        return {
            "asked": asked,
            "name": NAMES[key],
            "page": segments.shown(workspace, asked, request.GET.get("page")),
            "query": asked.query,
            "most": segments.MOST_IN_WORKBOOK,
        }

    return show(request, slug, ROOM, "conversion-profiles", "conversion/segment.html", context)


@login_required
@require_GET
def segment_file(request: HttpRequest, slug: str, key: str, kind: str) -> HttpResponse:
    """The customers of a segment as CSV or as a workbook for the mail tool: ids, no other personal data."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    _check(key)
    asked = _asked(request, key, request.GET.get("market", ""))
    if kind == "xlsx" and segments.customers(workspace, asked).count() > segments.MOST_IN_WORKBOOK:
        messages.error(request, _("Too many customers for a workbook: take the CSV file, or one market of them."))
        return redirect(f"{reverse('conversion-segment', args=[slug, key])}?{asked.query}")
    return download(f"customers-{key}", kind, *segments.table(workspace, asked))


def _check(key: str) -> None:
    if key not in SEGMENTS:
        raise Http404


def _asked(request: HttpRequest, key: str, market: str) -> Asked:
    """The segment in a market and channel; NUL, which no database takes, is left out."""
    channel = request.GET.get("channel", "")
    return Asked(key, market.replace("\0", ""), channel.replace("\0", ""))
