"""Order value: its figures, its spread against free-shipping thresholds, and what is bought together."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from engines import baskets
from engines.baskets import Histogram
from flywheel.accounts.models import Workspace
from flywheel.accounts.templatetags.formats import money, number, percent
from flywheel.conversion import analyses, figures
from flywheel.conversion.analyses import Kind
from flywheel.conversion.models import FreeShipping
from flywheel.diagnosis.engine_pages import Choice
from flywheel.diagnosis.flywheel_page import place_names

FIGURES = ("aov", "first_aov", "units_per_order", "attach_rate", "discount_rate")
MOVED = (0.1, 0.2, 0.3, 0.5)  # assumptions to choose from: of those near a threshold, who would reach it
DEFAULT_MOVED = 0.2
ITEMS = ("sku", "category")
BARS = 40  # of the chart; the histogram itself is finer


def context(workspace: Workspace, choice: Choice, query: Mapping[str, str], may_edit: bool) -> dict[str, Any]:
    """Everything of the page."""
    state = analyses.state(workspace, Kind.VALUES, choice)
    pairs = analyses.state(workspace, Kind.BASKETS, choice)
    item = query.get("item", "") if query.get("item") in ITEMS else "sku"
    moved = moved_share(query.get("moved", ""))
    values = analyses.kept_markets(workspace, Kind.VALUES, choice.weeks)
    own = thresholds(workspace)
    return {
        "may_edit": may_edit,
        "state": state,
        "figures": [{"name": str(name), "result": state["result"].get(key)} for key, name in names().items()],
        "figure_names": list(names().values()),
        "markets": _market_rows(workspace, choice, values),
        "chart": _chart(state["result"], own.get(choice.market)) if state["result"] else None,
        "moved": moved,
        "moves": MOVED,
        "thresholds": _threshold_rows(workspace, choice, values, own, moved),
        "candidates": _candidate_rows(state["result"], own.get(choice.market), moved) if choice.market else [],
        "currency": state["result"].get("currency", workspace.base_currency),
        "near": baskets.NEAR,
        "item": item,
        "pairs_state": pairs,
        "pairs": _pairs(pairs["result"], item),
    }


def names() -> dict[str, str]:
    """The figures' names."""
    return {
        "aov": _("Order value (AOV)"),
        "first_aov": _("First order's value"),
        "units_per_order": _("Units per order"),
        "attach_rate": _("Attach rate"),
        "discount_rate": _("Discount rate"),
    }


def moved_share(text: str) -> float:
    """The assumption in the address; the default where it is none of MOVED."""
    return next((share for share in MOVED if str(share) == text), DEFAULT_MOVED)


def thresholds(workspace: Workspace) -> dict[str, FreeShipping]:
    """Market -> its threshold."""
    return {row.market: row for row in FreeShipping.objects.filter(workspace=workspace)}


def _market_rows(workspace: Workspace, choice: Choice, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    markets = place_names(workspace)["market"]
    codes = [code for code in values if code and choice.market in ("", code) and values[code]]
    rows = [{"code": c, "name": markets.get(c, c), "orders": values[c]["orders"],
             "cells": [values[c].get(key) for key in FIGURES]} for c in codes]  # fmt: skip
    return sorted(rows, key=lambda row: -row["orders"])


# --- the spread of order values ---------------------------------------------------------------------------------------
def _chart(result: Mapping[str, Any], own: FreeShipping | None) -> dict[str, Any] | None:
    spread = histogram(result)
    if spread.orders <= 0:
        return None
    currency, width = result["currency"], spread.width * max(len(_shown(spread)) // BARS, 1)
    edges, counts = _coarse(spread, width)
    marks = (
        [(_("Free shipping from %(amount)s") % {"amount": money(float(own.amount), currency)}, float(own.amount))]
        if own
        else []
    )
    middle = spread.quantile(0.5)
    return {
        "id": "order-values",
        "title": _("Orders by value"),
        "summary": _("Half of the orders are below %(value)s.") % {"value": money(middle, currency)},
        "figure": figures.histogram(edges, counts, currency, width, marks),
        "columns": [_("Order value"), _("Orders"), _("Share")],
        "rows": [
            [
                f"{money(edge, currency)} – {money(edge + width, currency)}",
                number(count),
                percent(count / spread.orders, 1),
            ]
            for edge, count in zip(edges, counts, strict=True)
        ],
    }


def histogram(result: Mapping[str, Any]) -> Histogram:
    """The kept histogram."""
    kept = result["histogram"]
    return Histogram(kept["width"], tuple(kept["counts"]), tuple(kept["sums"]), tuple(kept["shipping"]))


def _shown(spread: Histogram) -> tuple[float, ...]:
    """The bins up to the 99th percentile."""
    return spread.counts[: int(spread.quantile(0.99) / spread.width) + 1]


def _coarse(spread: Histogram, width: float) -> tuple[list[float], list[float]]:
    step, cells = round(width / spread.width), _shown(spread)
    edges = [at * spread.width for at in range(0, len(cells), step)]
    return edges, [sum(cells[at : at + step]) for at in range(0, len(cells), step)]


# --- thresholds -------------------------------------------------------------------------------------------------------
def _threshold_rows(
    workspace: Workspace, choice: Choice, values: Mapping[str, Any], own: Mapping[str, FreeShipping], moved: float
) -> list[dict[str, Any]]:
    """Every market's threshold against its orders; markets without one too, so that one can be entered."""
    markets = place_names(workspace)["market"]
    rows = []
    for code in sorted({*(c for c in values if c), *own}):
        if choice.market not in ("", code):
            continue
        kept, entry = values.get(code) or {}, own.get(code)
        found = baskets.threshold(histogram(kept), float(entry.amount), moved) if entry and kept else None
        told = {"currency": kept.get("currency", ""), "knows_shipping": kept.get("knows_shipping", False)}
        rows.append({"code": code, "name": markets.get(code, code), "entry": entry, "found": found, **told})
    return rows


def _candidate_rows(result: Mapping[str, Any], own: FreeShipping | None, moved: float) -> list[dict[str, Any]]:
    """Round thresholds of the chosen market, and its own."""
    if not result:
        return []
    spread = histogram(result)
    amounts = sorted({*baskets.candidates(spread), *([float(own.amount)] if own else [])})
    return [
        {"found": baskets.threshold(spread, amount, moved), "is_own": own is not None and amount == float(own.amount)}
        for amount in amounts
    ]


# --- bought together --------------------------------------------------------------------------------------------------
def _pairs(result: Mapping[str, Any], item: str) -> dict[str, Any]:
    """The kept pairs of products or categories, or why there are none."""
    found = result.get(item)
    if isinstance(found, dict):
        return {"missing": found, "rows": []}
    titles = result.get("names", {})
    rows = [{**pair, "first_name": titles.get(pair["first"], ""), "second_name": titles.get(pair["second"], "")}
            for pair in found or []]  # fmt: skip
    return {"missing": None, "rows": rows}


def pairs_table(workspace: Workspace, choice: Choice, query: Mapping[str, str]) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows of the export of pairs."""
    item = query.get("item", "") if query.get("item") in ITEMS else "sku"
    rows = _pairs(analyses.state(workspace, Kind.BASKETS, choice)["result"], item)["rows"]
    columns = [_("First"), _("Name"), _("Second"), _("Name"), _("Orders with both"), _("Share of orders"),
               _("Second, where first"), _("First, where second"), _("Lift"), _("Lift, lower limit"),
               _("Lift, upper limit"), "p"]  # fmt: skip
    return columns, [
        [r["first"], r["first_name"], r["second"], r["second_name"], r["together"], r["support"],
         r["to_second"]["value"], r["to_first"]["value"], r["lift"]["value"], r["lift"]["low"], r["lift"]["high"],
         r["p_value"]]
        for r in rows
    ]  # fmt: skip


def values_table(workspace: Workspace, choice: Choice) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows of the export of figures by market."""
    values = analyses.kept_markets(workspace, Kind.VALUES, choice.weeks)
    rows = [
        [row["name"], row["orders"], *(part for cell in row["cells"] for part in _limits(cell))]
        for row in _market_rows(workspace, choice, values)
    ]
    low, high = _("lower limit"), _("upper limit")
    heads = [head for name in names().values() for head in (name, f"{name}, {low}", f"{name}, {high}")]
    return [_("Market"), _("Counted orders"), *heads], rows


def _limits(cell: Mapping[str, Any] | None) -> list[float | None]:
    return [(cell or {}).get(key) for key in ("value", "low", "high")]
