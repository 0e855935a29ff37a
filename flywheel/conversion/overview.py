"""The overview of the conversion engine: the journey, where it loses, and which orders count."""

from typing import Any

from django.utils.translation import gettext as _

from engines import conversion
from engines.results import Estimate
from flywheel.accounts.models import Workspace
from flywheel.accounts.templatetags.formats import number, percent, reading
from flywheel.conversion.journey_page import worst_words
from flywheel.conversion.journeys import Journey, journey
from flywheel.diagnosis import charts, words
from flywheel.diagnosis.engine_pages import (
    Choice,
    by_market,
    kpi_cards,
    kpi_trend,
    load,
)
from flywheel.facts.models import OrderState
from flywheel.measures import frames


def overview(workspace: Workspace, choice: Choice) -> dict[str, Any]:
    """The journey, where it loses, and which orders count."""
    loaded, told = load(workspace, choice), journey(workspace, (choice.first, choice.last), choice.where)
    first, last, where = choice.first, choice.last, choice.where
    payments = frames.payments(workspace, ("method",), first, last, where)
    return {
        "cards": kpi_cards(workspace, "conversion", loaded),
        "charts": [c for c in (_funnel_chart(told), kpi_trend(workspace, "cvr", loaded)) if c],
        "devices": _devices(told),
        "by_market": by_market(workspace, loaded, ("cvr", "payment_rate", "aov"), ("orders", "sessions")),
        "statuses": _statuses(workspace, choice),
        "payments": payments.sort_values("payments", ascending=False).to_dict("records"),
        "payments_total": {k: float(payments[k].sum()) for k in ("payments", "amount_base")},
    }


def _funnel_chart(told: Journey) -> dict[str, Any] | None:
    steps = conversion.funnel(told.sums()[0])
    if not steps:
        return None
    names = [str(words.STAGES[s.key]) for s in steps]
    texts = [
        f"{number(s.count)} · {percent(s.total_rate.value, 1)}"
        if isinstance(s.total_rate, Estimate)
        else number(s.count)
        for s in steps
    ]
    return {
        "id": "funnel",
        "title": _("From session to payment"),
        "summary": worst_words(steps),
        "figure": charts.funnel_figure(names, [s.count for s in steps], texts, "conversion"),
        "columns": [
            _("Stage"),
            _("Sessions"),
            _("Of the stage before"),
            _("Interval (95 %)"),
            _("Of all sessions"),
            _("Lost here"),
        ],
        "rows": [
            [
                name,
                number(s.count),
                reading(s.step_rate).text,
                reading(s.step_rate).interval,
                reading(s.total_rate).text,
                number(s.lost) if s.step_rate else "",
            ]
            for name, s in zip(names, steps, strict=True)
        ],
    }


def _devices(told: Journey) -> list[dict[str, Any]]:
    """Conversion per device; devices without sessions are left out."""
    found = [row for row in told.sums(("device",)) if row["sessions"] > 0 and row["device"]]
    rows = []
    for record in sorted(found, key=lambda row: -row["sessions"]):
        steps = {s.key: s for s in conversion.funnel({k: float(record[k]) for k in conversion.STAGES})}
        rows.append({"name": words.DEVICES.get(record["device"], record["device"] or _("unknown")), "record": record,
                     "paid": steps["payments"].total_rate if "payments" in steps else None,
                     "payment": steps["payments"].step_rate if "payments" in steps else None})  # fmt: skip
    return rows


def _statuses(workspace: Workspace, choice: Choice) -> dict[str, Any]:
    """Orders by the source's status word, and whether they count."""
    frame = frames.statuses(workspace, ("status", "state"), choice.first, choice.last, choice.where)
    rows = frame.sort_values("orders", ascending=False).to_dict("records")
    for row in rows:
        row["counted"] = row["state"] in _COUNTED
        row["state_name"] = OrderState(row["state"]).label if row["state"] in OrderState.values else row["state"]
    return {
        "rows": rows,
        "total": float(frame["orders"].sum()),
        "counted": float(frame.loc[frame["state"].isin(_COUNTED), "orders"].sum()),
    }


_COUNTED = {OrderState.OPEN.value, OrderState.SHIPPED.value, OrderState.DELIVERED.value, OrderState.RETURNED.value}
