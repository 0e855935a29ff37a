"""The start page."""

import zoneinfo
from copy import copy

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from flywheel.accounts.access import get_workspace
from flywheel.accounts.models import Membership, Role
from flywheel.accounts.workspaces import WorkspaceForm, WorkspaceSettingsForm, create_workspace


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


@login_required
def workspace_edit(request: HttpRequest, slug: str) -> HttpResponse:
    """A workspace's name and language for an admin to change; all of its settings for every member to see."""
    workspace = get_workspace(request, slug, needs=Role.ADMIN if request.method == "POST" else Role.READER)
    form = WorkspaceSettingsForm(request.POST or None, instance=copy(workspace))  # the frame keeps the stored name
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("workspace-edit", slug)
    may_change = request.role >= Role.ADMIN  # type: ignore[attr-defined]
    return render(request, "accounts/workspace_edit.html", {"form": form, "may_change": may_change})
