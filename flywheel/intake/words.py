"""What the import pages and reports say, by the codes that batches keep."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

EXPECTED: dict[str, str | Promise] = {
    # the file
    "empty_file": _("a file with a header row: this one is empty"),
    "no_rows": _("at least one row below the header"),
    "truncated": _("a complete file: this one is cut off or damaged"),
    "encoding": _("text in one encoding; this line cannot be read as %(detail)s"),
    "unreadable": _("a table of comma-separated values (%(detail)s)"),
    "workbook": _("a text table: Excel workbooks are not read yet, save it as CSV"),
    "not_text": _("a text table, such as a CSV file"),
    "columns": _("a header of at most %(detail)s columns"),
    "missing_file": _("the uploaded file, which is no longer there"),
    "column_missing": _("a column of this name in the file, for the field %(detail)s"),
    "date_format": _("a date format such as %%d.%%m.%%Y %%H:%%M, with day, month and year"),
    "unpacked": _("a file of at most %(detail)s when unpacked"),
    "field_unmapped": _("a column or a fixed value for this required field"),
    # the row
    "row_short": _("as many cells as the header has (%(detail)s)"),
    "row_long": _("as many cells as the header has (%(detail)s)"),
    "nul": _("text without NUL characters"),
    "conflict": _("one row per key; line %(detail)s has the same key and other values"),
    # the cell
    "required": _("a value: this field is required"),
    "too_long": _("a shorter text"),
    "email": _("an e-mail address"),
    "currency": _("a currency's three letters, such as EUR"),
    "rate": _("a currency with an exchange rate on its day: there is none for %(detail)s"),
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
    "bool": _("yes or no"),
    "timestamp": _("a date or time such as 2026-03-31 or 2026-03-31 14:05:00"),
    "year": _("a year from 1990 to 2100"),
    "date_order": _(
        "a date whose order is known: this one can be read day first or month first; "
        "say in the mapping which comes first"
    ),
    "status": _("a known order status, or a meaning for it in the mapping"),
}
NOTES: dict[str, str | Promise] = {
    "duplicates": _("%(count)s rows repeated an earlier row of the file and were taken once."),
    "carried_rates": _(
        "%(count)s amounts are later than the exchange rates that are known; the last known rate was used."
    ),
}


def expected(code: str, detail: str = "") -> str:
    """What was expected, in the active language."""
    return str(EXPECTED[code]) % {"detail": detail}


def note(code: str, count: int) -> str:
    """A remark about a batch, in the active language."""
    return str(NOTES[code]) % {"count": f"{count:,}"}
