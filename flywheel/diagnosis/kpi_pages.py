"""What the KPI pages show: the list of all KPIs, and one KPI with its definition, line and tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from engines import weekly
from engines.kpi import KPIS, METHODS, Kpi
from engines.panel import Panel
from engines.results import Estimate, Result
from flywheel.accounts.models import Workspace
from flywheel.accounts.sheets import Cell
from flywheel.accounts.templatetags.formats import number
from flywheel.accounts.words import ENGINES_SHORT, reason_words
from flywheel.diagnosis.engine_pages import TREND_WEEKS, Choice, Loaded, by_channel, change_before, kpi_trend, load
from flywheel.diagnosis.flywheel_page import ENGINES, place_names

TABLES = ("weeks", "markets", "channels")  # those that can be exported


@dataclass(frozen=True)
class Line:
    """One KPI over the period, as the list shows it."""

    key: str
    name: str
    definition: str
    owner: str
    better: str
    result: Result
    change: float | None
    values: list[float | None]


def kpi_list(workspace: Workspace, choice: Choice) -> dict[str, Any]:
    """Every KPI by engine over the chosen weeks."""
    loaded = load(workspace, choice)
    groups = [
        {
            "engine": engine,
            "name": ENGINES_SHORT[engine],
            "rows": [_line(k, loaded) for k in KPIS.values() if k.engine == engine],
        }
        for engine in ENGINES
    ]
    return {"groups": groups}


def _line(entry: Kpi, loaded: Loaded) -> Line:
    language = get_language() or "en"
    span = max(loaded.weeks, entry.window)
    now = weekly.result_at(entry, loaded.panel, loaded.last, loaded.market, span)
    year = range(max(loaded.last - weekly.YEAR + 1, 0), loaded.last + 1)
    line = weekly.series(entry, loaded.panel, year, loaded.market).results()
    return Line(
        entry.key,
        entry.name.get(language),
        entry.definition.get(language),
        entry.owner.get(language),
        entry.direction,
        now,
        change_before(entry, loaded, span, now),
        [r.value if isinstance(r, Estimate) else None for r in line],
    )


def kpi_page(workspace: Workspace, choice: Choice, entry: Kpi) -> dict[str, Any]:
    """One KPI: what it is, its weeks, and the markets and channels behind the period's figure."""
    loaded = load(workspace, choice, channels=True)
    language = get_language() or "en"
    chart = kpi_trend(workspace, entry.key, loaded)
    return {
        "entry": entry,
        "engine": entry.engine,
        "name": entry.name.get(language),
        "definition": entry.definition.get(language),
        "facts": _facts(entry, language),
        "line": _line(entry, loaded),
        "chart": chart and chart | {"downloads": ()},  # the weeks have files in their heading
        "by_market": _places(workspace, entry, loaded, "market"),
        "by_channel": _places(workspace, entry, by_channel(loaded), "channel") if entry.is_by_channel else None,
        "exports": {table: _links(workspace, entry, choice, table) for table in TABLES},
    }


def _facts(entry: Kpi, language: str) -> list[tuple[str, str]]:
    """What is known of the KPI itself, each with its heading."""
    better = _("higher is better") if entry.direction == "up" else _("lower is better")
    return [
        (_("Interval (95 %)"), METHODS[entry.shape].get(language)),
        (_("Least sample"), number(entry.min_n) if entry.min_n else _("none")),
        (_("Weeks in one value"), number(entry.window)),
        (_("Direction"), better),
        (_("Source"), entry.source.get(language)),
        (_("Owner"), entry.owner.get(language)),
    ]


def _places(workspace: Workspace, entry: Kpi, loaded: Loaded, place: str) -> list[dict[str, Any]]:
    """The KPI of each market or channel over the period, the largest sample first, and of all of them before."""
    names = place_names(workspace)[place]
    figures = weekly.by_market(entry, loaded.panel, loaded.last, max(loaded.weeks, entry.window))
    total = len(loaded.panel.markets)
    rows: list[dict[str, Any]] = [
        {"code": code, "name": names.get(code) or code or _("unknown"), "result": figures[at]}
        for at, code in enumerate(loaded.panel.markets)
        if loaded.market in (None, at)
    ]
    rows.sort(key=lambda row: (-_sample(row["result"]), str(row["name"])))
    if loaded.market is None and len(rows) > 1:
        rows.insert(0, {"code": "", "name": _ALL[place](), "result": figures[total]})
    return rows


_ALL = {"market": lambda: _("All markets"), "channel": lambda: _("All channels")}


def _sample(result: Result) -> float:
    return result.n if isinstance(result, Estimate) else -1


def _links(workspace: Workspace, entry: Kpi, choice: Choice, table: str) -> list[tuple[str, str]]:
    """The files of a table: label and address."""
    kinds = ("csv", "xlsx")
    return [
        (k.upper(), reverse("kpi-export", args=[workspace.slug, entry.key, table, k]) + f"?{choice.query}")
        for k in kinds
    ]


# --- exports --------------------------------------------------------------------------------------------------------
Table = tuple[list[str], list[list[Cell]]]


def export(workspace: Workspace, choice: Choice, entry: Kpi, table: str) -> Table:
    """The columns and rows of one of TABLES, all digits, dates and numbers as such."""
    loaded = load(workspace, choice, channels=table == "channels")
    if table == "weeks":
        return _week_rows(entry, loaded)
    if table == "markets":
        return _place_rows(entry, _places(workspace, entry, loaded, "market"), _("Market"))
    rows = _places(workspace, entry, by_channel(loaded), "channel") if entry.is_by_channel else []
    return _place_rows(entry, rows, _("Channel"))


def _week_rows(entry: Kpi, loaded: Loaded) -> Table:
    positions = range(max(loaded.last - max(TREND_WEEKS, loaded.weeks) + 1, 0), loaded.last + 1)
    results = weekly.series(entry, loaded.panel, positions, loaded.market).results()
    rows = [[_day(loaded.panel, at), *_cells(r)] for at, r in zip(positions, results, strict=True)]
    return [_("Week of"), *_headings(entry)], rows


def _day(panel: Panel, at: int) -> date:
    return date.fromisoformat(str(panel.weeks[at]))


def _place_rows(entry: Kpi, rows: Sequence[dict[str, Any]], place: str) -> Table:
    cells: list[list[Cell]] = [[row["code"], str(row["name"]), *_cells(row["result"])] for row in rows]
    return [_("Code"), place, *_headings(entry)], cells


def _headings(entry: Kpi) -> list[str]:
    name = entry.name.get(get_language() or "en")
    return [name, _("Lower bound (95 %)"), _("Upper bound (95 %)"), _("Sample"), _("Why there is none")]


def _cells(result: Result) -> list[Cell]:
    if isinstance(result, Estimate):
        return [result.value, result.low, result.high, result.n, ""]
    return [None, None, None, result.n, reason_words(result)]
