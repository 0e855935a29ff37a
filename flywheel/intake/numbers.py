"""Numbers as people and exports write them: amounts, shares and counts; and which sign a file's decimals have.

Numbers stay text from the file to the database, so no digit is lost to a float.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from babel.core import get_global

from flywheel.intake.cells import BadCellError, CellParser, Parsed, Parser, Reading, each_unless_missing, longest_of
from flywheel.intake.shapes import Bools, Group, groups
from flywheel.intake.spellings import CURRENCIES, CURRENCY_SIGNS

MAX_INTEGER = 2**31 - 1
MAX_WHOLE_DIGITS = 13  # of an amount in its own currency; the database holds 14
MAX_SIGNED_DIGITS = 18  # an economy's size in its own currency has up to 17
SMALLEST_RATE = 1e-12  # as ExchangeRate.per_euro
MAX_LENGTH = 60  # characters of a number with all that people write around it


# --- whole columns, when they are plain -----------------------------------------------------------------------------
def money(cells: list[str], reading: Reading) -> Parsed:
    """A column of amounts of zero or more."""
    plain = plain_texts(cells, reading.decimal)
    return _amounts(cells, reading) if plain is None else Parsed(plain)


def signed(cells: list[str], reading: Reading) -> Parsed:
    """A column of amounts that keep their signs, as in settlements."""
    plain = plain_texts(cells, reading.decimal, negative=True)
    return _signed_amounts(cells, reading) if plain is None else Parsed(plain)


def deduction(cells: list[str], reading: Reading) -> Parsed:
    """A column of fees, discounts or refunds, which some exports write below zero: their absolute values."""
    plain = plain_texts(cells, reading.decimal)
    return _deductions(cells, reading) if plain is None else Parsed(plain)


def integers(cells: list[str], reading: Reading) -> Parsed:
    """A column of whole numbers."""
    digits = "".join(cells)
    plain = digits.isascii() and digits.isdigit() and longest_of(cells) < 10
    return Parsed(cells) if plain else _whole_numbers(cells, reading)


def plain_texts(cells: list[str], decimal: str, negative: bool = False) -> list[str] | None:
    """The cells as the database reads them, if each is blank or digits with at most one decimal sign; else None.

    `negative`: each may also begin with a minus. Told from the column as one text, which is quick.
    """
    framed = "\n".join(["", *cells, ""])
    if decimal == ",":
        framed = "x" if "." in framed else framed.replace(",", ".")
    bare = framed.replace("\n-", "\n") if negative else framed
    if not _all_plain(bare, len(cells)) or "\n-\n" in framed or longest_of(cells) > MAX_WHOLE_DIGITS:
        return None
    return framed.split("\n")[1:-1] if decimal == "," else cells


def _all_plain(framed: str, count: int) -> bool:
    """Whether each of `count` lines, framed by line breaks, is blank or digits with at most one point."""
    if not framed.isascii():
        return False
    signs = framed.encode().translate(None, b"0123456789")
    only_points = signs.count(b"\n") == count + 1 and not signs.translate(None, b".\n")
    return only_points and b".." not in signs and "\n.\n" not in framed


# --- cell by cell ---------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Written:
    """A number taken apart: digits before and after the decimal sign, the power of ten, and what stands around."""

    negative: bool
    whole: str
    part: str
    power: int
    percent: bool
    grouped: bool

    @property
    def text(self) -> str:
        """The absolute value in plain notation, without zeros at either end."""
        digits = self.whole + self.part
        point = len(self.whole) + self.power - 2 * self.percent
        if point <= 0:
            digits, point = "0" * (1 - point) + digits, 1
        digits = digits.ljust(point, "0")
        whole, part = digits[:point].lstrip("0") or "0", digits[point:].rstrip("0")
        return f"{whole}.{part}" if part else whole


_PLAIN = re.compile(r"[0-9]{1,14}(?:\.[0-9]+)?", re.ASCII)
_ANATOMY = re.compile(
    r"(?P<front>[^0-9]*)(?P<body>[0-9](?:[0-9.,' ]*[0-9])?)(?:E(?P<power>[+-]?[0-9]{1,2}))?(?P<behind>[^0-9]*)",
    re.ASCII | re.IGNORECASE,
)
_BODY = {  # one sign groups a number throughout; India groups by two
    ".": re.compile(
        r"(?P<whole>[0-9]+|[1-9][0-9]{0,2}(?P<by>[,' ])[0-9]{3}(?:(?P=by)[0-9]{3})*|[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3})"
        r"(?:\.(?P<part>[0-9]+))?"
    ),
    ",": re.compile(
        r"(?P<whole>[0-9]+|[1-9][0-9]{0,2}(?P<by>[.' ])[0-9]{3}(?:(?P=by)[0-9]{3})*)(?:,(?P<part>[0-9]+))?"
    ),
}
_AS_ASCII = str.maketrans(
    {chr(wide): chr(wide - 0xFEE0) for wide in range(0xFF01, 0xFF5F)}
    | dict.fromkeys("\u00a0\u2007\u2009\u202f\u3000", " ")
    | dict.fromkeys("−–—‒﹣", "-")
    | {"’": "'", "‘": "'", "´": "'", "￥": "¥", "￡": "£", "﹪": "%"}
)
_SIGNS = str.maketrans("", "", "+-()")


def as_ascii(cell: str) -> str:
    """A cell with the ASCII forms of full-width signs, and of all kinds of spaces, dashes and apostrophes."""
    return cell if cell.isascii() else cell.translate(_AS_ASCII)


def taken_apart(cell: str, decimal: str) -> Written | None:
    """A stripped cell as a number whose decimal sign is `decimal`; None for what is none."""
    found = _ANATOMY.fullmatch(as_ascii(cell)) if len(cell) <= MAX_LENGTH else None
    if found is None:
        return None
    front, body, behind = _with_open_ends(found["front"], found["body"], found["behind"], decimal)
    number = _BODY[decimal].fullmatch(body)
    negative = _is_negative(front, behind)
    words = [edge.translate(_SIGNS).strip() for edge in (front, behind)]
    if number is None or negative is None or not all(word == "%" or _is_currency(word) for word in words):
        return None
    whole = re.sub("[^0-9]", "", number["whole"])
    grouped = len(whole) < len(number["whole"])
    return Written(negative, whole, number["part"] or "", int(found["power"] or 0), "%" in words, grouped)


def _with_open_ends(front: str, body: str, behind: str, decimal: str) -> tuple[str, str, str]:
    """A decimal sign at an end of the digits as part of them: `.5`, `5.`, and `5,-` for an even price."""
    if front.endswith(decimal) and not front[-2:-1].isalpha():  # Rs.500 are not half a rupee
        front, body = front[:-1], f"0{decimal}{body}"
    elif behind.startswith(decimal) and decimal not in body:
        behind = behind[1:].lstrip("-")
    return front, body, behind


def _is_negative(front: str, behind: str) -> bool | None:
    """Whether a minus or the brackets of bookkeeping stand around a number; None where the signs make no sense."""
    signs = tuple("".join(sign for sign in edge if sign in "+-()") for edge in (front, behind))
    if signs in {("-", ""), ("", "-"), ("(", ")")}:
        return True
    return False if signs in {("", ""), ("+", "")} else None


_COUNTRY_AND_SIGN = re.compile("[A-Z]{1,3}[€$£¥]")


@lru_cache(maxsize=1)
def _currency_codes() -> frozenset[str]:
    return frozenset(get_global("all_currencies"))


def _is_currency(word: str) -> bool:
    """Whether a word beside a number says its currency, or nothing."""
    known = not word or word.casefold() in CURRENCIES or word.casefold() in CURRENCY_SIGNS
    return known or word.upper() in _currency_codes() or _COUNTRY_AND_SIGN.fullmatch(word) is not None


def number(cell: str, reading: Reading, code: str = "number") -> str:
    """A number of zero or more as plain text: `1234.5`, without grouping, sign of currency or closing zeros."""
    if reading.decimal == "." and _PLAIN.fullmatch(cell):
        return _bounded(cell.rstrip("0").rstrip(".") if "." in cell else cell, code)
    written = _written(cell, reading, code)
    text = _bounded(written.text, code)
    if written.negative and text != "0":
        raise BadCellError("negative")
    return text


def signed_amount(cell: str, reading: Reading) -> str:
    """An amount with its sign."""
    written = _written(cell, reading, "money")
    text = _bounded(written.text, "money")
    return f"-{text}" if written.negative and text != "0" else text


def absolute_amount(cell: str, reading: Reading) -> str:
    """An amount without its sign."""
    return signed_amount(cell, reading).removeprefix("-")


def signed_number(cell: str, reading: Reading) -> str:
    """A number of either sign, of at most MAX_SIGNED_DIGITS before the decimal sign."""
    written = _written(cell, reading, "signed")
    if len(written.text.partition(".")[0]) > MAX_SIGNED_DIGITS:
        raise BadCellError("too_large")
    return f"-{written.text}" if written.negative and written.text != "0" else written.text


def per_euro(cell: str, reading: Reading) -> str:
    """An exchange rate: a number that is above zero as the database keeps it."""
    text = number(cell, reading, "per_euro")
    if float(text) < SMALLEST_RATE:
        raise BadCellError("per_euro")
    return text


def share(cell: str, reading: Reading) -> str:
    """A share from 0 to 1: "12.5 %" is 0.125; a number without the percent sign is the share itself."""
    written = taken_apart(cell, reading.decimal)
    if written is None or float(written.text) > 1:
        raise BadCellError("percent")
    if written.negative and written.text != "0":
        raise BadCellError("negative")
    return written.text


def integer(cell: str, reading: Reading) -> str:
    """A whole number from 0 to MAX_INTEGER; one that a table calculator wrote as 12.0 too."""
    if cell.isascii() and cell.isdigit() and len(cell) < 10:
        return cell
    text = number(cell, reading, "integer")
    if "." in text:
        raise BadCellError("integer")
    if int(text) > MAX_INTEGER:
        raise BadCellError("too_large")
    return text


def _written(cell: str, reading: Reading, code: str) -> Written:
    written = taken_apart(cell, reading.decimal)
    if written is None or written.percent:
        raise BadCellError(code)
    return written


def _bounded(text: str, code: str) -> str:
    if len(text.partition(".")[0]) > MAX_WHOLE_DIGITS:
        raise BadCellError("amount" if code == "money" else "too_large")
    return text


# --- whole columns, by the shapes of their cells --------------------------------------------------------------------
@dataclass(frozen=True)
class Takes:
    """The shapes of numbers that a column type reads whatever their digits.

    `part`: also with digits behind the decimal sign. `percent`: percentages, and no others. `sign`: what stands before
    those below zero; None leaves them to be looked at one by one.
    """

    part: bool = True
    percent: bool = False
    sign: str | None = None

    def all_of(self, shape: str, written: Written) -> bool:
        """Whether every number of this shape is one for the column, whatever its digits."""
        return (
            not written.power
            and shape.count("9") == len(written.whole + written.part)
            and len(written.whole) <= (2 if self.percent else MAX_WHOLE_DIGITS if self.part else 9)
            and (self.part or not written.part)
            and self.percent == written.percent
            and not (written.negative and self.sign is None)
        )


def by_shape(one: CellParser, takes: Takes) -> Parser:
    """A column parser that writes all numbers of a shape at once, and leaves to `one` the cells that need a look."""
    one_by_one = each_unless_missing(one)

    def column(cells: list[str], reading: Reading) -> Parsed:
        texts = np.full(len(cells), "", dtype=object)
        left = np.zeros(len(cells), dtype=bool)
        for group in groups(cells):
            written = _of_shape(group.shape, reading.decimal)
            if written and takes.all_of(group.shape, written):
                texts[group.rows] = _lines(group, written, (takes.sign or "") if written.negative else "")
                left[group.rows] = written.grouped & _begins_with_zero(group)
            else:
                left[group.rows] = True
        rows = np.flatnonzero(left).tolist()
        rest = one_by_one([cells[row] for row in rows], reading)
        texts[rows] = rest.texts
        return Parsed(texts.tolist(), bad={rows[at]: code for at, code in rest.bad.items()})

    return column


def _lines(group: Group, written: Written, sign: str) -> list[str]:
    """The numbers of a group in plain notation: their digits, with the point where it belongs."""
    digits = group.characters([at for at, character in enumerate(group.shape) if character == "9"])
    point = len(written.whole) - 2 * written.percent
    head, split = (f"{sign}0.{'0' * -point}", 0) if point <= 0 else (sign, point)
    middle = "." if 0 < split < digits.shape[1] else ""
    constants = [
        np.tile(np.frombuffer(text.encode(), dtype=np.uint8), (len(digits), 1)) for text in (head, middle, "\n")
    ]
    parts = [constants[0], digits[:, :split], constants[1], digits[:, split:], constants[2]]
    return np.concatenate(parts, axis=1).tobytes().decode().split("\n")[:-1]


def _begins_with_zero(group: Group) -> Bools:
    lead = group.shape.index("9")
    return group.number((lead, lead + 1)) == 0


@lru_cache(maxsize=4096)
def _of_shape(shape: str, decimal: str) -> Written | None:
    return taken_apart(shape.strip(), decimal)


numbers = by_shape(number, Takes())
shares = by_shape(share, Takes(percent=True))
_amounts = by_shape(partial(number, code="money"), Takes())
_signed_amounts = by_shape(signed_amount, Takes(sign="-"))
_deductions = by_shape(absolute_amount, Takes(sign=""))
_whole_numbers = by_shape(integer, Takes(part=False))


# --- which sign a file's decimals have ------------------------------------------------------------------------------
@dataclass(frozen=True)
class DecimalEvidence:
    """What cells tell about the decimal sign of their file; evidence of its parts is added up by `|`.

    `point`, `comma`: a cell can only be read with that sign. `doubtful`: a cell such as 1.234 is a number with
    either, but not the same one; `example` is such a cell.
    """

    point: bool = False
    comma: bool = False
    doubtful: bool = False
    example: str = ""

    def __or__(self, other: "DecimalEvidence") -> "DecimalEvidence":
        return DecimalEvidence(
            self.point or other.point,
            self.comma or other.comma,
            self.doubtful or other.doubtful,
            self.example or other.example,
        )

    @property
    def contradictory(self) -> bool:
        """Whether some cells need a point and others a comma."""
        return self.point and self.comma

    @property
    def sign(self) -> str:
        """The decimal sign; '' when nothing tells, or the cells contradict each other."""
        return {(True, False): ".", (False, True): ","}.get((self.point, self.comma), "")


def decimal_evidence(cells: Sequence[str]) -> DecimalEvidence:
    """What the cells of one column of numbers tell about the decimal sign."""
    evidence = DecimalEvidence()
    for group in groups(list(cells)):
        readable = [decimal for decimal in (".", ",") if _of_shape(group.shape, decimal)]
        sign = _BETWEEN_DIGITS.search(group.shape)
        if len(readable) == 1:
            evidence |= DecimalEvidence(point=readable == ["."], comma=readable == [","])
        elif readable and sign:
            evidence |= _of_three_digits(group, sign[0], cells)
    return evidence


def _of_three_digits(group: Group, sign: str, cells: Sequence[str]) -> DecimalEvidence:
    """What cells such as 1.234 tell: nothing, but 0.234 has a decimal point, for no group begins with a zero."""
    zero = _begins_with_zero(group)
    evidence = DecimalEvidence(sign == ".", sign == ",") if zero.any() else DecimalEvidence()
    if not zero.all():
        evidence |= DecimalEvidence(doubtful=True, example=cells[group.rows[zero.argmin()]].strip())
    return evidence


def decimal_of(columns: Iterable[Sequence[str]]) -> str:
    """The decimal sign of a file from its columns of numbers; '' when nothing tells, or they contradict each other."""
    evidence = DecimalEvidence()
    for cells in columns:
        evidence |= decimal_evidence(cells)
    return evidence.sign


_BETWEEN_DIGITS = re.compile("(?<=9)[.,](?=9)")
