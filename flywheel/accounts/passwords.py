"""Password reset by mail, closed while the product sends none."""

from allauth.account import views as allauth
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render


def reset(request: HttpRequest) -> HttpResponseBase:
    """Ask for a link by mail."""
    return allauth.password_reset(request) if settings.SENDS_MAIL else _closed(request)


def reset_from_key(request: HttpRequest, uidb36: str, key: str) -> HttpResponseBase:
    """Follow the mailed link."""
    if not settings.SENDS_MAIL:
        return _closed(request)
    return allauth.password_reset_from_key(request, uidb36=uidb36, key=key)


def _closed(request: HttpRequest) -> HttpResponseBase:
    """Say who can help instead."""
    return render(request, "account/reset_closed.html")
