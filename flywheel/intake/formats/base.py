"""What an export file is: the columns it is known by, columns made of them, and the facts that its rows tell."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from flywheel.intake.formats.makers import Maker
from flywheel.intake.kinds import Kind
from flywheel.intake.plans import Plan
from flywheel.intake.vocabulary import plain

MADE_MARK = "→ "  # in front of a made column's name, so that it is never taken for one of the file's
Period = tuple[date, date]


@dataclass(frozen=True)
class Header:
    """A column of an export, by its header in each language that the program writes.

    `pattern`: a regular expression for headers that hold a word of their own, such as the currency in `Cost (USD)`; its
    named groups are words that makers can read. `needed`: the file is not of this format without it.
    """

    name: str
    also: tuple[str, ...] = ()
    pattern: str = ""
    needed: bool = False

    @cached_property
    def spellings(self) -> frozenset[str]:
        """Every spelling, plain."""
        return frozenset(map(plain, (self.name, *self.also)))

    def is_written(self, header: str) -> bool:
        """Whether a file's header means this column."""
        return plain(header) in self.spellings or bool(self.words(header))

    def words(self, header: str) -> dict[str, str]:
        """The words that a header of the pattern holds; empty for any other."""
        found = re.fullmatch(self.pattern, header.strip(), re.IGNORECASE) if self.pattern else None
        return found.groupdict() if found else {}


@dataclass(frozen=True)
class Made:
    """A column made of others, row by row; not there when the file has none of the headers in `of`."""

    name: str
    of: tuple[str, ...]
    make: Maker

    @property
    def shown(self) -> str:
        """Its name among the file's headers."""
        return MADE_MARK + self.name


@dataclass(frozen=True)
class Part:
    """One kind of fact that the rows tell.

    `fields`: field of the kind -> name of a Header or Made; those that the file lacks are left out. `only`: rows with a
    blank there tell nothing of this kind. `sums`: rows with one key are added up. `needs`: without these there is no
    such part.
    """

    kind: Kind
    fields: Mapping[str, str]
    constants: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    only: str = ""
    sums: bool = False
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """A format's columns in one file: name of the Header -> header of the file, and the words that headers hold."""

    headers: dict[str, str]
    words: dict[str, str]

    def has(self, names: Iterable[str]) -> bool:
        """Whether any of the columns is there."""
        return any(name in self.headers for name in names)


@dataclass(frozen=True)
class Format:
    """An export file of a well-known program.

    `any_of`: beside the needed headers, one of these must be there. `period` reads the days that a report without a
    date column covers from the lines above its header. `help`: where in the program the file comes from.
    """

    slug: str
    label: str
    columns: tuple[Header, ...]
    parts: tuple[Part, ...]
    made: tuple[Made, ...] = ()
    any_of: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    period: Callable[[Sequence[str]], Period | None] = lambda _lines: None
    help: Any = ""

    @property
    def program(self) -> str:
        """The program that writes such files: what stands before the colon of the label."""
        return self.label.partition(":")[0].strip()

    def found(self, header: Sequence[str]) -> Found | None:
        """The format's columns in a header; None when it is not a file of this format."""
        headers: dict[str, str] = {}
        words: dict[str, str] = {}
        for column in self.columns:
            mine = next((name for name in header if name not in headers.values() and column.is_written(name)), "")
            if mine:
                headers[column.name] = mine
                words |= column.words(mine)
        missing = [column for column in self.columns if column.needed and column.name not in headers]
        if missing or (self.any_of and not any(name in headers for name in self.any_of)):
            return None
        return Found(headers, words)

    def plans(self, header: Sequence[str], preamble: Sequence[str] = ()) -> tuple[Plan, ...]:
        """How a file with this header is read, one plan per kind of fact; empty when it is not of this format."""
        found = self.found(header)
        if found is None:
            return ()
        names = found.headers | {made.name: made.shown for made in self.made if found.has(made.of)}
        options = dict(self.options) | _period_options(self.period(preamble))
        return tuple(self._plan(part, names, options) for part in self.parts if set(part.needs) <= names.keys())

    def _plan(self, part: Part, names: Mapping[str, str], options: dict[str, str]) -> Plan:
        return Plan(
            kind=part.kind,
            columns={name: names[source] for name, source in part.fields.items() if source in names},
            constants=dict(part.constants),
            values={name: dict(words) for name, words in part.values.items()},
            options=options,
            format=self.slug,
            only=names.get(part.only, ""),
            sums=part.sums,
        )


def _period_options(period: Period | None) -> dict[str, str]:
    return {"period_first": period[0].isoformat(), "period_last": period[1].isoformat()} if period else {}
