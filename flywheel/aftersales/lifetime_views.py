"""The tabs about single customers: lifetime value, and lists of whom to write to."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from flywheel import jobs
from flywheel.accounts.access import get_workspace
from flywheel.accounts.models import Role, Workspace
from flywheel.accounts.sheets import download, streamed
from flywheel.aftersales import customer_lists, lifetime_value, list_campaigns, scored
from flywheel.aftersales.asking import asked_channel
from flywheel.aftersales.models import ListCampaign
from flywheel.aftersales.standing import LTV
from flywheel.aftersales.views import ROOM
from flywheel.diagnosis.engine_pages import Choice
from flywheel.diagnosis.engine_views import FileTable, choice_file, show
from flywheel.diagnosis.flywheel_page import place_names


@login_required
@require_GET
@vary_on_headers("HX-Request")
def lifetime(request: HttpRequest, slug: str) -> HttpResponse:
    """What customers have brought and will bring, against what it costs to win them."""

    def context(workspace: Workspace, choice: Choice) -> dict[str, Any]:
        channel = asked_channel(workspace, request.GET)
        names = place_names(workspace)["channel"]
        return {
            **lifetime_value.context(workspace, choice, channel),
            "may_run": _is_member(request),
            "channel": channel,
            "channels": [(code, name or code) for code, name in names.items() if code],
        }

    return show(request, slug, ROOM, "aftersales-lifetime", "aftersales/lifetime.html", context)


@login_required
@require_GET
def lifetime_file(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """The table of lifetime values as CSV or as a workbook."""

    def table(workspace: Workspace, choice: Choice) -> FileTable:
        return lifetime_value.table(workspace, choice, asked_channel(workspace, request.GET))

    return choice_file(request, slug, ROOM, "lifetime-value", kind, table)


@login_required
@require_POST
def lifetime_run(request: HttpRequest, slug: str) -> HttpResponse:
    """Work lifetime values out anew."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    job = jobs.start(workspace, LTV, {}, user=request.user, once=True)  # type: ignore[arg-type]
    return redirect("job-detail", slug, job.pk)


@login_required
@require_GET
@vary_on_headers("HX-Request")
def customers(request: HttpRequest, slug: str) -> HttpResponse:
    """Whom to write to: a list, and how many are on the others."""

    def context(workspace: Workspace, choice: Choice) -> dict[str, Any]:
        asked = customer_lists.Asked.parse(request.GET)
        return customer_lists.context(workspace, asked, request.GET.get("page"), _is_member(request))

    return show(request, slug, ROOM, "aftersales-customers", "aftersales/customers.html", context)


@login_required
@require_GET
def customers_file(request: HttpRequest, slug: str, key: str, kind: str) -> HttpResponse:
    """A list as CSV or as a workbook for the mail tool."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    if key not in customer_lists.LISTS:
        raise Http404
    asked = customer_lists.Asked.parse({"list": key, "market": request.GET.get("market", "")})
    if kind == "xlsx" and customer_lists.rows(workspace, asked).count() > customer_lists.MOST_IN_WORKBOOK:
        messages.error(request, _("Too many customers for a workbook: take the CSV file, or one market of them."))
        return redirect(f"{reverse('aftersales-customers', args=[slug])}?list={key}&{asked.query}")
    return download(f"customers-{key}", kind, *customer_lists.table(workspace, asked))


@login_required
@require_GET
@vary_on_headers("HX-Request")
def scored_customers(request: HttpRequest, slug: str) -> HttpResponse:
    """Every customer with what the model expects of them: found, filtered, sorted, page by page."""

    def context(workspace: Workspace, choice: Choice) -> dict[str, Any]:
        return scored.context(workspace, scored.Asked.parse(request.GET), _is_member(request))

    return show(request, slug, ROOM, "aftersales-customers", "aftersales/scored.html", context)


@login_required
@require_GET
def scored_file(request: HttpRequest, slug: str, kind: str) -> HttpResponseBase:
    """All rows of the filter: CSV of any number of them, a workbook of not too many."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    asked = scored.Asked.parse(request.GET)
    if kind == "csv":
        return streamed("customers", *scored.table(workspace, asked))
    if kind == "xlsx" and scored.is_too_long(workspace, asked):
        messages.error(request, _("Too many customers for a workbook: take the CSV file, or one market of them."))
        return redirect(f"{reverse('aftersales-scored', args=[slug])}?{asked.query}")
    return download("customers", kind, *scored.table(workspace, asked))


@login_required
@require_GET
def campaign_file(request: HttpRequest, slug: str, campaign_id: int, kind: str) -> HttpResponseBase:
    """Whom a campaign from a list writes to, for the mail tool; those held out are not in it."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    campaign = get_object_or_404(ListCampaign, workspace=workspace, pk=campaign_id)
    name = f"campaign-{campaign.list}-{campaign.exported_on}"
    if kind == "csv":
        return streamed(name, *list_campaigns.members(campaign))
    if kind == "xlsx" and list_campaigns.is_too_long(campaign):
        messages.error(request, _("Too many customers for a workbook: take the CSV file."))
        return redirect("aftersales-campaigns", slug)
    return download(name, kind, *list_campaigns.members(campaign))


def _is_member(request: HttpRequest) -> bool:
    return bool(request.role >= Role.MEMBER)  # type: ignore[attr-defined]
