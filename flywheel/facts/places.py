"""What people say of the markets and channels that arrived with the facts: names, time zones, kinds."""

from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.core.paginator import Page, Paginator
from django.forms import BaseModelFormSet, modelformset_factory
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from flywheel.accounts.models import Workspace
from flywheel.facts.models import Channel, Market

PER_PAGE = 100  # rows; a posted form may hold 1,000 fields, three to a row
Place = Market | Channel


class MarketForm(forms.ModelForm):
    """A market's name, and the zone in which a parcel's day of arrival is read."""

    time_zone = forms.CharField(
        label=_("Time zone"),
        required=False,
        max_length=64,
        widget=forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off"}),
    )

    class Meta:
        model = Market
        fields = ("name", "time_zone")


class ChannelForm(forms.ModelForm):
    """A channel's name and kind."""

    class Meta:
        model = Channel
        fields = ("name", "kind")


class PlaceFormSet(BaseModelFormSet):
    """Rows that are there; none is added by hand."""

    def clean(self) -> None:
        """Refuse rows that the workspace does not have (any more)."""
        super().clean()
        if any(form.instance.pk is None for form in self.initial_forms):
            raise forms.ValidationError(_("A row is no longer there. Open the page again."))


MODELS: dict[str, tuple[type[Place], type[forms.ModelForm]]] = {
    "markets": (Market, MarketForm),
    "channels": (Channel, ChannelForm),
}


@dataclass(frozen=True)
class Table:
    """One page of a workspace's markets or channels, each with its form."""

    name: str
    page: "Page[Place]"
    formset: "BaseModelFormSet[Any, Any]"

    def save(self) -> bool:
        """Store what was changed when every row is right; whether it was."""
        if not self.formset.is_valid():
            return False
        self.formset.save()
        return True


def table(workspace: Workspace, name: str, page: str | None, posted: QueryDict | None = None) -> Table:
    """The table `name` (a key of MODELS); with `posted`, filled in by a person."""
    model, form = MODELS[name]
    known = cast("Any", model).objects.filter(workspace=workspace).order_by("code")
    shown = Paginator(known, PER_PAGE).get_page(page)
    rows = known.filter(pk__in=[place.pk for place in shown]) if posted is None else known
    factory = modelformset_factory(model, form, formset=PlaceFormSet, extra=0, edit_only=True)
    return Table(name, shown, factory(posted, queryset=rows, prefix=name))
