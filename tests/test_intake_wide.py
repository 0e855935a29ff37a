"""Wide tables of exchange rates made long."""

import csv
import io
import zipfile

from currency_converter import CURRENCY_FILE

from flywheel.intake.wide import HEADER, is_wide, placed, unpivoted

ECB = ["Date", "USD", "JPY", "BGN", ""]  # the trailing comma of eurofxref-hist.csv is a column without a name


def test_each_rate_becomes_a_row() -> None:
    header, rows = unpivoted(ECB, [["2026-10-30", "1.1172", "175.68", "N/A", ""]])
    assert header == HEADER
    assert rows == [["2026-10-30", "USD", "1.1172"], ["2026-10-30", "JPY", "175.68"]]


def test_what_is_missing_is_left_out() -> None:
    assert unpivoted(ECB, [["2026-10-30", "", " n/a ", "-", ""], ["2026-10-29"]])[1] == []


def test_a_cell_that_is_no_rate_is_left_for_the_reader_to_refuse() -> None:
    assert unpivoted(ECB, [["2026-10-30", "lots", "N/A", "N/A", ""]])[1] == [["2026-10-30", "USD", "lots"]]


def test_each_row_knows_the_wide_row_it_comes_from() -> None:
    rows = [["2026-10-30", "1.1172", "175.68", "N/A", ""], ["2026-10-29", "N/A", "175.92", "1.9558", ""]]
    assert [position for position, _row in placed(ECB, rows)] == [0, 0, 1, 1]


def test_a_table_of_currencies_is_known_by_its_header() -> None:
    assert is_wide(ECB)
    assert is_wide(["date", "VND"])
    assert not is_wide(["date", "currency", "per_euro"])
    assert not is_wide(["date", "USD", "sessions"])
    assert not is_wide(["date", ""])
    assert not is_wide([])


def test_the_banks_own_file_is_read_whole() -> None:
    with zipfile.ZipFile(CURRENCY_FILE) as archive:
        header, *rows = csv.reader(io.StringIO(archive.read("eurofxref-hist.csv").decode()))
    assert is_wide(header)
    long = unpivoted(header, rows)[1]
    assert len(long) == sum(cell not in {"", "N/A"} for row in rows for cell in row[1:])
    assert ["1999-01-04", "USD", "1.1789"] in long
