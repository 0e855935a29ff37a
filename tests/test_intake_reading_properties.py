"""What is written as a table is read back the same; of bytes of any kind it is said what is wrong with them."""

import csv
import gzip
import io
import re
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from flywheel.intake.reading import FileProblemError, found_format, opened
from flywheel.intake.reading.tables import is_total
from tests.builders import read_table, written

SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
CELLS = st.text(LETTERS, max_size=8)
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030", "big5", "cp932", "cp949"]
BREAK = re.compile("\r\n|\r|\n")


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    """Rows of two to five cells, of which the first is never blank."""
    width = draw(st.integers(2, 5))
    cells = st.lists(CELLS, min_size=width - 1, max_size=width - 1)
    rows = draw(st.lists(st.tuples(st.integers(0, 10**6), cells), min_size=1, max_size=60))
    return [[str(number), *others] for number, others in rows]


def quoted(cell: str, delimiter: str, always: bool) -> str:
    """A cell as files have it; Python's own writer leaves a return unquoted that is not its line end."""
    needed = always or set(cell) & {delimiter, '"', "\r", "\n"}
    return '"' + cell.replace('"', '""') + '"' if needed else cell


@SLOW
@given(
    rows=tables(),
    encoding=st.sampled_from([*ENCODINGS, "cp1252"]),
    delimiter=st.sampled_from(",;\t|"),
    always_quoted=st.booleans(),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    chunk_rows=st.sampled_from([1, 7, 1000]),
)
@example([["1", "a\r\nb"], ["2", '"'], ["3", "\u2028\x0b\x1c\x85"]], "utf-8", ",", False, "\r\n", 1000)
def test_what_is_written_is_read_at_its_line(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[list[str]],
    encoding: str,
    delimiter: str,
    always_quoted: bool,
    line_end: str,
    chunk_rows: int,
) -> None:
    header = [f"column {at}" for at in range(len(rows[0]))]
    text = delimiter.join(header) + line_end
    expected = []
    for row in rows:
        expected.append((len(BREAK.findall(text)) + 1, row))
        text += delimiter.join(quoted(cell, delimiter, always_quoted) for cell in row) + line_end
    content = b""
    with suppress(UnicodeEncodeError):
        content = text.encode(encoding)
    assume(content and content.decode(encoding) == text)
    path = written(tmp_path_factory.mktemp("csv"), content)
    table = read_table(path, chunk_rows, encoding=encoding, delimiter=delimiter)
    assert (table.header, table.rows, table.ragged) == (header, expected, [])


@SLOW
@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=30))
def test_only_blank_rows_and_totals_are_left_out(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["a", "b"], ["first", "row"], *rows])
    table = read_table(
        written(tmp_path_factory.mktemp("csv"), out.getvalue().encode()), encoding="utf-8", delimiter=","
    )
    assume("other_tables" not in table.notes and not any(row[0].startswith("#") for row in rows))
    kept = [row for row in rows if any(row) and not is_total(row)]
    assert [row for _line, row in table.rows] == [["first", "row"], *kept]
    assert table.notes.get("totals", 0) == sum(map(is_total, rows))


# --- hostile bytes --------------------------------------------------------------------------------------------------
def read_through(path: Path) -> None:
    """Read all there is in every way; only FileProblemError may come of it."""
    for whole in (False, True):
        with suppress(FileProblemError):
            found_format(path, whole=whole)
        with suppress(FileProblemError), opened(path, whole=whole, chunk_rows=3) as table:
            for chunk in table.chunks:
                assert {len(row) for row in chunk.rows} <= {len(table.header)}


PLAIN = 'name,city\n"Bo\nB",München\n王,北京\nTotal,2\n\n# --\nx,y\n'.encode()


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("orders.csv", PLAIN * 20)
    return out.getvalue()


def _xlsx() -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for at in range(20):
            sheet.write_row(at, 0, [f"name {at}", at, "city"])
    return out.getvalue()


STARTS = {"plain": PLAIN, "utf16": PLAIN.decode().encode("utf-16-le"), "gz": gzip.compress(PLAIN * 20), "zip": _zip()}
DAMAGE = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=4)


def damaged(content: bytes, kept: float, changes: list[tuple[float, int]]) -> bytes:
    """The content, cut off and with some bytes changed."""
    cut = bytearray(content[: round(len(content) * kept)])
    for place, value in changes if cut else []:
        cut[int(place * len(cut))] = value
    return bytes(cut)


@SLOW
@given(st.binary(max_size=600))
@example(b"\x1f\x8b\x08\x00")
@example(b"PK\x05\x06" + bytes(18))
@example(b'a,b\n1,"')
@example(b"\xff\xfea")
@example(b"\xd0\xcf\x11\xe0")
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    read_through(written(tmp_path_factory.mktemp("any"), content))


@SLOW
@given(st.sampled_from(sorted(STARTS)), st.just(1.0) | st.floats(0, 1), DAMAGE)
def test_damaged_files_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, start: str, kept: float, changes: list[tuple[float, int]]
) -> None:
    read_through(written(tmp_path_factory.mktemp("bad"), damaged(STARTS[start], kept, changes)))


@settings(SLOW, max_examples=40)  # each starts a process
@given(st.just(1.0) | st.floats(0, 1), DAMAGE)
def test_damaged_workbooks_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, kept: float, changes: list[tuple[float, int]]
) -> None:
    path = written(tmp_path_factory.mktemp("bad"), damaged(_xlsx(), kept, changes), "orders.xlsx")
    with suppress(FileProblemError), opened(path, chunk_rows=3) as table:
        assert all(chunk.lines for chunk in table.chunks)
