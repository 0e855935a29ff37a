"""What every page's frame needs: the workspace, the way around, and the languages."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
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
    links: list[Link] = field(default_factory=list)


def shell(request: HttpRequest) -> dict[str, object]:
    """The current workspace (None outside one), the reader's other workspaces, and the side bar's groups."""
    workspace = getattr(request, "workspace", None)
    return {
        "workspace": workspace,
        "workspaces": SimpleLazyObject(lambda: _workspaces(request)),
        "navigation": _navigation(request, workspace) if workspace else [],
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
    groups = [
        Group("", list(_found(_link(request, _("Flywheel"), "steering-wheel", "flywheel", slug)))),
        Group(_("Engines"), [link for link in engines if link]),
        Group(
            _("Data"),
            [
                *_found(_link(request, _("Imports"), "upload", "import-list", slug)),
                *_found(_link(request, _("Jobs"), "list-check", "job-list", slug)),
            ],
        ),
    ]
    return [group for group in groups if group.links]


def _found(link: Link | None) -> Iterator[Link]:
    if link is not None:
        yield link


def _link(request: HttpRequest, label: str, icon: str, name: str, *args: str) -> Link | None:
    """A link to a page by its name, or None where the page is not part of this address list."""
    try:
        url = reverse(name, args=args)
    except NoReverseMatch:
        return None
    return Link(label, url, icon, request.path == url or (name != "flywheel" and request.path.startswith(url)))
