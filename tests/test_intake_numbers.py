"""Numbers as people and exports write them, under either decimal sign, and what a column tells about that sign."""

import dataclasses
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flywheel.intake.parsing import DecimalEvidence, Parsed, Reading, decimal_evidence, decimal_of, parse

POINT = Reading(workspace_zone="UTC", zone="UTC", hash_key=b"k" * 32)
COMMA = dataclasses.replace(POINT, decimal=",")
NUMBER_TYPES = ("money", "signed", "deduction", "number", "integer", "percent", "stars", "score", "csat")
MISSING_WORDS = ["--", " --", "-", "—", "n/a", "N/A", "NA", "null", "NULL", "none", "#N/A", "nan", "无", "k.A.", " "]


def one(kind: str, cell: str, reading: Reading = POINT) -> str:
    """The value of a cell without closing zeros, or the code of what was expected in capitals."""
    parsed: Parsed = parse(kind, [cell, "1"], reading)
    if 0 in parsed.bad:
        return parsed.bad[0].upper()
    text = parsed.texts[0]
    return f"{Decimal(text).normalize():f}" if text else ""


# --- cells -> values ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1,234.56", "1234.56"),
        ("1 234.56", "1234.56"),
        ("1\u00a0234.56", "1234.56"),
        ("1\u202f234.56", "1234.56"),
        ("1'234.50", "1234.5"),
        ("1’234.50", "1234.5"),
        ("1,23,456.78", "123456.78"),
        ("12,34,567", "1234567"),
        ("12.50 CHF", "12.5"),
        ("CHF12.50", "12.5"),
        ("CA$ 1,234", "1234"),
        ("US$5", "5"),
        ("A$5", "5"),
        ("¥1,234", "1234"),
        ("￥１，２３４．５", "1234.5"),
        ("₹ 1,23,456", "123456"),
        ("Rs.500", "500"),
        ("99元", "99"),
        ("$.50", "0.5"),
        ("5.– CHF", "5"),
        ("1.2E+05", "120000"),
        ("1.5e-7", "0.00000015"),
        ("64517.0", "64517"),
        ("+5", "5"),
        ("-0.00", "0"),
        ("(12.50)", "NEGATIVE"),
        ("12.50-", "NEGATIVE"),
        ("1E+99", "AMOUNT"),
        ("1.234,56", "MONEY"),
        ("12,5", "MONEY"),
        ("1.234.567", "MONEY"),
        ("0,123", "MONEY"),
        ("1,234 567", "MONEY"),
        ("12.5 %", "MONEY"),
        ("12 SKU", "MONEY"),
        ("--5", "MONEY"),
        ("(5", "MONEY"),
        ("5)", "MONEY"),
        ("5+", "MONEY"),
        ("1.5.", "MONEY"),
        ("9" * 61, "MONEY"),
    ],
)
def test_an_amount_with_a_decimal_point_is_read_or_refused(cell: str, value: str) -> None:
    assert one("money", cell) == value


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1.234,56", "1234.56"),
        ("12,5", "12.5"),
        ("1 234,56 €", "1234.56"),
        ("1\u202f234,56\u00a0€", "1234.56"),
        ("1'234,50", "1234.5"),
        ("1.234.567", "1234567"),
        ("1.234", "1234"),
        ("5,- €", "5"),
        ("5,– €", "5"),
        ("EUR 12,5", "12.5"),
        ("12,50 zł", "12.5"),
        ("kr 1.234,00", "1234"),
        ("1 234 Kč", "1234"),
        ("R$ 7,90", "7.9"),
        (",5", "0.5"),
        ("1,2E+05", "120000"),
        ("1,234.56", "MONEY"),
        ("12.5", "MONEY"),
        ("0.123", "MONEY"),
        ("1,234,567", "MONEY"),
    ],
)
def test_an_amount_with_a_decimal_comma_is_read_or_refused(cell: str, value: str) -> None:
    assert one("money", cell, COMMA) == value


@pytest.mark.parametrize(
    "cell", ["-12.50", "−12.50", "(12.50)", "12.50-", "-$12.50", "$-12.50", "($12.50)", "- 12.50 €"]
)
def test_an_amount_below_zero_keeps_its_sign_loses_it_or_is_refused(cell: str) -> None:
    assert (one("signed", cell), one("deduction", cell), one("money", cell)) == ("-12.5", "12.5", "NEGATIVE")


def test_a_column_of_plain_amounts_below_zero_is_read_whole() -> None:
    assert parse("signed", ["-1.50", "2", "", "-0.25"], POINT).texts == ["-1.50", "2", "", "-0.25"]
    assert parse("signed", ["-1,50", "2", ""], COMMA).texts == ["-1.50", "2", ""]
    assert parse("signed", ["-1.50", "-", "2"], POINT).texts == ["-1.50", "", "2"]
    assert parse("deduction", ["-1.50", "2", ""], POINT).texts == ["1.50", "2", ""]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("12.5 %", "0.125"),
        ("12.5%", "0.125"),
        ("12.5\u00a0％", "0.125"),
        ("%5", "0.05"),
        ("0.07%", "0.0007"),
        ("100 %", "1"),
        ("0.125", "0.125"),
        ("1", "1"),
        ("100.1 %", "PERCENT"),
        ("12.5", "PERCENT"),
        ("-1 %", "NEGATIVE"),
    ],
)
def test_a_share_is_a_percentage_or_the_share_itself(cell: str, value: str) -> None:
    assert one("percent", cell) == value


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("64517.0", "64517"),
        ("1,234", "1234"),
        ("1.2E+03", "1200"),
        ("１２", "12"),
        ("1.5", "INTEGER"),
        ("2147483648", "TOO_LARGE"),
        ("-1", "NEGATIVE"),
        ("5 pcs", "INTEGER"),
    ],
)
def test_a_count_is_a_whole_number_however_it_is_written(cell: str, value: str) -> None:
    assert one("integer", cell) == value


@pytest.mark.parametrize("cell", MISSING_WORDS)
def test_a_number_that_is_not_there_is_blank_and_not_zero(cell: str) -> None:
    for kind in NUMBER_TYPES:
        parsed = parse(kind, [cell, "1"], POINT)
        assert (kind, parsed.texts, parsed.bad) == (kind, ["", "1"], {})


@pytest.mark.parametrize("cell", ["--", "N/A", "none"])
def test_a_text_keeps_the_words_that_are_missing_numbers(cell: str) -> None:
    assert parse("text", [cell], POINT).texts == [cell]


def test_a_line_break_within_a_cell_does_not_reach_the_database() -> None:
    parsed = parse("money", ["1\n2", "3\n", "4"], POINT)
    assert (parsed.texts, parsed.bad) == (["", "3", "4"], {0: "money"})


# --- any number in any style ----------------------------------------------------------------------------------------
AMOUNTS = st.decimals(min_value=Decimal("-9999999999"), max_value=Decimal("9999999999"), places=2)
EDGES = st.sampled_from(["{}", "€ {}", "{} €", "{} EUR", "US${}", "R$ {}", "{} zł", "{} Kč", "CHF {}", "{}元", " {} "])
NEGATIVES = st.sampled_from(["-{}", "−{}", "({})", "{}-", "- {}"])
GROUPINGS = {".": ["", ",", " ", "\u00a0", "\u202f", "'", "’"], ",": ["", ".", " ", "\u00a0", "\u202f", "'", "’"]}
SIGNS = st.sampled_from([".", ","])
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


def written(amount: Decimal, decimal: str, grouping: str, edge: str, negative: str) -> str:
    digits = f"{abs(amount):,.2f}".translate(str.maketrans({",": grouping, ".": decimal}))
    return edge.format(negative.format(digits) if amount < 0 else digits)


@st.composite
def styles(draw: st.DrawFn, decimal: str) -> tuple[str, str, str, str]:
    """Decimal sign, grouping, what stands around the number, how it is below zero."""
    return decimal, draw(st.sampled_from(GROUPINGS[decimal])), draw(EDGES), draw(NEGATIVES)


@given(st.data(), st.lists(AMOUNTS, min_size=1, max_size=5), SIGNS, st.booleans())
def test_any_amount_is_read_back_in_any_style(
    data: st.DataObject, amounts: list[Decimal], decimal: str, wide: bool
) -> None:
    style = data.draw(styles(decimal))
    cells = [written(amount, *style) for amount in amounts]
    cells = [cell.translate(FULL_WIDTH) for cell in cells] if wide else cells
    parsed = parse("signed", cells, dataclasses.replace(POINT, decimal=decimal))
    assert not parsed.bad
    assert list(map(Decimal, parsed.texts)) == amounts
    assert list(map(Decimal, parse("deduction", cells, dataclasses.replace(POINT, decimal=decimal)).texts)) == list(
        map(abs, amounts)
    )


@given(st.data(), st.lists(AMOUNTS, min_size=1, max_size=5), SIGNS)
def test_the_decimal_sign_of_amounts_with_cents_is_always_found(
    data: st.DataObject, amounts: list[Decimal], decimal: str
) -> None:
    style = data.draw(styles(decimal))
    assert decimal_of([[written(amount, *style) for amount in amounts], ["17"]]) == decimal


@given(st.decimals(min_value=0, max_value=1, places=6), SIGNS)
def test_any_share_is_the_same_as_percentage(share: Decimal, decimal: str) -> None:
    cell = f"{share * 100:.4f} %".replace(".", decimal)
    assert Decimal(one("percent", cell, dataclasses.replace(POINT, decimal=decimal))) == share


@given(st.lists(st.text(alphabet="0123456789.,' -+()%E€$RskrCHF", max_size=16), max_size=6), SIGNS)
def test_evidence_for_one_sign_alone_means_that_some_cell_needs_it(cells: list[str], decimal: str) -> None:
    other = "," if decimal == "." else "."
    if decimal_of([cells]) == decimal:
        ours, theirs = (parse("signed", cells, dataclasses.replace(POINT, decimal=sign)) for sign in (decimal, other))
        assert theirs.bad.keys() - ours.bad.keys()


# --- which sign a column has ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("cells", "sign"),
    [
        (["1.234,56"], ","),
        (["12,5"], ","),
        (["1 234,56 €"], ","),
        (["1.234.567"], ","),
        (["5,-"], ","),
        (["1,234.56"], "."),
        (["12.5"], "."),
        (["0.1234"], "."),
        (["0.125"], "."),
        (["1,23,456"], "."),
        (["1.2E+05"], "."),
        (["1.234", "12,50"], ","),
        (["1,234", "12.50"], "."),
        (["1.234"], ""),
        (["1,234"], ""),
        (["17", "4"], ""),
        (["1 234"], ""),
        (["Rs.500"], ""),
        (["12,5", "12.5"], ""),
        (["", "--", "A. B, C"], ""),
    ],
)
def test_a_column_tells_its_decimal_sign_or_does_not(cells: list[str], sign: str) -> None:
    assert decimal_of([cells]) == sign


def test_what_a_doubtful_cell_leaves_open_is_told_apart_from_contradiction() -> None:
    assert decimal_evidence(["17", " 1.234 "]) == DecimalEvidence(doubtful=True, example="1.234")
    assert decimal_evidence(["17"]) == DecimalEvidence()
    assert decimal_evidence(["12,5", "12.5"]).contradictory


def test_evidence_of_the_parts_of_a_file_adds_up() -> None:
    assert (decimal_evidence(["1.234"]) | decimal_evidence(["12,5"])).sign == ","
    assert (decimal_evidence(["12.5"]) | decimal_evidence(["12,5"])).sign == ""
    assert decimal_of([["1.234", "5"], ["3"], ["7,25"]]) == ","
