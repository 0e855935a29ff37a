"""What is found in a file while it is read: its bad rows, those that go with them, and remarks.

Rows that tell one record together, such as the lines of an order in a shop's export, are refused together: a part of an
order would be a wrong order, and the other part, loaded later, would not know its place in it. A row far down may be
the bad one, so that a file with such rows is read once more, knowing which records are refused (`Findings.again`).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from flywheel.intake.badrows import BadRows
from flywheel.intake.formats import FORMATS
from flywheel.intake.plans import Plan
from flywheel.intake.preparing import SHOWN, Issue, Prepared
from flywheel.intake.reading import Chunk

KEPT_ERRORS = 1_000  # row errors shown; the file of the bad rows holds them all


@dataclass
class Findings:
    """The first issues, which lines are bad, how many rows there are, and remarks.

    `records`: those with a bad row. What was known of the file before this reading of it: `refused`, such records;
    `own`, lines that are bad by themselves; `late`, what was wrong in lines that only all rows together show.
    """

    first: list[Issue] = field(default_factory=list)
    bad_lines: set[int] = field(default_factory=set)
    rows: int = 0
    notes: Counter[str] = field(default_factory=Counter)
    tells: bool = False  # whether each plan takes some rows only, so that `told` is kept
    told: set[int] = field(default_factory=set)  # lines that tell something
    records: set[str] = field(default_factory=set)
    refused: frozenset[str] = frozenset()
    own: set[int] = field(default_factory=set)
    late: dict[int, list[Issue]] = field(default_factory=dict)

    def add(self, issues: list[Issue]) -> None:
        """Keep what is wrong in some lines."""
        self.first.extend(issues[: KEPT_ERRORS - len(self.first)])
        self.bad_lines.update(issue.line for issue in issues if issue.line)

    def counting(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """The chunks, their rows counted as they pass."""
        for chunk in chunks:
            self.rows += len(chunk.rows) + len(chunk.ragged)
            yield chunk

    @property
    def is_bad(self) -> bool:
        """Whether anything is wrong."""
        return bool(self.first)

    @property
    def is_incomplete(self) -> bool:
        """Whether records turned out bad of which rows were taken for good."""
        return len(self.records) > len(self.refused)

    def again(self) -> None:
        """Forget all but what the next reading of the file must know."""
        self.own |= self.bad_lines
        self.refused = frozenset(self.records)
        self.first, self.bad_lines, self.rows, self.notes, self.told = [], set(), 0, Counter(), set()


@dataclass(frozen=True)
class Sink:
    """Where what is wrong with rows goes: the findings, and the file of the bad rows under the file's own header."""

    findings: Findings
    bad_rows: BadRows
    header: list[str]
    record: int | None = None  # the position of the column that tells the rows of one record

    def add(self, cells: Mapping[int, Sequence[str]], issues: list[Issue]) -> None:
        """Keep what is wrong in lines, whose cells are given."""
        fresh = [issue for issue in issues if issue.line not in self.findings.bad_lines]
        self.bad_rows.add(self.header, {line: row[: len(self.header)] for line, row in cells.items()}, fresh)
        self.findings.add(issues)
        if self.record is not None:
            self.findings.records.update(filter(None, (_cell(row, self.record) for row in cells.values())))

    def add_late(self, cells: Mapping[int, Sequence[str]], issues: list[Issue]) -> None:
        """Keep what only all rows together have shown."""
        for issue in issues:
            self.findings.late.setdefault(issue.line, []).append(issue)
        self.add(cells, issues)

    def sorted_out(self, prepared: Prepared) -> tuple[Prepared, set[str]]:
        """The rows that are good, and the keys of the others, which are kept here with what is wrong."""
        together = self._together(prepared.chunk)
        issues = [*prepared.issues, *self._of_kin(prepared, together)] if together else prepared.issues
        if issues:
            found = Prepared(prepared.chunk, prepared.rows, prepared.ids, issues)
            self.add(found.bad_cells, issues)
        bad = self.findings.bad_lines | together if together else self.findings.bad_lines
        if not bad:
            return prepared, set()
        return prepared.without(bad), prepared.keys_on(bad) if issues or together else set()

    def _together(self, chunk: Chunk) -> set[int]:
        """The lines of a chunk that belong to refused records."""
        refused, at = self.findings.refused, self.record
        if not refused or at is None:
            return set()
        return {line for line, row in zip(chunk.lines, chunk.rows, strict=True) if row[at].strip() in refused}

    def _of_kin(self, prepared: Prepared, together: set[int]) -> Iterator[Issue]:
        """What is wrong with lines of which nothing is said by themselves, in this plan or another."""
        findings = self.findings
        said = findings.bad_lines | {issue.line for issue in prepared.issues}
        for line, row in zip(prepared.chunk.lines, prepared.chunk.rows, strict=True):
            if line not in together or line in said:
                continue
            said.add(line)
            if line in findings.late:
                yield from findings.late[line]
            elif line not in findings.own and self.record is not None:
                yield Issue(line, self.header[self.record], row[self.record].strip()[:SHOWN], "refused_order")


def _cell(row: Sequence[str], at: int) -> str:
    return row[at].strip() if at < len(row) else ""


def record_column(plan: Plan, header: Sequence[str]) -> int | None:
    """The position of the column whose equal cells make one record of several rows; None where each row is one."""
    known = FORMATS.get(plan.format)
    found = known.found(header) if known and known.record else None
    name = found.headers.get(known.record) if known and found else None
    return list(header).index(name) if name else None
