"""Tables of exchange rates with a column per currency, such as the European Central Bank's `eurofxref-hist.csv`."""

import re
from collections.abc import Iterable, Iterator, Sequence

HEADER = ["date", "currency", "per_euro"]  # of the long table, as the kind exchange_rates names its columns
MISSING = frozenset({"", "N/A", "NA", "-", "--"})
_CODE = re.compile(r"[A-Z]{3}", re.ASCII)
_DATES = frozenset({"date", "day", "time_period"})


def is_wide(header: Sequence[str]) -> bool:
    """Whether a table has a date and then nothing but currencies."""
    first, *others = [name.strip() for name in header] or [""]
    named = [name for name in others if name]
    return first.lower() in _DATES and bool(named) and all(map(_CODE.fullmatch, named))


def unpivoted(header: Sequence[str], rows: Iterable[Sequence[str]]) -> tuple[list[str], list[list[str]]]:
    """A wide table (see `is_wide`) as a long one: a row per date and currency that has a rate."""
    return HEADER, [row for _at, row in placed(header, rows)]


def placed(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[tuple[int, list[str]]]:
    """The rows of the long table, each with the position of the wide row it comes from, to tell its line."""
    codes = [(at, name.strip()) for at, name in enumerate(header) if at and _CODE.fullmatch(name.strip())]
    for position, row in enumerate(rows):
        for at, code in codes:
            cell = row[at].strip() if at < len(row) else ""
            if cell.upper() not in MISSING:
                yield position, [row[0], code, cell]
