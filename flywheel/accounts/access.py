"""Who may see what. Every view resolves its workspace here, and every query starts from that workspace."""

from collections.abc import Callable

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone

from flywheel.accounts.models import Membership, Role, Workspace


def get_workspace(request: HttpRequest, slug: str, needs: Role = Role.READER) -> Workspace:
    """The workspace named by `slug`, when the signed-in user holds at least the role `needs` in it.

    Raises Http404 for a stranger (the workspace's existence is not told) and PermissionDenied for a member
    without the right. `request.workspace` and `request.role` are set for the templates' frame; times are told and
    read in the workspace's zone until the request is over (`zone_ends`).
    Views are behind `login_required`, so the user is known here.
    """
    held = Membership.objects.select_related("workspace")
    membership = held.filter(user_id=request.user.pk or 0, workspace__slug=slug).first()
    if membership is None:
        raise Http404
    if membership.role < needs:
        raise PermissionDenied
    timezone.activate(membership.workspace.zone)
    request.workspace = membership.workspace  # type: ignore[attr-defined]
    request.role = Role(membership.role)  # type: ignore[attr-defined]
    return membership.workspace


def zone_ends(respond: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: the zone that `get_workspace` has set is not left to the next request of the thread."""

    def answer(request: HttpRequest) -> HttpResponse:
        try:
            return respond(request)
        finally:
            timezone.deactivate()

    return answer
