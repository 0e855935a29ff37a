"""What the page of a scoring model shows, and what is exported of it."""

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.utils.translation import gettext as _

from engines.results import Estimate
from flywheel.accounts.models import Workspace
from flywheel.accounts.sheets import Cell as SheetCell
from flywheel.accounts.templatetags.formats import compact, number, percent
from flywheel.diagnosis.market_names import Names
from flywheel.market import figures, indicators
from flywheel.market.backtest import FIRST_WEEKS, back_test
from flywheel.market.indicators import INDICATORS, Cell
from flywheel.market.models import ScoringModel
from flywheel.market.screening import Row, Screening, first_markets, screen
from flywheel.market.spec import Spec, first_spec

PER_PAGE = 50
CHARTED = 15
KNOWN_WEIGHT = 0.7  # below it a score says that it is of a part only
LARGE = 10_000  # values from here on are shortened


@dataclass(frozen=True)
class Value:
    """One cell of the table of values, in words."""

    text: str
    period: str
    note: int  # the number of its source below the table
    source: str
    is_own: bool
    is_outdated: bool


def spec_of(workspace: Workspace, model: ScoringModel | None) -> Spec:
    """The model's document; without one, what a new model would begin with."""
    return Spec.of(model.document) if model else first_spec(first_markets(workspace))


def context(workspace: Workspace, model: ScoringModel | None, page: str | None) -> dict[str, Any]:
    """Ranking, charts, values with their sources."""
    found = screen(workspace, spec_of(workspace, model))
    names = Names(workspace)
    shown = Paginator(found.rows, PER_PAGE).get_page(page)
    sources = _sources(found)
    return {
        "model": model,
        "spec": found.spec,
        "weights": [(d.label, found.spec.weights[d.key]) for d in found.spec.dimensions],
        "headings": [d.label for d in found.spec.dimensions],
        "indicators": [_heading(i.key) for i in found.spec.indicators],
        "page": shown,
        "rows": [_line(row, found.spec, names, sources) for row in shown],
        "ranked": len(found.ranked),
        "without": len(found.rows) - len(found.ranked),
        "summary": summary(found, names),
        "charts": _charts(found, names),
        "sources": list(sources),
        "missing": _missing(found),
    }


def summary(found: Screening, names: Names) -> str:
    """The lead in one sentence, and whether it would stand with other weights."""
    if not found.ranked:
        return ""
    first = found.ranked[0]
    leaders = [names[row.market] for row in found.ranked if row.rank == 1]
    words = {
        "market": ", ".join(leaders),
        "score": _points(first.score.value if isinstance(first.score, Estimate) else None),
        "share": percent(first.top_share, 0),
        "k": found.spec.top,
    }
    return (
        _("%(market)s leads with %(score)s of 100 points and stays in the top %(k)s under %(share)s of varied weights.")
        % words
    )


def _heading(key: str) -> dict[str, str]:
    known = INDICATORS.get(key)
    return {"label": indicators.label_of(key), "unit": str(known.unit) if known else ""}


def _line(row: Row, spec: Spec, names: Names, sources: dict[str, int]) -> dict[str, Any]:
    return {
        "row": row,
        "name": names[row.market],
        "parts": [_points(part) for part in row.parts],
        "is_partial": bool(row.rank) and row.coverage < KNOWN_WEIGHT,
        "points": _points(row.score.value) if isinstance(row.score, Estimate) else "",
        "topsis": number(row.topsis, 2) if row.topsis is not None else "",
        "values": [_value(i.key, cell, sources) for i, cell in zip(spec.indicators, row.cells, strict=True)],
    }


def _value(key: str, cell: Cell | None, sources: dict[str, int]) -> Value | None:
    if cell is None:
        return None
    return Value(shown(key, cell.value), cell.period, sources[cell.source], cell.source, cell.is_own, cell.is_outdated)


def shown(key: str, value: float) -> str:
    """A value as people read it."""
    known = INDICATORS.get(key)
    if known and known.is_rate:
        return percent(value, 1)
    return compact(value) if abs(value) >= LARGE else number(value, 0 if value == int(value) else 2)


def _points(part: float | None) -> str:
    return "" if part is None else number(100 * part, 1)


def _sources(found: Screening) -> dict[str, int]:
    """Source -> its number, in the order in which they come."""
    listed = dict.fromkeys(cell.source for row in found.rows for cell in row.cells if cell)
    return {source: at for at, source in enumerate(listed, 1)}


def _missing(found: Screening) -> list[str]:
    """Dimensions of which nothing is known of any market: they ask for values of your own."""
    return [
        d.label
        for at, d in enumerate(found.spec.dimensions)
        if found.rows and all(row.parts[at] is None for row in found.rows)
    ]


def _charts(found: Screening, names: Names) -> list[dict[str, Any]]:
    top = found.ranked[:CHARTED]
    if not top:
        return []
    labels = [names[row.market] for row in top]
    return [_parts_chart(found, top, labels), _ranks_chart(found, top, labels)]


def _parts_chart(found: Screening, top: tuple[Row, ...], labels: list[str]) -> dict[str, Any]:
    """What each dimension adds to the score."""
    parts, columns = [], [d.label for d in found.spec.dimensions]
    for at, dimension in enumerate(found.spec.dimensions):
        weight = found.spec.weights[dimension.key]
        parts.append((dimension.label, [100 * weight * (row.parts[at] or 0.0) / row.coverage for row in top]))
    rows = [
        [
            label,
            *(
                number(values[line], 1) if top[line].parts[at] is not None else "–"
                for at, (_n, values) in enumerate(parts)
            ),
        ]
        for line, label in enumerate(labels)
    ]
    return {
        "id": "score-parts",
        "title": _("What the score is made of"),
        "summary": _(
            "Points of 100 that each dimension adds, by its weight. Without a value it adds nothing and its weight "
            "goes to the others."
        ),
        "figure": figures.parts_figure(labels, [(n, v) for n, v in parts if any(v)]),
        "columns": [_("Market"), *columns],
        "rows": rows,
        "height": "tall",
    }


def _ranks_chart(found: Screening, top: tuple[Row, ...], labels: list[str]) -> dict[str, Any]:
    """How far ranks move when weights are varied."""
    lows, highs = [row.rank_low for row in top], [row.rank_high for row in top]
    return {
        "id": "rank-stability",
        "title": _("How stable the ranks are"),
        "summary": _(
            "The rank, and the ranks between which nine of ten sets of weights put the market when each weight is "
            "varied by about a third."
        ),
        "figure": figures.ranks_figure(labels, [row.rank for row in top], lows, highs),
        "columns": [
            _("Market"),
            _("Rank"),
            _("Rank from"),
            _("Rank to"),
            _("In the top %(k)s") % {"k": found.spec.top},
        ],
        "rows": [
            [label, str(row.rank), str(row.rank_low), str(row.rank_high), percent(row.top_share, 0)]
            for label, row in zip(labels, top, strict=True)
        ],
        "height": "tall",
    }


def back_test_context(workspace: Workspace, model: ScoringModel | None) -> dict[str, Any]:
    """What became of the markets that were entered, beside the score of that time; nothing without orders."""
    found = back_test(workspace, spec_of(workspace, model))
    if found is None:
        return {}
    names = Names(workspace)
    return {
        "back_test": found,
        "back_test_rows": [{"row": row, "name": names[row.market]} for row in found.rows],
        "back_test_weeks": FIRST_WEEKS,
    }


# --- export -----------------------------------------------------------------------------------------------------------
def table(workspace: Workspace, model: ScoringModel | None) -> tuple[list[str], list[list[SheetCell]]]:
    """Header and a row per market: scores, ranks, and of each indicator value, year and source."""
    found = screen(workspace, spec_of(workspace, model))
    names = Names(workspace)
    columns = [_("Market"), _("Code"), _("Rank"), _("Score"), _("TOPSIS"), _("TOPSIS rank"), _("Known weight")]
    columns += [_("In the top %(k)s") % {"k": found.spec.top}, _("Rank from"), _("Rank to")]
    columns += [d.label for d in found.spec.dimensions]
    for indicator in found.spec.indicators:
        label = indicators.label_of(indicator.key)
        columns += [label, _("%(name)s: period") % {"name": label}, _("%(name)s: source") % {"name": label}]
    return columns, [_exported(row, names) for row in found.rows]


def _exported(row: Row, names: Names) -> list[SheetCell]:
    score = row.score.value if isinstance(row.score, Estimate) else None
    cells: list[SheetCell] = [names[row.market], row.market, row.rank or None, score, row.topsis]
    cells += [row.topsis_rank or None, row.coverage, row.top_share, row.rank_low or None, row.rank_high or None]
    cells += list(row.parts)
    for cell in row.cells:
        cells += [cell.value, cell.period, cell.source] if cell else [None, None, None]
    return cells
