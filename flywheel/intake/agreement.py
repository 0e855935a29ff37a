"""The form of a source: what it is called, whose it is, and what is agreed on its data."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from flywheel.facts.models import Source
from flywheel.intake.batches import source_slug

MAX_DELAY_DAYS = 366


class SourceForm(forms.ModelForm):
    """A source's name, owner, and what is agreed: how often it is loaded, and how old its newest record may be."""

    cadence_days = forms.TypedChoiceField(
        label=_("How often it is loaded"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", _("Not agreed")), *Source.Cadence.choices],
    )
    agreed_delay_days = forms.IntegerField(
        label=_("Newest record at most this many days old"),
        required=False,
        min_value=0,
        max_value=MAX_DELAY_DAYS,
        help_text=_("On any day, so also on the last before the next load. Empty: twice the time between loads."),
    )

    class Meta:
        model = Source
        fields = ("name", "owner_team", "contact", "cadence_days", "agreed_delay_days", "note")
        labels: ClassVar = {
            "name": _("Name"),
            "owner_team": _("Owner team"),
            "contact": _("Contact"),
            "note": _("Note"),
        }
        help_texts: ClassVar = {
            "name": _("Files and scripts that give the old name still load into this source."),
            "contact": _("Who is asked when data is late: a name or an address."),
            "note": _("What everybody should know of this data, such as what it leaves out."),
        }
        widgets: ClassVar = {"note": forms.Textarea(attrs={"rows": 3})}

    def clean_name(self) -> str:
        """A name with letters or digits that no other source of the workspace goes by."""
        name: str = self.cleaned_data["name"].strip()
        try:
            slug = source_slug(name)
        except ValueError as problem:
            raise ValidationError(_("Enter a name with letters or digits.")) from problem
        others = Source.objects.filter(workspace=self.instance.workspace).exclude(pk=self.instance.pk)
        if others.filter(Q(slug=slug) | Q(name__iexact=name)).exists():
            raise ValidationError(_("Another source goes by this name."))
        return name

    def clean(self) -> dict[str, Any]:
        """A delay that a punctual load can keep."""
        data = super().clean() or {}
        cadence, delay = data.get("cadence_days"), data.get("agreed_delay_days")
        if cadence is not None and delay is not None and delay < cadence:
            text = _("Before its next load the newest record is at least %(n)d days old: allow as many or more.")
            self.add_error("agreed_delay_days", ValidationError(text, params={"n": cadence}))
        return data
