"""Values of indicators that people enter by hand: facts of a source of their own, beside those that files bring."""

from decimal import Decimal
from typing import Any

from django import forms
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from flywheel.accounts.models import User, Workspace
from flywheel.facts.models import MarketIndicator, Source
from flywheel.market import economies, indicators

SOURCE = "by-hand"
LARGEST = Decimal(10) ** 17  # what the column holds


class ValueForm(forms.Form):
    """One value of one market and period, and where it is from."""

    market = forms.CharField(
        label=gettext_lazy("Market"),
        max_length=120,
        widget=forms.TextInput(attrs={"list": "markets", "autocomplete": "off"}),
    )
    indicator = forms.CharField(
        label=gettext_lazy("Indicator"),
        max_length=200,
        widget=forms.TextInput(attrs={"list": "indicators", "autocomplete": "off"}),
        help_text=gettext_lazy("One of the model’s, or a name of your own with its unit."),
    )
    period = forms.RegexField(
        r"^(19|20)\d\d(-[A-Za-z0-9]{1,3})?$",
        label=gettext_lazy("Year or period"),
        help_text=gettext_lazy("Such as 2026, 2026-Q1 or 2026-03."),
        error_messages={"invalid": gettext_lazy("Enter a year, such as 2026, or a period such as 2026-Q1.")},
    )
    value = forms.DecimalField(label=gettext_lazy("Value"), min_value=-LARGEST, max_value=LARGEST, decimal_places=6)
    origin = forms.CharField(label=gettext_lazy("Where the figure is from"), max_length=200)

    def __init__(self, workspace: Workspace, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.workspace = workspace

    def clean_market(self) -> str:
        """The market's code."""
        return economies.Typed(self.workspace).code(self.cleaned_data["market"])

    def clean_indicator(self) -> str:
        """The key of one of ours, else the name as it was written."""
        typed = self.cleaned_data["indicator"]
        known = {indicators.label_of(key).casefold(): key for key in indicators.INDICATORS}
        return known.get(typed.casefold(), typed)

    def save(self, user: User | None) -> MarketIndicator:
        """Store the value; one that was entered for the same period before is replaced."""
        data = self.cleaned_data
        key = f"{data['market']}|{data['indicator']}|{data['period']}"
        names = {"name": _("Entered by hand")}
        with transaction.atomic():
            source, _made = Source.objects.get_or_create(workspace=self.workspace, slug=SOURCE, defaults=names)
            return MarketIndicator.objects.update_or_create(
                workspace=self.workspace, source=source, external_id=key, defaults=data
            )[0]


def by_hand(workspace: Workspace) -> list[MarketIndicator]:
    """What was entered by hand, by market, indicator and period."""
    found = MarketIndicator.objects.filter(workspace=workspace, source__slug=SOURCE)
    return list(found.order_by("market", "indicator", "-period"))
