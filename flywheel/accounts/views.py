"""The start page."""

import zoneinfo

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language

from flywheel.accounts.models import Membership
from flywheel.accounts.workspaces import WorkspaceForm, create_workspace


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """The flywheel of the reader's first workspace, or a word to those who have none."""
    memberships = Membership.objects.filter(user=request.user)  # type: ignore[misc]
    first = memberships.select_related("workspace").order_by("created_at", "pk").first()
    if first is None:
        return render(request, "accounts/no_workspace.html")
    return redirect("flywheel", first.workspace.slug)


@login_required
def workspace_new(request: HttpRequest) -> HttpResponse:
    """Make a workspace in the reader's language; whoever makes it owns it."""
    form = WorkspaceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        language = get_language() or "en"
        workspace = create_workspace(request.user, language=language, **form.cleaned_data)  # type: ignore[arg-type]
        return redirect("flywheel", workspace.slug)
    zones = sorted(zoneinfo.available_timezones())
    return render(request, "accounts/workspace_new.html", {"form": form, "time_zones": zones})
