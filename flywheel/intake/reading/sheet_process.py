"""The process that reads one workbook: `python sheet_process.py FILE [SHEET]`; run by `workbooks`, never imported.

A process of its own, because the library ends the one that calls it when memory runs out, which a stray cell in the
last row and column is enough for. It imports nothing of the product. It prints JSON, one value a line: first what the
workbook holds, or the code of what is wrong with it; then lists of rows, the cells as texts.
"""

import datetime as dt
import io
import resource
import sys
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    load_workbook,
)

MOST_MEMORY_BYTES = 4 * 1024**3  # address space; a million rows of twelve columns take 1 GB
MOST_SECONDS = 600  # of processor time: many times what the largest sheet takes
ROWS_AT_ONCE = 500
LOOKED_AT = 50  # rows by which the sheet that holds a table is found
SECOND = dt.timedelta(seconds=1)


def main(path: str, wanted: str = "") -> None:
    """Print the rows of the sheet `wanted`, or of the first that holds a table."""
    for what, most in ((resource.RLIMIT_AS, MOST_MEMORY_BYTES), (resource.RLIMIT_CPU, MOST_SECONDS)):
        with suppress(ValueError, OSError):  # a lower limit is set already, or the system knows none
            resource.setrlimit(what, (most, most))
    try:
        book = load_workbook(io.BytesIO(Path(path).read_bytes()))  # by its content: the name may end as it likes
        names = _names(book)
        if not names or (wanted and wanted not in names):
            _say({"problem": "sheet_missing" if wanted else "empty_file", "detail": wanted})
            return
        sheet = book.get_sheet_by_name(wanted) if wanted else _first_table(book, names)
    except PasswordError:
        _say({"problem": "password"})
    except CalamineError:
        _say({"problem": "truncated"})
    else:
        _say({"sheets": names, "sheet": sheet.name, "rows": sheet.total_height})
        rows = sheet.iter_rows()
        while some := [
            [cell if type(cell) is str else _text(cell) for cell in row] for row in islice(rows, ROWS_AT_ONCE)
        ]:
            _say(some)


def _say(value: object) -> None:
    sys.stdout.buffer.write(orjson.dumps(value) + b"\n")


def _names(book: CalamineWorkbook) -> list[str]:
    """The sheets that hold cells, those a person sees in front."""
    sheets = [sheet for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    return [sheet.name for sheet in sorted(sheets, key=lambda sheet: sheet.visible != SheetVisibleEnum.Visible)]


def _first_table(book: CalamineWorkbook, names: list[str]) -> CalamineSheet:
    """The first sheet with a header and a row below it; else the first with anything in it; else the first."""
    best, most = book.get_sheet_by_name(names[0]), -1
    for name in names:
        sheet = book.get_sheet_by_name(name)
        rows = [sum(cell != "" for cell in row) for row in islice(_used(sheet), LOOKED_AT)]
        holds = (sum(cells > 1 for cells in rows) > 1) * 2 + bool(rows)  # 3 a table, 1 a title page, 0 blank
        if holds > most:
            best, most = sheet, holds
        if holds > 2:
            break
    return best


def _used(sheet: CalamineSheet) -> Iterator[list[Any]]:
    return (row for row in sheet.iter_rows() if any(cell != "" for cell in row))


def _text(cell: Any) -> str:
    """A cell as a text file would have it: ISO dates, plain numbers; midnight is a date without a time."""
    if isinstance(cell, float):
        return _number(cell)
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, dt.datetime):
        moment = (cell + SECOND / 2).replace(microsecond=0)  # kept as fractions of days, some a microsecond short
        return str(moment.date() if moment.time() == dt.time() else moment)
    if isinstance(cell, dt.timedelta):
        seconds = round(cell.total_seconds())
        return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if isinstance(cell, dt.time):
        return cell.isoformat("seconds")
    return str(cell)


def _number(value: float) -> str:
    text = repr(value)
    if "e" in text:
        text = format(Decimal(text), "f")  # never 1e-05
    return text.removesuffix(".0")


if __name__ == "__main__":
    main(*sys.argv[1:])
