"""The pages of markets and channels, and of exchange rates."""

import zoneinfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from flywheel.accounts.access import get_workspace
from flywheel.accounts.models import Role
from flywheel.facts import currency
from flywheel.facts import rates as exchange_rates
from flywheel.facts.places import MODELS, table


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def places(request: HttpRequest, slug: str) -> HttpResponse:
    """Markets and channels: everybody sees them, an admin names them. POST holds one of the two tables."""
    workspace = get_workspace(request, slug, needs=Role.ADMIN if request.method == "POST" else Role.READER)
    posted = next((name for name in MODELS if f"{name}-TOTAL_FORMS" in request.POST), None)
    tables = {
        name: table(workspace, name, request.GET.get(name), request.POST if name == posted else None) for name in MODELS
    }
    if posted and tables[posted].save():
        messages.success(request, _("Saved. The next diagnosis uses it."))
        return redirect(request.get_full_path())
    context = {
        "tables": tables.values(),
        "failed": posted,
        "may_change": request.role >= Role.ADMIN,  # type: ignore[attr-defined]
        "may_diagnose": request.role >= Role.MEMBER,  # type: ignore[attr-defined]
        "time_zones": sorted(zoneinfo.available_timezones()),
    }
    return render(request, "facts/places.html", context)


@login_required
@require_safe
def rates(request: HttpRequest, slug: str) -> HttpResponse:
    """Exchange rates: how far the published ones go, and the workspace's own."""
    workspace = get_workspace(request, slug)
    context = {
        "reach": exchange_rates.reach(workspace),
        "own": exchange_rates.own(workspace),
        "published": currency.followed(),
        "most_gap": currency.MAX_GAP_DAYS,
        "may_load": request.role >= Role.MEMBER,  # type: ignore[attr-defined]
    }
    return render(request, "facts/rates.html", context)
