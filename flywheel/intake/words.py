"""What the import pages and reports say, by the codes that batches keep."""

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from flywheel.intake.reading import FileProblemError
from flywheel.intake.vocabulary import CHOICES

EXPECTED: dict[str, str | Promise] = {
    # the file
    "empty_file": _("a file with a header row: this one is empty"),
    "no_rows": _("at least one row below the header"),
    "truncated": _("a complete file: this one is cut off or damaged"),
    "mixed_encoding": _("text in one encoding: this line is the first that is not UTF-8, while others are"),
    "encoding": _("text in one encoding; this line cannot be read as %(detail)s"),
    "unreadable": _("a table of comma-separated values (%(detail)s)"),
    "open_quote": _("a closing quotation mark: the one opened on this line is not closed before the file ends"),
    "long_cell": _("cells of at most %(detail)s characters: a quotation mark may not be closed"),
    "long_line": _("lines of at most %(detail)s: a line end may be missing"),
    "not_text": _("a table, such as a CSV file or an Excel workbook"),
    "other_kind": _("a table, such as a CSV file or an Excel workbook: this looks like %(detail)s"),
    "password": _("a file without a password: this one is protected, save it without"),
    "sheet_missing": _("a sheet of this name in the workbook: %(detail)s"),
    "workbook_large": _("a smaller workbook: delete cells that stand far from the table, or save the sheet as CSV"),
    "zip_many": _("one table in a zip archive: this one holds %(detail)s, upload them one by one"),
    "zip_none": _("a table in the zip archive, such as a CSV file: there is none"),
    "columns": _("a header of at most %(detail)s columns"),
    "missing_file": _("the uploaded file, which is no longer there"),
    "column_missing": _("a column of this name in the file, for the field %(detail)s"),
    "date_format": _("a date format such as %%d.%%m.%%Y %%H:%%M, with day, month and year"),
    "period": _("the first and last day of the report, at most %(detail)s days apart"),
    "rate_amount": _("a rate at which every amount stays below 10,000,000,000 in base currency; look at %(detail)s"),
    "unpacked": _("a file of at most %(detail)s when unpacked"),
    "field_unmapped": _("a column or a fixed value for this required field"),
    # the row
    "row_short": _("as many cells as the header has (%(detail)s)"),
    "row_long": _("as many cells as the header has (%(detail)s)"),
    "nul": _("text without NUL characters"),
    "part": _("a file in which all rows of this key are sound, since they are added up: another of them is not"),
    "refused_order": _("an order that can be loaded: another row of the same order cannot"),
    "conflict": _("one row per key; line %(detail)s has the same key and other values"),
    "conflict_row": _("one row per key; row %(detail)s has the same key and other values"),
    "object": _("an object with a value for each field"),
    "json": _("one JSON object per line"),
    "unknown_field": _("a field that this kind of data has, such as %(detail)s"),
    # the cell
    "plain_value": _("a text, a number, true, false or null"),
    "exact": _("a number of at most 15 digits; send a longer one as text"),
    "required": _("a value: this field is required"),
    "too_long": _("a shorter text"),
    "email": _("an e-mail address"),
    "currency": _("a currency's three letters, such as EUR"),
    "rate": _(
        "a currency with an exchange rate on its day: there is none for %(detail)s. "
        "A file of the kind “Exchange rates” adds it"
    ),
    "per_euro": _("the units of the currency that one euro is: a number above zero"),
    "euro": _("1 for the euro itself: the file must give units of each currency per one euro"),
    "future": _("a day that has come"),
    "money": _("an amount such as 1234.50"),
    "amount": _("a smaller amount: this one is too large"),
    "number": _("a number such as 1234.5"),
    "integer": _("a whole number"),
    "percent": _("a share from 0 % to 100 %, such as 12.5 % or 0.125"),
    "negative": _("a number of zero or more"),
    "too_large": _("a smaller number"),
    "stars": _("a rating from 1 to 5"),
    "score": _("a whole number from 0 to 10"),
    "csat": _("a rating from 1 to 5, or good or bad"),
    "signed": _("a number such as 1234.5 or -1234.5"),
    "month": _("a month such as 2026-03, or a date in it"),
    "bool": _("yes or no"),
    "timestamp": _("a date or time such as 2026-03-31 or 2026-03-31 14:05:00"),
    "year": _("a year from 1990 to 2100"),
    "date_order": _(
        "a date whose order is known: this one can be read day first or month first; "
        "say in the mapping which comes first"
    ),
    "decimal": _("numbers whose decimal sign is known: this one has a point or a comma that may part thousands"),
    "choice": _("one of these words, or a meaning for it in the mapping: %(detail)s"),
    "status": _("a known order status, or a meaning for it in the mapping"),  # of batches before there were choices
}
NOTES: dict[str, str | Promise] = {
    "duplicates": _("%(count)s rows repeated an earlier row of the file and were taken once."),
    "totals": _("%(count)s rows that sum up others were left out."),
    "unread": _("%(count)s rows tell of nothing that is loaded from this file, such as sums, sales or transfers."),
    "other_tables": _("The file holds a further table below the first; only the first was read."),
    "future_weeks": _("%(count)s rows belong to weeks that have not begun yet: are their dates right?"),
    "carried_rates": _(
        "%(count)s amounts are later than the exchange rates that are known; the last known rate was used."
    ),
}


def expected(code: str, detail: str = "") -> str:
    """What was expected, in the active language. Of a choice, `detail` is its name."""
    shown = CHOICES[detail].allowed if code == "choice" and detail in CHOICES else detail
    return str(EXPECTED[code]) % {"detail": shown}


def file_problem(problem: FileProblemError) -> str:
    """Why a file cannot be read, in the active language."""
    text = {"line": f"{problem.line:,}", "expected": expected(problem.code, problem.detail)}
    if problem.line:
        return gettext("Line %(line)s: expected %(expected)s.") % text
    return gettext("Expected %(expected)s.") % text


def note(code: str, count: int) -> str:
    """A remark about a batch, in the active language."""
    return str(NOTES[code]) % {"count": f"{count:,}"}
