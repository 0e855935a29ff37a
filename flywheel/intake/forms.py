"""Forms of the import pages: which files, and how one is to be read."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from flywheel.accounts.models import Workspace, check_time_zone
from flywheel.facts.models import Source
from flywheel.intake.formats import FORMATS
from flywheel.intake.kinds import Column, Kind, kind_choices
from flywheel.intake.models import Mapping
from flywheel.intake.parsing import check_date_format, parse
from flywheel.intake.plans import FORMAT_OPTIONS, Plan
from flywheel.intake.preparing import reading_of
from flywheel.intake.reading import ENCODINGS, FileProblemError
from flywheel.intake.samples import Preview, meaning
from flywheel.intake.shaping import period_days
from flywheel.intake.uploads import DISK_FULL, MEGABYTE
from flywheel.intake.words import expected

MAPPING_SLUG_LENGTH = 60  # of the model's column


class _Files(forms.ClearableFileInput):
    allow_multiple_selected = True


class _FilesField(forms.FileField):
    """One or many files; cleaned to a list."""

    widget = _Files

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        """Each file by itself, except that none may be too large."""
        files = data if isinstance(data, list | tuple) else [data] if data else []
        if not files:
            raise ValidationError(self.error_messages["required"])
        for file in files:
            if getattr(file, "disk_was_full", False):
                raise ValidationError(DISK_FULL)
            if file.size > settings.MAX_UPLOAD_MB * MEGABYTE:
                raise ValidationError(_("The file is larger than %(n)d MB."), params={"n": settings.MAX_UPLOAD_MB})
        return list(files)


class UploadForm(forms.Form):
    """Files, where they come from, and optionally what is in them."""

    file = _FilesField(
        label=_("Files"),
        help_text=_("CSV, TSV or Excel, also gzipped or zipped, in any encoding. Drop several at once if you like."),
        widget=_Files(attrs={"accept": ".csv,.tsv,.txt,.xlsx,.xlsm,.xls,.ods,.gz,.zip", "data-fw-drop": ""}),
    )
    source = forms.CharField(
        label=_("Source"),
        max_length=60,
        required=False,
        help_text=_(
            "The shop, ad account or help desk the files come from; records are told apart within a source. "
            "Left empty: the one that last loaded this kind of data, or the program that writes such files."
        ),
        widget=forms.TextInput(attrs={"list": "known-sources", "autocomplete": "off"}),
    )
    kind = forms.ChoiceField(label=_("Kind of data"), required=False)
    mapping = forms.ChoiceField(label=_("Mapping or format"), required=False)

    def __init__(self, workspace: Workspace, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [("", _("Recognise it by the header")), *kind_choices()]  # type: ignore[attr-defined]
        own = Mapping.objects.filter(workspace=workspace)
        names = [*((mapping.slug, mapping.name) for mapping in own), *((f.slug, f.label) for f in FORMATS.values())]
        self.fields["mapping"].choices = [("", _("The one that fits")), *names]  # type: ignore[attr-defined]
        self.known_sources = Source.objects.filter(workspace=workspace)

    def clean_source(self) -> str:
        """The source's name, which must tell it from others; '' to have it found."""
        name: str = self.cleaned_data["source"].strip()
        if name and not slugify(name, allow_unicode=True):
            raise ValidationError(_("Enter a name with letters or digits."))
        return name


@dataclass(frozen=True)
class FieldRow:
    """One row of the mapping table."""

    column: Column
    source: forms.BoundField
    constant: forms.BoundField
    examples: list[str]


@dataclass
class Section:
    """One kind of fact that the file is read as: its plan, the file as the plan sees it, and its fields' names."""

    form: "MappingForm"
    number: int
    plan: Plan
    preview: Preview
    words: dict[str, tuple[Column, str]] = field(default_factory=dict)  # field name -> (column, word of the file)

    @property
    def kind(self) -> Kind:
        """The kind of fact."""
        return self.plan.kind

    def key(self, what: str, name: str) -> str:
        """The form's name for the column or constant of a field."""
        return f"{self.number}-{what}-{name}" if self.number else f"{what}-{name}"

    @property
    def rows(self) -> list[FieldRow]:
        """The mapping table, with examples of the column now chosen."""
        return [
            FieldRow(
                column,
                self.form[self.key("column", column.name)],
                self.form[self.key("constant", column.name)],
                self.preview.words(str(self.form[self.key("column", column.name)].value() or ""))[:3],
            )
            for column in self.kind.columns
        ]

    @property
    def word_fields(self) -> list[forms.BoundField]:
        """The choices of what words mean."""
        return [self.form[name] for name in self.words]


class MappingForm(forms.Form):
    """Which column of the file feeds which field of each kind, fixed values, options, and what words mean."""

    time_zone = forms.CharField(label=_("Time zone"), required=False, help_text=_("Of times without an offset."))
    date_order = forms.ChoiceField(
        label=_("Order of dates"),
        required=False,
        choices=[
            ("", _("Found from the whole column")),
            ("day", _("Day first: 31/03/2026")),
            ("month", _("Month first: 03/31/2026")),
        ],
    )
    date_format = forms.CharField(
        label=_("Date format"),
        required=False,
        help_text=_("Only for dates that are not recognised, such as %d.%m.%Y %H:%M."),
    )
    decimal = forms.ChoiceField(
        label=_("Decimal sign"),
        required=False,
        choices=[
            ("", _("Found from the whole column")),
            (".", _("Point: 1,234.50")),
            (",", _("Comma: 1.234,50")),
        ],
    )
    encoding = forms.ChoiceField(label=_("Encoding"), required=False)
    sheet = forms.ChoiceField(label=_("Sheet of the workbook"), required=False)
    period_first = forms.DateField(
        label=_("First day of the report"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    period_last = forms.DateField(
        label=_("Last day of the report"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    save_as = forms.CharField(
        label=_("Save this mapping as"),
        required=False,
        max_length=60,
        help_text=_("Files with the same header are then read without questions, as this source's."),
    )
    PLAIN_OPTIONS = ("time_zone", "date_order", "date_format", "decimal", "encoding", "sheet")

    def __init__(
        self, workspace: Workspace, source: Source, plans: tuple[Plan, ...], preview: Preview, data: Any = None
    ) -> None:
        super().__init__(data)
        self.workspace, self.source, self.preview = workspace, source, preview
        self.sections = [Section(self, number, plan, preview.by(workspace, plan)) for number, plan in enumerate(plans)]
        for section in self.sections:
            self._add_fields(section)
            section.words.update(self._add_words(section))
        self._set_options(plans[0])

    @property
    def kind(self) -> Kind:
        """The first kind of fact."""
        return self.sections[0].kind

    @property
    def asks_period(self) -> bool:
        """Whether the file has no dates of its own, so that it is about the days that are entered."""
        return any(_lacks_date(section.plan) for section in self.sections)

    def _add_fields(self, section: Section) -> None:
        headers = [("", "–"), *((name, name) for name in section.preview.header)]
        for column in section.kind.columns:
            self.fields[section.key("column", column.name)] = forms.ChoiceField(
                label=str(column.label),
                choices=headers,
                required=False,
                initial=section.plan.columns.get(column.name, ""),
            )
            self.fields[section.key("constant", column.name)] = forms.CharField(
                label=_("Fixed value for %(field)s") % {"field": column.label},
                required=False,
                initial=section.plan.constants.get(column.name, ""),
            )

    def _add_words(self, section: Section) -> Iterator[tuple[str, tuple[Column, str]]]:
        """A choice for each word of the columns whose words have a meaning: field name -> (column, word)."""
        for column in section.kind.columns:
            if not column.meanings:
                continue
            key = section.key("column", column.name)
            chosen = self.data.get(key) if self.is_bound else section.plan.columns.get(column.name)
            for at, word in enumerate(section.preview.words(chosen or "")):
                name = section.key("word", f"{column.name}-{at}")
                self.fields[name] = forms.ChoiceField(
                    label=word,
                    choices=[("", "–"), *column.meanings],
                    required=False,
                    initial=meaning(column, word, section.plan.values),
                )
                yield name, (column, word)

    def _set_options(self, plan: Plan) -> None:
        encodings = sorted({"utf-8", "utf-16", "latin-1", *ENCODINGS})
        found = _("Found: %(encoding)s") % {"encoding": self.preview.format.encoding}
        self.fields["encoding"].choices = [("", found), *((name, name) for name in encodings)]  # type: ignore[attr-defined]
        self.fields["sheet"].choices = [("", "–"), *((name, name) for name in self.preview.sheets)]  # type: ignore[attr-defined]
        for name in (*self.PLAIN_OPTIONS, "period_first", "period_last"):
            self.fields[name].initial = plan.options.get(name, "")
        self.fields["sheet"].initial = plan.options.get("sheet") or self.preview.format.sheet
        self.fields["time_zone"].initial = plan.options.get("time_zone") or self.workspace.time_zone

    def clean_time_zone(self) -> str:
        """A zone that exists; '' for the workspace's."""
        name: str = self.cleaned_data["time_zone"].strip()
        if name:
            check_time_zone(name)
        return "" if name == self.workspace.time_zone else name

    def clean_date_format(self) -> str:
        """A format by which dates can be read; '' to have them recognised."""
        pattern: str = self.cleaned_data["date_format"].strip()
        try:
            if pattern:
                check_date_format(pattern)
        except ValueError as problem:
            text = _("Expected %(expected)s.") % {"expected": expected("date_format")}
            raise ValidationError(text) from problem
        return pattern

    def clean_save_as(self) -> str:
        """A name whose slug is not empty, not too long, and not that of a mapping called or meant otherwise."""
        name: str = self.cleaned_data["save_as"].strip()
        slug = slugify(name, allow_unicode=True)
        if name and not slug:
            raise ValidationError(_("Enter a name with letters or digits."))
        if len(slug) > MAPPING_SLUG_LENGTH:
            raise ValidationError(_("Enter a shorter name."))
        other = Mapping.objects.filter(workspace=self.workspace, slug=slug).first()
        if name and (slug in FORMATS or (other and (other.name, _kinds(other)) != (name, [self.kind.slug]))):
            message = _("A mapping called “%(name)s” is kept already: choose another name.")
            raise ValidationError(message, params={"name": other.name if other else name})
        return name

    def clean(self) -> dict[str, Any]:
        """Required fields are fed, fixed values and the period can be read."""
        data = super().clean() or {}
        if not self.errors:
            self._check_period()
        if not self.errors:
            for section, plan in zip(self.sections, self.result(), strict=True):
                for column in plan.missing:
                    text = _("This field needs a column or a fixed value.")
                    self.add_error(section.key("column", column.name), text)
                self._check_constants(section, plan)
        return data

    def _check_period(self) -> None:
        if self.asks_period and bool(self.cleaned_data["period_first"]) != bool(self.cleaned_data["period_last"]):
            self.add_error("period_last", _("Enter both days, the same one twice for a report of one day."))
            return
        try:
            for plan in self.result():
                if plan.is_spread:
                    period_days(plan)
        except FileProblemError as problem:
            text = _("Expected %(expected)s.") % {"expected": expected(problem.code, problem.detail)}
            self.add_error("period_first", text)

    def _check_constants(self, section: Section, plan: Plan) -> None:
        reading = reading_of(self.workspace, plan)
        for name, value in plan.constants.items():
            for code in parse(section.kind.by_name[name].type, [value], reading).bad.values():
                text = _("Expected %(expected)s.") % {"expected": expected(code)}
                self.add_error(section.key("constant", name), text)

    def result(self) -> tuple[Plan, ...]:
        """The plans that were entered; after a successful check."""
        return tuple(self._entered(section) for section in self.sections)

    def _entered(self, section: Section) -> Plan:
        data = self.cleaned_data
        values = {name: dict(words) for name, words in section.plan.values.items()}  # also of words not shown
        for name, (column, word) in section.words.items():
            values.setdefault(column.name, {}).pop(word, None)
            if data.get(name):
                values[column.name][word] = data[name]
        values = {name: words for name, words in values.items() if words}
        entered = {*self.PLAIN_OPTIONS, *(("period_first", "period_last") if self.asks_period else ())}
        others = {name: value for name, value in section.plan.options.items() if name not in entered}
        days = {name: data[name].isoformat() for name in ("period_first", "period_last") if data.get(name)}
        options = {name: data[name] for name in self.PLAIN_OPTIONS if data.get(name)}
        return replace(
            section.plan,
            columns=self._chosen(section, "column"),
            constants=self._chosen(section, "constant"),
            values=values,
            options=others | options | days,
        )

    def _chosen(self, section: Section, what: str) -> dict[str, str]:
        names = [column.name for column in section.kind.columns]
        found = {name: self.cleaned_data.get(section.key(what, name), "").strip() for name in names}
        return {name: value for name, value in found.items() if value}

    def save_mapping(self) -> Mapping | None:
        """Keep the plans under the name that was entered, for the batch's source; None without a name."""
        name = self.cleaned_data["save_as"]
        if not name:
            return None
        plans = [_for_every_file(plan).as_data for plan in self.result()]
        known = {"name": name, "source": self.source, "plans": plans}
        slug = slugify(name, allow_unicode=True)
        return Mapping.objects.update_or_create(workspace=self.workspace, slug=slug, defaults=known)[0]


def _for_every_file(plan: Plan) -> Plan:
    """The plan without what was found or entered for one file only."""
    return plan.with_options({name: value for name, value in plan.options.items() if name not in FORMAT_OPTIONS})


def _kinds(mapping: Mapping) -> list[str]:
    return [plan["kind"] for plan in mapping.plans][:1]


def _lacks_date(plan: Plan) -> bool:
    """Whether a plan whose kind is told per day reads no date."""
    date = plan.kind.by_name.get("date")
    return date is not None and date.required and not plan.columns.get("date") and not plan.constants.get("date")
