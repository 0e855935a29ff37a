"""Figures of the conversion engine's pages, as plain data for Plotly."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

Figure = dict[str, Any]
NOW, THEN = "@conversion", "@muted/0.45"


def two_funnels(
    names: Sequence[str], now: Sequence[float | None], then: Sequence[float | None], labels: Sequence[str]
) -> Figure:
    """Horizontal bars of the share of sessions that reach each stage; the other period below, where there is one."""
    bars = [_bar(names, now, _("This period"), NOW, labels)]
    if any(value is not None for value in then):
        bars.append(_bar(names, then, _("Compared with"), THEN))
    layout = {
        "barmode": "group",
        "yaxis": {"autorange": "reversed"},
        "xaxis": {"fw_format": "percent", "rangemode": "tozero"},
        "showlegend": len(bars) > 1,
    }
    return {"data": bars, "layout": layout}


def _bar(
    names: Sequence[str], values: Sequence[float | None], name: str, color: str, labels: Sequence[str] = ()
) -> Figure:
    bar: Figure = {"type": "bar", "orientation": "h", "name": name, "y": list(names), "x": list(values),
                   "marker": {"color": color}}  # fmt: skip
    return bar | {"text": list(labels), "textposition": "auto", "hoverinfo": "text+y"} if labels else bar


def lines(
    weeks: Sequence[str], series: Sequence[tuple[str, Sequence[float | None]]], limits: Sequence[tuple[str, float, str]]
) -> Figure:
    """Weekly lines; `limits`: (name, value, colour) drawn across, dashed."""
    drawn: list[Figure] = [
        {"type": "scatter", "mode": "lines", "name": name, "x": list(weeks), "y": list(values), "line": {"width": 2}}
        for name, values in series
    ]
    across = [
        {"type": "scatter", "mode": "lines", "name": name, "x": [weeks[0], weeks[-1]], "y": [value, value],
         "line": {"color": color, "width": 1.5, "dash": "dash"}, "hoverinfo": "skip"}
        for name, value, color in limits
    ]  # fmt: skip
    return {
        "data": drawn + across,
        "layout": {"xaxis": {"type": "date"}, "yaxis": {"fw_format": "number", "rangemode": "tozero"}},
    }


def histogram(
    edges: Sequence[float], counts: Sequence[float], currency: str, width: float, marks: Sequence[tuple[str, float]]
) -> Figure:
    """Orders by value; `marks`: (name, value) as vertical lines."""
    high = max(counts, default=1.0)
    bars = {
        "type": "bar",
        "name": _("Orders"),
        "x": [edge + width / 2 for edge in edges],
        "y": list(counts),
        "width": width * 0.95,
        "marker": {"color": NOW},
    }
    across = [
        {"type": "scatter", "mode": "lines", "name": name, "x": [value, value], "y": [0, high],
         "line": {"color": "@accent", "width": 2, "dash": "dash"}}
        for name, value in marks
    ]  # fmt: skip
    layout = {
        "xaxis": {"fw_format": currency, "type": "linear"},
        "yaxis": {"fw_format": "number", "rangemode": "tozero"},
        "showlegend": bool(across),
    }
    return {"data": [bars, *across], "layout": layout}
