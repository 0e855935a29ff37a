"""The page of a workspace's API keys: make one, see which are used, revoke."""

from datetime import datetime, timedelta

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from flywheel.accounts import keys
from flywheel.accounts.access import get_workspace
from flywheel.accounts.models import ApiKey, Role

LIFETIMES = [("", _("Until it is revoked")), ("30", _("30 days")), ("90", _("90 days")), ("365", _("One year"))]


class KeyForm(forms.Form):
    """What a new key is called and what it may do."""

    name = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("Which program uses it, such as “nightly export of the shop”.")
    )
    scopes = forms.MultipleChoiceField(
        label=_("It may"), choices=ApiKey.Scope.choices, widget=forms.CheckboxSelectMultiple
    )
    days = forms.ChoiceField(label=_("It is valid"), choices=LIFETIMES, required=False)

    def expires_at(self) -> datetime | None:
        """When it ends; None for never."""
        days = self.cleaned_data["days"]
        return timezone.now() + timedelta(days=int(days)) if days else None


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def key_list(request: HttpRequest, slug: str) -> HttpResponse:
    """The workspace's keys and the form for a new one.

    The answer to the form shows the new key itself, instead of a redirect: it is kept nowhere to be shown later.
    """
    workspace = get_workspace(request, slug, needs=Role.ADMIN)
    form, made = KeyForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        name, scopes = form.cleaned_data["name"], form.cleaned_data["scopes"]
        made = keys.make(workspace, name, scopes, request.user, form.expires_at())[1]  # type: ignore[arg-type]
        form = KeyForm()
    known = ApiKey.objects.filter(workspace=workspace).select_related("created_by")
    return render(request, "accounts/keys.html", {"keys": known, "form": form, "made": made})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def key_revoke(request: HttpRequest, slug: str, key_id: int) -> HttpResponse:
    """Ask whether a key is to be closed, then close it."""
    workspace = get_workspace(request, slug, needs=Role.ADMIN)
    key = get_object_or_404(ApiKey, workspace=workspace, pk=key_id)
    if request.method == "POST":
        keys.revoke(key)
        messages.success(request, gettext("The key “%(name)s” has been revoked.") % {"name": key.name})
        return redirect("key-list", slug)
    return render(request, "accounts/key_revoke.html", {"key": key})
