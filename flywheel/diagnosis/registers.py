"""Lists that people keep by hand: how a room declares what it keeps, and the form that each record is entered by.

A room makes one `Register` per kind of record; `flywheel/diagnosis/register_views.py` serves their pages.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar, cast
from urllib.parse import urlencode

from django import forms
from django.apps import apps
from django.db.models import DecimalField, Q, QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from flywheel.accounts.models import Workspace
from flywheel.accounts.records import NEWEST, Kept, KeptChange
from flywheel.accounts.sheets import Cell
from flywheel.diagnosis.engine_views import Room
from flywheel.diagnosis.market_names import Names, Typed, own_codes
from flywheel.facts.calendar import FIRST_YEAR, today

LONGEST_NAME = 120  # characters of a market's name

ONCE = gettext_lazy("There is an entry for this already: change that one.")

Words = str | Promise


class DateInput(forms.DateInput):
    """A day, with the browser's calendar."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class SeenField(forms.Field):
    """The version that was opened, which a person does not see; 0, which no record has, when it cannot be read."""

    widget = forms.HiddenInput

    def to_python(self, value: object) -> int:
        """The version in what was posted."""
        text = str(value or "")
        return int(text[:9]) if text.isdecimal() else 0


class KeptForm(forms.ModelForm):
    """The form of a kept record: `seen` is the version that was opened, a market is typed as its name or its code."""

    seen = SeenField(required=False)
    years_ahead: ClassVar[int] = 1  # that its days may lie ahead; a day further off is a typing error

    def __init__(self, workspace: Workspace, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.workspace = workspace
        self.instance.workspace = workspace
        self.initial["seen"] = self.instance.version if self.instance.pk else None
        self.suggested: dict[str, list[str]] = {}  # what fields offer, by the `list` of their widget
        if "market" in self.fields:
            self._ask_for_market()
        for asked in self.fields.values():
            if isinstance(asked, forms.DateField):
                asked.widget = DateInput()

    def known_markets(self) -> list[str]:
        """The codes of the markets that a record may be about."""
        return own_codes(self.workspace)

    def suggest(self, name: str, offered: list[str]) -> None:
        """Let a field offer what can be typed."""
        self.suggested[f"known-{name}"] = offered
        self.fields[name].widget = forms.TextInput(attrs={"list": f"known-{name}", "autocomplete": "off"})

    def _ask_for_market(self) -> None:
        of_model = self.fields["market"]
        self.markets = Typed(self.workspace, {*self.known_markets(), self.instance.market} - {""})
        self.fields["market"] = forms.CharField(
            label=_("Market"), max_length=LONGEST_NAME, required=of_model.required, help_text=of_model.help_text
        )
        self.suggest("market", self.markets.offered())
        if code := self.initial.get("market"):
            self.initial["market"] = self.markets.name(code)

    def clean_market(self) -> str:
        """The market's code; '' where none is asked for and none was given."""
        typed = str(self.cleaned_data["market"])
        return self.markets.code(typed) if typed else ""

    def clean(self) -> dict[str, Any]:
        """No day that is a typing error."""
        cleaned = super().clean() or {}
        last = today(self.workspace).year + self.years_ahead
        for name, value in list(cleaned.items()):  # add_error takes the field out
            if isinstance(value, date) and not FIRST_YEAR <= value.year <= last:
                self.add_error(name, _("This day cannot be right."))
        return cleaned

    def record(self) -> Kept:
        """The record as it was entered, of the version that was opened."""
        record = cast(Kept, self.instance)
        if record.pk:
            record.version = self.cleaned_data["seen"]
        return record


Text = Callable[[Any, Mapping[str, str]], Cell]  # of a record and the names of markets


@dataclass(frozen=True)
class Column:
    """A column of a list: the field that names it, and what it says of a record where that is not the field's text."""

    name: str
    text: Text


def _told(name: str) -> Text:
    """A field's text: a choice in words, a market's name, a day or a number as it is."""

    def text(record: Any, names: Mapping[str, str]) -> Cell:
        if name == "market":
            return names[record.market] if record.market else ""
        in_words = getattr(record, f"get_{name}_display", None)
        return in_words() if in_words else getattr(record, name)

    return text


@dataclass(frozen=True, kw_only=True)
class Register:
    """A list that a room keeps: its form, the page that shows it, its words; columns and filters where it is a table.

    `address` is where it lies below the engine's pages; without one the room has an editor of its own for it.
    """

    room: Room
    key: str
    model: type[Kept]
    page: str  # the name of the address
    title: Words
    address: str = ""
    tab: str = ""  # that is marked; the page's own without
    is_by_market: bool = False  # the page is about the market in its address
    form: type[KeptForm] = KeptForm
    adding: Words = ""
    taken: Words = ONCE  # what is told where there may be one only
    empty: Words = ""
    icon: str = ""
    columns: tuple[str | Column, ...] = ()  # the names of fields, where they are told as they are
    filters: tuple[str, ...] = ()
    labels: Mapping[str, Callable[[str], str]] = field(default_factory=dict)  # of a filter's values, by field
    searched: tuple[str, ...] = ("name",)
    is_late: Callable[[Any, date], bool] = lambda _record, _today: False
    added: Callable[[Any], None] = lambda _record: None  # what else is stored with a new record

    @property
    def record(self) -> str:
        """The name by which its changes are kept."""
        return str(self.model._meta.model_name)

    @property
    def change_model(self) -> type[KeptChange]:
        """What the room keeps changes in."""
        return apps.get_model(self.model._meta.app_label, "Change")

    def link(self, what: str, workspace: Workspace, *args: object) -> str:
        """The address of one of its pages: new, edit, delete, file."""
        return reverse(f"{self.room.engine}-{self.key}-{what}", args=[workspace.slug, *args])

    def shown_at(self, workspace: Workspace, market: str) -> str:
        """The address of the page that shows it, with a record's market chosen where the page is about one."""
        chosen = f"?{urlencode({'market': market})}" if market and self.is_by_market else ""
        return f"{reverse(self.page, args=[workspace.slug])}{chosen}"

    def rows(self, workspace: Workspace, query: QueryDict | None = None) -> QuerySet[Any]:
        """The workspace's records that fit the filters of the address."""
        found = self.model._base_manager.filter(workspace=workspace).order_by(*cast(Any, self.model._meta.ordering))
        asked = {name: str(value).replace("\0", "").strip() for name, value in (query or QueryDict()).items()}
        found = found.filter(**{name: asked[name] for name in self.filters if asked.get(name)})
        if text := asked.get("q"):
            any_of = Q()
            for name in self.searched:
                any_of |= Q(**{f"{name}__icontains": text})
            found = found.filter(any_of)
        return found

    def options(self, workspace: Workspace, query: QueryDict, names: Mapping[str, str]) -> list[dict[str, Any]]:
        """The filters with what can be chosen, of what the list holds."""
        held = self.model._base_manager.filter(workspace=workspace)
        found = []
        for name in self.filters:
            asked = cast(Any, self.model._meta.get_field(name))
            values = {value for value in held.values_list(name, flat=True).distinct() if value}
            if asked.choices:
                pairs = [pair for pair in asked.flatchoices if pair[0] in values]
            else:
                label = self.labels.get(name, names.__getitem__)
                pairs = sorted(((value, label(value)) for value in values), key=lambda pair: pair[1])
            found.append({"name": name, "label": asked.verbose_name, "choices": pairs, "chosen": query.get(name, "")})
        return found

    def cells(self, record: Any, names: Mapping[str, str]) -> list[Cell]:
        """A record's texts by column."""
        told = [_told(column) if isinstance(column, str) else column.text for column in self.columns]
        return [text(record, names) for text in told]

    @property
    def headings(self) -> list[dict[str, Any]]:
        """The columns' headings, and whether a column holds numbers."""
        names = [column if isinstance(column, str) else column.name for column in self.columns]
        fields = [cast(Any, self.model._meta.get_field(name)) for name in names]
        return [{"text": str(f.verbose_name), "is_number": isinstance(f, DecimalField)} for f in fields]

    def changes(self, workspace: Workspace, record_id: int | None = None) -> list[KeptChange]:
        """The newest changes of the list, or of one record: `shown` which, `parts` what of it, `undo` the way back."""
        found = self.change_model._base_manager.filter(workspace=workspace, record=self.record)
        found = found.filter(record_id=record_id) if record_id else found
        listed, names = list(found.select_related("user").order_by("-pk")[:NEWEST]), Names(workspace)
        for made in listed:
            known = self.model.restored(made.after or made.before or {})
            made.shown = known.told(names)  # type: ignore[attr-defined]
            made.parts = self.model.differing(made.before, made.after)  # type: ignore[attr-defined]
            made.undo = reverse(f"{self.room.engine}-undo", args=[workspace.slug, made.pk])  # type: ignore[attr-defined]
        return listed


def by_key(*registers: Register) -> Mapping[str, Register]:
    """The lists of a room by their keys."""
    return {register.key: register for register in registers}
