"""What every page's frame needs."""

from django.http import HttpRequest


def shell(request: HttpRequest) -> dict[str, object]:
    """The current workspace, set by get_workspace, or None on pages outside one."""
    return {"workspace": getattr(request, "workspace", None)}
