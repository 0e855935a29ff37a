"""Start page, before allauth's own addresses the password reset; while developing, also the style guide."""

from django.conf import settings
from django.urls import URLPattern, path, re_path

from flywheel.accounts import key_pages, passwords, views

urlpatterns: list[URLPattern] = [
    path("", views.home, name="home"),
    path("workspaces/new/", views.workspace_new, name="workspace-new"),
    path("w/<slug:slug>/settings/", views.workspace_edit, name="workspace-edit"),
    path("w/<slug:slug>/settings/keys/", key_pages.key_list, name="key-list"),
    path("w/<slug:slug>/settings/keys/<int:key_id>/revoke/", key_pages.key_revoke, name="key-revoke"),
    path("accounts/password/reset/", passwords.reset, name="account_reset_password"),
    re_path(
        r"^accounts/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        passwords.reset_from_key,
        name="account_reset_password_from_key",
    ),
]
if settings.DEBUG:
    from flywheel.accounts.styleguide import styleguide

    urlpatterns.append(path("styleguide/", styleguide, name="styleguide"))
