"""A plan says how one file is read as one kind of fact."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flywheel.intake.kinds import KINDS, Column, Kind
from flywheel.intake.parsing import check_date_format
from flywheel.intake.reading import FileProblemError, FormatOptions
from flywheel.intake.vocabulary import plain

FILE_OPTIONS = ("delimiter", "encoding", "sheet")  # how the bytes are read
FORMAT_OPTIONS = (*FILE_OPTIONS, "period_first", "period_last")  # of one file; a saved mapping is for others too
OPTIONS = ("time_zone", "date_format", "date_order", "decimal", *FORMAT_OPTIONS)
PARTS = {"money": "signed"}  # types of the parts of a sum: a part may be below zero, the sum may not


@dataclass(frozen=True)
class Plan:
    """`columns`: field -> header; `constants`: field -> value for every row; `values`: field -> {word: ours}.

    `format`: the vendor format whose made columns are among the headers. `only`: the header of a column in which a
    blank says that the row tells nothing of this kind. `sums`: rows with one key are added up.
    """

    kind: Kind
    columns: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    format: str = ""
    only: str = ""
    sums: bool = False

    @property
    def as_data(self) -> dict[str, Any]:
        """The plan as Batch.mapping and Mapping keep it."""
        return {
            "kind": self.kind.slug,
            "columns": self.columns,
            "constants": self.constants,
            "values": self.values,
            "options": self.options,
            "format": self.format,
            "only": self.only,
            "sums": self.sums,
        }

    @property
    def file_options(self) -> FormatOptions:
        """What the plan says about how the file's bytes are read, as `reading.opened` takes it."""
        known = self.options
        return {name: known[name] for name in FILE_OPTIONS if name in known}  # type: ignore[return-value]

    def with_options(self, options: dict[str, str]) -> "Plan":
        """This plan with other options."""
        return replace(self, options=options)

    def type_of(self, name: str) -> str:
        """The type that a field's cells are read as, a key of `parsing.PARSERS`."""
        own = self.kind.by_name[name].type
        return PARTS.get(own, own) if self.sums else own

    @property
    def is_spread(self) -> bool:
        """Whether its rows tell a whole period, to be spread over the days."""
        return bool(self.options.get("period_first")) and "date" in self.kind.by_name and "date" not in self.columns

    def check(self, header: Sequence[str]) -> None:
        """Raise FileProblemError when the file lacks a column of the plan, or the plan something it needs."""
        for name, column in self.columns.items():
            if column not in header:
                raise FileProblemError("column_missing", column=column, detail=name)
        for wanted in self.missing:
            raise FileProblemError("field_unmapped", column=wanted.name)
        self.check_date_format()

    @property
    def missing(self) -> list[Column]:
        """The required fields that nothing feeds."""
        fed = {name for name, value in self.constants.items() if value} | self.columns.keys()
        return [column for column in self.kind.required if column.name not in fed and not self._is_dated(column)]

    def _is_dated(self, column: Column) -> bool:
        return column.name == "date" and self.is_spread

    def check_date_format(self) -> None:
        """Raise FileProblemError when the plan's date format cannot tell a date."""
        pattern = self.options.get("date_format", "")
        try:
            if pattern:
                check_date_format(pattern)
        except ValueError as problem:
            raise FileProblemError("date_format", value=pattern) from problem


def plan_of(data: dict[str, Any]) -> Plan:
    """The plan kept in a batch or mapping; raises KeyError for an unknown kind."""
    kind = KINDS[data["kind"]]
    known = kind.by_name
    columns, constants = data.get("columns", {}), data.get("constants", {})
    return Plan(
        kind=kind,
        columns={name: header for name, header in columns.items() if name in known and header},
        constants={name: value for name, value in constants.items() if name in known and value},
        values=data.get("values", {}),
        options={name: value for name, value in data.get("options", {}).items() if name in OPTIONS},
        format=data.get("format", ""),
        only=data.get("only", ""),
        sums=bool(data.get("sums")),
    )


def by_header(kind: Kind, header: Sequence[str]) -> Plan:
    """The plan that maps each field to the column of its name, or of one of its other names in any language."""
    by_word: dict[str, str] = {}
    for name in header:
        by_word.setdefault(plain(name), name)
    columns: dict[str, str] = {}
    for column in kind.columns:  # own names first, so that no other field takes them
        if plain(column.name) in by_word:
            columns[column.name] = by_word[plain(column.name)]
    for column in kind.columns:
        found = _by_other_word(column, by_word, set(columns.values()))
        if column.name not in columns and found:
            columns[column.name] = found
    more, constants = kind.named.found_in(header, columns) if kind.named else ({}, {})
    return Plan(kind, columns | more, constants)


def _by_other_word(column: Column, by_word: dict[str, str], taken: set[str]) -> str:
    names = (by_word.get(word, "") for word in column.words)
    return next((name for name in names if name and name not in taken), "")
