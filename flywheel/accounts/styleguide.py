"""Every shared fragment in every state, for those who build pages. Served only when DEBUG is on."""

import math
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from engines.results import Estimate, Unavailable
from flywheel.accounts.models import Workspace
from flywheel.accounts.words import ENGINES_SHORT

WEEKS = 52


def styleguide(request: HttpRequest) -> HttpResponse:
    """The style guide, in the frame of a made-up workspace."""
    request.workspace = Workspace(name="Norrsken Outdoor", slug="demo")  # type: ignore[attr-defined]
    wave = [100 + 12 * math.sin(week / 4) + week * 0.4 for week in range(WEEKS)]
    return render(
        request,
        "styleguide.html",
        {
            "estimates": _estimates(),
            "wave": wave,
            "gaps": [None if 18 <= week <= 23 or week == 40 else value for week, value in enumerate(wave)],
            "flat": [3.0] * 12,
            "charts": [_funnel(), _trend(wave), _heatmap()],
            "wheels": [wheel_state("aftersales"), wheel_state(None, link=0), wheel_state(None, unknown=True)],
            "sources": _sources(),
            "states": _states(),
        },
    )


def wheel_state(weakest: str | None, link: int | None = None, unknown: bool = False) -> dict[str, Any]:
    """A made-up state of the wheel: an engine, a link, or nothing is weakest."""
    shares = {"market": 0.91, "conversion": 0.84, "aftersales": 0.58}
    values = {"market": "€4,210", "conversion": "€9,860", "aftersales": "€31,400"}
    flows = [
        (_("48,210 sessions a week"), _("%(share)s engaged") % {"share": "61%"}),
        (_("1,204 new customers a week"), _("%(share)s delivered on promise") % {"share": "82%"}),
        (_("318 repeat orders and referrals a week"), _("%(share)s of sessions by word of mouth") % {"share": "11%"}),
    ]
    order = list(ENGINES_SHORT)
    return {
        "engines": [
            {
                "key": key,
                "name": str(ENGINES_SHORT[key]),
                "attainment": None if unknown else shares[key],
                "value_text": "" if unknown else _("%(value)s a week to gain") % {"value": values[key]},
                "is_weakest": key == weakest,
            }
            for key in order
        ],
        "links": [
            {
                "source": source,
                "target": order[(i + 1) % 3],
                "flow_text": flows[i][0],
                "quality_text": flows[i][1],
                "is_weakest": i == link,
            }
            for i, source in enumerate(order)
        ],
        "centre": {"headline": "–", "caption": _("Growth unknown: no traffic data")}
        if unknown
        else {"headline": "+1.8%", "caption": _("growth a week")},
    }


def _estimates() -> list[tuple[str, object, float | None, str, str]]:
    """Name, result, change, engine and good direction of some KPIs."""
    return [
        (_("Conversion rate"), Estimate(0.0234, 0.0226, 0.0243, 128_340, "rate"), 0.034, "conversion", "up"),
        (_("Average order value"), Estimate(86.42, 84.9, 87.95, 3_021, "money"), -0.012, "conversion", "up"),
        (_("Sessions"), Estimate(1_283_400, None, None, 1_283_400, "count"), 0.0, "market", "up"),
        (_("Repeat rate, 90 days"), Estimate(0.184, 0.171, 0.197, 3_402, "rate"), -0.058, "aftersales", "up"),
        (_("Delivery days, median"), Estimate(6.3, 6.1, 6.6, 2_870, "days"), 0.11, "aftersales", "down"),
        (_("Customer acquisition cost"), Unavailable("no_spend_data"), None, "market", "up"),
        (_("Review rating"), Unavailable("too_few", n=7, needed=30), None, "aftersales", "up"),
        (_("LTV to CAC"), Estimate(2.94, 2.6, 3.31, 4_180, "ratio"), 0.021, "", "up"),
    ]


def _sources() -> list[dict[str, str]]:
    return [
        {"name": _("Orders"), "text": _("complete to 15 Nov"), "state": "ok"},
        {"name": _("Spend"), "text": _("6 days late"), "state": "late"},
        {"name": _("Tickets"), "text": _("no data"), "state": "missing"},
    ]


def _states() -> list[tuple[str, str]]:
    return [
        ("queued", _("Waiting")),
        ("running", _("Running")),
        ("done", _("Done")),
        ("failed", _("Failed")),
        ("draft", _("Not loaded yet")),
    ]


def _funnel() -> dict[str, Any]:
    """A funnel as horizontal bars."""
    steps = [_("Sessions"), _("Product views"), _("Carts"), _("Checkouts"), _("Orders")]
    counts = [128_340, 74_210, 14_880, 6_430, 3_021]
    return {
        "id": "funnel",
        "title": _("Funnel of the week"),
        "summary": _("Of 128,340 sessions 3,021 end in an order; most are lost between product view and cart."),
        "figure": {
            "data": [
                {
                    "type": "bar",
                    "orientation": "h",
                    "x": counts,
                    "y": steps,
                    "customdata": [f"{count:,}" for count in counts],
                    "hovertemplate": "%{y}: %{customdata}<extra></extra>",
                    "marker": {"color": ["@conversion/0.35"] * 2 + ["@danger"] + ["@conversion/0.7"] * 2},
                }
            ],
            "layout": {
                "xaxis": {"fw_format": "number"},
                "yaxis": {"autorange": "reversed", "showgrid": False},
                "showlegend": False,
            },
        },
        "columns": [_("Step"), _("Count")],
        "rows": [[step, f"{count:,}"] for step, count in zip(steps, counts, strict=True)],
    }


def _trend(wave: list[float]) -> dict[str, Any]:
    """A line with its limits."""
    weeks = list(range(1, WEEKS + 1))
    return {
        "id": "trend",
        "title": _("Revenue a week"),
        "summary": _("Within its limits for 52 weeks."),
        "figure": {
            "data": [
                {
                    "type": "scatter",
                    "mode": "lines",
                    "x": weeks,
                    "y": [value * 900 for value in wave],
                    "name": _("Revenue"),
                    "line": {"color": "@conversion", "width": 2},
                },
                {
                    "type": "scatter",
                    "mode": "lines",
                    "x": weeks,
                    "y": [96_000] * WEEKS,
                    "name": _("Average"),
                    "line": {"color": "@muted", "width": 1, "dash": "dash"},
                },
            ],
            "layout": {"yaxis": {"fw_format": "EUR"}, "xaxis": {"showgrid": False}},
        },
        "columns": [_("Week"), _("Revenue")],
        "rows": [[str(week), f"{value * 900:,.0f}"] for week, value in zip(weeks, wave, strict=True)],
    }


def _heatmap() -> dict[str, Any]:
    """A cohort triangle."""
    share = [[round(0.2 * 0.8**age, 3) if age + row < 8 else None for age in range(8)] for row in range(8)]
    months = [f"2026-{month:02}" for month in range(1, 9)]
    return {
        "id": "cohorts",
        "title": _("Customers who order again, by month of first order"),
        "summary": _("One in five comes back in the first month."),
        "figure": {
            "data": [
                {
                    "type": "heatmap",
                    "z": share,
                    "x": list(range(8)),
                    "y": months,
                    "colorscale": [[0, "@sunken"], [1, "@aftersales"]],
                    "showscale": False,
                    "xgap": 2,
                    "ygap": 2,
                    "hoverongaps": False,
                }
            ],
            "layout": {
                "yaxis": {"autorange": "reversed", "showgrid": False, "type": "category"},
                "xaxis": {"showgrid": False},
            },
        },
        "columns": [_("Month"), *[str(age) for age in range(8)]],
        "rows": [
            [month, *["" if cell is None else f"{cell:.0%}" for cell in row]]
            for month, row in zip(months, share, strict=True)
        ],
    }
