"""The overview of the after-sales engine: who comes again, and promises kept."""

from typing import Any

import pandas as pd
from django.utils.translation import gettext as _

from flywheel.accounts.models import Workspace
from flywheel.aftersales import repurchase
from flywheel.aftersales.asking import Ask
from flywheel.diagnosis.engine_pages import Choice, kpi_cards, kpi_trend
from flywheel.diagnosis.flywheel_page import place_names
from flywheel.measures import frames


def overview(workspace: Workspace, choice: Choice) -> dict[str, Any]:
    """Retention by cohort, promises kept, reviews and refunds."""
    ask = Ask(workspace, choice, {})
    drawn = (
        repurchase.cohort_chart(workspace, ask.cohorts) if ask.cohorts else None,
        kpi_trend(workspace, "repeat_rate_90", ask.loaded),
        kpi_trend(workspace, "on_time", ask.loaded),
    )
    return {
        "cards": kpi_cards(workspace, "aftersales", ask.loaded),
        "charts": [chart for chart in drawn if chart],
        "deliveries": _deliveries(workspace, choice),
    }


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
