"""The file of the bad rows of a rejected batch: its own columns, with the line and what is wrong in front."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

from django.utils.translation import gettext as _

from flywheel.accounts.sheets import neutral
from flywheel.intake.preparing import Issue
from flywheel.intake.words import expected

if TYPE_CHECKING:
    from _csv import Writer


class BadRows:
    """Writes the file as bad rows are found; without any there is no file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        self.path.unlink(missing_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()

    def add(self, header: Sequence[str], rows: Mapping[int, Sequence[str]], issues: Iterable[Issue]) -> None:
        """Write the rows (line -> cells) that `issues` are about, each once, with all that is wrong in it."""
        by_line: dict[int, list[Issue]] = {}
        for issue in issues:
            by_line.setdefault(issue.line, []).append(issue)
        for line in sorted(by_line):
            wrong = "; ".join(map(_sentence, by_line[line]))
            self._writer(header).writerow([line, neutral(wrong), *map(neutral, rows.get(line, ()))])

    def _writer(self, header: Sequence[str]) -> "Writer":
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8-sig", newline="")  # with a mark, so that Excel reads it
            csv.writer(self._file).writerow([_("Line"), _("What is wrong"), *map(neutral, header)])
        return csv.writer(self._file)


def _sentence(issue: Issue) -> str:
    text = _("expected %(expected)s") % {"expected": expected(issue.code, issue.detail)}
    return f"{issue.column}: {text}" if issue.column else text
