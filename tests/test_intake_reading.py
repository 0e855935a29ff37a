"""Files to rows: encodings, delimiters, line numbers, damage."""

import gzip
import io
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flywheel.intake.reading import FileProblemError, opened, sample
from tests.builders import csv_text

TEXT = 'name,city\nAnn,München\n"Bo\nB",São Paulo\n王,北京\n'


def read(path: Path, chunk_rows: int = 2) -> tuple[list[str], list[tuple[int, list[str]]]]:
    with opened(path, chunk_rows=chunk_rows) as table:
        return table.header, [pair for chunk in table.chunks for pair in zip(chunk.lines, chunk.rows, strict=True)]


def write(folder: Path, content: bytes, name: str = "file.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_the_encoding_is_found(tmp_path: Path, encoding: str) -> None:
    text = TEXT.replace("ü", "u").replace("ã", "a") if encoding == "gb18030" else TEXT
    rows = text * 20 if encoding == "gb18030" else text  # a guess needs something to go by
    header, found = read(write(tmp_path, rows.encode(encoding)))
    assert header == ["name", "city"]
    assert found[2][1] == ["王", "北京"]


@pytest.mark.parametrize(
    ("encoding", "line"),
    [
        ("cp1252", "São Paulo,Goiânia"),
        ("gb18030", "王小明,北京市朝阳区"),
        ("cp1251", "Иван,Москва"),
        ("cp932", "注文番号,東京都"),
        ("cp1250", "Łódź,příliš žluťoučký"),
    ],
)
def test_an_encoding_of_spreadsheets_is_found_by_one_line(tmp_path: Path, encoding: str, line: str) -> None:
    _header, found = read(write(tmp_path, f"name,city\n{line}\n".encode(encoding)))
    assert ",".join(found[0][1]) == line


def test_latin_1_after_a_megabyte_of_ascii_is_found(tmp_path: Path) -> None:
    content = "name,city\n" + "Ann,Bonn\n" * 150_000 + "Zoë,Köln am Rhein und Düsseldorf\n" * 50
    _header, found = read(write(tmp_path, content.encode("latin-1")), chunk_rows=10_000)
    assert found[-1][1] == ["Zoë", "Köln am Rhein und Düsseldorf"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    content = csv_text([{"a, b": "1;2", "c": "3"}], delimiter)
    assert read(write(tmp_path, content.encode())) == (["a, b", "c"], [(2, ["1;2", "3"])])


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    content = b'a,b\r\n1,"x\r\ny\r\nz"\r\n\r\n2,y\r\n3,"p\rq"\r\n4,z\r\n'
    assert [line for line, _row in read(write(tmp_path, content))[1]] == [2, 6, 7, 9]


def test_gzip_is_known_by_its_content(tmp_path: Path) -> None:
    assert read(write(tmp_path, gzip.compress(TEXT.encode())))[0] == ["name", "city"]


def test_a_gzip_that_unpacks_beyond_measure_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, gzip.compress(b"a,b\n" + b"1,2\n" * (20 * 1024**2)))
    with pytest.raises(FileProblemError) as caught:
        read(path, chunk_rows=10_000)
    assert (caught.value.code, caught.value.detail) == ("unpacked", "64 MB")


def test_a_truncated_gzip_is_named(tmp_path: Path) -> None:
    content = gzip.compress(b"a,b\n" + bytes(range(48, 58)) * 100_000)[:-400]
    with pytest.raises(FileProblemError) as caught:
        read(write(tmp_path, content))
    assert caught.value.code == "truncated"


@pytest.mark.parametrize("content", [b"", b"\n\n", b" ", b"\xef\xbb\xbf", b"\xff\xfe", b"\xef\xbb\xbf\r\n"])
def test_an_empty_file_is_named(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FileProblemError) as caught:
        sample(write(tmp_path, content), 5)
    assert caught.value.code == "empty_file"


def test_one_column_of_quoted_cells_is_read(tmp_path: Path) -> None:
    assert read(write(tmp_path, b'"order_id"\n"A-1"\n')) == (["order_id"], [(2, ["A-1"])])


def zipped(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, "a,b")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (zipped("xl/workbook.xml"), "workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "workbook"),
        (zipped("orders.csv"), "not_text"),
        (gzip.compress(zipped("orders.csv")), "not_text"),
        (b"\x89PNG\r\n\x1a\n", "not_text"),
        (bytes(range(256)) * 10, "not_text"),
    ],
)
@pytest.mark.parametrize("encoding", ["", "cp1252"])
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes, code: str, encoding: str) -> None:
    with pytest.raises(FileProblemError) as caught:
        sample(write(tmp_path, content), 1, encoding)
    assert caught.value.code == code


def test_a_header_with_nul_characters_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileProblemError) as caught:
        sample(write(tmp_path, b"order_id\0,b\n1,2\n"), 1)
    assert caught.value.code == "nul"


def test_a_quote_that_never_closes_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(FileProblemError) as caught:
        read(write(tmp_path, b'a,b\n1,"' + b"x,y\n" * 50_000))
    assert caught.value.code == "unreadable"


def test_equal_headers_are_numbered(tmp_path: Path) -> None:
    assert sample(write(tmp_path, b"a,a,,a\n1,2,3,4\n"), 1)[0] == ["a", "a (2)", "#3", "a (3)"]


def test_a_column_whose_name_begins_as_another_does_is_no_copy(tmp_path: Path) -> None:
    header = b"order_id (internal),order_id,a (2),a,a\n1,2,3,4,5\n"
    assert sample(write(tmp_path, header), 1)[0] == ["order_id (internal)", "order_id", "a (2)", "a", "a (3)"]


def test_a_header_of_too_many_columns_is_refused_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, b"a," * 500_000 + b"a\n1\n")
    began = time.perf_counter()
    with pytest.raises(FileProblemError) as caught:
        sample(path, 1)
    assert (caught.value.code, caught.value.detail) == ("columns", "1,000")
    assert time.perf_counter() - began < 10


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=12))
def test_what_is_written_is_read_at_its_line(tmp_path_factory: pytest.TempPathFactory, rows: list) -> None:
    content = csv_text([{"a": "first", "b": "row"}, *({"a": a, "b": b} for a, b in rows)])
    path = write(tmp_path_factory.mktemp("csv"), content.encode())
    assert [row for _line, row in read(path)[1]] == [
        ["first", "row"],
        *([a, b] for a, b in rows if a or b),
    ]
