"""Plotly figures of the market room, as plain data: they draw numbers that are already computed."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext as _

from engines.results import Estimate

Figure = dict[str, Any]
Parts = Sequence[tuple[str, Sequence[float | None]]]


def parts_figure(names: Sequence[str], parts: Parts) -> Figure:
    """Bars made of parts, the first name on top."""
    bars = [
        {"type": "bar", "orientation": "h", "name": name, "y": list(names), "x": list(values)} for name, values in parts
    ]
    layout = {
        "barmode": "stack",
        "bargap": 0.3,
        "yaxis": {"autorange": "reversed", "type": "category"},
        "xaxis": {"fw_format": "number", "rangemode": "tozero"},
    }
    return {"data": bars, "layout": layout}


def ranks_figure(names: Sequence[str], ranks: Sequence[int], lows: Sequence[int], highs: Sequence[int]) -> Figure:
    """Each market's rank as a dot in the range of ranks that other weights give it."""
    dots = {
        "type": "scatter",
        "mode": "markers",
        "y": list(names),
        "x": list(ranks),
        "marker": {"color": "@market", "size": 9},
        "error_x": _whiskers(ranks, lows, highs),
    }
    layout = {
        "yaxis": {"autorange": "reversed", "type": "category"},
        "xaxis": {"title": {"text": _("Rank")}, "rangemode": "tozero"},
        "showlegend": False,
    }
    return {"data": [dots], "layout": layout}


def map_figure(
    x_edges: Sequence[float],
    y_edges: Sequence[float],
    gaps: Sequence[Sequence[float]],
    groups: Sequence[tuple[str, str, Sequence[tuple[str, float, float]]]],
    titles: tuple[str, str],
) -> Figure:
    """Cells shaded by how much demand is beyond supply, and groups of offers (name, colour, points) on top."""
    heat = {
        "type": "heatmap",
        "x": _middles(x_edges),
        "y": _middles(y_edges),
        "z": [[max(gap, 0.0) for gap in row] for row in gaps],
        "colorscale": [[0, "@accent/0"], [1, "@accent/0.55"]],
        "xgap": 1,  # without gaps Plotly draws by an inline style, which the content policy refuses
        "ygap": 1,
        "showscale": False,
        "hoverinfo": "skip",
    }
    points = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": name,
            "x": [x for _label, x, _y in own],
            "y": [y for _label, _x, y in own],
            "text": [label for label, _x, _y in own],
            "hoverinfo": "text",
            "marker": {"color": f"@{tone}", "size": 11, "symbol": "diamond" if tone == "danger" else "circle"},
        }
        for name, tone, own in groups
    ]
    layout = {
        "xaxis": {"title": {"text": titles[0]}, "range": [x_edges[0], x_edges[-1]], "showgrid": False},
        "yaxis": {"title": {"text": titles[1]}, "range": [y_edges[0], y_edges[-1]], "showgrid": False},
    }
    return {"data": [heat, *points], "layout": layout}


def _middles(edges: Sequence[float]) -> list[float]:
    return [(low + high) / 2 for low, high in pairwise(edges)]


def intervals_figure(names: Sequence[str], results: Sequence[Estimate]) -> Figure:
    """A dot per name with its interval."""
    values, lows, highs = zip(*((r.value, r.low or 0.0, r.high or 0.0) for r in results), strict=True)
    dots = {
        "type": "scatter",
        "mode": "markers",
        "y": list(names),
        "x": list(values),
        "marker": {"color": "@market", "size": 9},
        "error_x": _whiskers(values, lows, highs),
    }
    layout = {"yaxis": {"autorange": "reversed", "type": "category"}, "xaxis": {"zeroline": True}, "showlegend": False}
    return {"data": [dots], "layout": layout}


def _whiskers(values: Sequence[float], lows: Sequence[float], highs: Sequence[float]) -> Figure:
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - value for value, high in zip(values, highs, strict=True)],
        "arrayminus": [value - low for value, low in zip(values, lows, strict=True)],
        "color": "@muted",
        "thickness": 2,
        "width": 5,
    }
