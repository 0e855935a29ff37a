"""Forms of the import pages: which file, and how it is to be read."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from flywheel.accounts.models import Workspace, check_time_zone
from flywheel.facts.models import Source
from flywheel.intake.kinds import Column, kind_choices
from flywheel.intake.models import Mapping
from flywheel.intake.parsing import check_date_format, parse
from flywheel.intake.plans import FORMAT_OPTIONS, Plan
from flywheel.intake.preparing import Preparer
from flywheel.intake.recognising import saved_plans
from flywheel.intake.samples import Preview, meaning
from flywheel.intake.uploads import MEGABYTE
from flywheel.intake.words import expected


class UploadForm(forms.Form):
    """A file, where it comes from, and optionally what is in it."""

    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV or TSV in any encoding, or a workbook; also gzipped, or alone in a zip archive."),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx,.xlsm,.xlsb,.xls,.ods,.gz,.zip"}),
    )
    kind = forms.ChoiceField(label=_("Kind of data"), required=False)
    source = forms.CharField(
        label=_("Source"),
        max_length=60,
        required=False,
        help_text=_(
            "The shop, ad account or help desk the file comes from; records are told apart within a source. "
            "Left empty: the one that last loaded this kind of data."
        ),
        widget=forms.TextInput(attrs={"list": "known-sources", "autocomplete": "off"}),
    )
    mapping = forms.ChoiceField(label=_("Mapping"), required=False)

    def __init__(self, workspace: Workspace, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [("", _("Recognise it by the header")), *kind_choices()]  # type: ignore[attr-defined]
        names = [(name, name) for name in sorted(saved_plans(workspace))]
        self.fields["mapping"].choices = [("", _("The one that fits")), *names]  # type: ignore[attr-defined]
        self.known_sources = Source.objects.filter(workspace=workspace)

    def clean_file(self) -> Any:
        """The file, unless it is too large."""
        file = self.cleaned_data["file"]
        if file.size > settings.MAX_UPLOAD_MB * MEGABYTE:
            raise ValidationError(_("The file is larger than %(n)d MB."), params={"n": settings.MAX_UPLOAD_MB})
        return file

    def clean_source(self) -> str:
        """The source's name, which must tell it from others; '' for the one that last loaded this kind of data."""
        name: str = self.cleaned_data["source"].strip()
        if name and not slugify(name, allow_unicode=True):
            raise ValidationError(_("Enter a name with letters or digits."))
        return name


MAPPING_SLUG_LENGTH = 60  # of the model's column


@dataclass(frozen=True)
class FieldRow:
    """One row of the mapping table."""

    column: Column
    source: forms.BoundField
    constant: forms.BoundField
    examples: list[str]


class MappingForm(forms.Form):
    """Which column of the file feeds which field of a kind, fixed values, options, and what the file's words mean."""

    time_zone = forms.CharField(label=_("Time zone"), required=False, help_text=_("Of times without an offset."))
    date_format = forms.CharField(
        label=_("Date format"), required=False, help_text=_("Such as %d.%m.%Y %H:%M; empty for ISO dates.")
    )
    decimal = forms.ChoiceField(
        label=_("Decimal sign"), required=False, choices=[(".", _("Point: 1,234.50")), (",", _("Comma: 1.234,50"))]
    )
    save_as = forms.CharField(
        label=_("Save this mapping as"),
        required=False,
        max_length=60,
        help_text=_("Files with the same header are then recognised."),
    )

    def __init__(self, workspace: Workspace, plan: Plan, preview: Preview, data: Any = None) -> None:
        super().__init__(data)
        self.workspace, self.plan, self.preview, self.kind = workspace, plan, preview, plan.kind
        headers = [("", "–"), *((name, name) for name in preview.header)]
        for column in self.kind.columns:
            self.fields[_column_key(column)] = forms.ChoiceField(
                label=str(column.label), choices=headers, required=False, initial=plan.columns.get(column.name, "")
            )
            self.fields[_constant_key(column)] = forms.CharField(
                label=_("Fixed value for %(field)s") % {"field": column.label},
                required=False,
                initial=plan.constants.get(column.name, ""),
            )
        self.words = dict(self._add_words())
        self.fields["time_zone"].initial = plan.options.get("time_zone") or workspace.time_zone
        self.fields["date_format"].initial = plan.options.get("date_format", "")
        self.fields["decimal"].initial = plan.options.get("decimal") or "."

    def _add_words(self) -> Iterator[tuple[str, tuple[Column, str]]]:
        """A choice for each word of the columns whose words have a meaning: field name -> (column, word)."""
        for column in self.kind.columns:
            if not column.meanings:
                continue
            chosen = self.data.get(_column_key(column)) if self.is_bound else self.plan.columns.get(column.name)
            for at, word in enumerate(self.preview.words(chosen or "")):
                name = f"word-{column.name}-{at}"
                self.fields[name] = forms.ChoiceField(
                    label=word,
                    choices=[("", "–"), *column.meanings],
                    required=False,
                    initial=meaning(column.name, word, self.plan.values),
                )
                yield name, (column, word)

    @property
    def rows(self) -> list[FieldRow]:
        """The mapping table, with examples of the column now chosen."""
        return [
            FieldRow(
                column,
                self[_column_key(column)],
                self[_constant_key(column)],
                self.preview.words(str(self[_column_key(column)].value() or ""))[:3],
            )
            for column in self.kind.columns
        ]

    @property
    def word_fields(self) -> list[forms.BoundField]:
        """The choices of what words mean."""
        return [self[name] for name in self.words]

    def clean_time_zone(self) -> str:
        """A zone that exists; '' for the workspace's."""
        name: str = self.cleaned_data["time_zone"].strip()
        if name:
            check_time_zone(name)
        return "" if name == self.workspace.time_zone else name

    def clean_date_format(self) -> str:
        """A format by which dates can be read; '' for ISO dates."""
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
        if name and not 0 < len(slug) <= MAPPING_SLUG_LENGTH:
            raise ValidationError(_("Enter a name with letters or digits."))
        other = Mapping.objects.filter(workspace=self.workspace, slug=slug).first()
        if name and other and (other.name, other.kind) != (name, self.kind.slug):
            message = _("A mapping called “%(name)s” is kept already: choose another name.")
            raise ValidationError(message, params={"name": other.name})
        return name

    def clean(self) -> dict[str, Any]:
        """Required fields are fed, and fixed values can be read."""
        data = super().clean() or {}
        for column in self.kind.required:
            if not data.get(_column_key(column)) and not data.get(_constant_key(column)):
                self.add_error(_column_key(column), _("This field needs a column or a fixed value."))
        if not self.errors:
            self._check_constants()
        return data

    def _check_constants(self) -> None:
        plan = self.result()
        reading = Preparer(self.workspace, plan, self.preview.header).reading
        for name, value in plan.constants.items():
            column = self.kind.by_name[name]
            for code in parse(column.type, [value], reading).bad.values():
                text = _("Expected %(expected)s.") % {"expected": expected(code)}
                self.add_error(_constant_key(column), text)

    def result(self) -> Plan:
        """The plan that was entered; after a successful check."""
        data = self.cleaned_data
        values: dict[str, dict[str, str]] = {}
        for name, (column, word) in self.words.items():
            if data.get(name):
                values.setdefault(column.name, {})[word] = data[name]
        options = {name: data.get(name, "") for name in ("time_zone", "date_format")}
        options["decimal"] = "," if data.get("decimal") == "," else ""
        kept = {name: value for name, value in self.plan.options.items() if name in FORMAT_OPTIONS}
        return Plan(
            kind=self.kind,
            columns=self._chosen(_column_key),
            constants=self._chosen(_constant_key),
            values=values,
            options=kept | {name: value for name, value in options.items() if value},
        )

    def _chosen(self, key: Any) -> dict[str, str]:
        found = {column.name: self.cleaned_data.get(key(column), "").strip() for column in self.kind.columns}
        return {name: value for name, value in found.items() if value}

    def save_mapping(self) -> Mapping | None:
        """Keep the plan under the name that was entered, in place of an older one of that name; None without a name."""
        name = self.cleaned_data["save_as"]
        if not name:
            return None
        slug = slugify(name, allow_unicode=True)
        plan = self.result().as_data
        options = {key: value for key, value in plan["options"].items() if key not in FORMAT_OPTIONS}
        known = {"name": name, "kind": self.kind.slug, **plan, "options": options}
        return Mapping.objects.update_or_create(workspace=self.workspace, slug=slug, defaults=known)[0]


def _column_key(column: Column) -> str:
    return f"column-{column.name}"


def _constant_key(column: Column) -> str:
    return f"constant-{column.name}"
