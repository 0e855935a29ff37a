"""Start page; while developing, also the style guide."""

from django.conf import settings
from django.urls import URLPattern, path

from flywheel.accounts import views

urlpatterns: list[URLPattern] = [
    path("", views.home, name="home"),
    path("workspaces/new/", views.workspace_new, name="workspace-new"),
]
if settings.DEBUG:
    from flywheel.accounts.styleguide import styleguide

    urlpatterns.append(path("styleguide/", styleguide, name="styleguide"))
