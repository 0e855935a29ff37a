"""Plotly figures as plain data. They draw numbers that are already computed; colours are the theme's names."""

from collections.abc import Sequence
from itertools import groupby
from math import isnan
from typing import Any

from django.utils.translation import gettext as _

from engines.results import Estimate, Result

Figure = dict[str, Any]


def _clean(values: Sequence[float | None]) -> list[float | None]:
    """Values for JSON: NaN becomes None, which Plotly leaves as a gap."""
    return [None if v is None or isnan(v) else float(v) for v in values]


def funnel_figure(names: Sequence[str], counts: Sequence[float], labels: Sequence[str], tone: str) -> Figure:
    """Horizontal bars, the first stage on top, each with its label."""
    bar = {
        "type": "bar",
        "orientation": "h",
        "y": list(names),
        "x": _clean(counts),
        "text": list(labels),
        "textposition": "auto",
        "hoverinfo": "text+y",
        "marker": {"color": f"@{tone}"},
    }
    layout = {
        "yaxis": {"autorange": "reversed"},
        "xaxis": {"fw_format": "number", "rangemode": "tozero"},
        "showlegend": False,
    }
    return {"data": [bar], "layout": layout}


def band_figure(weeks: Sequence[str], results: Sequence[Result], unit: str, tone: str) -> Figure:
    """A line of results inside their 95 % intervals, in gaps where one is missing. `unit`: percent, number or currency.

    The band is a closed shape for each run of weeks, for Plotly fills between two lines across their gaps. A week alone
    between two gaps has no line to be on: it is a point.
    """
    values = [r.value if isinstance(r, Estimate) else None for r in results]
    known = [value is not None for value in values]
    alone = [here and not any(known[max(at - 1, 0) : at] + known[at + 1 : at + 2]) for at, here in enumerate(known)]
    x, y = _outline(weeks, results)
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines",
                "x": x,
                "y": y,
                "line": {"width": 0},
                "hoverinfo": "skip",
                "fill": "toself",
                "fillcolor": f"@{tone}/0.15",
                "name": _("Interval (95 %)"),
            },
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": list(weeks),
                "y": _clean(values),
                "connectgaps": False,
                "line": {"color": f"@{tone}", "width": 2},
                "marker": {"color": f"@{tone}", "size": [ALONE_SIZE if is_alone else 0 for is_alone in alone]},
                "name": _("Value"),
            },
        ],
        "layout": {"yaxis": {"fw_format": unit}, "xaxis": {"type": "date"}, "showlegend": False},
    }


ALONE_SIZE = 6  # pixels of a point that no line leads to


def _outline(weeks: Sequence[str], results: Sequence[Result]) -> tuple[list[str | None], list[float | None]]:
    """The intervals' outline: for each run of known weeks along the upper ends and back along the lower, then a gap."""
    x: list[str | None] = []
    y: list[float | None] = []
    pairs = zip(weeks, results, strict=True)
    for is_known, group in groupby(pairs, key=lambda pair: isinstance(pair[1], Estimate)):
        if not is_known:
            continue
        run = [(week, *_ends(found)) for week, found in group if isinstance(found, Estimate)]
        corners = [(week, high) for week, _low, high in run] + [(week, low) for week, low, _high in reversed(run)]
        x += [*([None] if x else []), *(week for week, _end in corners)]
        y += [*([None] if y else []), *(end for _week, end in corners)]
    return x, y


def _ends(found: Estimate) -> tuple[float, float]:
    """The ends of an interval; the value itself where there is none."""
    return (
        found.value if found.low is None else found.low,
        found.value if found.high is None else found.high,
    )


def stacked_figure(weeks: Sequence[str], parts: Sequence[tuple[str, Sequence[float]]]) -> Figure:
    """Stacked weekly bars, one colour per part."""
    bars = [{"type": "bar", "name": name, "x": list(weeks), "y": _clean(values)} for name, values in parts]
    return {
        "data": bars,
        "layout": {
            "barmode": "stack",
            "bargap": 0.15,
            "xaxis": {"type": "date"},
            "yaxis": {"fw_format": "number", "rangemode": "tozero"},
        },
    }


def heat_figure(
    rows: Sequence[str],
    columns: Sequence[str],
    rates: Sequence[Sequence[float]],
    texts: Sequence[Sequence[str]],
    tone: str,
) -> Figure:
    """A heat map, first row on top; cells without a value stay empty."""
    heat = {
        "type": "heatmap",
        "y": list(rows),
        "x": list(columns),
        "z": [_clean(r) for r in rates],
        "text": [list(t) for t in texts],
        "texttemplate": "%{text}",
        "textfont": {"size": 11},
        "hoverinfo": "x+y+text",
        "colorscale": [[0, "@surface"], [1, f"@{tone}"]],  # solid: letters are chosen by the cell's own colour
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
    }
    layout = {
        "yaxis": {"autorange": "reversed", "type": "category", "showgrid": False},
        "xaxis": {"type": "category", "side": "top", "showgrid": False, "tickangle": 0},
    }
    return {"data": [heat], "layout": layout}
