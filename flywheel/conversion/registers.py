"""The records that people keep here, each with its form: pain points, own trust items, offered methods, thresholds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from flywheel.accounts.models import Workspace
from flywheel.accounts.records import Kept
from flywheel.accounts.workspaces import CURRENCIES
from flywheel.conversion.analyses import market_currencies
from flywheel.conversion.checklist import ITEMS
from flywheel.conversion.methods import NAMES, canonical
from flywheel.conversion.models import FreeShipping, OfferedMethod, PainPoint, TrustItem
from flywheel.diagnosis.flywheel_page import place_names
from flywheel.facts.calendar import today

FIRST_YEAR = 1990


class KeptForm(forms.ModelForm):
    """A record's form: markets of the workspace to choose from, dates that have been, and the version opened."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    any_market: ClassVar[bool] = False  # whether a record may be about all markets

    def __init__(self, workspace: Workspace, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.workspace = workspace
        self.instance.workspace = workspace
        self.fields["version"].initial = self.instance.version if self.instance.pk else ""
        if "market" in self.fields:
            self._offer_markets()
        for field in self.fields.values():
            if isinstance(field, forms.DateField):
                field.widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def _offer_markets(self) -> None:
        names = place_names(self.workspace)["market"]
        everywhere = [("", _("All markets"))] if self.any_market else [("", "–")]
        own = [(self.instance.market, self.instance.market)] if self.instance.pk else []
        known = sorted(((code, name) for code, name in names.items() if code), key=lambda pair: pair[1])
        choices = [*everywhere, *known, *(pair for pair in own if pair[0] and pair[0] not in names)]
        label = self.fields["market"].label
        self.fields["market"] = forms.ChoiceField(label=label, choices=choices, required=not self.any_market)

    def clean(self) -> dict[str, Any]:
        """No day of the future or of a time before shops; nothing that the database cannot store."""
        cleaned = super().clean() or {}
        for name, value in list(cleaned.items()):  # add_error takes the field out
            if isinstance(value, date) and not FIRST_YEAR <= value.year <= today(self.workspace).year + 1:
                self.add_error(name, _("This day cannot be right."))
        return cleaned

    def record(self) -> Kept:
        """The filled-in record, with the version that was opened."""
        record: Kept = self.instance
        if record.pk:
            record.version = self.cleaned_data["version"] or 0
        return record


class PainPointForm(KeptForm):
    """A pain point."""

    any_market = True
    device = forms.ChoiceField(label=_("Device"), required=False)

    class Meta:
        model = PainPoint
        fields = ("step", "market", "device", "text", "evidence", "owner", "status", "solved_on")
        widgets: ClassVar = {"evidence": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = place_names(self.workspace)["device"]
        self.fields["device"] = forms.ChoiceField(
            label=_("Device"), choices=[("", _("All devices")), *names.items()], required=False
        )
        self.order_fields(self.Meta.fields)

    def clean(self) -> dict[str, Any]:
        """A solved point has a day, an open one has none."""
        cleaned = super().clean()
        if cleaned.get("status") == PainPoint.Status.SOLVED:
            cleaned["solved_on"] = cleaned.get("solved_on") or today(self.workspace)
        else:
            cleaned["solved_on"] = None
        return cleaned


class TrustItemForm(KeptForm):
    """An item of the checklist: an own one with its words, or how a bundled one stands."""

    class Meta:
        model = TrustItem
        fields = ("market", "group", "name", "state", "since", "evidence", "checked_on")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.item in ITEMS:
            for name in ("market", "group", "name"):
                del self.fields[name]
        else:
            self.fields["name"].required = True


class OfferedMethodForm(KeptForm):
    """A payment method that is offered, or not."""

    class Meta:
        model = OfferedMethod
        fields = ("market", "method", "is_offered", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["method"].widget = forms.TextInput(attrs={"list": "methods", "autocomplete": "off"})

    def clean_method(self) -> str:
        """One name for one method, whatever it is called."""
        typed = str(self.cleaned_data["method"])
        code = next((code for code, name in NAMES.items() if str(name).lower() == typed.strip().lower()), "")
        return code or canonical(typed)


class FreeShippingForm(KeptForm):
    """A market's free-shipping threshold."""

    class Meta:
        model = FreeShipping
        fields = ("market", "amount", "currency")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known = market_currencies(self.workspace)
        codes = sorted({*CURRENCIES, *self.known.values(), *filter(None, [self.instance.currency])})
        field = self.fields["currency"]
        choices = [("", _("The market's own")), *((code, code) for code in codes)]
        self.fields["currency"] = forms.ChoiceField(
            label=field.label, help_text=field.help_text, choices=choices, required=False
        )

    def clean(self) -> dict[str, Any]:
        """Without a currency, that of the market's orders, which must be known."""
        cleaned = super().clean()
        if "currency" in cleaned and not cleaned["currency"]:
            cleaned["currency"] = self.known.get(cleaned.get("market", ""), "")
            if not cleaned["currency"] and "market" in cleaned:
                self.add_error("currency", _("The market has no orders yet: say in which currency the threshold is."))
        return cleaned


@dataclass(frozen=True)
class Register:
    """A kind of record: its model and form, the page it is shown on, its words."""

    key: str
    model: type[Kept]
    form: type[KeptForm]
    page: str
    title: Promise
    adding: Promise

    @property
    def record(self) -> str:
        """The model's name, as changes note it."""
        return str(self.model._meta.model_name)


REGISTERS: Mapping[str, Register] = {
    register.key: register
    for register in (
        Register("pain", PainPoint, PainPointForm, "conversion-journey", _("Pain points"), _("Add a pain point")),
        Register("item", TrustItem, TrustItemForm, "conversion-trust", _("Trust checklist"), _("Add an own item")),
        Register("method", OfferedMethod, OfferedMethodForm, "conversion-experience", _("Payment methods offered"),
                 _("Enter a payment method")),
        Register("threshold", FreeShipping, FreeShippingForm, "conversion-value", _("Free-shipping thresholds"),
                 _("Enter a threshold")),
    )
}  # fmt: skip
