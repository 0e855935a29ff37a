"""Page experience against its limits, what phones convert less, abandonment, and payment methods."""

from collections.abc import Iterable, Mapping
from math import isnan
from typing import Any

import numpy as np
import pandas as pd
from django.utils.translation import gettext as _

from engines import business, conversion, experience, kpi, weekly
from engines.kpi import KPIS, Figures
from engines.results import Result
from flywheel.accounts.models import Workspace
from flywheel.accounts.sheets import Cell
from flywheel.accounts.templatetags.formats import number, week
from flywheel.conversion import figures, journey_page, payments_page
from flywheel.conversion.journeys import MEASURES, journey
from flywheel.conversion.tables import Table
from flywheel.conversion.words import METRICS, RATING_STATES, RATINGS
from flywheel.diagnosis.engine_pages import Choice, Loaded, load
from flywheel.diagnosis.flywheel_page import place_names
from flywheel.measures import raw

LINES = 6  # markets drawn in one chart
LEFT = ("cart_abandonment", "checkout_abandonment")


def context(workspace: Workspace, choice: Choice, query: Mapping[str, str], may_edit: bool) -> dict[str, Any]:
    """Everything of the page."""
    names = place_names(workspace)
    pages = _measured_pages(workspace, choice)
    by_device = journey(workspace, (choice.first, choice.last), choice.where).sums(("market", "device"))
    loaded = load(workspace, choice)
    return {
        "may_edit": may_edit,
        "pages": _page_rows(pages, names),
        "charts": _page_charts(pages, names, choice) if len(pages) else [],
        "gaps": _gap_rows(by_device, names["market"], loaded),
        "left": _abandoned(by_device, names, choice, loaded),
        "limits": experience.LIMITS,
        **payments_page.context(workspace, choice, names["market"], query),
    }


# --- page experience --------------------------------------------------------------------------------------------------
def _measured_pages(workspace: Workspace, choice: Choice) -> pd.DataFrame:
    pages = raw.page_experience(workspace, choice.first, choice.last)
    return pages[pages["market"] == choice.market] if choice.market else pages


def _page_rows(pages: pd.DataFrame, names: Mapping[str, Mapping[str, str]]) -> list[dict[str, Any]]:
    """The newest week of each market and device, each metric with its rating."""
    newest = pages.sort_values("week").groupby(["market", "device"]).tail(1)
    rows = []
    for record in newest.to_dict("records"):
        cells = [_metric(key, record[key]) for key in METRICS]
        rows.append(
            {
                "market": names["market"].get(record["market"]) or record["market"] or _("all markets"),
                "device": names["device"].get(record["device"]) or record["device"] or _("all devices"),
                "week": record["week"].date(),
                "cells": cells,
                "worst": sum(1 for c in cells if c and c["rating"] == "poor"),
            }
        )
    return sorted(rows, key=lambda r: (-r["worst"], r["market"], r["device"]))


def _metric(key: str, value: float) -> dict[str, Any] | None:
    if isnan(value):
        return None
    rating = experience.rating(key, value)
    return {"text": measured(key, value), "value": value, "rating": rating, "label": RATINGS[rating],
            "look": RATING_STATES[rating]}  # fmt: skip


def pages_table(workspace: Workspace, choice: Choice) -> Table:
    """Columns and rows of the file: page experience in the newest week of each market and device."""
    names = [_("LCP (ms)"), _("INP (ms)"), "CLS"]
    columns = [_("Market"), _("Device"), _("Week of"), *(part for n in names for part in (n, _("Rating")))]
    rows: list[list[Cell]] = []
    for row in _page_rows(_measured_pages(workspace, choice), place_names(workspace)):
        cells = [part for c in row["cells"] for part in ((c["value"], str(c["label"])) if c else (None, ""))]
        rows.append([row["market"], row["device"], row["week"], *cells])
    return columns, rows


def measured(key: str, value: float) -> str:
    """A metric's value with its unit."""
    if key == "cls":
        return number(value, 2)
    return _("%(n)s s") % {"n": number(value / 1000, 2)} if key == "lcp_ms" else _("%(n)s ms") % {"n": number(value)}


def _page_charts(pages: pd.DataFrame, names: Mapping[str, Mapping[str, str]], choice: Choice) -> list[dict[str, Any]]:
    """A line per device of the chosen market; without one, the phones of the markets with the longest record."""
    key = "device" if choice.market else "market"
    shown = pages if choice.market else pages[pages["device"] == "mobile"]
    order = shown.groupby(key).size().sort_values(ascending=False).index[:LINES]
    weeks = sorted(shown["week"].dt.strftime("%Y-%m-%d").unique())
    if not weeks:
        return []
    return [_page_chart(metric, shown, key, [str(code) for code in order], weeks, names[key]) for metric in METRICS]


def _page_chart(
    metric: str, shown: pd.DataFrame, key: str, codes: Iterable[str], weeks: list[str], names: Mapping[str, str]
) -> dict[str, Any]:
    good, poor = experience.LIMITS[metric]
    scale = 1000 if metric == "lcp_ms" else 1
    series = [(names.get(c) or c or _("unknown"), _line(shown[shown[key] == c], metric, weeks, scale)) for c in codes]
    limits = [(_("good up to"), good / scale, "@good"), (_("poor above"), poor / scale, "@danger")]
    latest = [v for _name, values in series for v in values[-1:] if v is not None]
    fine = sum(v * scale <= good for v in latest)
    return {
        "id": f"page-{metric.replace('_', '-')}",
        "title": str(METRICS[metric]) + (_(" (seconds)") if metric == "lcp_ms" else ""),
        "summary": _("In the newest week %(fine)s of %(all)s lines are good.") % {"fine": fine, "all": len(latest)},
        "figure": figures.lines(weeks, series, limits),
        "columns": [_("Week"), *(name for name, _values in series)],
        "rows": [
            [week(day), *("" if v[at] is None else number(v[at], 2) for _name, v in series)]
            for at, day in enumerate(weeks)
        ],
    }


def _line(rows: pd.DataFrame, metric: str, weeks: list[str], scale: float) -> list[float | None]:
    known = dict(zip(rows["week"].dt.strftime("%Y-%m-%d"), rows[metric], strict=True))
    values = (known.get(day, float("nan")) for day in weeks)
    return [None if isnan(v) else float(v) / scale for v in values]


# --- devices ----------------------------------------------------------------------------------------------------------
def _gap_rows(rows: list[dict[str, Any]], names: Mapping[str, str], loaded: Loaded) -> list[dict[str, Any]]:
    """Phones beside desktops per market, and in all markets together, the most valuable gap first."""
    figures_, codes = _by_market("mobile_gap", loaded), loaded.panel.markets
    found = [
        {**_gap(rows, code, names.get(code) or code or _("unknown")), "kpi": figures_[at]}
        for at, code in enumerate(codes)
        if loaded.market in (None, at)
    ]
    found = [row for row in found if row["phones"] > 0]
    found.sort(key=lambda r: -getattr(r["money"], "value", float("-inf")))
    whole = {**_gap(rows, None, _("All markets")), "kpi": figures_[len(codes)]}
    return [whole, *found] if len(found) > 1 else found


def _by_market(key: str, loaded: Loaded) -> Figures:
    """A KPI of every market over the chosen weeks, and of all of them, which is last."""
    return weekly.by_market(KPIS[key], loaded.panel, loaded.last, loaded.weeks)


def _gap(rows: list[dict[str, Any]], market: str | None, name: str) -> dict[str, Any]:
    phone, desktop = (_device(rows, market, device) for device in ("mobile", "desktop"))
    gap = experience.mobile_gap((phone["sessions"], phone["payments"]), (desktop["sessions"], desktop["payments"]))
    aov = journey_page.order_value(phone)
    steps = [conversion.funnel(side) for side in (phone, desktop)]
    return {
        "name": name,
        "phones": float(np.nan_to_num(phone["sessions"])),
        "rates": [s[-1].total_rate if s and s[-1].key == "payments" else None for s in steps],
        "gap": gap,
        "money": experience.gap_money(gap, phone["sessions"], aov),
    }


def _device(rows: list[dict[str, Any]], market: str | None, device: str) -> dict[str, float]:
    return _added([r for r in rows if r["device"] == device and market in (None, r["market"])])


def _added(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Sums of rows over what is known."""
    table = {name: np.array([r[name] for r in rows], dtype=np.float64) for name in MEASURES}
    return {n: float(np.nansum(v)) if v.size and (~np.isnan(v)).any() else float("nan") for n, v in table.items()}


def _abandoned(
    rows: list[dict[str, Any]], names: Mapping[str, Mapping[str, str]], choice: Choice, loaded: Loaded
) -> list[dict[str, Any]]:
    """Cart and checkout abandonment per market, or per device of the chosen market, and of all."""
    each, codes = [_by_market(key, loaded) for key in LEFT], loaded.panel.markets
    at_all = len(codes) if loaded.market is None else loaded.market
    found = [_left(_("All"), [figures_[at_all] for figures_ in each])]
    if choice.market:
        devices = sorted({r["device"] for r in rows})
        return found + [_left(names["device"].get(d) or d or _("unknown"), _left_on(rows, d)) for d in devices]
    seen = loaded.panel.window("sessions", loaded.last - loaded.weeks + 1, loaded.last) > 0
    return found + [
        _left(names["market"].get(code) or code or _("unknown"), [figures_[at] for figures_ in each])
        for at, code in enumerate(codes)
        if seen[at]
    ]


def _left(name: str, results: list[Result]) -> dict[str, Any]:
    return {"name": name, "cart": results[0], "checkout": results[1]}


def _left_on(rows: list[dict[str, Any]], device: str) -> list[Result]:
    """Both KPIs of one device."""
    sums = {name: np.array(total) for name, total in _added([r for r in rows if r["device"] == device]).items()}
    return [kpi.compute(KPIS[key], {**sums, **business.abandoned(sums)}) for key in LEFT]
