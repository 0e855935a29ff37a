"""What teams keep here beside the lists' own pages: solving a pain point, answering a market's checklist."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from flywheel.accounts import records
from flywheel.accounts.access import get_workspace
from flywheel.accounts.models import Role, User
from flywheel.conversion.models import PainPoint
from flywheel.conversion.room import ROOM
from flywheel.conversion.trust_form import Checklist
from flywheel.diagnosis.flywheel_page import place_names
from flywheel.facts.calendar import today


@login_required
@require_POST
def pain_solve(request: HttpRequest, slug: str, record_id: int) -> HttpResponse:
    """Call a pain point solved today, or open again."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    point = get_object_or_404(PainPoint, workspace=workspace, pk=record_id)
    is_open = point.status == PainPoint.Status.OPEN
    point.status = PainPoint.Status.SOLVED if is_open else PainPoint.Status.OPEN
    point.solved_on = today(workspace) if is_open else None
    try:
        records.change(point, _user(request))
    except records.StaleError:
        messages.error(request, _("Somebody has changed this meanwhile: nothing has been saved."))
    else:
        messages.success(request, _("“%(name)s” has been saved.") % {"name": point})
    return redirect("conversion-journey", slug)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def checklist_fill(request: HttpRequest, slug: str, market: str) -> HttpResponse:
    """Answer the bundled items of one market on one page."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    names = place_names(workspace)["market"]
    if market not in names:
        raise Http404
    checklist = Checklist(workspace, market, request.POST if request.method == "POST" else None)
    if request.method == "POST" and checklist.is_valid():
        try:
            count = checklist.save(_user(request))
        except (records.StaleError, IntegrityError):
            messages.error(request, _("Somebody has changed this meanwhile: nothing has been saved."))
        else:
            messages.success(request, _("Saved: %(n)s items changed.") % {"n": count})
            return redirect(f"{reverse('conversion-trust', args=[slug])}?{urlencode({'market': market})}")
    context = {
        **ROOM.frame(workspace, "conversion-trust"),
        "checklist": checklist,
        "name": names[market],
        "code": market,
    }
    return render(request, "conversion/checklist.html", context)


def _user(request: HttpRequest) -> User:
    return request.user  # type: ignore[return-value]
