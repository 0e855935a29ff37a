"""What the pages show of a file before it is loaded, and the generic templates to fill in."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from flywheel.intake.kinds import Kind
from flywheel.intake.plans import Plan
from flywheel.intake.reading import Chunk, Format, FormatOptions, opened
from flywheel.intake.vocabulary import STAGES_BY_EVENT, STATES, plain

SHOWN_ROWS = 8
READ_ROWS = 2_000  # words and examples are looked for in these
MOST_WORDS = 40
SHORT = 60  # characters of a cell that are shown
DEFAULT_MEANINGS: dict[str, Mapping[str, str]] = {"status": STATES, "event": STAGES_BY_EVENT}


@dataclass(frozen=True)
class Preview:
    """The header of a file, its first rows, how its bytes are read, the lines above the header, a workbook's sheets."""

    header: list[str]
    rows: list[list[str]]
    format: Format
    preamble: list[str] = field(default_factory=list)
    sheets: list[str] = field(default_factory=list)

    @property
    def shown(self) -> list[list[str]]:
        """The rows to show, long cells cut."""
        return [[cell[:SHORT] for cell in row] for row in self.rows[:SHOWN_ROWS]]

    def words(self, column: str) -> list[str]:
        """The distinct cells of a column, in the order they come."""
        if column not in self.header:
            return []
        at = self.header.index(column)
        cells = (row[at].strip() for row in self.rows)
        return list(dict.fromkeys(cell for cell in cells if cell and "\0" not in cell))[:MOST_WORDS]


def preview(path: Path, plan: Plan | None = None) -> Preview:
    """The first rows of a file, read as the plan's options say. Raises FileProblemError."""
    options: FormatOptions = plan.format_options if plan else {}
    with opened(path, **options, chunk_rows=READ_ROWS) as table:
        first = next(table.chunks, Chunk([], []))
        return Preview(table.header, first.rows, table.format, table.preamble, table.sheets)


def meaning(column: str, word: str, values: dict[str, dict[str, str]]) -> str:
    """What a word of the file stands for, by the mapping or else by the product's vocabulary; '' when unknown."""
    own = {plain(known): ours for known, ours in values.get(column, {}).items()}
    return own.get(plain(word)) or str(DEFAULT_MEANINGS.get(column, {}).get(plain(word), ""))


def template_csv(kind: Kind) -> str:
    """The kind's generic template with two example rows, with the mark by which spreadsheets know UTF-8."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([column.name for column in kind.columns])
    examples: Sequence[Sequence[str]] = [column.examples for column in kind.columns]
    writer.writerows(zip(*examples, strict=True))
    return "\ufeff" + out.getvalue()
