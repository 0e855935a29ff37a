"""Delimited text to rows: the delimiter, lines of bearable length, and what is wrong named with its line."""

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self

from flywheel.intake.reading.content import Content
from flywheel.intake.reading.problems import FileProblemError

if TYPE_CHECKING:
    from _csv import Reader

DELIMITERS = (",", ";", "\t", "|")
FIRST_LINES = 20  # of the file, by which the delimiter is found
LONGEST_CELL = 100_000  # characters; longer means a quote that never closes
LONGEST_LINE = 4 * 1024**2  # bytes, held in memory; a thousand columns of the longest names take a tenth
READ_BYTES = 64 * 1024
OTHER_TEXTS = (  # how a text begins that is no table
    ("JSON", re.compile(r'\{\s*["}]|\[\s*(?:[\[{"\]\-\d]|true|false|null)')),
    ("HTML", re.compile(r"<(?:!doctype\s+html|html|head|body|table|div|meta|style)\b", re.IGNORECASE)),
    ("XML", re.compile(r"<[?!a-z]", re.IGNORECASE)),
)
_SAID = re.compile(r"sep=([^\r\n])[\r\n]")  # Excel's own way to tell the delimiter
_BREAK = re.compile("\r\n|\r|\n")
_QUOTED = re.compile('"[^"]*"')
_END = "\0end\0"  # a line put behind the last: found within a cell, the cell's quote was never closed


def check_is_table(text: str) -> None:
    """Raise FileProblemError for the beginning of a web page or of data in another notation."""
    for kind, start in OTHER_TEXTS:
        if start.match(text):
            raise FileProblemError("other_kind", detail=kind)


def guessed_delimiter(text: str) -> str:
    """The delimiter that Excel's first line tells, or that splits most of the first lines into equally many cells."""
    if said := _SAID.match(text):
        return said[1]
    plain = _QUOTED.sub("", text[:LONGEST_CELL]).splitlines()[:FIRST_LINES]
    lines = [line for line in plain if line.strip() and not line.startswith("#")]

    def evenness(delimiter: str) -> tuple[int, int]:
        """How many lines have the commonest number of delimiters, and that number."""
        counts = Counter(count for line in lines if (count := line.count(delimiter)))
        return max(((lines_with, count) for count, lines_with in counts.items()), default=(0, 0))

    return max(DELIMITERS, key=evenness)


class TextRows:
    """The rows of a delimited text, to be taken in turn. Raises FileProblemError."""

    def __init__(self, content: Content, encoding: str, delimiter: str) -> None:
        csv.field_size_limit(LONGEST_CELL)
        self._text = io.TextIOWrapper(_Lines(content.stream), encoding=encoding, newline="")  # type: ignore[type-var]
        self._reader: Reader = csv.reader(itertools.chain(self._text, (_END,)), delimiter=delimiter)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._text.detach()

    def take(self, most: int) -> tuple[Sequence[int], list[list[str]]]:
        """The next rows, at most so many, and the lines on which they start; the file's first is 1."""
        before = self._reader.line_num
        rows: list[list[str]] = []
        with self._readable(rows, before + 1):
            rows.extend(itertools.islice(self._reader, most))  # keeps what came before an error
        if self._reader.line_num - before == len(rows):
            lines: Sequence[int] = range(before + 1, before + 1 + len(rows))
        else:
            lines = list(_lines(rows, before + 1))
        if len(rows) < most or rows[-1:] == [[_END]]:
            return _without_end(lines, rows)
        return lines, rows

    @contextmanager
    def _readable(self, rows: list[list[str]], first: int) -> Iterator[None]:
        """What goes wrong after `rows`, the first of which starts on line `first`, with the line that is to blame."""
        try:
            yield
        except UnicodeDecodeError as problem:
            earlier = problem.object[: problem.start].decode(problem.encoding, errors="ignore")
            line = self._reader.line_num + 1 + len(_BREAK.findall(earlier))
            raise FileProblemError("encoding", line, detail=problem.encoding) from problem
        except csv.Error as problem:
            line = next(_lines([*rows, []], first), first) if not rows else _next_line(rows, first)
            code = "long_cell" if "field limit" in str(problem) else "unreadable"
            detail = f"{LONGEST_CELL:,}" if code == "long_cell" else str(problem)
            raise FileProblemError(code, line, detail=detail) from problem
        except FileProblemError as problem:
            if problem.code == "long_line":
                problem.line = self._reader.line_num + 1
            raise


def _lines(rows: list[list[str]], first: int) -> Iterator[int]:
    """The line each row starts on, where some cells hold line breaks."""
    for row in rows:
        yield first
        first += 1 + sum(len(_BREAK.findall(cell)) for cell in row)


def _next_line(rows: list[list[str]], first: int) -> int:
    """The line that follows the rows."""
    *_, last = _lines([*rows, []], first)
    return last


def _without_end(lines: Sequence[int], rows: list[list[str]]) -> tuple[Sequence[int], list[list[str]]]:
    """The last rows without the line put behind them; raises FileProblemError when a cell has swallowed it."""
    if not rows:
        return lines, rows
    if rows[-1] == [_END]:
        return lines[:-1], rows[:-1]
    if rows[-1] and rows[-1][-1].endswith(_END):
        raise FileProblemError("open_quote", lines[-1])
    return lines, rows


class _Lines(io.BufferedIOBase):
    """Bytes for a text reader, which holds each line in memory: so none may be longer than is bearable."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream, self._since_break = stream, 0

    def readable(self) -> bool:
        """It is."""
        return True

    def read1(self, size: int = -1) -> bytes:
        """The next bytes, more than are asked for; raises FileProblemError in a line beyond all measure."""
        block = self._stream.read1(READ_BYTES)
        at = max(block.rfind(b"\n"), block.rfind(b"\r"))
        self._since_break = len(block) - at - 1 if at >= 0 else self._since_break + len(block)
        if self._since_break > LONGEST_LINE:
            raise FileProblemError("long_line", detail=f"{LONGEST_LINE // 1024**2} MB")
        return block
