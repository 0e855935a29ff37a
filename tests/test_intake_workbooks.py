"""Workbooks are read as a text file of the same table would be."""

import datetime as dt
import gzip
import io
import os
import struct
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from flywheel.accounts.models import Workspace
from flywheel.intake.reading import FileProblemError, found_format, opened
from flywheel.intake.reading.workbooks import SheetRows
from flywheel.intake.samples import preview
from tests.builders import read_table, written

Sheets = Mapping[str, Sequence[Sequence[Any]]]
ORDERS: list[list[Any]] = [["order_id", "gross"], ["A-1", 19.9], ["A-2", 20]]


def xlsx(sheets: Sheets, hidden: str = "") -> bytes:
    """A workbook of these sheets."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "default_date_format": "yyyy-mm-dd hh:mm"}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for at, row in enumerate(rows):
                sheet.write_row(at, 0, row)
            if name == hidden:
                sheet.hide()
    return out.getvalue()


def ods(rows: list[list[str]]) -> bytes:
    """An OpenDocument spreadsheet of texts."""
    cells = (
        "".join(f'<table:table-cell office:value-type="string"><text:p>{c}</text:p></table:table-cell>' for c in r)
        for r in rows
    )
    spaces = " ".join(f'xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in ("office", "table", "text"))
    body = "".join(f"<table:table-row>{row}</table:table-row>" for row in cells)
    content = (
        f"<office:document-content {spaces}><office:body><office:spreadsheet>"
        f'<table:table table:name="Orders">{body}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
    return out.getvalue()


def xls(rows: list[list[str | float]]) -> bytes:
    """A workbook as Excel 97 wrote it, in BIFF8."""

    def record(kind: int, body: bytes) -> bytes:
        return struct.pack("<HH", kind, len(body)) + body

    def cell(at: int, column: int, value: str | float) -> bytes:
        place = struct.pack("<HHH", at, column, 0)
        if isinstance(value, str):
            return record(0x0204, place + struct.pack("<HB", len(value), 1) + value.encode("utf-16-le"))
        return record(0x0203, place + struct.pack("<d", value))

    def begin(kind: int) -> bytes:
        return record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0, 1997, 0, 0))

    sheet = begin(0x10) + b"".join(
        cell(*at, v) for r, row in enumerate(rows) for c, v in enumerate(row) for at in [(r, c)]
    )
    name = struct.pack("<BBBB", 0, 0, 6, 0) + b"Orders"
    start = len(begin(0x05)) + 4 + 4 + len(name) + 4
    book = begin(0x05) + record(0x0085, struct.pack("<I", start) + name) + record(0x000A, b"")
    return ole("Workbook", book + sheet + record(0x000A, b""))


def ole(name: str, stream: bytes) -> bytes:
    """A compound file of one stream."""
    stream = stream.ljust(4096, b"\0")
    sectors = -(-len(stream) // 512)

    def entry(title: str, kind: int, child: int, first: int, size: int) -> bytes:
        label = title.encode("utf-16-le")
        head = label.ljust(64, b"\0") + struct.pack("<HBB", len(label) + 2, kind, 1)
        return head + struct.pack("<iii", -1, -1, child) + bytes(36) + struct.pack("<IQ", first, size)

    chain = [*range(3, sectors + 2), -2]
    fat = struct.pack("<128i", -3, -2, *chain, *[-1] * (126 - len(chain)))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<IIIIIiIiI", 0, 1, 1, 0, 4096, -2, 0, -2, 0) + struct.pack("<109i", 0, *[-1] * 108)
    folder = entry("Root Entry", 5, 1, 0xFFFFFFFE, 0) + entry(name, 2, -1, 2, len(stream))
    return header + fat + folder.ljust(512, b"\0") + stream.ljust(sectors * 512, b"\0")


def problem(folder: Path, content: bytes, **options: str) -> FileProblemError:
    with pytest.raises(FileProblemError) as caught:
        read_table(written(folder, content, "orders.xlsx"), **options)
    return caught.value


# --- cells ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Zoë\nKöln", "Zoë\nKöln"),
        (100, "100"),
        (1234.5, "1234.5"),
        (0.1, "0.1"),
        (-0.000012, "-0.000012"),
        (123456789012345, "123456789012345"),
        (1e20, "100000000000000000000"),
        (True, "true"),
        (dt.date(2026, 3, 31), "2026-03-31"),
        (dt.datetime(2026, 3, 31), "2026-03-31"),
        (dt.datetime(2026, 3, 31, 14, 5), "2026-03-31 14:05:00"),
        (dt.datetime(2026, 3, 31, 14, 5, 59), "2026-03-31 14:05:59"),
    ],
)
def test_cells_are_texts_as_a_text_file_has_them(tmp_path: Path, value: object, text: str) -> None:
    path = written(tmp_path, xlsx({"Orders": [["id", "value"], ["A-1", value]]}))
    assert read_table(path).rows == [(2, ["A-1", text])]


def test_formulas_give_their_stored_value_and_errors_nothing(tmp_path: Path) -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["id", "sum", "share"])
        sheet.write(1, 0, "A-1")
        sheet.write_formula(1, 1, "=19.5+1", None, 20.5)
        sheet.write_formula(1, 2, "=1/0", None, "#DIV/0!")
    assert read_table(written(tmp_path, out.getvalue())).rows == [(2, ["A-1", "20.5", ""])]


@pytest.mark.parametrize("make", [lambda rows: xlsx({"Orders": rows}), ods, xls], ids=["xlsx", "ods", "xls"])
@pytest.mark.parametrize("name", ["orders.xlsx", "orders.xls", "orders.csv", "orders"])
def test_workbooks_are_known_by_their_content(tmp_path: Path, make: Callable[[list], bytes], name: str) -> None:
    table = read_table(written(tmp_path, make([["order_id", "city"], ["A-1", "北京"], ["A-2", "Köln"]]), name))
    assert (table.header, table.rows) == (["order_id", "city"], [(2, ["A-1", "北京"]), (3, ["A-2", "Köln"])])
    assert (table.format.sheet, table.sheets, table.format.options) == ("Orders", ["Orders"], {"sheet": "Orders"})


@pytest.mark.parametrize("pack", ["gz", "zip"])
def test_packed_workbooks_are_read(tmp_path: Path, pack: str) -> None:
    content = xlsx({"Orders": ORDERS})
    if pack == "gz":
        content = gzip.compress(content)
    else:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("orders.xlsx", content)
        content = out.getvalue()
    assert read_table(written(tmp_path, content)).rows == [(2, ["A-1", "19.9"]), (3, ["A-2", "20"])]


# --- tables and sheets ----------------------------------------------------------------------------------------------
def test_titles_totals_and_blank_rows_are_as_in_a_text(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["Sales report"],
        [],
        ["order_id", "city", "gross"],
        ["A-1", "Köln", 1.5],
        [],
        ["Total", None, 1.5],
    ]
    table = read_table(written(tmp_path, xlsx({"Orders": rows})))
    assert (table.preamble, table.header) == (["Sales report"], ["order_id", "city", "gross"])
    assert (table.rows, table.notes) == ([(4, ["A-1", "Köln", "1.5"])], {"totals": 1})


def test_lines_are_the_sheets_rows(tmp_path: Path) -> None:
    rows = [["id", "text"], ["1", "a\nb"], [], ["2", "c"]]
    assert [line for line, _row in read_table(written(tmp_path, xlsx({"S": rows}))).rows] == [2, 4]


@pytest.mark.parametrize(
    ("sheets", "hidden", "expected"),
    [
        ({"Leer": [], "Titel": [["Bericht"], ["März"]], "Daten": ORDERS}, "", "Daten"),
        ({"Alt": ORDERS, "Neu": ORDERS}, "", "Alt"),
        ({"Titel": [["Bericht"]], "Lookup": ORDERS, "Daten": ORDERS}, "Lookup", "Daten"),
        ({"Spalte": [["order_id"], ["A-1"]]}, "", "Spalte"),
    ],
)
def test_the_first_sheet_with_a_table_is_read(tmp_path: Path, sheets: Sheets, hidden: str, expected: str) -> None:
    assert found_format(written(tmp_path, xlsx(sheets, hidden))).sheet == expected


def test_a_sheet_is_read_by_its_name(tmp_path: Path) -> None:
    path = written(tmp_path, xlsx({"Orders": ORDERS, "订单 2026": [["id", "n"], ["B-1", 1]]}))
    table = read_table(path, sheet="订单 2026")
    assert (table.rows, table.sheets) == ([(2, ["B-1", "1"])], ["Orders", "订单 2026"])
    assert problem(tmp_path, path.read_bytes(), sheet="Refunds").code == "sheet_missing"


def test_progress_goes_by_rows_to_the_files_size(tmp_path: Path) -> None:
    path = written(tmp_path, xlsx({"Orders": [["a", "b"], *([str(at), "x"] for at in range(999))]}))
    with opened(path, chunk_rows=500) as table:
        places = [table.position() for _chunk in table.chunks]
    assert places[0] == pytest.approx(path.stat().st_size / 2, rel=0.01)
    assert places[-1] == path.stat().st_size


# --- bad workbooks --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.95])
def test_a_workbook_that_is_cut_off_is_named(tmp_path: Path, kept: float) -> None:
    content = xlsx({"Orders": [["a", "b"], *([str(at), os.urandom(8).hex()] for at in range(2_000))]})
    assert problem(tmp_path, content[: int(len(content) * kept)]).code == "truncated"


def test_a_workbook_with_a_damaged_sheet_is_named(tmp_path: Path) -> None:
    content = bytearray(xlsx({"Orders": [["a", "b"], *([str(at), os.urandom(8).hex()] for at in range(2_000))]}))
    start = content.index(b"xl/worksheets/sheet1.xml") + 200
    content[start : start + 50] = bytes(50)
    assert problem(tmp_path, bytes(content)).code == "truncated"


def test_a_workbook_with_a_password_is_named(tmp_path: Path) -> None:
    assert problem(tmp_path, ole("EncryptedPackage", b"x" * 5_000)).code == "password"
    begin = struct.pack("<HHHHHHII", 0x0809, 16, 0x0600, 5, 0, 1997, 0, 0)
    assert problem(tmp_path, ole("Workbook", begin + struct.pack("<HHH", 0x2F, 54, 1) + bytes(52))).code == "password"


@pytest.mark.parametrize(("stream", "kind"), [("WordDocument", "DOC"), ("PowerPoint Document", "PPT")])
def test_other_documents_of_the_older_kind_are_named(tmp_path: Path, stream: str, kind: str) -> None:
    found = problem(tmp_path, ole(stream, b"x"))
    assert (found.code, found.detail) == ("other_kind", kind)


def test_a_workbook_that_unpacks_beyond_measure_is_refused_unread(tmp_path: Path) -> None:
    out = io.BytesIO(xlsx({"Orders": ORDERS}))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/bomb.xml", bytes(80 * 1024**2))
    began = time.process_time()
    assert problem(tmp_path, out.getvalue()).code == "unpacked"
    assert time.process_time() - began < 1


def test_a_stray_cell_in_the_last_corner_ends_no_process_of_ours(tmp_path: Path) -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["a", "b"])
        sheet.write(1_048_575, 16_383, "stray")
    assert problem(tmp_path, out.getvalue()).code == "workbook_large"


@pytest.mark.parametrize("rows", [[], [[]]])
def test_an_empty_workbook_is_named(tmp_path: Path, rows: list) -> None:
    assert problem(tmp_path, xlsx({"Orders": rows})).code == "empty_file"


def test_a_preview_leaves_no_process_behind(tmp_path: Path) -> None:
    path = written(tmp_path, xlsx({"Orders": [["a", "b"], *([str(at), "x" * 50] for at in range(20_000))]}))
    with SheetRows(path) as rows:
        assert len(rows.take(5)[1]) == 5
    assert rows._process.returncode is not None


def test_a_preview_tells_the_sheets_and_what_stands_above(tmp_path: Path, workspace: Workspace) -> None:
    path = written(tmp_path, xlsx({"Orders": [["Report"], *ORDERS], "Refunds": ORDERS}))
    seen = preview(path)
    assert (seen.sheets, seen.preamble, seen.header) == (["Orders", "Refunds"], ["Report"], ["order_id", "gross"])
