"""A plan says how one file is read as one kind of fact."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flywheel.intake.kinds import KINDS, Column, Kind
from flywheel.intake.parsing import check_date_format
from flywheel.intake.reading import FileProblemError, Format, FormatOptions
from flywheel.intake.vocabulary import plain

FORMAT_OPTIONS = ("delimiter", "encoding", "sheet")  # of one file; a saved mapping is for others too
OPTIONS = ("time_zone", "date_format", "decimal", *FORMAT_OPTIONS)


@dataclass(frozen=True)
class Plan:
    """`columns`: field -> header; `constants`: field -> value for every row; `values`: field -> {word: ours}."""

    kind: Kind
    columns: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)

    @property
    def as_data(self) -> dict[str, Any]:
        """The plan as Batch.mapping and Mapping keep it."""
        return {
            "columns": self.columns,
            "constants": self.constants,
            "values": self.values,
            "options": self.options,
        }

    @property
    def format_options(self) -> FormatOptions:
        """What the plan says about how the file's bytes are read, as `reading.opened` takes it."""
        known = self.options
        return {name: known[name] for name in FORMAT_OPTIONS if name in known}  # type: ignore[return-value]

    def read_as(self, found: Format) -> "Plan":
        """This plan for a file whose format was found; what the plan itself says about that wins."""
        return replace(self, options=found.options | self.options)

    def check(self, header: Sequence[str]) -> None:
        """Raise FileProblemError when the file lacks a column of the plan, or the plan something it needs."""
        for name, column in self.columns.items():
            if column not in header:
                raise FileProblemError("column_missing", column=column, detail=name)
        for wanted in self.kind.required:
            if wanted.name not in self.columns and not self.constants.get(wanted.name):
                raise FileProblemError("field_unmapped", column=wanted.name)
        self.check_date_format()

    def check_date_format(self) -> None:
        """Raise FileProblemError when the plan's date format cannot tell a date."""
        pattern = self.options.get("date_format", "")
        try:
            if pattern:
                check_date_format(pattern)
        except ValueError as problem:
            raise FileProblemError("date_format", value=pattern) from problem


def plan_of(kind: str, data: dict[str, Any]) -> Plan:
    """The plan kept in a batch or mapping; raises KeyError for an unknown kind."""
    known = KINDS[kind].by_name
    columns, constants = data.get("columns", {}), data.get("constants", {})
    return Plan(
        kind=KINDS[kind],
        columns={name: header for name, header in columns.items() if name in known and header},
        constants={name: value for name, value in constants.items() if name in known and value},
        values=data.get("values", {}),
        options={name: value for name, value in data.get("options", {}).items() if name in OPTIONS},
    )


def by_header(kind: Kind, header: Sequence[str]) -> Plan:
    """The plan that maps each field to the column of its name, or of one of its other names."""
    by_word: dict[str, str] = {}
    for name in header:
        by_word.setdefault(plain(name), name)
    columns: dict[str, str] = {}
    for column in kind.columns:  # own names first, so that no other field takes them
        if plain(column.name) in by_word:
            columns[column.name] = by_word[plain(column.name)]
    for column in kind.columns:
        found = _by_alias(column, by_word, set(columns.values()))
        if column.name not in columns and found:
            columns[column.name] = found
    return Plan(kind, columns)


def _by_alias(column: Column, by_word: dict[str, str], taken: set[str]) -> str:
    names = (by_word.get(plain(alias), "") for alias in column.aliases)
    return next((name for name in names if name and name not in taken), "")
