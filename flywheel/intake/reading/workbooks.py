"""Workbooks (.xlsx, .xlsm, .xlsb, .xls, .ods) to rows, read by a process of its own (`sheet_process`)."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from flywheel.intake.reading.problems import FileProblemError

SCRIPT = Path(__file__).with_name("sheet_process.py")


class SheetRows:
    """The rows of one sheet: the one named, or the first with a table. Raises FileProblemError when it is opened."""

    def __init__(self, path: Path, sheet: str = "") -> None:
        self._taken = 0
        self._waiting: list[list[str]] = []
        command = [sys.executable, "-P", str(SCRIPT), str(path), *([sheet] if sheet else [])]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            found = self._said()
            if found is None or "problem" in found:
                found = found or {"problem": "truncated"}
                raise FileProblemError(found["problem"], detail=found.get("detail", ""))
        except BaseException:
            self.close()
            raise
        self.sheet: str = found["sheet"]
        self.sheets: list[str] = found["sheets"]
        self.total: int = found["rows"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process, whatever it is at."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    @property
    def share(self) -> float:
        """How much of the sheet has been taken, 0-1."""
        return min(self._taken / self.total, 1.0) if self.total else 1.0

    def take(self, most: int) -> tuple[Sequence[int], list[list[str]]]:
        """The next rows, at most so many, and their numbers in the sheet."""
        while len(self._waiting) < most and (some := self._said()) is not None:
            self._waiting.extend(some)
        rows, self._waiting = self._waiting[:most], self._waiting[most:]
        first = self._taken + 1
        self._taken += len(rows)
        return range(first, first + len(rows)), rows

    def _said(self) -> Any:
        """The next value the process has printed; None at its proper end."""
        line = self._process.stdout.readline() if self._process.stdout else b""
        if line.endswith(b"\n"):
            return orjson.loads(line)
        ended = self._process.wait()
        if ended < 0:  # by a signal: out of memory or of time
            raise FileProblemError("workbook_large")
        if ended or line:
            raise FileProblemError("truncated")
        return None
