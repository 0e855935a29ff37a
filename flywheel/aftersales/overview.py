"""The overview of the after-sales engine: who comes again, and promises kept."""

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
from django.utils.translation import gettext as _

from engines import cohorts
from flywheel.accounts.models import Workspace
from flywheel.accounts.templatetags.formats import number, percent
from flywheel.diagnosis import charts
from flywheel.diagnosis.engine_pages import (
    COHORT_MONTHS,
    Choice,
    kpi_cards,
    kpi_trend,
    load,
)
from flywheel.diagnosis.flywheel_page import place_names
from flywheel.measures import frames


def overview(workspace: Workspace, choice: Choice) -> dict[str, Any]:
    """Retention by cohort, promises kept, reviews and refunds."""
    loaded = load(workspace, choice)
    return {
        "cards": kpi_cards(workspace, "aftersales", loaded),
        "charts": [
            chart
            for chart in (
                _retention_chart(workspace, choice),
                kpi_trend(workspace, "repeat_rate_90", loaded),
                kpi_trend(workspace, "on_time", loaded),
            )
            if chart
        ],
        "deliveries": _deliveries(workspace, choice),
    }


def _retention_chart(workspace: Workspace, choice: Choice) -> dict[str, Any] | None:
    """Share of each month's new customers who ordered again, month by month."""
    frame = frames.cohort_months(workspace, ("cohort", "month"), where=choice.where)
    if frame.empty:
        return None
    as_of = np.datetime64(choice.week + timedelta(days=6), "D")
    table = cohorts.retention(frame.loc[frame["month"].to_numpy() <= as_of], as_of)
    shown = range(max(len(table.cohorts) - COHORT_MONTHS, 0), len(table.cohorts))
    ages = range(1, table.rate.shape[1])
    labels = [
        _("%(month)s · %(n)s customers") % {"month": table.cohorts[c][:7], "n": number(table.sizes[c])} for c in shown
    ]
    texts = [[_cell(table, c, a) for a in ages] for c in shown]
    overall = table.overall[1] if table.overall.size > 1 else float("nan")
    return {
        "id": "retention",
        "title": _("Customers who order again, by month of first order"),
        "summary": _("%(share)s of customers order again in the month after their first order. * month not over yet")
        % {"share": percent(float(overall), 1)},
        "figure": charts.heat_figure(
            labels, [f"+{a}" for a in ages], [[table.rate[c, a] for a in ages] for c in shown], texts, "aftersales"
        ),
        "height": "tall",
        "wide": True,
        "columns": [_("First order in"), *(_("Month +%(n)s") % {"n": a} for a in ages)],
        "rows": [[label, *row] for label, row in zip(labels, texts, strict=True)],
    }


def _cell(table: cohorts.Retention, cohort: int, age: int) -> str:
    if np.isnan(table.rate[cohort, age]):
        return ""
    return percent(float(table.rate[cohort, age]), 1) + ("" if table.mature[cohort, age] else "*")


def _deliveries(workspace: Workspace, choice: Choice) -> list[dict[str, Any]]:
    """Deliveries and promises per market, both ways of counting late, and the total first."""
    names = place_names(workspace)["market"]
    frame = frames.aftersales(workspace, ("market",), choice.first, choice.last, choice.where)
    frame = frame.loc[frame["deliveries"] > 0].sort_values("deliveries", ascending=False)
    rows = [_delivery_row(names.get(r["market"]) or r["market"] or _("unknown"), r) for _i, r in frame.iterrows()]
    if len(rows) > 1:
        rows.insert(0, _delivery_row(_("All markets"), frame.drop(columns="market").sum(min_count=1)))
    return rows


def _delivery_row(name: str, sums: "pd.Series[float]") -> dict[str, Any]:
    promised = sums["promised_deliveries"]
    return {
        "name": name,
        "deliveries": sums["deliveries"],
        "days": sums["delivery_days"] / sums["deliveries"],
        "promised": promised,
        "late_by_time": sums["late_by_time"],
        "late_by_date": sums["late_by_date"],
        "share_by_time": sums["late_by_time"] / promised if promised else None,
        "share_by_date": sums["late_by_date"] / promised if promised else None,
    }
