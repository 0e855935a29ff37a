"""The channel mix: costs and returns of a period, the response of revenue to spend, and where spend might go."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from math import isnan, nan
from typing import Any

import pandas as pd
from django.utils.translation import gettext as _

from engines import channels as engine
from engines import response
from engines.channels import Channel, Mix
from engines.kpi import KPIS
from engines.results import Estimate, Result, Unavailable
from flywheel.accounts.models import Workspace
from flywheel.accounts.sheets import Cell
from flywheel.accounts.templatetags.formats import money, percent, reading
from flywheel.accounts.words import reason_words
from flywheel.diagnosis import engine_pages
from flywheel.diagnosis.engine_pages import Choice, by_channel, cards_of
from flywheel.diagnosis.flywheel_page import place_names
from flywheel.market import figures
from flywheel.measures import frames

TOTALS = ("cac_paid", "cac", "cac_full", "mer", "channel_hhi")
RESPONSE_WEEKS = 156  # three years: older spend met other prices


@dataclass(frozen=True)
class Loaded:
    """A period's measures and mix; of each spending channel what it spends per week of late, and its response."""

    measured: engine_pages.Loaded
    mix: Mix
    budgets: dict[str, float]
    responses: dict[str, response.Response | Unavailable]

    @property
    def curves(self) -> dict[str, response.Response]:
        """The channels that have a curve."""
        return {code: found for code, found in self.responses.items() if isinstance(found, response.Response)}

    @property
    def plan(self) -> response.Plan | Unavailable:
        """The same budget in other parts, of the channels that have a curve."""
        return response.plan(self.curves, self.mix.margin) if self.mix.margin > 0 else Unavailable("no_cost_data")


def load(workspace: Workspace, choice: Choice) -> Loaded:
    """The mix of the chosen weeks and market, and responses over the three years before."""
    measured = engine_pages.load(workspace, choice)
    mix = engine.mix(by_channel(measured).panel, measured.weeks)
    spending = [c.channel for c in mix.channels if c.cost_base > 0]
    start = choice.week - timedelta(weeks=RESPONSE_WEEKS - 1)
    revenue = _weekly(frames.conversion(workspace, ("week", "channel"), start, choice.week, choice.where), "net_base")
    spend = _weekly(frames.market(workspace, ("week", "channel"), start, choice.week, choice.where), "cost_base")
    return Loaded(measured, mix, _budgets(spend, spending), _responses(revenue, spend, spending))


def _budgets(spend: pd.DataFrame, codes: list[str]) -> dict[str, float]:
    """Mean spend of the last known weeks, as the curves take it."""
    return {code: float(spend[code].dropna()[-response.RECENT_WEEKS :].mean()) for code in codes if code in spend}


def _responses(
    revenue: pd.DataFrame, spend: pd.DataFrame, codes: list[str]
) -> dict[str, response.Response | Unavailable]:
    found: dict[str, response.Response | Unavailable] = {}
    for code in codes:
        if code not in revenue or code not in spend:
            found[code] = Unavailable("no_orders_data")
            continue
        both = pd.concat([spend[code], revenue[code]], axis=1, keys=["spend", "revenue"]).sort_index()
        found[code] = response.fit(both["spend"].clip(lower=0).to_numpy(float), both["revenue"].to_numpy(float))
    return found


def _weekly(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    return frame.pivot(index="week", columns="channel", values=name)


# --- the page ---------------------------------------------------------------------------------------------------------
def context(workspace: Workspace, choice: Choice) -> dict[str, Any]:
    """Totals, channels, responses and a plan of spend."""
    loaded = load(workspace, choice)
    names = _names(workspace)
    return {
        "mix": loaded.mix,
        "cards": cards_of(workspace, [KPIS[key] for key in TOTALS], loaded.measured),
        "channels": [_line(c, loaded, names) for c in loaded.mix.channels],
        "charts": _charts(workspace, loaded, names),
        "needed": 1 / loaded.mix.margin if loaded.mix.margin > 0 else None,
        "plan": _plan(workspace, loaded, names),
        "bound": response.BOUND,
    }


def _names(workspace: Workspace) -> dict[str, str]:
    return {code: name or code for code, name in place_names(workspace)["channel"].items()}


def _line(channel: Channel, loaded: Loaded, names: Mapping[str, str]) -> dict[str, Any]:
    found = loaded.responses.get(channel.channel)
    marginal: Result | None = found.marginal if isinstance(found, response.Response) else found
    return {
        "row": channel,
        "name": names.get(channel.channel) or _("unknown"),
        "marginal": marginal,
        "verdict": response.verdict(marginal, loaded.mix.margin) if marginal else "",
    }


def _charts(workspace: Workspace, loaded: Loaded, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Shares of spend and of new customers beside each other, by channel."""
    shown = [c for c in loaded.mix.channels if not (isnan(c.spend_share) and isnan(c.customer_share))]
    if not shown:
        return []
    labels = [names.get(c.channel) or _("unknown") for c in shown]
    parts = [
        (_("Share of spend"), [None if isnan(c.spend_share) else c.spend_share for c in shown]),
        (_("Share of new customers"), [None if isnan(c.customer_share) else c.customer_share for c in shown]),
    ]
    figure = figures.parts_figure(labels, parts)
    figure["layout"] |= {"barmode": "group", "xaxis": {"fw_format": "percent", "rangemode": "tozero"}}
    chart = {
        "id": "mix-shares",
        "title": _("Where spend goes and new customers come from"),
        "summary": _(
            "Channels with a larger share of spend than of new customers cost more per customer than the others."
        ),
        "figure": figure,
        "columns": [_("Channel"), *(name for name, _values in parts)],
        "rows": [
            [label, percent(c.spend_share, 1), percent(c.customer_share, 1)]
            for label, c in zip(labels, shown, strict=True)
        ],
    }
    return [chart, *_marginal_chart(loaded, names)]


def _marginal_chart(loaded: Loaded, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Marginal returns with their intervals."""
    curves = loaded.curves
    if not curves:
        return []
    labels = [names.get(code) or _("unknown") for code in curves]
    results = [found.marginal for found in curves.values()]
    return [
        {
            "id": "marginal",
            "title": _("Marginal ROAS"),
            "summary": _(
                "Revenue that one more unit of spend brings, kept up; the bar is the 95 % interval. It rests on how "
                "spend and revenue moved together: only a test proves it."
            ),
            "figure": figures.intervals_figure(labels, results),
            "columns": [_("Channel"), _("Marginal ROAS"), _("Interval (95 %)"), _("Weeks")],
            "rows": [
                [label, reading(r).text, reading(r).interval, str(round(r.n))]
                for label, r in zip(labels, results, strict=True)
            ],
        }
    ]


def _plan(workspace: Workspace, loaded: Loaded, names: Mapping[str, str]) -> dict[str, Any]:
    """The plan in words, and each spending channel in it, the largest change first."""
    found = loaded.plan
    if isinstance(found, Unavailable):
        return {"unavailable": found}
    words = {
        "amount": money(found.moved, workspace.base_currency),
        "total": money(sum(loaded.budgets.values()), workspace.base_currency),
    }
    changes = {c.channel: c for c in found.changes}
    lines = [_planned(code, loaded, changes.get(code), names) for code in loaded.responses]
    return {
        "gain": found.gain,
        "chance": found.chance,
        "is_clear": found.is_clear,
        "sentence": _("Test moving %(amount)s of %(total)s a week between channels; the budget stays as it is.")
        % words,
        "lines": sorted(lines, key=lambda line: -abs(line["moved"])),
    }


def _planned(code: str, loaded: Loaded, change: response.Change | None, names: Mapping[str, str]) -> dict[str, Any]:
    """A channel of the plan; one without a curve keeps its budget, and `reason` says why."""
    found = loaded.responses[code]
    spend = change.spend if change else loaded.budgets.get(code, nan)
    return {
        "name": names.get(code) or _("unknown"),
        "spend": spend,
        "planned": change.planned if change else spend,
        "moved": change.moved if change else 0.0,
        "share": change.moved / change.spend if change else None,
        "change": change,
        "reason": found if isinstance(found, Unavailable) else None,
    }


# --- export -----------------------------------------------------------------------------------------------------------
def table(workspace: Workspace, choice: Choice) -> tuple[list[str], list[list[Cell]]]:
    """A row per channel."""
    loaded = load(workspace, choice)
    names = _names(workspace)
    columns = [
        _("Channel"), _("Spend"), _("Sessions"), _("New customers"), _("CAC"), _("ROAS"), _("Net revenue"),
        _("Contribution after spend"), _("Share of net revenue with known costs"), _("Share of spend"),
        _("Share of new customers"), _("Marginal ROAS"), _("Marginal ROAS, low"), _("Marginal ROAS, high"),
        "CTR", "CPC", _("Spend per week now"), _("Planned spend per week"), _("Why it keeps its budget"),
    ]  # fmt: skip
    found = loaded.plan
    planned = {} if isinstance(found, Unavailable) or not found.is_clear else {p.channel: p for p in found.changes}
    return columns, [[*_exported(c, loaded, names), *_budget(c, loaded, planned)] for c in loaded.mix.channels]


def _budget(c: Channel, loaded: Loaded, planned: Mapping[str, response.Change]) -> list[Cell]:
    """Spend per week now and planned; the plan is left open where none is clear, and in channels that do not spend."""
    curve, change = loaded.responses.get(c.channel), planned.get(c.channel)
    now = curve.spend if isinstance(curve, response.Response) else loaded.budgets.get(c.channel)
    why = reason_words(curve) if isinstance(curve, Unavailable) else None
    return [now, change.planned if change else None, why]


def _exported(c: Channel, loaded: Loaded, names: Mapping[str, str]) -> list[Cell]:
    found = loaded.curves.get(c.channel)
    curve: list[Cell] = [None, None, None]
    if found:
        curve = [found.marginal.value, found.marginal.low, found.marginal.high]
    shares: list[Cell] = [c.costed_share, c.spend_share, c.customer_share]
    head: list[Cell] = [names.get(c.channel) or _("unknown"), c.cost_base, c.sessions, c.first_orders]
    clicks: list[Cell] = [_value(c.ctr), _value(c.cpc)]
    return [*head, _value(c.cac), _value(c.roas), c.net_base, _value(c.contribution), *shares, *curve, *clicks]


def _value(result: Result) -> float | None:
    return result.value if isinstance(result, Estimate) else None
