"""Files to rows: delimiters, headers and what stands above them, totals, line numbers, damage."""

import gzip
import io
import os
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from flywheel.intake.reading import FileProblemError, opened, sample
from flywheel.intake.reading.tables import TOTAL_LABELS
from flywheel.intake.words import EXPECTED, NOTES, expected, note
from tests.builders import csv_text, read_table, written

TEXT = 'name,city\nAnn,München\n"Bo\nB",São Paulo\n王,北京\n'
FORMATS = Path(os.environ.get("FLYWHEEL_REAL_DATA", "")) / "formats"
GA4_RULE = "# " + "-" * 40


def problem(folder: Path, content: bytes, **options: str) -> FileProblemError:
    """What keeps a file of this content from being read."""
    with pytest.raises(FileProblemError) as caught:
        read_table(written(folder, content), chunk_rows=10_000, **options)
    assert expected(caught.value.code, caught.value.detail)
    return caught.value


# --- delimiters and lines -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    content = csv_text([{"a, b": "1;2", "c": "3"}], delimiter)
    assert read_table(written(tmp_path, content.encode())).rows == [(2, ["1;2", "3"])]


def test_decimal_commas_do_not_hide_the_semicolons(tmp_path: Path) -> None:
    content = b"Datum;Kosten;Umsatz\n01.08.2026;1,50;12,00\n02.08.2026;2,50;13,00\n03.08.2026;3,5;1,0\n"
    assert read_table(written(tmp_path, content)).header == ["Datum", "Kosten", "Umsatz"]


def test_the_first_line_by_which_excel_tells_the_delimiter_is_understood(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "sep=;\r\nname;sum, net\r\nZoë;1,5\r\n".encode("utf-8-sig")))
    assert (table.header, table.rows) == (["name", "sum, net"], [(3, ["Zoë", "1,5"])])


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    content = b'a,b\r\n1,"x\r\ny\r\nz"\r\n\r\n2,y\r\n3,"p\rq"\r\n4,z\r\n'
    assert [line for line, _row in read_table(written(tmp_path, content)).rows] == [2, 6, 7, 9]


def test_lines_that_end_with_a_return_alone_are_read(tmp_path: Path) -> None:
    assert read_table(written(tmp_path, b"a,b\r1,x\r2,y")).rows == [(2, ["1", "x"]), (3, ["2", "y"])]


def test_one_column_of_quoted_cells_is_read(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, b'"order_id"\n"A-1"\n'))
    assert (table.header, table.rows) == (["order_id"], [(2, ["A-1"])])


@pytest.mark.parametrize("chunk_rows", [1, 3, 39, 40, 41, 1000])
def test_chunks_of_any_size_hold_all_rows_at_their_lines(tmp_path: Path, chunk_rows: int) -> None:
    path = written(tmp_path, b"a,b\n" + b"".join(b"%d,x\n" % at for at in range(2, 200)))
    with opened(path, chunk_rows=chunk_rows) as table:
        chunks = list(table.chunks)
    assert [(line, row[0]) for chunk in chunks for line, row in zip(chunk.lines, chunk.rows, strict=True)] == [
        (at, str(at)) for at in range(2, 200)
    ]
    assert {len(chunk.rows) for chunk in chunks[:-1]} <= {chunk_rows, 39 % chunk_rows}


# --- headers and what stands above ----------------------------------------------------------------------------------
def test_titles_above_the_header_are_told_apart(tmp_path: Path) -> None:
    content = b'Campaign report\n"Aug 1, 2026 - Aug 2, 2026"\nDay,Campaign,Cost\n2026-08-01,Brand,1.5\n'
    table = read_table(written(tmp_path, content))
    assert table.preamble == ["Campaign report", "Aug 1, 2026 - Aug 2, 2026"]
    assert (table.header, table.rows) == (["Day", "Campaign", "Cost"], [(4, ["2026-08-01", "Brand", "1.5"])])


def test_titles_that_a_spreadsheet_has_filled_up_with_commas_are_titles(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, b"Report,,\n,,\nDay,Campaign,Cost\n2026-08-01,Brand,1.5\n"))
    assert (table.preamble, table.header) == (["Report"], ["Day", "Campaign", "Cost"])


def test_a_report_without_rows_still_gives_its_header(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, b"Campaign report\nAll time\nCampaign status,Campaign,Cost\n"))
    assert (table.header, table.rows) == (["Campaign status", "Campaign", "Cost"], [])


def test_comment_lines_above_the_header_are_kept_as_texts(tmp_path: Path) -> None:
    content = f"{GA4_RULE}\n# Start date: 20260701\n\nDate,Sessions\n20260701,60\n"
    table = read_table(written(tmp_path, content.encode()))
    assert (table.preamble, table.header) == ([GA4_RULE, "# Start date: 20260701"], ["Date", "Sessions"])


@pytest.mark.parametrize(
    ("content", "header"),
    [
        (b"name\nAnn\nBo\n", ["name"]),
        (b",a,b\n0,1,2\n1,3,4\n", ["#1", "a", "b"]),
        (b"a,,c\n1,2,3\n", ["a", "#2", "c"]),
        (b"a,b\n1,2,\n3,4,\n", ["a", "b"]),
        (b"a,b,c\n1\n2\n3\n", ["a", "b", "c"]),
        (b"a,b\n1,2,3,4\n", ["a", "b"]),
        (b"#,name,city\n1,Ann,Bonn\n", ["#", "name", "city"]),
        (b"# orders,market\n5,DE\n7,FR\n", ["# orders", "market"]),
        (b'"order\nid","paid\r\n  at"\n1,2\n', ["order id", "paid at"]),
        (b"a,a,,a\n1,2,3,4\n", ["a", "a (2)", "#3", "a (3)"]),
        (b"order_id (x),order_id,a (2),a,a\n1,2,3,4,5\n", ["order_id (x)", "order_id", "a (2)", "a", "a (3)"]),
    ],
)
def test_the_header_is_the_first_row_that_has_what_the_rows_below_need(
    tmp_path: Path, content: bytes, header: list[str]
) -> None:
    table = read_table(written(tmp_path, content))
    assert (table.header, table.preamble) == (header, [])


@pytest.mark.parametrize("columns", [1_001, 500_001])
def test_a_header_of_too_many_columns_is_refused_at_once(tmp_path: Path, columns: int) -> None:
    path = written(tmp_path, b"a," * (columns - 1) + b"a\n1\n")
    began = time.perf_counter()
    with pytest.raises(FileProblemError) as caught:
        sample(path, 1)
    assert (caught.value.code, caught.value.detail) == ("columns", "1,000")
    assert time.perf_counter() - began < 10


# --- totals and further tables --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "label",
    ["Total", "GRAND TOTAL", "Total: Account", "Gesamt: Konto", "Summe", "Total général", "总计", "合计", "总计：账号"],
)
@pytest.mark.parametrize("shape", ["{0},3", ",{0}", "{0},3,4", "{0}"])
def test_rows_that_sum_up_others_are_left_out_and_counted(tmp_path: Path, label: str, shape: str) -> None:
    table = read_table(written(tmp_path, f"day,cost\nTotally new,1\n{shape.format(label)}\nSum of parts,2\n".encode()))
    assert [row for _line, row in table.rows] == [["Totally new", "1"], ["Sum of parts", "2"]]
    assert (table.ragged, table.notes) == ([], {"totals": 1})
    assert "1 rows" in note("totals", 1)


@pytest.mark.parametrize("label", sorted(TOTAL_LABELS))
def test_every_label_of_a_total_is_known_in_capitals_too(tmp_path: Path, label: str) -> None:
    table = read_table(written(tmp_path, f"day,cost\n1,1\n {label.upper()} ,2\n".encode()), chunk_rows=100)
    assert (len(table.rows), table.notes) == (1, {"totals": 1})


def test_a_table_that_follows_after_a_blank_line_and_a_comment_is_left_alone_and_noted(tmp_path: Path) -> None:
    content = f"Channel,Sessions\nDirect,40\n\n{GA4_RULE}\nDate,Sessions\n20260701,10\n"
    table = read_table(written(tmp_path, content.encode()))
    assert (table.rows, table.notes) == ([(2, ["Direct", "40"])], {"other_tables": 1})
    assert note("other_tables", 1)


def test_a_closing_comment_is_no_further_table(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, b"a,b\n1,2\n\n# end of report\n"))
    assert (table.rows, table.ragged, table.notes) == ([(2, ["1", "2"])], [], {})


TRUE_HEADERS = {  # first name, columns, rows, preamble, notes
    "amazon/all_orders_29col_header.txt": ("amazon-order-id", 29, 0, 0, {}),
    "amazon/all_orders_by_last_update.txt": ("amazon-order-id", 32, 1, 0, {}),
    "amazon/business_report_by_child_item.csv": ("(Parent) ASIN", 22, 1, 0, {}),
    "amazon/settlement_flat_file_v1.txt": ("settlement-id", 36, 4, 0, {}),
    "ga4/date_channel.csv": ("Date", 3, 4, 0, {}),
    "ga4/free_form_month_page_channel.csv": ("Month", 4, 4, 4, {"totals": 1}),
    "ga4/traffic_acquisition_en.csv": ("Session default channel group", 9, 2, 5, {"totals": 1, "other_tables": 1}),
    "google_ads/campaign_report_all_time_real.csv": ("Campaign status", 31, 1, 2, {"totals": 1}),
    "google_ads/campaign_report_daily.csv": ("Day", 32, 3, 2, {"totals": 1}),
    "google_ads/campaign_report_range_en.csv": ("Campaign status", 11, 2, 2, {"totals": 1}),
    "klaviyo/campaigns_export.csv": ("Campaign Name", 24, 8, 0, {}),
    "meta_ads/ad_daily_usd.csv": ("Reporting starts", 11, 2, 0, {}),
    "meta_ads/adset_daily_with_total_row_inr.csv": ("Reporting starts", 7, 4, 0, {}),
    "shopify/orders_export_10_redacted.csv": ("Name", 79, 50, 0, {}),
    "shopify/orders_export_21_redacted.csv": ("Name", 79, 57, 0, {}),
    "shopify/orders_export_3_redacted.csv": ("Name", 79, 10, 0, {}),
    "shopify/orders_export_gbp_redacted.csv": ("Name", 79, 61, 0, {}),
    "woocommerce/third_party_order_headers.csv": ("Order Number", 7, 3, 0, {}),
    "zendesk/tickets_export_header.csv": ("Summation column", 43, 0, 0, {}),
}


@pytest.mark.skipif(not FORMATS.is_dir(), reason="FLYWHEEL_REAL_DATA is not set")
@pytest.mark.parametrize("name", TRUE_HEADERS)
def test_export_files_give_their_true_header(name: str) -> None:
    table = read_table(FORMATS / name)
    found = (table.header[0], len(table.header), len(table.rows), len(table.preamble), table.notes)
    assert (found, table.ragged) == (TRUE_HEADERS[name], [])


@pytest.mark.skipif(not FORMATS.is_dir(), reason="FLYWHEEL_REAL_DATA is not set")
def test_every_export_file_is_looked_at() -> None:
    known = {str(path.relative_to(FORMATS)) for path in FORMATS.rglob("*") if path.suffix in {".csv", ".txt"}}
    assert known == set(TRUE_HEADERS)


# --- packed files ---------------------------------------------------------------------------------------------------
def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(TEXT.encode(), mtime=0),
        zipped({"orders.csv": TEXT.encode()}),
        zipped({"export/": b"", "export/orders.CSV": TEXT.encode(), "__MACOSX/._orders.csv": b"x", ".DS_Store": b"x"}),
        zipped({"README.txt": b"All orders", "orders.csv": TEXT.encode()}),
        zipped({"orders.txt": TEXT.encode()}),
    ],
)
def test_a_packed_table_is_known_by_its_content_and_read(tmp_path: Path, content: bytes) -> None:
    table = read_table(written(tmp_path, content))
    assert (table.header, table.rows[-1]) == (["name", "city"], (5, ["王", "北京"]))


@pytest.mark.parametrize(
    ("content", "code", "detail"),
    [
        (zipped({"a.csv": b"a,b\n1,2\n", "b.csv": b"a,b\n1,2\n"}), "zip_many", "2"),
        (zipped({"notes.md": b"# hello"}), "zip_none", ""),
        (zipped({}), "zip_none", ""),
        (zipped({"word/document.xml": b"<x/>", "[Content_Types].xml": b"<x/>"}), "other_kind", "DOCX"),
        (gzip.compress(zipped({"orders.csv": b"a,b\n1,2\n"}), mtime=0), "other_kind", "ZIP"),
    ],
)
def test_an_archive_that_holds_no_one_table_is_refused(tmp_path: Path, content: bytes, code: str, detail: str) -> None:
    found = problem(tmp_path, content)
    assert (found.code, found.detail) == (code, detail)


@pytest.mark.parametrize("pack", [gzip.compress, lambda content: zipped({"a.csv": content})])
def test_an_archive_that_unpacks_beyond_measure_is_refused(tmp_path: Path, pack: object) -> None:
    found = problem(tmp_path, pack(b"a,b\n" + (b"1," + b"2" * 1_000 + b"\n") * 80_000))
    assert (found.code, found.detail) == ("unpacked", "64 MB")


@pytest.mark.parametrize("pack", [gzip.compress, lambda content: zipped({"a.csv": content})])
@pytest.mark.parametrize("kept", [0.2, 0.9, 0.999])
def test_an_archive_that_is_cut_off_is_named(tmp_path: Path, pack: object, kept: float) -> None:
    packed = pack(b"a,b\n" + b"".join(b"%d,%d\n" % (at, at * at) for at in range(100_000)))
    assert problem(tmp_path, packed[: int(len(packed) * kept)]).code == "truncated"


def test_an_archive_with_a_password_is_named(tmp_path: Path) -> None:
    content = bytearray(zipped({"a.csv": b"a,b\n1,2\n"}))
    content[6] |= 1  # the bit that says so, before the file and in the directory
    content[content.index(b"PK\x01\x02") + 8] |= 1
    assert problem(tmp_path, bytes(content)).code == "password"


# --- what is no table -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b" ", b"\xef\xbb\xbf", b"\xff\xfe", b"\xef\xbb\xbf\r\n", b",,\n,,\n"]
)
def test_an_empty_file_is_named(tmp_path: Path, content: bytes) -> None:
    assert problem(tmp_path, content).code == "empty_file"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "JPEG"),
        (b"%PDF-1.7\n", "PDF"),
        (b"MZ\x90\x00\x03\x00\x00\x00", "EXE"),
        (b"PAR1\x15\x04\x15\x00", "PARQUET"),
        (b'{"orders": [{"id": 1}]}', "JSON"),
        (b'[{"id": 1}, {"id": 2}]', "JSON"),
        (b"\n[\n  1, 2]", "JSON"),
        (b"<!DOCTYPE html>\n<html><table></table></html>", "HTML"),
        (b"<table><tr><td>1</td></tr></table>", "HTML"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<orders/>', "XML"),
        ('<?xml version="1.0"?>'.encode("utf-16"), "XML"),
        (b"x" * 257 + b"ustar" + bytes(300), "TAR"),
    ],
)
@pytest.mark.parametrize("encoding", ["", "cp1252"])
def test_what_is_no_table_is_named(tmp_path: Path, content: bytes, kind: str, encoding: str) -> None:
    found = problem(tmp_path, content, encoding=encoding)
    assert (found.code, found.detail) == ("other_kind", kind)


def test_bytes_of_no_known_kind_are_no_text(tmp_path: Path) -> None:
    assert problem(tmp_path, bytes(range(256)) * 10).code == "not_text"


@pytest.mark.parametrize("header", [b"MZ,b", b"PAR1,b", b"[Order ID],b", b"{id},b", b"BZh,b"])
def test_columns_whose_names_begin_as_other_files_do_are_columns(tmp_path: Path, header: bytes) -> None:
    assert read_table(written(tmp_path, header + b"\n1,2\n")).header == header.decode().split(",")


# --- damage within a table ------------------------------------------------------------------------------------------
def test_a_header_with_nul_characters_is_refused(tmp_path: Path) -> None:
    found = problem(tmp_path, b"report\n\norder_id\0,b,c\n1,2,3\n")
    assert (found.code, found.line) == ("nul", 3)


def test_a_long_cell_is_named_with_the_line_on_which_its_quote_opens(tmp_path: Path) -> None:
    found = problem(tmp_path, b'a,b\n1,"p\nq"\n' + b"1,2\n" * 500 + b'3,"' + b"x,y\n" * 50_000)
    assert (found.code, found.line, found.detail) == ("long_cell", 504, "100,000")


def test_a_quote_that_is_open_at_the_end_is_named_with_its_line(tmp_path: Path) -> None:
    found = problem(tmp_path, b'a,b\n1,2\n3,"x\n4,y\n5,z\n')
    assert (found.code, found.line) == ("open_quote", 3)


def test_a_line_beyond_measure_is_named_before_it_fills_the_memory(tmp_path: Path) -> None:
    path = written(tmp_path, b"a,b\n1,2\n" + b"x" * (100 * 1024**2) + b"\n3,4\n")
    tracemalloc.start()
    with pytest.raises(FileProblemError) as caught:
        read_table(path, chunk_rows=10_000)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (caught.value.code, caught.value.line) == ("long_line", 3)
    assert peak < 60 * 1024**2


def test_bytes_that_are_no_text_in_the_encoding_are_named_with_their_line(tmp_path: Path) -> None:
    content = "name,city\n" + "王,北京\n" * 3_000
    found = problem(tmp_path, content.encode("gb18030") + b"\xff\xff,x\n" + b"a,b\n" * 5_000, encoding="gb18030")
    assert (found.code, found.line) == ("encoding", 3_002)


def test_rows_of_another_width_are_set_apart(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, b"a,b\n1,2\n3\n4,5,6\n7,8,\n"), chunk_rows=10)
    assert [row for _line, row in table.rows] == [["1", "2"], ["7", "8"]]
    assert [(bad.line, bad.code, bad.detail) for bad in table.ragged] == [
        (3, "row_short", "1/2"),
        (4, "row_long", "3/2"),
    ]


def test_every_problem_and_note_has_its_words() -> None:
    codes = {"other_kind", "zip_many", "zip_none", "mixed_encoding", "long_line", "long_cell", "open_quote", "password"}
    assert codes | {"sheet_missing", "workbook_large", "truncated", "unpacked", "empty_file"} <= set(EXPECTED)
    assert {"totals", "other_tables"} <= set(NOTES)
