"""Making a workspace."""

import contextlib
from typing import Any

from django import forms
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from flywheel.accounts.models import Membership, Role, User, Workspace

ATTEMPTS = 5  # at an address that others take at the same moment
CURRENCIES = (
    "EUR", "USD", "GBP", "CNY", "JPY", "HKD", "SGD", "AUD", "CAD", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF",
    "RON", "TRY", "BRL", "MXN", "ZAR", "INR", "IDR", "MYR", "PHP", "THB", "KRW", "ILS", "NZD",
)  # fmt: skip


class WorkspaceForm(forms.ModelForm):
    """A new business: what it is called and how it counts."""

    base_currency = forms.ChoiceField(
        label=_("Base currency"),
        choices=[(c, c) for c in CURRENCIES],
        help_text=_("Every amount is also shown in it, at the rate of the order's day."),
    )
    time_zone = forms.CharField(
        label=_("Time zone"),
        initial="UTC",
        help_text=_("Such as Asia/Shanghai or Europe/Berlin; it decides where a week ends."),
        widget=forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off"}),
    )

    class Meta:
        model = Workspace
        fields = ("name", "base_currency", "time_zone", "first_weekday")

    def clean_time_zone(self) -> str:
        """The zone's name without blanks; the model knows which there are."""
        return str(self.cleaned_data["time_zone"]).strip()


class WorkspaceSettingsForm(forms.ModelForm):
    """What of a business may change while it has data."""

    language = forms.ChoiceField(
        label=_("Language"),
        choices=settings.LANGUAGES,
        help_text=_(
            "Of what is written for all members, such as why a job failed. "
            "Pages speak the language each reader chooses."
        ),
    )

    class Meta:
        model = Workspace
        fields = ("name", "language", "agreed_reply_hours")


def create_workspace(owner: User, **fields: Any) -> Workspace:
    """A workspace owned by `owner`, under the first free address made of its name."""
    for _attempt in range(ATTEMPTS - 1):
        with contextlib.suppress(IntegrityError):  # somebody took the address between the look and the insert
            return _create(owner, fields)
    return _create(owner, fields)


def _create(owner: User, fields: dict[str, Any]) -> Workspace:
    with transaction.atomic():
        workspace = Workspace.objects.create(slug=free_slug(fields["name"]), **fields)
        Membership.objects.create(workspace=workspace, user=owner, role=Role.OWNER)
        return workspace


def free_slug(name: str) -> str:
    """An address that no workspace has: "acme", "acme-2", ...; "shop" where the name has no Latin letters."""
    stem = slugify(name)[:40] or "shop"
    taken = set(Workspace.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    number = next(n for n in range(1, len(taken) + 2) if _numbered(stem, n) not in taken)
    return _numbered(stem, number)


def _numbered(stem: str, number: int) -> str:
    return stem if number == 1 else f"{stem}-{number}"
