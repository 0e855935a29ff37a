"""Tables for spreadsheets: CSV that Chinese Excel opens too, workbooks, and cells that no spreadsheet runs."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from math import isfinite

import xlsxwriter
from django.http import Http404, HttpResponse, StreamingHttpResponse

Cell = str | int | float | Decimal | date | None
UTF8_MARK = "\ufeff"  # by which spreadsheets know the encoding
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
STREAMED_ROWS = 1_000  # that are sent at once
SHEET_NAME = 31  # characters of a sheet's name at most
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def neutral(cell: str) -> str:
    """A cell that no spreadsheet runs as a formula, nor stumbles over."""
    cell = cell.replace("\0", "")
    if cell.startswith(_FORMULA_STARTS) and not _is_number(cell):
        return "'" + cell
    return cell


def _is_number(cell: str) -> bool:
    return cell[1:].replace(".", "", 1).isdigit() and cell[0] in "+-"


def csv_table(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """A header and rows as CSV; what is not known is an empty cell."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(map(neutral, columns))
    writer.writerows([_plain(cell) for cell in row] for row in rows)
    return (UTF8_MARK + out.getvalue()).encode()


def streamed(name: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> StreamingHttpResponse:
    """A table of any length as a CSV file, sent while its rows are read; they must speak no words of a language."""
    response = StreamingHttpResponse(_csv_parts(columns, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _csv_parts(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    out = io.StringIO()
    writer = csv.writer(out)
    out.write(UTF8_MARK)
    writer.writerow(map(neutral, columns))
    for count, row in enumerate(rows, 1):
        writer.writerow([_plain(cell) for cell in row])
        if count % STREAMED_ROWS == 0:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()


def xlsx_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """A header and rows as a workbook of one sheet: numbers as numbers, dates as dates, all else as text."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet(_sheet_name(title))
        bold, day = book.add_format({"bold": True, "bottom": 1}), book.add_format({"num_format": "yyyy-mm-dd"})
        for at, name in enumerate(columns):
            sheet.write_string(0, at, name, bold)
        for line, row in enumerate(rows, 1):
            for at, cell in enumerate(row):
                if isinstance(cell, date):
                    sheet.write_datetime(line, at, cell, day)
                elif isinstance(cell, int | float | Decimal) and isfinite(cell):
                    sheet.write_number(line, at, float(cell))
                elif isinstance(cell, str):
                    sheet.write_string(line, at, neutral(cell))
        sheet.freeze_panes(1, 0)
        sheet.autofit()
    return out.getvalue()


def download(name: str, kind: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> HttpResponse:
    """The table as a file to keep, `kind` "csv" or "xlsx"; raises Http404 for another."""
    if kind == "csv":
        content, content_type = csv_table(columns, rows), "text/csv; charset=utf-8"
    elif kind == "xlsx":
        content, content_type = xlsx_table(name, columns, rows), WORKBOOK
    else:
        raise Http404
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    return response


def _plain(cell: Cell) -> Cell:
    if isinstance(cell, str):
        return neutral(cell)
    if isinstance(cell, float | Decimal) and not isfinite(cell):
        return None
    return cell


def _sheet_name(title: str) -> str:
    """A name that a workbook takes."""
    return "".join(" " if letter in "[]:*?/\\'" else letter for letter in title)[:SHEET_NAME].strip() or "Data"
