"""What an export file is: the columns it is known by, columns made of them, and the facts that its rows tell."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
Names = str | tuple[str, ...]  # of columns: the first that the file has
_DASHES = str.maketrans("–—", "--")


@dataclass(frozen=True)
class Header:
    """A column of an export, by its header in each language that the program writes.

    `pattern`: a regular expression for headers that vary, or hold a word of their own as `Amount spent (USD)` does;
    its named groups are words that makers can read. `needed`: the file is not of this format without it.
    """

    name: str
    also: tuple[str, ...] = ()
    pattern: str = ""
    needed: bool = False

    @cached_property
    def spellings(self) -> frozenset[str]:
        """Every spelling, for comparing."""
        return frozenset(map(_compared, (self.name, *self.also)))

    def is_written(self, header: str) -> bool:
        """Whether a file's header means this column."""
        return _compared(header) in self.spellings or self._match(header) is not None

    def words(self, header: str) -> dict[str, str]:
        """The words that a header of the pattern holds; empty for any other."""
        found = self._match(header)
        return {name: word for name, word in found.groupdict().items() if word} if found else {}

    def _match(self, header: str) -> re.Match[str] | None:
        return re.fullmatch(self.pattern, _narrow(header), re.IGNORECASE) if self.pattern else None


def _narrow(header: str) -> str:
    """A header with the brackets, spaces and dashes of one language written as those of the others."""
    return unicodedata.normalize("NFKC", header).translate(_DASHES).strip()


def _compared(header: str) -> str:
    return plain(_narrow(header))


@dataclass(frozen=True)
class Made:
    """A column made of others, row by row; not there when the file has none of the headers in `of`.

    `given`: nor without this word, of the headers or `period_first`, the first day that the file covers.
    """

    name: str
    of: tuple[str, ...]
    make: Maker
    given: str = ""

    def is_there(self, found: "Found", words: Mapping[str, str]) -> bool:
        """Whether the column can be made of a file in which these columns and words were found."""
        return found.has(self.of) and (not self.given or bool(words.get(self.given)))

    @property
    def shown(self) -> str:
        """Its name among the file's headers."""
        return MADE_MARK + self.name


@dataclass(frozen=True)
class Part:
    """One kind of fact that the rows tell.

    `fields`: field of the kind -> name of a Header or Made, or several of which the first there is counts; those that
    the file lacks are left out. `only`: rows with a blank there tell nothing of this kind. `sums`: rows with one key
    are added up. `needs`: without these there is no such part. `until`: of a row that tells several days, the column
    with its first day -> the one with its last; such a row is spread over its days.
    """

    kind: Kind
    fields: Mapping[str, Names]
    constants: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    only: str = ""
    sums: bool = False
    needs: tuple[str, ...] = ()
    until: Mapping[str, str] = field(default_factory=dict)


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
    date column covers from the lines above its header. `turned`: where a row holds several records, gives of each the
    position of its row and the cells of the made columns, which no maker fills then. `record`: the header whose equal
    cells make one record of several rows, so that all of them are loaded or none. `help`: where in the program the
    file comes from.
    """

    slug: str
    label: str
    columns: tuple[Header, ...]
    parts: tuple[Part, ...]
    made: tuple[Made, ...] = ()
    any_of: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    period: Callable[[Sequence[str]], Period | None] = lambda _lines: None
    turned: Callable[[Sequence[str], Sequence[Sequence[str]]], Iterator[tuple[int, list[str]]]] | None = None
    record: str = ""
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
        options = dict(self.options) | _period_options(self.period(preamble))
        names = self.names(found, options)
        return tuple(self._plan(part, names, options) for part in self.parts if set(part.needs) <= names.keys())

    def names(self, found: Found, options: Mapping[str, str]) -> dict[str, str]:
        """The columns that such a file has with these options of a plan, made ones too: name -> header."""
        words = found.words | dict(options)
        return found.headers | {made.name: made.shown for made in self.made if made.is_there(found, words)}

    def _plan(self, part: Part, names: Mapping[str, str], options: dict[str, str]) -> Plan:
        columns = {name: _first(source, names) for name, source in part.fields.items()}
        return Plan(
            kind=part.kind,
            columns={name: header for name, header in columns.items() if header},
            constants=dict(part.constants),
            values={name: dict(words) for name, words in part.values.items()},
            options=options,
            format=self.slug,
            only=names.get(part.only, ""),
            sums=part.sums,
        )


def _first(source: Names, names: Mapping[str, str]) -> str:
    wanted = (source,) if isinstance(source, str) else source
    return next((names[name] for name in wanted if name in names), "")


def _period_options(period: Period | None) -> dict[str, str]:
    return {"period_first": period[0].isoformat(), "period_last": period[1].isoformat()} if period else {}
