"""Files to chunks of rows with their true line numbers: CSV and TSV, plain or gzipped, in any encoding."""

import codecs
import csv
import gzip
import io
import itertools
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from charset_normalizer import from_bytes

if TYPE_CHECKING:
    from _csv import Reader

CHUNK_ROWS = 10_000  # fits the processor's cache: 50,000 take half as long again
SAMPLE_BYTES = 256 * 1024
BLOCK_BYTES = 1024 * 1024
DELIMITERS = (",", ";", "\t", "|")
FIRST_LINES = 20  # of the file, by which the delimiter is found
ENCODINGS = ("cp1252", "gb18030", "big5", "cp932", "cp949", "cp1251", "cp1250", "cp1253", "cp1254")  # likeliest first
GZIP_MAGIC = b"\x1f\x8b"
MOST_UNPACKED_BYTES = 20 * 1024**3  # of a gzipped file: 100 M rows, more than one file should hold
MOST_UNPACKED_TIMES = 50  # its packed size: tables are packed to a tenth, seldom to a thirtieth; beyond, it is a bomb
ALWAYS_UNPACKED_BYTES = 64 * 1024**2  # however small it is packed
MOST_COLUMNS = 1_000  # many times what any export has
LONGEST_CELL = 100_000  # characters; longer means a quote that never closes
WORKBOOK_MAGIC = b"\xd0\xcf\x11\xe0"  # of Excel's older files; newer ones are zip archives with a folder "xl"
OTHER_MAGIC = (b"PK\x03\x04", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"%PDF-", b"RIFF")
MOST_CONTROLS = 0.08  # of the bytes; text has next to none, packed data has a tenth
FEW_CONTROLS = 200  # bytes: stray ones in a short file are for its rows' own checks
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\x1b"))
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_BREAK = re.compile("\r\n|\r|\n")


class FileProblemError(ValueError):
    """The file as a whole cannot be read. `code` is a key of `words.EXPECTED`; `line` 0 when no line is to blame."""

    def __init__(self, code: str, line: int = 0, column: str = "", value: str = "", detail: str = "") -> None:
        super().__init__(f"{code} {column} {value} {detail}".strip())
        self.code, self.line, self.column, self.value, self.detail = code, line, column, value, detail


@dataclass(frozen=True)
class Format:
    """How the bytes of a file are to be read."""

    encoding: str
    delimiter: str


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
    """An opened file: its header and, once, its rows. `position()`: how many of its bytes have been read."""

    header: list[str]
    format: Format
    chunks: Iterator[Chunk]
    position: Callable[[], int]
    preamble: list[str] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)


@contextmanager
def opened(path: Path, encoding: str = "", delimiter: str = "", chunk_rows: int = CHUNK_ROWS) -> Iterator[Table]:
    """The table in a file. Raises FileProblemError here or while its chunks are read."""
    chosen = found_format(path, encoding, delimiter)
    csv.field_size_limit(LONGEST_CELL)
    with (
        path.open("rb") as plain,
        _unpacked(plain) as raw,
        io.TextIOWrapper(raw, encoding=chosen.encoding, newline="") as text,
    ):
        reader = csv.reader(text, delimiter=chosen.delimiter)
        header = _header(reader)
        yield Table(header, chosen, _chunks(reader, len(header), chunk_rows), plain.tell)


def sample(path: Path, rows: int, encoding: str = "", delimiter: str = "") -> tuple[list[str], list[list[str]]]:
    """The header and the first rows of a file, for a preview. Raises FileProblemError."""
    with opened(path, encoding, delimiter, chunk_rows=rows) as table:
        first = next(table.chunks, Chunk([], []))
        return table.header, first.rows


# --- bytes and their encoding ---------------------------------------------------------------------------------------
@contextmanager
def _unpacked(plain: IO[bytes]) -> Iterator[IO[bytes]]:
    """The file's content; one that starts as gzip does is unpacked, whatever it is called."""
    magic = plain.read(len(GZIP_MAGIC))
    plain.seek(0)
    if magic != GZIP_MAGIC:
        yield plain
        return
    with _Unpacked(plain) as unpacked:
        yield unpacked  # type: ignore[misc]


class _Unpacked(gzip.GzipFile):
    """A gzipped file's content, as long as that is not absurdly more than the file."""

    def __init__(self, plain: IO[bytes]) -> None:
        super().__init__(fileobj=plain, mode="rb")
        packed = plain.seek(0, io.SEEK_END)
        plain.seek(0)
        self._most = min(MOST_UNPACKED_BYTES, max(MOST_UNPACKED_TIMES * packed, ALWAYS_UNPACKED_BYTES))

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes; raises FileProblemError beyond what is allowed."""
        return self._allowed(super().read(size))

    def read1(self, size: int = -1) -> bytes:
        """As `read`, in one step."""
        return self._allowed(super().read1(size))

    def _allowed(self, block: bytes) -> bytes:
        if self.tell() > self._most:
            raise FileProblemError("unpacked", detail=f"{self._most / 1024**2:,.0f} MB")
        return block


def found_format(path: Path, encoding: str = "", delimiter: str = "") -> Format:
    """How the file is to be read, where `encoding` and `delimiter` do not say. Reads the whole file once."""
    with _truncation(), path.open("rb") as plain, _unpacked(plain) as raw:
        head = raw.read(SAMPLE_BYTES)
    known = next((name for mark, name in _BOMS if head.startswith(mark)), "")
    if not (known or encoding.startswith("utf-16")):
        _check_is_text(head)
    chosen = known or encoding or _guessed_encoding(path)
    text = head.decode(chosen, errors="replace").lstrip("\ufeff\r\n")
    if not text.strip():
        raise FileProblemError("empty_file")
    return Format(chosen, delimiter or _guessed_delimiter(text))


def _check_is_text(head: bytes) -> None:
    """Raise FileProblemError for a workbook, an archive, a picture or other data that is no text."""
    if head.startswith(WORKBOOK_MAGIC) or (head.startswith(OTHER_MAGIC[0]) and b"xl/" in head):
        raise FileProblemError("workbook")
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if head.startswith(OTHER_MAGIC) or controls > max(FEW_CONTROLS, MOST_CONTROLS * len(head)):
        raise FileProblemError("not_text")


def _guessed_encoding(path: Path) -> str:
    """UTF-8 when the whole file is, else the likeliest by the bytes around the first that is not."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with _truncation(), path.open("rb") as plain, _unpacked(plain) as raw:
        while block := raw.read(BLOCK_BYTES):
            try:
                decoder.decode(block)
            except UnicodeDecodeError as problem:
                return _likeliest_encoding(
                    block[problem.start - min(problem.start, SAMPLE_BYTES) :][: 2 * SAMPLE_BYTES]
                )
    return "utf-8"


def _likeliest_encoding(content: bytes) -> str:
    """By the lines that are not plain ASCII: the others tell nothing and drown what does."""
    telling = b"\n".join(line for line in content.splitlines() if not line.isascii())
    found = from_bytes(telling[:SAMPLE_BYTES], cp_isolation=list(ENCODINGS))
    ranked = sorted(found, key=lambda match: (match.chaos, -match.coherence, ENCODINGS.index(match.encoding)))
    return ranked[0].encoding if ranked else "latin-1"


def _guessed_delimiter(text: str) -> str:
    """The delimiter that splits the first lines, quoted parts left out, most evenly, and into the most columns."""
    lines = [line for line in re.sub('"[^"]*"', "", text[:LONGEST_CELL]).splitlines()[:FIRST_LINES] if line.strip()]

    def evenness(delimiter: str) -> tuple[float, int]:
        counts = [line.count(delimiter) for line in lines]
        return (counts.count(counts[0]) if counts[0] else 0), counts[0]

    return max(DELIMITERS, key=evenness) if lines else DELIMITERS[0]  # no lines: all is quoted, so one column


@contextmanager
def _truncation() -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
        raise FileProblemError("truncated") from problem


# --- rows -----------------------------------------------------------------------------------------------------------
def _header(reader: "Reader") -> list[str]:
    with _readable(reader):
        first = next((row for row in reader if any(cell.strip() for cell in row)), None)
    if first is None:
        raise FileProblemError("empty_file")
    if any("\0" in cell for cell in first):
        raise FileProblemError("nul", reader.line_num)
    if len(first) > MOST_COLUMNS:
        raise FileProblemError("columns", reader.line_num, detail=f"{MOST_COLUMNS:,}")
    return _unique([cell.strip().lstrip("\ufeff") or f"#{at}" for at, cell in enumerate(first, start=1)])


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


@contextmanager
def _readable(reader: "Reader") -> Iterator[None]:
    """What goes wrong while reading, as FileProblemErrors that name the line."""
    try:
        with _truncation():
            yield
    except UnicodeDecodeError as problem:
        raise FileProblemError("encoding", reader.line_num + 1, detail=problem.encoding) from problem
    except csv.Error as problem:
        raise FileProblemError("unreadable", reader.line_num, detail=str(problem)) from problem


def _chunks(reader: "Reader", width: int, size: int) -> Iterator[Chunk]:
    while True:
        before = reader.line_num
        with _readable(reader):
            rows = list(itertools.islice(reader, size))
        if not rows:
            return
        plain = reader.line_num - before == len(rows)
        lines = range(before + 1, before + 1 + len(rows)) if plain else _lines(rows, before + 1)
        yield _checked(rows, lines, width)


def _lines(rows: list[list[str]], first: int) -> list[int]:
    """The line each row starts on, where some cells hold line breaks."""
    lines = []
    for row in rows:
        lines.append(first)
        first += 1 + sum(len(_BREAK.findall(cell)) for cell in row)
    return lines


def _checked(rows: list[list[str]], lines: Sequence[int], width: int) -> Chunk:
    """The chunk with blank rows left out and misshapen ones set apart."""
    if set(map(len, rows)) == {width} and all(map(any, rows)):
        return Chunk(lines, rows)
    good: list[tuple[int, list[str]]] = []
    ragged = []
    for line, row in zip(lines, rows, strict=True):
        if not any(row):
            continue
        cells = row[:width] if len(row) > width and not any(row[width:]) else row
        if len(cells) == width:
            good.append((line, cells))
        else:
            code = "row_short" if len(cells) < width else "row_long"
            ragged.append(Ragged(line, row, code, f"{len(row)}/{width}"))
    return Chunk([line for line, _ in good], [cells for _, cells in good], ragged)
