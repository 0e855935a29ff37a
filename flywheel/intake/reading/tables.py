"""Rows to a table: where its header is, which rows belong to it, and what was left out."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from statistics import median_high
from typing import Protocol, TypedDict

from flywheel.intake.reading.problems import FileProblemError
from flywheel.intake.vocabulary import plain

CHUNK_ROWS = 10_000  # fits the processor's cache: 50,000 take half as long again
MOST_COLUMNS = 1_000  # many times what any export has
FIRST_ROWS = 20  # among which the header is
WINDOW_ROWS = 40  # that are looked at to find it
MOST_OF = 2 / 3  # of the cells the rows have, a header has at least: some of its names may be blank
TOTALS, OTHER_TABLES = "totals", "other_tables"  # keys of words.NOTES
TOTAL_LABELS = frozenset(
    map(
        plain,
        (
            *("total", "totals", "grand total", "sub total", "subtotal", "sum"),
            *("summe", "gesamt", "gesamtsumme", "gesamtergebnis", "zwischensumme"),
            *("total général", "totaux", "sous-total", "total general", "total geral", "totale", "totali"),
            *("totaal", "totalt", "suma", "suma końcowa", "razem", "celkem", "итого", "всего", "toplam"),
            *("总计", "合计", "总和", "小计", "總計", "合計", "小計", "总合计", "합계", "총계", "소계"),
        ),
    )
)
_FIRST = itemgetter(0)


class FormatOptions(TypedDict, total=False):
    """What `opened` takes of a plan."""

    encoding: str
    delimiter: str
    sheet: str


@dataclass(frozen=True)
class Format:
    """How the bytes of a file are to be read; of a workbook only the sheet is told."""

    encoding: str
    delimiter: str
    sheet: str = ""

    @property
    def options(self) -> dict[str, str]:
        """What a plan keeps of it."""
        known = {"encoding": self.encoding, "delimiter": self.delimiter, "sheet": self.sheet}
        return {name: value for name, value in known.items() if value}


@dataclass(frozen=True)
class Ragged:
    """A row that does not have the header's number of cells."""

    line: int
    cells: list[str]
    code: str
    detail: str = ""


@dataclass(frozen=True)
class Chunk:
    """Some rows of a file, as wide as its header. `lines`: those on which they start, the file's first being 1."""

    lines: Sequence[int]
    rows: list[list[str]]
    ragged: list[Ragged] = field(default_factory=list)

    def columns(self, wanted: Sequence[int]) -> list[list[str]]:
        """The columns at the positions `wanted`."""
        if not self.rows:
            return [[] for _ in wanted]
        turned = list(zip(*self.rows, strict=True))
        return [list(turned[at]) for at in wanted]


@dataclass(frozen=True)
class Table:
    """An opened file: its header and, once, its rows. `position()`: how many of its bytes have been read.

    `preamble`: the lines above the header, as texts. `notes`: how many rows of totals, and whether further tables, were
    left out; complete when the chunks are exhausted. `sheets`: all of a workbook's.
    """

    header: list[str]
    format: Format
    chunks: Iterator[Chunk]
    position: Callable[[], int]
    preamble: list[str] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)
    sheets: list[str] = field(default_factory=list)


class Rows(Protocol):
    """Where a table's rows come from: a text, or the sheet of a workbook."""

    def take(self, most: int) -> tuple[Sequence[int], list[list[str]]]:
        """The next rows, at most so many, and their lines; no rows at the end."""


def table_of(
    rows: Rows, found: Format, chunk_rows: int, position: Callable[[], int], sheets: Sequence[str] = ()
) -> Table:
    """The table that the rows hold. Raises FileProblemError."""
    lines, first = rows.take(WINDOW_ROWS)
    at = header_place(first)
    header = _header(first[at], lines[at])
    below = _Below(len(header))
    chunks = below.chunks(_batches(rows, lines[at + 1 :], first[at + 1 :], chunk_rows))
    joint = found.delimiter if found.delimiter.strip() else " "
    preamble = [text for row in first[:at] if (text := joint.join(row).strip(joint + " \t\ufeff"))]
    return Table(header, found, chunks, position, preamble, below.notes, list(sheets))


def _batches(
    rows: Rows, lines: Sequence[int], first: list[list[str]], size: int
) -> Iterator[tuple[Sequence[int], list[list[str]]]]:
    """The rows taken already and those that follow, so many at a time."""
    if len(first) < size:
        more_lines, more = rows.take(size - len(first))
        yield _joined(lines, more_lines), first + more
    else:
        for at in range(0, len(first), size):
            yield lines[at : at + size], first[at : at + size]
    while True:
        lines, taken = rows.take(size)
        if not taken:
            return
        yield lines, taken


def _joined(lines: Sequence[int], more: Sequence[int]) -> Sequence[int]:
    if isinstance(lines, range) and isinstance(more, range) and lines.stop == more.start:
        return range(lines.start, more.stop)
    return [*lines, *more]


# --- the header -----------------------------------------------------------------------------------------------------
def header_place(rows: list[list[str]]) -> int:
    """Which of a file's first rows is its header: the first that has about as many cells as the rows below it.

    Above it may stand titles, comments that start with `#`, and Excel's `sep=;`. Where nothing stands below, it is the
    row with the most cells. Raises FileProblemError for a file without any.
    """
    candidates = [at for at, row in enumerate(rows[:FIRST_ROWS]) if _width(row)]
    if not candidates:
        raise FileProblemError("empty_file")
    has_comments = any(_is_comment(row) and _width(row) == 1 for row in rows)  # else a column may be called "# orders"
    asides = {at for at in candidates if _is_said(rows, at) or (has_comments and _is_comment(rows[at]))}
    candidates = [at for at in candidates if at not in asides] or candidates
    for at in candidates:
        below = [row for row in rows[at + 1 :] if _width(row) and not _is_comment(row)]
        if below and _fits(rows[at], below):
            return at
    widest = max(candidates, key=lambda at: _width(rows[at]))
    return candidates[0] if any(_is_numeric(cell) for cell in rows[widest]) else widest


def _width(row: list[str]) -> int:
    """The row's cells up to the last that is not blank."""
    return next((at for at in range(len(row), 0, -1) if row[at - 1].strip("\ufeff \t\xa0")), 0)


def _is_said(rows: list[list[str]], at: int) -> bool:
    """Whether the row is Excel's line that tells the delimiter."""
    return at == 0 and rows[0][0].lstrip("\ufeff").startswith("sep=") and _width(rows[0]) <= 2


def _is_comment(row: list[str]) -> bool:
    return bool(row) and row[0].lstrip("\ufeff").startswith("#") and (_width(row) == 1 or row[0].startswith("# "))


def _fits(row: list[str], below: list[list[str]]) -> bool:
    length = Counter(map(len, below)).most_common(1)[0][0]
    return len(row) >= MOST_OF * length and _width(row) >= MOST_OF * median_high(map(_width, below))


def _is_numeric(cell: str) -> bool:
    return cell.strip().replace(".", "").replace(",", "").lstrip("-").isdigit()


def _header(cells: list[str], line: int) -> list[str]:
    if any("\0" in cell for cell in cells):
        raise FileProblemError("nul", line)
    if len(cells) > MOST_COLUMNS:
        raise FileProblemError("columns", line, detail=f"{MOST_COLUMNS:,}")
    names = (" ".join(cell.lstrip("\ufeff").split()) for cell in cells)  # some have line breaks
    return _unique([name or f"#{at}" for at, name in enumerate(names, start=1)])


def _unique(names: list[str]) -> list[str]:
    """The names, of which equal ones are numbered: `a`, `a (2)`, around names that look like that already."""
    taken = set(names)
    seen: Counter[str] = Counter()
    unique = []
    for name in names:
        seen[name] += 1
        while seen[name] > 1 and f"{name} ({seen[name]})" in taken:
            seen[name] += 1
        unique.append(f"{name} ({seen[name]})" if seen[name] > 1 else name)
    return unique


# --- the rows below it ----------------------------------------------------------------------------------------------
def is_total(row: list[str]) -> bool:
    """Whether a row sums up others, by its first cell that is not blank: `Grand total`, `Total: Account`."""
    first = next((cell for cell in row if cell and not cell.isspace()), "")
    return plain(first.replace("：", ":").partition(":")[0]) in TOTAL_LABELS


_STEMS = (  # one of which is in every label
    *("tot", "sum", "gesamt", "razem", "celkem", "toplam"),
    *("计", "計", "总", "итог", "всего", "합계", "총계", "소계"),
)


class _Below:
    """The rows below a header of `width` cells, as chunks: without blank rows and totals, misshapen ones set apart."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.notes: dict[str, int] = {}
        self._after_blank = self._is_over = False

    def chunks(self, batches: Iterator[tuple[Sequence[int], list[list[str]]]]) -> Iterator[Chunk]:
        """The chunks up to the table's end: a blank line and a comment, after which another table may stand."""
        for lines, rows in batches:
            chunk = self._even(lines, rows) or self._uneven(lines, rows)
            if chunk.rows or chunk.ragged:
                yield chunk
            if self._is_over:
                break
        for _lines, rows in batches:
            self._note_other_table(rows)

    def _even(self, lines: Sequence[int], rows: list[list[str]]) -> Chunk | None:
        """The chunk when all rows have the header's width and none is blank, as in most files; else None."""
        if set(map(len, rows)) != {self.width}:
            return None
        firsts = list(map(_FIRST, rows))
        if not all(firsts):
            if not all(map(any, rows)):
                return None
            suspects = [row for row, first in zip(rows, firsts, strict=True) if not first]
            if any(map(is_total, suspects)):
                return None
        text = "\n".join(firsts).casefold()
        if any(stem in text for stem in _STEMS) and any(is_total([first]) for first in set(firsts)):
            return None
        self._after_blank = False
        return Chunk(lines, rows)

    def _uneven(self, lines: Sequence[int], rows: list[list[str]]) -> Chunk:
        good: list[tuple[int, list[str]]] = []
        ragged = []
        for at, (line, row) in enumerate(zip(lines, rows, strict=True)):
            if self._after_blank and _is_comment(row):
                self._is_over = True
                self._note_other_table(rows[at:])
                break
            self._after_blank = not any(row)
            if self._after_blank or self._is_total(row):
                continue
            cells = row[: self.width] if len(row) > self.width and not any(row[self.width :]) else row
            if len(cells) == self.width:
                good.append((line, cells))
            else:
                code = "row_short" if len(cells) < self.width else "row_long"
                ragged.append(Ragged(line, row, code, f"{len(row)}/{self.width}"))
        return Chunk([line for line, _ in good], [cells for _, cells in good], ragged)

    def _is_total(self, row: list[str]) -> bool:
        found = is_total(row)
        if found:
            self.notes[TOTALS] = self.notes.get(TOTALS, 0) + 1
        return found

    def _note_other_table(self, rows: list[list[str]]) -> None:
        if any(_width(row) and not _is_comment(row) for row in rows):
            self.notes[OTHER_TABLES] = 1
