"""The file of the bad rows of a rejected batch: its own columns, with the line and what is wrong in front."""

import csv
import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

from django.utils.translation import gettext as _

from flywheel.accounts.sheets import neutral
from flywheel.intake.preparing import Issue
from flywheel.intake.reading import LONGEST_CELL
from flywheel.intake.words import expected

if TYPE_CHECKING:
    from _csv import Writer


class BadRows:
    """Writes the file as bad rows are found; without any there is no file.

    Each plan finds its own. In the end they stand as in the file they came from, so that the lines of an order are
    below its first, and the file can be loaded once it is put right.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None
        self._last = 0  # line that was written
        self._rows = 0
        self._starts: list[int] = []  # the numbers of the rows from which on the lines rise anew

    def __enter__(self) -> Self:
        self.path.unlink(missing_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()
            if len(self._starts) > 1 and error is None:
                self._sort()

    def add(self, header: Sequence[str], rows: Mapping[int, Sequence[str]], issues: Iterable[Issue]) -> None:
        """Write the rows (line -> cells) that `issues` are about, each once, with all that is wrong in it."""
        by_line: dict[int, list[Issue]] = {}
        for issue in issues:
            by_line.setdefault(issue.line, []).append(issue)
        for line in sorted(by_line):
            wrong = "; ".join(map(_sentence, by_line[line]))
            writer = self._writer(header)
            if line < self._last or not self._starts:
                self._starts.append(self._rows)
            writer.writerow([line, neutral(wrong), *map(neutral, rows.get(line, ()))])
            self._last, self._rows = line, self._rows + 1

    def _writer(self, header: Sequence[str]) -> "Writer":
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8-sig", newline="")  # with a mark, so that Excel reads it
            csv.writer(self._file).writerow([_("Line"), _("What is wrong"), *map(neutral, header)])
        return csv.writer(self._file)

    def _sort(self) -> None:
        """Merge the runs of rising lines, a row of each at a time: the file may be large."""
        csv.field_size_limit(2 * LONGEST_CELL)  # a cell that is neutralised is longer than it was in its file
        sorted_path = self.path.with_suffix(".sorted")
        with ExitStack() as stack:
            opened = [stack.enter_context(self.path.open(encoding="utf-8-sig", newline="")) for _start in self._starts]
            readers = list(map(csv.reader, opened))
            headers = [next(reader) for reader in readers]
            runs = [_run(reader, start) for reader, start in zip(readers, self._starts, strict=True)]
            target = csv.writer(stack.enter_context(sorted_path.open("w", encoding="utf-8-sig", newline="")))
            target.writerow(headers[0])
            merged: Iterator[list[str]] = heapq.merge(*runs, key=_line)
            target.writerows(merged)
        sorted_path.replace(self.path)


def _run(rows: Iterator[list[str]], start: int) -> Iterator[list[str]]:
    """The rows from the one numbered `start` below the header, as long as their lines rise."""
    last = 0
    for row in islice(rows, start, None):
        if _line(row) < last:
            return
        last = _line(row)
        yield row


def _line(row: Sequence[str]) -> int:
    return int(row[0])


def _sentence(issue: Issue) -> str:
    text = _("expected %(expected)s") % {"expected": expected(issue.code, issue.detail)}
    return f"{issue.column}: {text}" if issue.column else text
