"""A file to a table: what it is, how its bytes are read, and its rows in chunks."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flywheel.intake.reading.content import unpacked
from flywheel.intake.reading.delimited import TextRows, check_is_table, guessed_delimiter
from flywheel.intake.reading.encoding import check_one_encoding, marked_encoding, unmarked_encoding
from flywheel.intake.reading.problems import FileProblemError
from flywheel.intake.reading.tables import CHUNK_ROWS, Chunk, Format, Table, table_of
from flywheel.intake.reading.workbooks import SheetRows

SAMPLE_BYTES = 256 * 1024
MOST_CONTROLS = 0.08  # of the bytes; text has next to none, packed data has a tenth
FEW_CONTROLS = 200  # bytes: stray ones in a short file are for its rows' own checks
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\x1b"))


@contextmanager
def opened(
    path: Path,
    encoding: str = "",
    delimiter: str = "",
    chunk_rows: int = CHUNK_ROWS,
    sheet: str = "",
    whole: bool = False,
) -> Iterator[Table]:
    """The table in a file; of a workbook that in the sheet named, or the first there is.

    `whole`: look at the whole file to find its encoding, as loading must, not only at parts of it, which is enough for
    a preview. Raises FileProblemError here or while the table's chunks are read.
    """
    with unpacked(path) as content:
        if content.workbook:
            with SheetRows(content.workbook, sheet) as rows:
                size = path.stat().st_size
                found = Format("", "", rows.sheet)
                yield table_of(rows, found, chunk_rows, lambda: round(size * rows.share), rows.sheets)
            return
    found = found_format(path, encoding, delimiter, whole=whole)
    with unpacked(path) as content, TextRows(content, found.encoding, found.delimiter) as rows:
        yield table_of(rows, found, chunk_rows, content.position)


def sample(
    path: Path, rows: int, encoding: str = "", delimiter: str = "", sheet: str = ""
) -> tuple[list[str], list[list[str]]]:
    """The header and the first rows of a file, for a preview. Raises FileProblemError."""
    with opened(path, encoding, delimiter, rows, sheet) as table:
        first = next(table.chunks, Chunk([], []))
        return table.header, first.rows


def found_format(path: Path, encoding: str = "", delimiter: str = "", sheet: str = "", whole: bool = False) -> Format:
    """How the file is to be read, where the arguments do not say.

    Looks at parts of the file, or, when it is about to be loaded, at the `whole`. An encoding that is given is
    believed, except UTF-8 for bytes that are not. Raises FileProblemError, also for a file in two encodings.
    """
    with unpacked(path) as content:
        if content.workbook:
            with SheetRows(content.workbook, sheet) as rows:
                return Format("", "", rows.sheet)
        head = content.stream.peek(SAMPLE_BYTES)[:SAMPLE_BYTES]
    marked = marked_encoding(head)
    if not (marked or encoding.lower().startswith("utf-16")):
        _check_is_text(head)
    chosen = marked or _chosen_encoding(path, encoding, whole)
    text = head.decode(chosen, errors="replace").lstrip("\ufeff\r\n")
    if not text.strip():
        raise FileProblemError("empty_file")
    check_is_table(text)
    return Format(chosen, delimiter or guessed_delimiter(text))


def _check_is_text(head: bytes) -> None:
    """Raise FileProblemError for data that is no text."""
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if controls > max(FEW_CONTROLS, MOST_CONTROLS * len(head)):
        raise FileProblemError("not_text")


def _chosen_encoding(path: Path, encoding: str, whole: bool) -> str:
    if encoding and not whole:
        return encoding
    with unpacked(path) as content:
        chosen, against = unmarked_encoding(content, encoding, whole)
    if against >= 0:
        with unpacked(path) as content:
            check_one_encoding(content, against)
    return chosen
