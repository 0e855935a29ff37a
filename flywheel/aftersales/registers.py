"""The campaigns from action lists: how one is entered, which draws its customers, changed, deleted and taken back."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from flywheel.accounts.records import Kept
from flywheel.accounts.templatetags.formats import day
from flywheel.aftersales import holdouts
from flywheel.aftersales.customer_lists import LISTS, Asked, rows
from flywheel.aftersales.models import ListCampaign
from flywheel.aftersales.views import ROOM
from flywheel.diagnosis.registers import KeptForm, Register, by_key
from flywheel.facts.calendar import today

DRAWN = ("list", "market", "share", "days")  # what nobody changes once the customers are drawn


class ListCampaignForm(KeptForm):
    """A list that is exported, and who of it is held out; later only its name and note can be changed."""

    class Meta:
        model = ListCampaign
        fields = ("list", "market", "name", "share", "days", "note")
        widgets: ClassVar = {"note": forms.Textarea(attrs={"rows": 3})}
        help_texts: ClassVar = {
            "market": gettext_lazy("Empty: in every market."),
            "share": gettext_lazy(
                "So many are drawn by chance and left out of the file: without them nobody knows who would have "
                "ordered anyway."
            ),
            "days": gettext_lazy("From the day after the export; then both groups are compared."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            for name in DRAWN:
                del self.fields[name]
        else:
            chosen = LISTS.get(str(self.initial.get("list", "")))
            if chosen and "name" not in self.initial:
                self.initial["name"] = f"{chosen[0]} · {day(today(self.workspace))}"

    def clean(self) -> dict[str, Any]:
        """A list with somebody on it."""
        cleaned = super().clean()
        if "list" in cleaned and "market" in cleaned:
            asked = Asked(cleaned["list"], cleaned["market"])
            if not rows(self.workspace, asked).exists():
                self.add_error("list", _("Nobody is on this list in this market."))
        return cleaned

    def record(self) -> Kept:
        """Exported today."""
        if not self.instance.pk:
            self.instance.exported_on = today(self.workspace)
        return super().record()


REGISTERS = by_key(
    Register(
        room=ROOM,
        key="lists",
        model=ListCampaign,
        form=ListCampaignForm,
        page="aftersales-campaigns",
        address="campaigns/lists/",
        title=gettext_lazy("Campaigns from our lists"),
        adding=gettext_lazy("Export a list for a campaign"),
        added=holdouts.draw,
    ),
)
