"""The start page."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from flywheel.accounts.models import Membership


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """The flywheel of the reader's first workspace, or a word to those who have none."""
    memberships = Membership.objects.filter(user=request.user)  # type: ignore[misc]
    first = memberships.select_related("workspace").order_by("created_at", "pk").first()
    if first is None:
        return render(request, "accounts/no_workspace.html")
    return redirect("flywheel", first.workspace.slug)
