"""The records that people keep here, each with its form: pain points, own trust items, offered methods, thresholds."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from flywheel.accounts.workspaces import CURRENCIES
from flywheel.conversion.analyses import market_currencies
from flywheel.conversion.checklist import ITEMS
from flywheel.conversion.methods import NAMES, canonical, name_of
from flywheel.conversion.models import FreeShipping, OfferedMethod, PainPoint, TrustItem
from flywheel.conversion.room import ROOM
from flywheel.diagnosis.flywheel_page import place_names
from flywheel.diagnosis.registers import KeptForm, Register, by_key
from flywheel.facts.calendar import today


class PainPointForm(KeptForm):
    """A pain point."""

    class Meta:
        model = PainPoint
        fields = ("step", "market", "device", "text", "evidence", "owner", "status", "solved_on")
        widgets: ClassVar = {"evidence": forms.Textarea(attrs={"rows": 3})}
        help_texts: ClassVar = {"market": _("Empty: in every market.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = place_names(self.workspace)["device"]
        self.fields["device"] = forms.ChoiceField(
            label=_("Device"), choices=[("", _("All devices")), *names.items()], required=False
        )

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
        self.suggest("method", sorted(str(name) for name in NAMES.values()))
        if code := self.initial.get("method"):
            self.initial["method"] = name_of(code)

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


REGISTERS = by_key(
    Register(
        room=ROOM,
        key="pain",
        model=PainPoint,
        form=PainPointForm,
        page="conversion-journey",
        address="journey/pain-points/",
        title=_("Pain points"),
        adding=_("Add a pain point"),
    ),
    Register(
        room=ROOM,
        key="item",
        model=TrustItem,
        form=TrustItemForm,
        page="conversion-trust",
        address="trust/items/",
        is_by_market=True,
        title=_("Trust checklist"),
        adding=_("Add an own item"),
    ),
    Register(
        room=ROOM,
        key="method",
        model=OfferedMethod,
        form=OfferedMethodForm,
        page="conversion-experience",
        address="experience/methods/",
        is_by_market=True,
        title=_("Payment methods offered"),
        adding=_("Enter a payment method"),
    ),
    Register(
        room=ROOM,
        key="threshold",
        model=FreeShipping,
        form=FreeShippingForm,
        page="conversion-value",
        address="value/thresholds/",
        is_by_market=True,
        title=_("Free-shipping thresholds"),
        adding=_("Enter a threshold"),
    ),
)
