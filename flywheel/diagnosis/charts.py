"""Plotly figures as plain data. They draw numbers that are already computed; colours are the theme's names."""

from collections.abc import Sequence
from math import isnan
from typing import Any

from django.utils.translation import gettext as _

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


def band_figure(
    weeks: Sequence[str], values: Sequence[float], lows: Sequence[float], highs: Sequence[float], unit: str, tone: str
) -> Figure:
    """A weekly line inside its 95 % interval; gaps where a week is unknown. `unit`: percent, number or a currency."""
    edge = {"type": "scatter", "mode": "lines", "x": list(weeks), "line": {"width": 0}, "hoverinfo": "skip"}
    return {
        "data": [
            edge | {"y": _clean(highs), "showlegend": False},
            edge | {"y": _clean(lows), "fill": "tonexty", "fillcolor": f"@{tone}/0.15", "name": _("Interval (95 %)")},
            {
                "type": "scatter",
                "mode": "lines",
                "x": list(weeks),
                "y": _clean(values),
                "line": {"color": f"@{tone}", "width": 2},
                "name": _("Value"),
            },
        ],
        "layout": {"yaxis": {"fw_format": unit}, "xaxis": {"type": "date"}, "showlegend": False},
    }


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
