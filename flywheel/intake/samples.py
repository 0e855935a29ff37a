"""What the pages show of a file before it is loaded."""

from dataclasses import dataclass, field
from pathlib import Path

from flywheel.accounts.models import Workspace
from flywheel.intake.kinds import Column
from flywheel.intake.plans import Plan
from flywheel.intake.preparing import reading_of
from flywheel.intake.reading import Chunk, FileProblemError, Format, FormatOptions, Table, opened
from flywheel.intake.shaping import shaped
from flywheel.intake.vocabulary import plain

SHOWN_ROWS = 8
READ_ROWS = 2_000  # words and examples are looked for in these
MOST_WORDS = 40
SHORT = 60  # characters of a cell that are shown


@dataclass(frozen=True)
class Preview:
    """The header of a file, its first rows, how its bytes are read, the lines above the header, a workbook's sheets."""

    header: list[str]
    rows: list[list[str]]
    format: Format
    preamble: list[str] = field(default_factory=list)
    sheets: list[str] = field(default_factory=list)

    def by(self, workspace: Workspace, plan: Plan) -> "Preview":
        """The same as a plan sees it: with the columns that its format makes; as it is where they cannot be made."""
        chunks = iter([Chunk(range(len(self.rows)), self.rows)])
        table = Table(self.header, self.format, chunks, lambda: 0, preamble=self.preamble)
        try:
            seen = shaped(table, plan, reading_of(workspace, plan))
            rows = [row for chunk in seen.chunks for row in chunk.rows]
        except FileProblemError:  # the check of the batch tells what is wrong
            return self
        return Preview(seen.header, rows, self.format, self.preamble, self.sheets)

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
    options: FormatOptions = plan.file_options if plan else {}
    with opened(path, **options, chunk_rows=READ_ROWS) as table:
        first = next(table.chunks, Chunk([], []))
        return Preview(table.header, first.rows, table.format, table.preamble, table.sheets)


def meaning(column: Column, word: str, values: dict[str, dict[str, str]]) -> str:
    """What a word of the file stands for, by the mapping or else by the product's vocabulary; '' when unknown."""
    return column.choice.understood(values.get(column.name, {})).get(plain(word), "") if column.choice else ""
