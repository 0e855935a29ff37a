"""Lists that people keep: how each is entered, filtered, shown and exported. One declaration per list."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from django import forms
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from flywheel.accounts.models import Workspace
from flywheel.accounts.records import Kept
from flywheel.accounts.sheets import Cell
from flywheel.accounts.templatetags.formats import reader_locale
from flywheel.market import economies
from flywheel.market.models import ContentAsset, OwnOffer, Partner, RoadmapEntry, ScoringModel

LANGUAGES = (
    "en", "zh_Hans", "zh_Hant", "de", "fr", "es", "pt", "pt_BR", "it", "nl", "pl", "sv", "da", "nb", "fi", "cs", "hu",
    "ro", "el", "tr", "ru", "uk", "ar", "he", "hi", "id", "ms", "th", "vi", "ja", "ko",
)  # fmt: skip
PER_PAGE = 50
MOST_ATTRIBUTES = 20  # of an own offer, that the form asks for


def language_choices() -> list[tuple[str, str]]:
    """Content's languages, by their name in the reader's."""
    names = reader_locale().languages
    return sorted(((code, str(names.get(code, code))) for code in LANGUAGES), key=lambda pair: pair[1])


class KeptForm(forms.ModelForm):
    """The form of a kept record; the market is typed as a name or a code. `seen` is the version that was opened."""

    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, workspace: Workspace, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.workspace = workspace
        self.instance.workspace = workspace
        self.initial["seen"] = self.instance.version
        if "market" in self.fields:
            names = economies.Names(workspace)
            self.fields["market"].widget.attrs |= {"list": "markets", "autocomplete": "off"}
            if code := self.initial.get("market"):
                self.initial["market"] = names[code]

    def clean_market(self) -> str:
        """The market's code; '' where none is asked for and none was given."""
        typed = str(self.cleaned_data["market"] or "").strip()
        return economies.Typed(self.workspace).code(typed) if typed else ""

    def record(self) -> Kept:
        """The record as it was entered, of the version that was opened."""
        record = cast(Kept, self.save(commit=False))
        if record.pk:
            record.version = self.cleaned_data.get("seen") or 0
        return record


class DateInput(forms.DateInput):
    """A day, with the browser's calendar."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


def link_field() -> forms.URLField:
    """An address; "https" where it names no scheme."""
    return forms.URLField(label=gettext_lazy("Link"), max_length=500, required=False, assume_scheme="https")


class ContentForm(KeptForm):
    """A piece of content."""

    link = link_field()

    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=language_choices)

    class Meta:
        model = ContentAsset
        fields = ("name", "kind", "language", "market", "status", "used_by", "link")


class PartnerForm(KeptForm):
    """A partner."""

    link = link_field()

    class Meta:
        model = Partner
        fields = ("name", "kind", "market", "stage", "owner", "next_step", "due_on", "link", "note")
        widgets = {"due_on": DateInput(), "note": forms.Textarea(attrs={"rows": 3})}  # noqa: RUF012


class RoadmapForm(KeptForm):
    """A market on its way in; its stage is changed through the gate."""

    class Meta:
        model = RoadmapEntry
        fields = ("market", "scoring_model", "owner", "target_on", "note")
        widgets = {"target_on": DateInput(), "note": forms.Textarea(attrs={"rows": 3})}  # noqa: RUF012

    def __init__(self, workspace: Workspace, *args: Any, **kwargs: Any) -> None:
        super().__init__(workspace, *args, **kwargs)
        models = cast(Any, self.fields["scoring_model"])
        models.queryset = ScoringModel.objects.filter(workspace=workspace)
        models.empty_label = _("No model")

    def clean_market(self) -> str:
        """A market that is not on the roadmap yet."""
        code = super().clean_market()
        others = RoadmapEntry.objects.filter(workspace=self.workspace, market=code).exclude(pk=self.instance.pk)
        if others.exists():
            raise forms.ValidationError(_("This market is on the roadmap already."))
        return code


class OfferForm(KeptForm):
    """Our own product: its price index, and a score for every attribute that competitors' offers are scored on."""

    market = forms.CharField(
        label=gettext_lazy("Market"), max_length=60, required=False, help_text=gettext_lazy("Empty: in every market.")
    )

    class Meta:
        model = OwnOffer
        fields = ("name", "market", "price_index")

    def __init__(self, workspace: Workspace, *args: Any, **kwargs: Any) -> None:
        from flywheel.market.positioning import attributes

        super().__init__(workspace, *args, **kwargs)
        self.names = list(dict.fromkeys([*attributes(workspace), *self.instance.attributes]))[:MOST_ATTRIBUTES]
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


@dataclass(frozen=True)
class Column:
    """A column of a list: its heading, and a record's text in it (names: market code -> name)."""

    heading: str | Promise
    text: Callable[[Any, Mapping[str, str]], Cell]


@dataclass(frozen=True)
class Register:
    """A list: its page, its form, its columns, and the fields that it is filtered by (field -> label)."""

    key: str
    page: str
    tab: str
    title: str | Promise
    adding: str | Promise
    empty: str | Promise
    icon: str
    model: type[Kept]
    form: type[KeptForm]
    columns: tuple[Column, ...]
    filters: tuple[str, ...] = ()
    searched: tuple[str, ...] = ("name",)

    @property
    def record(self) -> str:
        """The name by which its changes are kept."""
        return self.model.__name__.lower()

    def rows(self, workspace: Workspace, query: QueryDict | None = None) -> "QuerySet[Any]":
        """The workspace's records that fit the filters of the address."""
        found = self.model._base_manager.filter(workspace=workspace).order_by(*cast(Any, self.model._meta.ordering))
        asked = {name: str(value).replace("\0", "").strip() for name, value in (query or QueryDict()).items()}
        for name in self.filters:
            if asked.get(name):
                found = found.filter(**{name: asked[name]})
        if text := asked.get("q"):
            any_of = Q()
            for name in self.searched:
                any_of |= Q(**{f"{name}__icontains": text})
            found = found.filter(any_of)
        return found

    def options(self, workspace: Workspace, query: QueryDict) -> list[dict[str, Any]]:
        """The filters with what can be chosen, of what the list holds."""
        names = economies.Names(workspace)
        held = self.model._base_manager.filter(workspace=workspace)
        found = []
        for name in self.filters:
            field = cast(Any, self.model._meta.get_field(name))
            values = sorted(v for v in held.order_by(name).values_list(name, flat=True).distinct() if v)
            labels = (
                dict(field.flatchoices) if field.choices else dict(language_choices()) if name == "language" else names
            )
            pairs = [(value, labels[value] if value in labels or labels is names else value) for value in values]
            found.append({"name": name, "label": field.verbose_name, "choices": pairs, "chosen": query.get(name, "")})
        return found

    def cells(self, record: Any, names: Mapping[str, str]) -> list[Cell]:
        """A record's texts by column."""
        return [column.text(record, names) for column in self.columns]


def _market(record: Any, names: Mapping[str, str]) -> str:
    return names[record.market] if record.market else ""


def _language(record: Any, _names: Mapping[str, str]) -> str:
    return str(reader_locale().languages.get(record.language, record.language))


def _day(name: str) -> Callable[[Any, Mapping[str, str]], date | None]:
    return lambda record, _names: getattr(record, name)


def _field(name: str) -> Callable[[Any, Mapping[str, str]], str]:
    return lambda record, _names: str(getattr(record, name))


def _choice(name: str) -> Callable[[Any, Mapping[str, str]], str]:
    return lambda record, _names: str(getattr(record, f"get_{name}_display")())


def _scores(record: Any, _names: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {score:g}" for name, score in sorted(record.attributes.items()))


REGISTERS = {
    register.key: register
    for register in (
        Register(
            "content",
            "market-content",
            "market-content",
            gettext_lazy("Content library"),
            gettext_lazy("Add content"),
            gettext_lazy("Keep here what was made for each market and language, how far it is, and who uses it."),
            "file-text",
            ContentAsset,
            ContentForm,
            (
                Column(gettext_lazy("Asset"), _field("name")),
                Column(gettext_lazy("Kind"), _choice("kind")),
                Column(gettext_lazy("Language"), _language),
                Column(gettext_lazy("Market"), _market),
                Column(gettext_lazy("Status"), _choice("status")),
                Column(gettext_lazy("Used by"), _field("used_by")),
                Column(gettext_lazy("Link"), _field("link")),
            ),
            ("market", "language", "kind", "status"),
            ("name", "used_by"),
        ),
        Register(
            "partners",
            "market-partners",
            "market-partners",
            gettext_lazy("Partners"),
            gettext_lazy("Add a partner"),
            gettext_lazy("Keep here whom you talk to in each market, how far that is, and what is to be done next."),
            "heart-handshake",
            Partner,
            PartnerForm,
            (
                Column(gettext_lazy("Partner"), _field("name")),
                Column(gettext_lazy("Kind"), _choice("kind")),
                Column(gettext_lazy("Market"), _market),
                Column(gettext_lazy("Progress"), _choice("stage")),
                Column(gettext_lazy("In charge"), _field("owner")),
                Column(gettext_lazy("Next step"), _field("next_step")),
                Column(gettext_lazy("Due by"), _day("due_on")),
                Column(gettext_lazy("Link"), _field("link")),
                Column(gettext_lazy("Note"), _field("note")),
            ),
            ("market", "kind", "stage"),
            ("name", "owner", "next_step", "note"),
        ),
        Register(
            "roadmap",
            "market-roadmap",
            "market-roadmap",
            gettext_lazy("Entry roadmap"),
            gettext_lazy("Add a market"),
            gettext_lazy("Put the markets here that you might enter: each goes from stage to stage through a gate."),
            "target",
            RoadmapEntry,
            RoadmapForm,
            (
                Column(gettext_lazy("Market"), _market),
                Column(gettext_lazy("Entry stage"), _choice("stage")),
                Column(gettext_lazy("In charge"), _field("owner")),
                Column(gettext_lazy("Next stage by"), _day("target_on")),
                Column(gettext_lazy("Note"), _field("note")),
            ),
            ("stage",),
            ("market", "owner", "note"),
        ),
        Register(
            "offers",
            "market-positioning",
            "market-positioning",
            gettext_lazy("Own offers"),
            gettext_lazy("Add your own offer"),
            gettext_lazy("Enter your own product, so that it stands on the map beside the competitors."),
            "star",
            OwnOffer,
            OfferForm,
            (
                Column(gettext_lazy("Product"), _field("name")),
                Column(gettext_lazy("Market"), _market),
                Column(gettext_lazy("Price index"), lambda record, _names: float(record.price_index)),
                Column(gettext_lazy("Scores"), _scores),
            ),
            ("market",),
        ),
    )
}
