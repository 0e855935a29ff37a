"""The lists that the market team keeps: how each is entered, filtered, shown and exported."""

from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar, cast

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from flywheel.accounts.records import Kept
from flywheel.accounts.templatetags.formats import reader_locale
from flywheel.diagnosis.registers import Column, KeptForm, Register, by_key
from flywheel.market import economies, indicators
from flywheel.market.models import ContentAsset, OwnOffer, OwnValue, Partner, RoadmapEntry, ScoringModel
from flywheel.market.room import ROOM

LANGUAGES = (
    "en", "zh_Hans", "zh_Hant", "de", "fr", "es", "pt", "pt_BR", "it", "nl", "pl", "sv", "da", "nb", "fi", "cs", "hu",
    "ro", "el", "tr", "ru", "uk", "ar", "he", "hi", "id", "ms", "th", "vi", "ja", "ko",
)  # fmt: skip
MOST_ATTRIBUTES = 20  # of an own offer, that the form asks for
PLANNED_YEARS = 10  # that a next step may lie ahead


def language_name(code: str) -> str:
    """A content's language, by its name in the reader's."""
    return str(reader_locale().languages.get(code, code))


def language_choices() -> list[tuple[str, str]]:
    """Content's languages, by name."""
    return sorted(((code, language_name(code)) for code in LANGUAGES), key=lambda pair: pair[1])


class MarketForm(KeptForm):
    """A record's form; it may be about every economy, not only about the markets that are sold in."""

    years_ahead = PLANNED_YEARS

    def known_markets(self) -> list[str]:
        """Every economy, and the workspace's own markets."""
        return economies.known_codes(self.workspace)


def link_field() -> forms.URLField:
    """An address; "https" where it names no scheme."""
    return forms.URLField(label=gettext_lazy("Link"), max_length=500, required=False, assume_scheme="https")


class ContentForm(MarketForm):
    """A piece of content."""

    link = link_field()

    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=language_choices)

    class Meta:
        model = ContentAsset
        fields = ("name", "kind", "language", "market", "status", "used_by", "link")


class PartnerForm(MarketForm):
    """A partner."""

    link = link_field()

    class Meta:
        model = Partner
        fields = ("name", "kind", "market", "stage", "owner", "next_step", "due_on", "link", "note")
        widgets: ClassVar = {"note": forms.Textarea(attrs={"rows": 3})}


class RoadmapForm(MarketForm):
    """A market on its way in; its stage is changed through the gate."""

    class Meta:
        model = RoadmapEntry
        fields = ("market", "scoring_model", "owner", "target_on", "entered_on", "note")
        widgets: ClassVar = {"note": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        models = cast(Any, self.fields["scoring_model"])
        models.queryset = ScoringModel.objects.filter(workspace=self.workspace)
        models.empty_label = _("No model")


class OfferForm(MarketForm):
    """Our own product: its price index, and a score for every attribute that competitors' offers are scored on."""

    class Meta:
        model = OwnOffer
        fields = ("name", "market", "price_index")
        help_texts: ClassVar = {"market": gettext_lazy("Empty: in every market.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        from flywheel.market.positioning import attributes

        super().__init__(*args, **kwargs)
        self.names = list(dict.fromkeys([*attributes(self.workspace), *self.instance.attributes]))[:MOST_ATTRIBUTES]
        for at, name in enumerate(self.names):
            self.fields[f"score{at}"] = forms.FloatField(
                label=_("Score: %(name)s") % {"name": name}, required=False, min_value=0, max_value=1e6
            )
            self.initial[f"score{at}"] = self.instance.attributes.get(name)

    def record(self) -> Kept:
        """The offer with its scores; what was left empty is not known."""
        scores = {name: self.cleaned_data.get(f"score{at}") for at, name in enumerate(self.names)}
        self.instance.attributes = {name: score for name, score in scores.items() if score is not None}
        return super().record()


class ValueForm(MarketForm):
    """One value of one market and period, and where it is from."""

    period = forms.RegexField(
        r"^(19|20)\d\d(-[A-Za-z0-9]{1,3})?$",
        label=gettext_lazy("Year or period"),
        help_text=gettext_lazy("Such as 2026, 2026-Q1 or 2026-03."),
        error_messages={"invalid": gettext_lazy("Enter a year, such as 2026, or a period such as 2026-Q1.")},
    )

    class Meta:
        model = OwnValue
        fields = ("market", "indicator", "period", "value", "origin")
        help_texts: ClassVar = {"indicator": gettext_lazy("One of the model’s, or a name of your own with its unit.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.suggest("indicator", indicators.names(self.workspace))
        if key := self.initial.get("indicator"):
            self.initial["indicator"] = indicators.label_of(key)
        if self.instance.pk:
            self.initial["value"] = f"{self.instance.value.normalize():f}"  # 3.25, as it was entered

    def clean_indicator(self) -> str:
        """The key of one of ours, else the name as it was written."""
        typed = self.cleaned_data["indicator"]
        return indicators.keys_by_label().get(typed.casefold(), typed)

    def record(self) -> Kept:
        """The value; one that is entered for the same period again changes the first."""
        value = cast(Any, super().record())
        if value.pk is None:
            same = OwnValue.objects.filter(workspace=self.workspace, market=value.market, period=value.period)
            if stored := same.filter(indicator=value.indicator).first():
                value.pk, value.version = stored.pk, stored.version
        return value


def _language(record: Any, _names: Mapping[str, str]) -> str:
    return language_name(record.language)


def _scores(record: Any, _names: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {score:g}" for name, score in sorted(record.attributes.items()))


def _is_late(record: Any, now: date) -> bool:
    """Whether the next step was due before today."""
    due = record.due_on if isinstance(record, Partner) else record.target_on
    return due is not None and due < now and record.stage not in ("active", "ended", "scaled")


REGISTERS = by_key(
    Register(
        room=ROOM,
        key="models",
        model=ScoringModel,
        page="market-screening",
        title=gettext_lazy("Market screening"),
    ),
    Register(
        room=ROOM,
        key="values",
        model=OwnValue,
        form=ValueForm,
        page="market-values",
        tab="market-screening",
        address="screening/values/",
        title=gettext_lazy("Your own values"),
        adding=gettext_lazy("Enter a value"),
        empty=gettext_lazy(
            "Competition, platforms, payment and policy are yours to judge: from 0 to 10, with the year and where it is"
            " from. Values of your own go before those of the table."
        ),
        icon="table",
        columns=(
            "market",
            Column("indicator", lambda record, _names: indicators.label_of(record.indicator)),
            "period",
            "value",
            "origin",
        ),
        filters=("market", "indicator"),
        labels={"indicator": indicators.label_of},
        searched=("indicator", "origin"),
    ),
    Register(
        room=ROOM,
        key="content",
        model=ContentAsset,
        form=ContentForm,
        page="market-content",
        address="content/",
        title=gettext_lazy("Content library"),
        adding=gettext_lazy("Add content"),
        empty=gettext_lazy("Keep here what was made for each market and language, how far it is, and who uses it."),
        icon="file-text",
        columns=("name", "kind", Column("language", _language), "market", "status", "used_by", "link"),
        filters=("market", "language", "kind", "status"),
        labels={"language": language_name},
        searched=("name", "used_by"),
    ),
    Register(
        room=ROOM,
        key="partners",
        model=Partner,
        form=PartnerForm,
        page="market-partners",
        address="partners/",
        title=gettext_lazy("Partners"),
        adding=gettext_lazy("Add a partner"),
        empty=gettext_lazy("Keep here whom you talk to in each market, how far that is, and what is to be done next."),
        icon="heart-handshake",
        columns=("name", "kind", "market", "stage", "owner", "next_step", "due_on", "link", "note"),
        filters=("market", "kind", "stage"),
        searched=("name", "owner", "next_step", "note"),
        is_late=_is_late,
    ),
    Register(
        room=ROOM,
        key="roadmap",
        model=RoadmapEntry,
        form=RoadmapForm,
        page="market-roadmap",
        address="roadmap/",
        title=gettext_lazy("Entry roadmap"),
        adding=gettext_lazy("Add a market"),
        taken=gettext_lazy("This market is on the roadmap already."),
        empty=gettext_lazy("Put the markets here that you might enter: each goes from stage to stage through a gate."),
        icon="target",
        columns=("market", "stage", "owner", "target_on", "entered_on", "note"),
        filters=("stage",),
        searched=("market", "owner", "note"),
        is_late=_is_late,
    ),
    Register(
        room=ROOM,
        key="offers",
        model=OwnOffer,
        form=OfferForm,
        page="market-positioning",
        address="offers/",
        title=gettext_lazy("Own offers"),
        adding=gettext_lazy("Add your own offer"),
        empty=gettext_lazy("Enter your own product, so that it stands on the map beside the competitors."),
        icon="star",
        columns=("name", "market", "price_index", Column("attributes", _scores)),
        filters=("market",),
    ),
)
