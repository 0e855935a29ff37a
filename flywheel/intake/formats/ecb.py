"""The European Central Bank's history of reference rates: a row per day, a column per currency."""

import re
from collections.abc import Iterator, Sequence

from django.utils.translation import gettext_lazy as _

from flywheel.intake.formats.base import Format, Header, Made, Part
from flywheel.intake.formats.makers import word
from flywheel.intake.kinds import EXCHANGE_RATES

MISSING = frozenset({"", "N/A", "NA", "-", "--"})
_CODE = re.compile(r"[A-Z]{3}", re.ASCII)


def rates_of(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[tuple[int, list[str]]]:
    """Each rate in a table with a column per currency: the position of its row, and its currency and figure."""
    codes = [(at, name.strip()) for at, name in enumerate(header) if _CODE.fullmatch(name.strip())]
    for position, row in enumerate(rows):
        for at, code in codes:
            cell = row[at].strip()
            if cell.upper() not in MISSING:
                yield position, [code, cell]


RATES = Format(
    "ecb-rates",
    "European Central Bank: reference rates",
    columns=(
        Header("Date", needed=True),
        Header("USD", needed=True),
        Header("JPY", needed=True),
        Header("GBP", needed=True),
    ),
    made=(Made("currency", ("Date",), word("")), Made("per euro", ("Date",), word(""))),  # filled by `rates_of`
    options={"decimal": "."},
    turned=rates_of,
    parts=(Part(EXCHANGE_RATES, {"date": "Date", "currency": "currency", "per_euro": "per euro"}),),
    help=_("European Central Bank: Euro foreign exchange reference rates, time series, CSV. The zip is read as it is."),
)
FORMATS = (RATES,)
