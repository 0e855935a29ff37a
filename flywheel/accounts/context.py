"""What every page's frame needs: the workspace, the way around, and the languages."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from flywheel.accounts.models import Workspace
from flywheel.accounts.words import ENGINE_ICONS, ENGINES_SHORT


@dataclass(frozen=True)
class Link:
    """One entry of the side bar."""

    label: str
    url: str
    icon: str
    active: bool


@dataclass(frozen=True)
class Group:
    """Entries of the side bar under a common heading."""

    heading: str
    links: list[Link]


def shell(request: HttpRequest) -> dict[str, object]:
    """The current workspace (None outside one), the reader's other workspaces, the side bar's groups, and mail."""
    workspace = getattr(request, "workspace", None)
    return {
        "workspace": workspace,
        "workspaces": SimpleLazyObject(lambda: _workspaces(request)),
        "navigation": _navigation(request, workspace) if workspace else [],
        "sends_mail": settings.SENDS_MAIL,
    }


def _workspaces(request: HttpRequest) -> list[Workspace]:
    """Every workspace the reader is a member of, by name."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return []
    return list(Workspace.objects.filter(memberships__user_id=user.pk).order_by("name"))


def _navigation(request: HttpRequest, workspace: Workspace) -> list[Group]:
    """The side bar of a workspace."""
    slug = workspace.slug
    engines = [
        _link(request, str(label), ENGINE_ICONS[key], "engine", slug, key) for key, label in ENGINES_SHORT.items()
    ]
    overview = [
        _link(request, _("Flywheel"), "steering-wheel", "flywheel", slug),
        _link(request, _("KPIs"), "activity", "kpi-list", slug),
    ]
    data = [
        _link(request, _("Imports"), "upload", "import-list", slug),
        _link(request, _("Sources"), "database", "source-list", slug),
        _link(request, _("Markets and channels"), "map-pin", "places", slug),
        _link(request, _("Exchange rates"), "arrows-exchange", "rates", slug),
        _link(request, _("Jobs"), "list-check", "job-list", slug),
    ]
    return [
        Group("", overview),
        Group(_("Engines"), engines),
        Group(_("Data"), data),
    ]


def _link(request: HttpRequest, label: str, icon: str, name: str, *args: str) -> Link:
    """A link to a page by its name; active on that page and, but for the flywheel itself, on the pages below it."""
    url = reverse(name, args=args)
    return Link(label, url, icon, request.path == url or (name != "flywheel" and request.path.startswith(url)))
