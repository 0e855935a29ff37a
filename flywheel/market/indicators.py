"""What is known of economies: the bundled table with its sources, and the workspace's own values beside it.

The table is made by tools/country_table.py; docs/decisions/0020 says where it comes from and under which licence.
"""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from flywheel.accounts.models import Workspace
from flywheel.facts.models import MarketIndicator
from flywheel.market.models import OwnValue

TABLE = Path(__file__).parent / "data" / "countries.csv"
YEAR = re.compile(r"(?:19|20)\d\d")
OWN_YEARS = 2  # after which a value of your own is marked as outdated


@dataclass(frozen=True)
class Indicator:
    """What an indicator is, its unit, the bounds that a new model begins with, and when it is outdated.

    `is_bundled`: the table has values of it; else it is one that the seven dimensions ask you for.
    """

    label: str | Promise
    unit: str | Promise
    low: float
    high: float
    is_cost: bool = False
    is_log: bool = False
    max_age_years: int = OWN_YEARS
    is_bundled: bool = True
    is_rate: bool = False


_SCALE = _("1 to 5")
_POINTS = _("0 to 10")
LPI_YEARS = 4  # an edition comes every two to five years
WDI_YEARS = 3

INDICATORS: dict[str, Indicator] = {
    "gdp": Indicator(_("Gross domestic product"), _("US dollars"), 1e9, 3e13, is_log=True, max_age_years=WDI_YEARS),
    "gdp_per_head": Indicator(_("GDP per head"), _("US dollars"), 1e3, 1e5, is_log=True, max_age_years=WDI_YEARS),
    "population": Indicator(_("Population"), _("inhabitants"), 1e5, 1.5e9, is_log=True, max_age_years=WDI_YEARS),
    "gdp_growth": Indicator(
        _("GDP growth, mean of 5 years"), _("a year, in US dollars"), -0.02, 0.12, max_age_years=WDI_YEARS, is_rate=True
    ),
    "lpi": Indicator(_("Logistics performance (LPI)"), _SCALE, 1, 5, max_age_years=LPI_YEARS),
    "lpi_customs": Indicator(_("LPI: customs"), _SCALE, 1, 5, max_age_years=LPI_YEARS),
    "lpi_infrastructure": Indicator(_("LPI: infrastructure"), _SCALE, 1, 5, max_age_years=LPI_YEARS),
    "lpi_shipments": Indicator(_("LPI: international shipments"), _SCALE, 1, 5, max_age_years=LPI_YEARS),
    "lpi_competence": Indicator(_("LPI: logistics competence"), _SCALE, 1, 5, max_age_years=LPI_YEARS),
    "lpi_tracking": Indicator(_("LPI: tracking and tracing"), _SCALE, 1, 5, max_age_years=LPI_YEARS),
    "lpi_timeliness": Indicator(_("LPI: timeliness"), _SCALE, 1, 5, max_age_years=LPI_YEARS),
    "competition_density": Indicator(
        _("Competition density, your assessment"), _POINTS, 0, 10, is_cost=True, is_bundled=False
    ),
    "platform_ecosystem": Indicator(_("Platform ecosystem, your assessment"), _POINTS, 0, 10, is_bundled=False),
    "payment_maturity": Indicator(_("Payment maturity, your assessment"), _POINTS, 0, 10, is_bundled=False),
    "policy_risk": Indicator(_("Policy risk, your assessment"), _POINTS, 0, 10, is_cost=True, is_bundled=False),
}


@dataclass(frozen=True)
class Cell:
    """One value of one market, with its year or period and where it is from."""

    value: float
    period: str
    year: int | None
    source: str
    is_own: bool
    is_outdated: bool


@dataclass(frozen=True)
class _Value:
    year: int
    value: float
    source: str


Key = tuple[str, str]  # market, indicator


@lru_cache(maxsize=1)
def _bundled() -> dict[Key, list[_Value]]:
    """Values by market and indicator, the oldest first."""
    found: dict[Key, list[_Value]] = {}
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            value = _Value(int(row["period"]), float(row["value"]), f"{row['source']} ({row['licence']})")
            found.setdefault((row["iso2"], row["indicator"]), []).append(value)
    return {key: sorted(values, key=lambda v: v.year) for key, values in found.items()}


@lru_cache(maxsize=1)
def economies() -> frozenset[str]:
    """The two letters of every economy in the table."""
    return frozenset(market for market, _indicator in _bundled())


def label_of(key: str) -> str:
    """An indicator's name: translated where it is one of ours, else as the workspace writes it."""
    return str(INDICATORS[key].label) if key in INDICATORS else key


def keys_by_label() -> dict[str, str]:
    """Label of one of ours in any of our languages, in small letters -> its key: a team may write in two."""
    found: dict[str, str] = {}
    for language, _name in settings.LANGUAGES:
        with override(language):
            found |= {label_of(key).casefold(): key for key in INDICATORS}
    return found


def own_keys(workspace: Workspace) -> list[str]:
    """The indicators that the workspace has values of its own for, as it writes them."""
    loaded = MarketIndicator.objects.filter(workspace=workspace).values_list("indicator", flat=True)
    entered = OwnValue.objects.filter(workspace=workspace).values_list("indicator", flat=True)
    return sorted({*loaded.distinct(), *entered.distinct()})


def names(workspace: Workspace) -> list[str]:
    """What an indicator can be called: those of ours, and those that the workspace has values of."""
    return sorted({*map(label_of, INDICATORS), *map(label_of, own_keys(workspace))})


def cells(
    workspace: Workspace, markets: Iterable[str], own_first: Mapping[str, bool], now: int, as_of: int | None = None
) -> dict[Key, Cell]:
    """The newest value of each market and indicator (`own_first`: indicator -> whether an own value goes before ours).

    `now` is the year by which values are outdated; with `as_of` only values of that year and before are looked at.
    """
    codes = list(markets)
    own = _own(workspace, codes, list(own_first), as_of)
    found: dict[Key, Cell] = {}
    for market in codes:
        for key, prefers_own in own_first.items():
            ours, theirs = _ours(market, key, now, as_of), own.get((market, key))
            picked = (theirs or ours) if prefers_own else (ours or theirs)
            if picked:
                found[market, key] = _aged(key, picked, now)
    return found


def _ours(market: str, key: str, now: int, as_of: int | None) -> Cell | None:
    known = [v for v in _bundled().get((market, key), ()) if as_of is None or v.year <= as_of]
    return Cell(known[-1].value, str(known[-1].year), known[-1].year, known[-1].source, False, False) if known else None


def _own(workspace: Workspace, markets: list[str], keys: list[str], as_of: int | None) -> dict[Key, Cell]:
    """The workspace's newest own values; of one period the one that was entered, else the one that came last."""
    asked = {"workspace": workspace, "market__in": markets, "indicator__in": keys}
    loaded = MarketIndicator.objects.filter(**asked).select_related("source").order_by("pk")
    rows: list[tuple[MarketIndicator | OwnValue, str]] = [(row, row.origin or row.source.name) for row in loaded]
    rows += [(row, row.origin) for row in OwnValue.objects.filter(**asked)]
    found: dict[Key, Cell] = {}
    for row, source in sorted(rows, key=lambda pair: pair[0].period):
        year = int(match[0]) if (match := YEAR.search(row.period)) else None
        if as_of is None or (year is not None and year <= as_of):
            found[row.market, row.indicator] = Cell(float(row.value), row.period, year, source, True, False)
    return found


def _aged(key: str, cell: Cell, now: int) -> Cell:
    longest = INDICATORS[key].max_age_years if key in INDICATORS and not cell.is_own else OWN_YEARS
    is_outdated = cell.year is not None and now - cell.year > longest
    return Cell(cell.value, cell.period, cell.year, cell.source, cell.is_own, is_outdated)
