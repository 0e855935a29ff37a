"""Texts of shops everywhere are read in the encoding in which they were written, or refused when they are in two."""

import gzip
import random
import time
from pathlib import Path

import pytest

from flywheel.intake.reading import FileProblemError, found_format, sample
from tests.builders import read_table, written

ORDERS = {  # language, encoding: header, and rows of which any cell may stand in any row
    ("German", "cp1252"): (
        "Bestellnummer;Käufer;Ort;Artikel",
        [["Jürgen Müller", "Düsseldorf", "Kaffeemühle groß"], ["Anna Weiß", "Köln", "Türstopper"]],
    ),
    ("French", "cp1252"): (
        "Numéro de commande;Client;Ville;Article",
        [["Hélène Lefèvre", "Besançon", "Théière émaillée"], ["François Noël", "Saint-Étienne", "Gâteau à partager"]],
    ),
    ("Polish", "cp1250"): (
        "Numer zamówienia;Klient;Miasto;Produkt",
        [["Łukasz Wiśniewski", "Łódź", "Książka żółta"], ["Małgorzata Dąbrowska", "Kraków", "Czajnik błękitny"]],
    ),
    ("Czech", "cp1250"): (
        "Číslo objednávky;Zákazník;Město;Zboží",
        [["Jiří Dvořák", "Plzeň", "Konvice"], ["Kateřina Černá", "České Budějovice", "Hrneček"]],
    ),
    ("Turkish", "cp1254"): (
        "Sipariş no;Müşteri;Şehir;Ürün",
        [["Ayşe Yılmaz", "İstanbul", "Çaydanlık"], ["Mehmet Öztürk", "Muğla", "Kahve değirmeni"]],
    ),
    ("Russian", "cp1251"): (
        "Номер заказа;Покупатель;Город;Товар",
        [["Иван Петров", "Москва", "Термос стальной"], ["Анна Смирнова", "Казань", "Кофеварка"]],
    ),
    ("Japanese", "cp932"): (
        "注文番号,購入者名,住所,商品名",
        [["山田太郎", "東京都新宿区西新宿", "ステンレスボトル"], ["佐藤花子", "大阪府大阪市北区", "コーヒーミル"]],
    ),
    ("Simplified Chinese", "gb18030"): (
        "订单编号,买家姓名,收货地址,商品名称",
        [["王小明", "北京市朝阳区建国路", "不锈钢保温杯"], ["李娜", "上海市浦东新区", "咖啡机"]],
    ),
    ("Traditional Chinese", "big5"): (
        "訂單編號,買家姓名,收件地址,商品名稱",
        [["王小明", "台北市信義區市府路", "不鏽鋼保溫瓶"], ["陳美玲", "高雄市前鎮區", "咖啡機"]],
    ),
    ("Korean", "cp949"): (
        "주문번호,구매자명,주소,상품명",
        [["김민수", "서울특별시 강남구", "스테인리스 보온병"], ["이영희", "부산광역시 해운대구", "커피머신"]],
    ),
}


def orders(language: tuple[str, str], count: int, plain_header: bool = False) -> str:
    header, rows = ORDERS[language]
    delimiter = ";" if ";" in header else ","
    chance = random.Random(count)
    lines = [delimiter.join("abcd") if plain_header else header]
    for at in range(count):
        cells = [chance.choice(rows)[place] for place in range(3)]
        lines.append(delimiter.join([f"A-{1000 + at}", *cells]))
    return "\r\n".join(lines) + "\r\n"


@pytest.mark.parametrize("plain_header", [False, True])
@pytest.mark.parametrize("count", [3, 30, 3_000])
@pytest.mark.parametrize("language", ORDERS, ids=lambda language: language[0])
def test_order_files_of_any_language_are_read_as_they_were_written(
    tmp_path: Path, language: tuple[str, str], count: int, plain_header: bool
) -> None:
    text = orders(language, count, plain_header)
    found = found_format(written(tmp_path, text.encode(language[1])))
    assert text.encode(language[1]).decode(found.encoding) == text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("language", ORDERS, ids=lambda language: language[0])
def test_unicode_is_found_with_and_without_its_mark(tmp_path: Path, language: tuple[str, str], encoding: str) -> None:
    text = orders(language, 3)
    table = read_table(written(tmp_path, text.encode(encoding)))
    delimiter = table.format.delimiter
    assert [delimiter.join(row) for row in (table.header, *(row for _line, row in table.rows))] == text.splitlines()


@pytest.mark.parametrize(
    ("encoding", "line"),
    [
        ("cp1252", "São Paulo,Goiânia"),
        ("cp1252", "don’t,best"),
        ("cp1252", "tea,£12 off"),
        ("gb18030", "王小明,北京市朝阳区"),
        ("gb18030", "A-1,北京"),
        ("cp1251", "Иван,Москва"),
        ("cp932", "注文番号,東京都"),
        ("cp949", "서울,부산"),
        ("big5", "A-1,台北"),
        ("cp1250", "Łódź,příliš žluťoučký"),
    ],
)
def test_an_encoding_of_spreadsheets_is_found_by_one_line(tmp_path: Path, encoding: str, line: str) -> None:
    assert ",".join(read_table(written(tmp_path, f"name,city\n{line}\n".encode(encoding))).rows[0][1]) == line


def test_an_encoding_that_is_given_is_believed(tmp_path: Path) -> None:
    path = written(tmp_path, "name,city\nŁódź,x\n".encode("cp1250"))
    assert read_table(path, encoding="cp1252").rows[0][1][0] == "£ódŸ"
    assert read_table(path, encoding="cp1252", whole=True).rows[0][1][0] == "£ódŸ"


# --- what only the whole file shows ---------------------------------------------------------------------------------
def late(line: str, encoding: str, before: int = 1_010_000) -> bytes:
    """A file whose only line that is not ASCII stands between parts that a preview looks at."""
    return b"name,city\n" + b"Ann,Bonn\n" * before + f"{line}\n".encode(encoding) + b"Ann,Bonn\n" * before


def test_loading_finds_the_encoding_by_a_line_that_a_preview_does_not_see(tmp_path: Path) -> None:
    path = written(tmp_path, late("Zoë,Köln", "latin-1"))
    assert found_format(path).encoding == "utf-8"
    assert found_format(path, whole=True).encoding == "cp1252"
    assert found_format(path, encoding="utf-8", whole=True).encoding == "cp1252"


def test_a_preview_finds_what_is_spread_over_the_file(tmp_path: Path) -> None:
    content = "name,city\n" + "Ann,Bonn\n" * 800_000 + "Zoë,Köln am Rhein\n" * 400_000
    assert found_format(written(tmp_path, content.encode("latin-1"))).encoding == "cp1252"


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "cp932"])
def test_parts_are_cut_between_characters(tmp_path: Path, encoding: str) -> None:
    content = "\n".join(f"{at},東京都新宿区西新宿,{'京' * (at % 7)}" for at in range(400_000)).encode(encoding)
    found = found_format(written(tmp_path, b"a,b,c\n" + content))
    assert found.encoding == encoding


def test_a_preview_of_a_large_file_takes_no_longer_than_of_a_small_one(tmp_path: Path) -> None:
    path = written(tmp_path, b"order_id,city\n")
    with path.open("ab") as file:
        for _ in range(64):
            file.write("A-1000,Düsseldorf am Rhein\n".encode() * (4 * 1024**2 // 28))
    began = time.process_time()
    sample(path, 2_000)
    assert time.process_time() - began < 1


# --- files in two encodings -----------------------------------------------------------------------------------------
def two_halves(first: tuple[str, str], second: tuple[str, str], rows: int) -> bytes:
    """A UTF-8 file to which somebody has pasted rows of another."""
    one, other = orders(first, rows), orders(second, rows, plain_header=True)
    return one.encode() + other.partition("\r\n")[2].encode(second[1])


@pytest.mark.parametrize("rows", [3, 300])
@pytest.mark.parametrize("second", ORDERS, ids=lambda language: language[0])
@pytest.mark.parametrize("first", [("German", "cp1252"), ("Simplified Chinese", "gb18030")], ids=lambda one: one[0])
def test_a_file_in_two_encodings_is_refused_with_the_first_line_that_is_not_utf_8(
    tmp_path: Path, first: tuple[str, str], second: tuple[str, str], rows: int
) -> None:
    with pytest.raises(FileProblemError) as caught:
        found_format(written(tmp_path, two_halves(first, second, rows)))
    assert (caught.value.code, caught.value.line) == ("mixed_encoding", rows + 2)


def test_one_broken_character_in_a_file_of_utf_8_is_named(tmp_path: Path) -> None:
    content = orders(("German", "cp1252"), 20).encode() + "A-2000;Jürgen Mü".encode()[:-1] + b";x;y\r\n"
    with pytest.raises(FileProblemError) as caught:
        found_format(written(tmp_path, content))
    assert (caught.value.code, caught.value.line) == ("mixed_encoding", 22)


def test_a_packed_file_in_two_encodings_is_refused_too(tmp_path: Path) -> None:
    content = two_halves(("German", "cp1252"), ("Polish", "cp1250"), 50)
    with pytest.raises(FileProblemError) as caught:
        found_format(written(tmp_path, gzip.compress(content)), whole=True)
    assert (caught.value.code, caught.value.line) == ("mixed_encoding", 52)


@pytest.mark.parametrize("encoding", ["", "gb18030"])
def test_chinese_that_is_valid_utf_8_by_chance_is_no_other_encoding(tmp_path: Path, encoding: str) -> None:
    lines = ["订单,性别,店铺", *("A,女,联通", "B,男,旗舰店", "C,女,美妆", "D,没,每") * 50]
    path = written(tmp_path, "\n".join(lines).encode("gb18030"))
    assert found_format(path, encoding, whole=True).encoding == "gb18030"


def test_a_sign_after_a_capital_is_no_other_encoding(tmp_path: Path) -> None:
    path = written(tmp_path, "name,city\nNESCAFÉ®,Müller\nCAFÉ™,Köln\n".encode("cp1252"))
    assert found_format(path, whole=True).encoding == "cp1252"
