"""The generic templates to fill in, as CSV and as workbooks, and what each of their columns wants.

In English a template's header holds the machine names, in other languages the labels; both are recognised.
"""

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import xlsxwriter
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from flywheel.accounts.sheets import UTF8_MARK, WORKBOOK
from flywheel.intake.kinds import KINDS, Column, Kind
from flywheel.intake.vocabulary import plain

NUMBERS = frozenset(
    {"money", "integer", "number", "signed", "signed_number", "stars", "score", "csat"}
)  # types whose cells are numbers
FIRST_WIDE = 0x2E80  # the first letter that is as wide as two
MARKED_ROWS = 10_000  # rows of a workbook whose cells are formatted beforehand
FORMS: dict[str, str | Promise] = {
    "id": _("Text, just as the source writes it"),
    "code": _("Short text, written the same in every file"),
    "text": _("Text"),
    "device": _("A word such as mobile or desktop"),
    "person": _("A customer id or an e-mail address"),
    "email": _("An e-mail address"),
    "currency": _("Three letters, such as EUR"),
    "money": _("An amount such as 1234.50, of zero or more"),
    "integer": _("A whole number of zero or more"),
    "number": _("A number such as 12.5, of zero or more"),
    "signed": _("A number such as 12.5 or -12.5"),
    "signed_number": _("A number such as 12.5 or -12.5"),
    "country": _("A country's two letters or name, or any short name of your own"),
    "csat": _("A number from 1 to 5, or good or bad"),
    "per_euro": _("A number such as 143.21, above zero"),
    "stars": _("A number from 1 to 5"),
    "score": _("A whole number from 0 to 10"),
    "bool": _("Yes or no"),
    "timestamp": _("A time such as 2026-03-31 14:05:00, or a date"),
    "deadline": _("A time such as 2026-03-31 14:05:00, or a date"),
    "date": _("A date such as 2026-03-31"),
    "month": _("A month such as 2026-03"),
}  # how a cell is written, by the column's type
ONE_OF = _("One of these words, or a common one of the same meaning")
OWN_WORD = _("The source's own word; these have a meaning")


@dataclass(frozen=True)
class Heading:
    """One column of a template, in the active language. `words`: those that a cell may hold, if not any."""

    name: str
    header: str
    label: str
    help: str
    form: str
    words: list[str]
    examples: tuple[str, str]
    required: bool = False
    is_number: bool = False
    is_strict: bool = False  # other words are an error, unless a mapping gives them a meaning

    @property
    def example(self) -> str:
        """The first example that is not blank."""
        return next(filter(None, self.examples), "")


@dataclass(frozen=True)
class Template:
    """The template of a kind, in the active language."""

    kind: Kind
    headings: list[Heading]

    @property
    def required(self) -> list[Heading]:
        """The columns that every row must have."""
        return [heading for heading in self.headings if heading.required]

    @property
    def rows(self) -> list[list[str]]:
        """The header and the example rows."""
        columns = [(heading.header, *heading.examples) for heading in self.headings]
        return [list(cells) for cells in zip(*columns, strict=True)]


def template_of(kind: Kind) -> Template:
    """The kind's template."""
    named = kind.named.fields if kind.named else set()
    fixed = [_heading(column) for column in kind.columns if column.name not in named]
    return Template(kind, [*fixed, *_named_headings(kind)])


def all_templates() -> list[Template]:
    """The template of every kind."""
    return [template_of(kind) for kind in KINDS.values()]


def _speaks_english() -> bool:
    return (get_language() or "en").startswith("en")


def _heading(column: Column) -> Heading:
    first, second = column.examples
    form = _form(column)
    return Heading(
        name=column.name,
        header=column.name if _speaks_english() else str(column.label),
        label=str(column.label),
        help="" if str(column.help).rstrip(".。") == form else str(column.help),
        form=form,
        words=_allowed(column),
        examples=(_example(column, first), _example(column, second)),
        required=column.required,
        is_number=column.type in NUMBERS,
        is_strict=column.choice is not None and not column.choice.open,
    )


def _form(column: Column) -> str:
    """How a cell of the column is written."""
    if column.choice is None:
        return str(FORMS[column.type])
    return str(OWN_WORD if column.choice.open else ONE_OF)


def _named_headings(kind: Kind) -> Iterator[Heading]:
    """Two columns that stand for as many as one likes."""
    if not kind.named:
        return
    for name, (_name, cells) in zip(kind.named.examples, kind.named.pairs, strict=False):
        header = str(kind.named.heading) % {"name": name}
        column = kind.by_name[cells]
        help_text, form = str(kind.named.help), str(FORMS[column.type])
        yield Heading(header, header, header, help_text, form, [], column.examples, is_number=column.type in NUMBERS)


def _allowed(column: Column) -> list[str]:
    """The words of a column that has a meaning for each: values in English, else labels."""
    if column.type == "bool":
        return [str(_("yes")), str(_("no"))]
    return [value if _speaks_english() else str(label) for value, label in column.meanings]


def _example(column: Column, cell: str) -> str:
    """An example cell, in the active language where it is one of the words that have a meaning."""
    if column.type == "bool" and cell:
        return str(_("yes")) if cell == "yes" else str(_("no"))
    if column.choice is None or _speaks_english():
        return cell
    value = column.choice.words.get(plain(cell), "")
    return next((str(label) for known, label in column.meanings if known == value), cell)


# --- files ------------------------------------------------------------------------------------------------------------
def template_csv(kind: Kind) -> bytes:
    """The template as CSV that also a Chinese Excel opens as UTF-8."""
    out = io.StringIO()
    csv.writer(out).writerows(template_of(kind).rows)
    return (UTF8_MARK + out.getvalue()).encode()


def template_xlsx(kind: Kind) -> bytes:
    """The template as a workbook: the rows, with a note on each header cell, and a sheet that explains the columns."""
    out = io.BytesIO()
    template = template_of(kind)
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        _write_rows(book, template)
        _write_help(book, template)
    return out.getvalue()


FILES: dict[str, tuple[Callable[[Kind], bytes], str]] = {
    "csv": (template_csv, "text/csv; charset=utf-8"),
    "xlsx": (template_xlsx, WORKBOOK),
}  # how each format is written, and its content type


def _write_rows(book: xlsxwriter.Workbook, template: Template) -> None:
    """The sheet to fill in. Ids and dates are text, so that no spreadsheet shortens or turns them."""
    sheet = book.add_worksheet(str(_("Data")))
    header = book.add_format({"bold": True, "bg_color": "#E2F0EF", "bottom": 1})
    needed = book.add_format({"bold": True, "bg_color": "#0B6B6B", "font_color": "#FFFFFF", "bottom": 1})
    text, number = book.add_format({"num_format": "@"}), book.add_format({"num_format": "General"})
    sheet.freeze_panes(1, 0)
    for at, heading in enumerate(template.headings):
        sheet.set_column(at, at, _width(heading), number if heading.is_number else text)
        sheet.write_string(0, at, heading.header, needed if heading.required else header)
        sheet.write_comment(0, at, _note(heading), {"x_scale": 2.2, "y_scale": 1.4, "author": "Flywheel"})
        for row, cell in enumerate(heading.examples, 1):
            if cell and heading.is_number:
                sheet.write_number(row, at, float(cell), number)
            elif cell:
                sheet.write_string(row, at, cell, text)
        if heading.words:
            sheet.data_validation(1, at, MARKED_ROWS, at, _offered(heading))


def _offered(heading: Heading) -> dict[str, object]:
    """A list of the words that only warns of others, since shops have words of their own."""
    return {"validate": "list", "source": heading.words, "error_type": "information", "ignore_blank": True}


def _width(heading: Heading) -> int:
    """Characters of a column; one of Chinese takes two."""
    texts = (heading.header, *heading.examples)
    longest = max(sum(2 if ord(letter) >= FIRST_WIDE else 1 for letter in text) for text in texts)
    return min(max(longest + 3, 10), 40)


def _note(heading: Heading) -> str:
    """What a column wants, in a few lines."""
    words = " / ".join(heading.words) if heading.is_strict else ""
    lines = (str(_("Required")) if heading.required else "", heading.label, heading.help, heading.form, words)
    return "\n".join(dict.fromkeys(filter(None, lines)))


def _write_help(book: xlsxwriter.Workbook, template: Template) -> None:
    """The sheet that explains the columns."""
    sheet = book.add_worksheet(str(_("Help")))
    title, header = book.add_format({"bold": True, "font_size": 13}), book.add_format({"bold": True, "bottom": 1})
    wrapped = book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
    for at, width in enumerate((26, 48, 12, 38, 44, 28)):
        sheet.set_column(at, at, width)
    sheet.write_string(0, 0, str(template.kind.label), title)
    sheet.write_string(1, 0, str(template.kind.help))
    columns = (_("Column"), _("What it is"), _("Required"), _("How it is written"), _("Words"), _("Example"))
    for at, name in enumerate(columns):
        sheet.write_string(3, at, str(name), header)
    for row, heading in enumerate(template.headings, 4):
        for at, text in enumerate(_explained(heading)):
            sheet.write_string(row, at, text, wrapped)
    sheet.freeze_panes(4, 1)


def _explained(heading: Heading) -> tuple[str, ...]:
    what = "\n".join(filter(None, (heading.label, heading.help)))
    required = str(_("yes")) if heading.required else str(_("no"))
    return heading.header, what, required, heading.form, " / ".join(heading.words), heading.example
