"""Tables for spreadsheets: encoding, numbers as numbers, no formulas from outside."""

import io
from datetime import date
from decimal import Decimal

import pytest
from django.http import Http404
from python_calamine import CalamineWorkbook

from flywheel.accounts.sheets import csv_table, download, neutral, xlsx_table


def sheet(content: bytes) -> list:
    return CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()


def test_csv_begins_with_the_mark_that_chinese_excel_needs():
    assert csv_table(["市场"], [["德国"]]) == "\ufeff市场\r\n德国\r\n".encode()


@pytest.mark.parametrize("cell", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "＝1"])
def test_a_cell_that_a_spreadsheet_would_run_is_text_in_both_files(cell):
    assert neutral(cell) == "'" + cell
    assert csv_table(["a"], [[cell]]).decode().splitlines()[1].startswith(("'", "\"'"))
    assert sheet(xlsx_table("t", ["a"], [[cell]]))[1] == ["'" + cell]


def test_a_negative_number_stays_a_number():
    assert csv_table(["a"], [[-1.5]]).decode().splitlines()[1] == "-1.5"
    assert sheet(xlsx_table("t", ["a"], [[Decimal("-1.5")]]))[1] == [-1.5]


def test_what_is_not_known_is_an_empty_cell():
    assert csv_table(["a", "b"], [[float("nan"), None]]).decode().splitlines()[1] == ","
    assert sheet(xlsx_table("t", ["a", "b", "c"], [[float("nan"), None, 1]]))[1] == ["", "", 1.0]


def test_a_workbook_takes_any_title_and_dates():
    rows = sheet(xlsx_table("a/b:c*" + "x" * 40, ["day"], [[date(2026, 3, 2)]]))
    assert rows[1] == [date(2026, 3, 2)]


def test_another_kind_of_file_is_not_found():
    with pytest.raises(Http404):
        download("t", "exe", ["a"], [])
