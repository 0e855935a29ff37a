"""Customer profiles: the segments, by market and channel, what they are made of, and the customers of one."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from engines import intervals
from engines.profiles import SEGMENTS
from engines.results import Estimate, Result, Unavailable
from flywheel.accounts.models import Workspace
from flywheel.accounts.templatetags.formats import number, percent
from flywheel.conversion import analyses, words
from flywheel.conversion.analyses import Kind
from flywheel.conversion.tables import Table
from flywheel.diagnosis import charts
from flywheel.diagnosis.engine_pages import Choice
from flywheel.diagnosis.flywheel_page import place_names

MIN_CUSTOMERS = 30  # of a segment's mean revenue
SCORES = range(1, 6)


def context(workspace: Workspace, choice: Choice, query: Mapping[str, str], may_export: bool) -> dict[str, Any]:
    """Everything of the page."""
    found = analyses.kept_markets(workspace, Kind.PROFILES, 0).get(analyses.ALL)
    state = analyses.state(workspace, Kind.PROFILES, _of_all(choice))
    channels = place_names(workspace)["channel"]
    channel = query.get("channel", "") if query.get("channel", "") in channels else ""
    base = {"may_export": may_export, "state": state, "channel": channel, "channels": sorted(channels.items()),
            "query": urlencode({k: v for k, v in (("market", choice.market), ("channel", channel)) if v})}  # fmt: skip
    if not found or "missing" in found:
        return {**base, "missing": (found or {}).get("missing")}
    cells = [c for c in found["cells"] if choice.market in ("", c["market"]) and channel in ("", c["channel"])]
    return {
        **base,
        "as_of": state["week"] + timedelta(days=6) if state["week"] else None,
        "segments": _segment_rows(cells),
        "customers": sum(c["customers"] for c in cells),
        "chart": _grid(found["grid"]),
        "ranges": _ranges(found["ranges"]),
        "by": [_matrix(workspace, cells, key) for key in ("market", "channel")],
    }


def _of_all(choice: Choice) -> Choice:
    return Choice(choice.week, 0, "", choice.complete)


def _segment_rows(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every segment: customers, revenue, order value, each with its share."""
    everyone, revenue = sum(c["customers"] for c in cells), sum(c["revenue"] for c in cells)
    rows = []
    for key in SEGMENTS:
        own = {
            n: sum(c[n] for c in cells if c["segment"] == key) for n in ("customers", "orders", "revenue", "squares")
        }
        rows.append(
            {
                "key": key,
                "name": words.SEGMENTS[key],
                "rule": words.RULES[key],
                "advice": words.ADVICE[key],
                **own,
                "share": own["customers"] / everyone if everyone else None,
                "revenue_share": own["revenue"] / revenue if revenue > 0 else None,
                "aov": own["revenue"] / own["orders"] if own["orders"] else None,
                "worth": _worth(own),
            }
        )
    return rows


def _worth(own: Mapping[str, float]) -> Result:
    """Mean revenue of a customer of the segment."""
    n = own["customers"]
    if n < MIN_CUSTOMERS:
        return Unavailable("too_few", n, MIN_CUSTOMERS)
    low, high = intervals.mean(own["revenue"], own["squares"], n)
    return Estimate(own["revenue"] / n, low, high, n, "money_per")


def _grid(cells: list[dict[str, Any]]) -> dict[str, Any]:
    """Customers by recency score and V."""
    held = {(c["r"], c["value"]): c["customers"] for c in cells}
    total = sum(held.values())
    rows = [f"R {r}" for r in reversed(SCORES)]
    columns = [f"V {v}" for v in SCORES]
    table = [[held.get((r, v), 0) / total for v in SCORES] for r in reversed(SCORES)]
    texts = [[percent(share, 0) for share in line] for line in table]
    best = held.get((5, 5), 0) / total
    return {
        "id": "rfm-grid",
        "title": _("Customers by recency (R) and value (V)"),
        "summary": _("%(share)s of the customers have the best score in both.") % {"share": percent(best, 1)},
        "figure": charts.heat_figure(rows, columns, table, texts, "conversion"),
        "columns": ["", *columns],
        "rows": [[name, *line] for name, line in zip(rows, texts, strict=True)],
    }


def _ranges(ranges: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What each score means: the lowest and highest value that has it."""
    titles = {
        "recency": _("R: days since the last order"),
        "frequency": _("F: orders"),
        "money": _("M: revenue"),
    }
    return [
        {"name": title, "cells": [_range(ends, 2 if key == "money" else 0) for ends in ranges[key]]}
        for key, title in titles.items()
    ]


def _range(ends: Any, digits: int) -> str:
    if ends is None:
        return "–"
    low, high = (number(value, digits) for value in ends)
    return low if low == high else _("%(low)s to %(high)s") % {"low": low, "high": high}


def _matrix(workspace: Workspace, cells: list[dict[str, Any]], key: str) -> dict[str, Any]:
    """Customers of every segment by market or channel of their first order, the largest first."""
    names = place_names(workspace)[key]
    counts: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for cell in cells:
        counts[cell[key]][cell["segment"]] += cell["customers"]
    rows = [
        {"name": names.get(code) or code or _("unknown"), "total": sum(own.values()),
         "cells": [own.get(s, 0.0) / sum(own.values()) for s in SEGMENTS]}
        for code, own in counts.items()
    ]  # fmt: skip
    title = _("Segments by market") if key == "market" else _("Segments by channel")
    return {"key": key, "file": f"segments-by-{key}", "title": title, "segments": [words.SEGMENTS[s] for s in SEGMENTS],
            "rows": sorted(rows, key=lambda row: -row["total"])}  # fmt: skip


def table(workspace: Workspace, choice: Choice, query: Mapping[str, str]) -> Table:
    """Columns and rows of the export of the segments."""
    shown = context(workspace, choice, query, may_export=False)
    columns = [_("Segment"), _("Rule"), _("Customers"), _("Share"), _("Orders"), _("Revenue"), _("Share of revenue"),
               _("Order value (AOV)")]  # fmt: skip
    return columns, [
        [
            str(r["name"]),
            str(r["rule"]),
            r["customers"],
            r["share"],
            r["orders"],
            r["revenue"],
            r["revenue_share"],
            r["aov"],
        ]
        for r in shown.get("segments", [])
    ]


def places_table(workspace: Workspace, choice: Choice, query: Mapping[str, str], key: str) -> Table:
    """Columns and rows of the file: the segments by market or channel (`key`) of the first order."""
    shown = context(workspace, choice, query, may_export=False)
    head = {"market": _("Market"), "channel": _("Channel")}[key]
    columns = [head, _("Customers"), *(str(words.SEGMENTS[segment]) for segment in SEGMENTS)]
    rows: list[dict[str, Any]] = next((part["rows"] for part in shown.get("by", []) if part["key"] == key), [])
    return columns, [[row["name"], row["total"], *row["cells"]] for row in rows]
