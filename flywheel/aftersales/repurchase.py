"""The repurchase page: cohorts, repeat windows, growth accounting, and what a late first parcel costs."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engines import aftersales, cohorts
from engines.business import REPEAT_WEEKS
from engines.results import Estimate, Result, Unavailable
from flywheel.accounts.models import Workspace
from flywheel.accounts.templatetags.formats import compact_money, money, number, percent, reading
from flywheel.accounts.words import reason_words
from flywheel.aftersales.asking import Ask
from flywheel.aftersales.kpi_tables import market_label
from flywheel.aftersales.tables import Column, Table, Value, known
from flywheel.diagnosis import charts
from flywheel.diagnosis.engine_pages import COHORT_MONTHS
from flywheel.measures import fact_frames, frames

LATE_WEEKS = 52  # late first parcels are few: a year of them at least
OLDEST_WINDOW_WEEKS = max(REPEAT_WEEKS.values())
SHOWS = {
    "share": gettext_lazy("Share who order again"),
    "customers": gettext_lazy("Customers who order again"),
    "money": gettext_lazy("Net revenue"),
    "each": gettext_lazy("Net revenue per customer"),
}


def context(ask: Ask) -> dict[str, Any]:
    """The page."""
    show = ask.query.get("show", "") if ask.query.get("show", "") in SHOWS else "share"
    late = late_effects(ask)
    drawn = [
        cohort_chart(ask.workspace, ask.cohorts, show) if ask.cohorts else None,
        _growth_chart(ask.growth),
        _ratio_chart(ask.growth),
    ]
    return {
        "show": show,
        "shows": list(SHOWS.items()),
        "channel": ask.channel,
        "channels": [(code, name or code) for code, name in ask.names["channel"].items() if code],
        "charts": [chart for chart in drawn if chart],
        "quick_ratio": cohorts.quick_ratio_of(ask.growth),
        "late": late[0][1] if late else Unavailable("no_delivery_data" if ask.standing.is_kept else "not_worked_out"),
        "late_words": _late_words(late[0][1]) if late else "",
        "tables": [_windows(ask), _channels(ask), _late_table(ask, late)],
    }


# --- cohorts ----------------------------------------------------------------------------------------------------------
def cohort_chart(workspace: Workspace, table: cohorts.Retention, show: str = "share") -> dict[str, Any]:
    """The newest cohorts as a heat map of shares, customers or money."""
    values = {"share": table.rate, "customers": table.active, "money": table.money, "each": table.money_each}[show]
    months = range(max(len(table.cohorts) - COHORT_MONTHS, 0), len(table.cohorts))
    ages = range(1, values.shape[1])  # the first month would outshine all others
    labels = [
        _("%(month)s · %(n)s customers") % {"month": table.cohorts[c][:7], "n": number(table.sizes[c])} for c in months
    ]
    texts = [[_cell(workspace, table, show, float(values[c, a]), (c, a)) for a in ages] for c in months]
    return {
        "id": "retention",
        "title": _("Customers who order again, by month of first order") if show == "share" else SHOWS[show],
        "summary": _cohort_words(table, show),
        "figure": charts.heat_figure(
            labels, [f"+{a}" for a in ages], [[float(values[c, a]) for a in ages] for c in months], texts, "aftersales"
        ),
        "height": "tall",
        "wide": True,
        "columns": [_("First order in"), *(_("Month +%(n)s") % {"n": a} for a in ages)],
        "rows": [[label, *row] for label, row in zip(labels, texts, strict=True)],
        "files": "cohorts",
    }


def _cohort_words(table: cohorts.Retention, show: str) -> str:
    if show in {"money", "each"}:
        return _(
            "What each month's new customers brought in the months after that of their first order. * not over yet"
        )
    overall = float(table.overall[1]) if table.overall.size > 1 else float("nan")
    words = _("%(share)s of customers order again in the month after their first order. * month not over yet")
    return words % {"share": percent(overall, 1)}


def _cell(workspace: Workspace, table: cohorts.Retention, show: str, value: float, at: tuple[int, int]) -> str:
    """A value in words, with a star where its month is not over; empty where it is not known."""
    if np.isnan(value):
        return ""
    currency = workspace.base_currency
    words = {
        "share": lambda: percent(value, 1),
        "customers": lambda: number(value),
        "money": lambda: compact_money(value, currency),
        "each": lambda: money(value, currency),
    }[show]()
    return words + ("" if table.mature[at] else "*")


def _cohorts(ask: Ask) -> Table:
    """Every cohort and month of age, for the file."""
    columns = (
        Column(_("First order in"), "text"), Column(_("Month of age")), Column(_("Customers")),
        Column(_("Customers who ordered")), Column(_("Share"), "share"), Column(_("Net revenue"), "money"),
        Column(_("Net revenue per customer"), "money"), Column(_("Month over"), "text"),
    )  # fmt: skip
    return Table("cohorts", _("Cohorts"), columns, _cohort_rows(ask.cohorts) if ask.cohorts else [])


def _cohort_rows(table: cohorts.Retention) -> list[list[Value]]:
    each = table.money_each
    return [
        [
            month[:7],
            age,
            float(table.sizes[c]),
            float(table.active[c, age]),
            known(float(table.rate[c, age])),
            known(float(table.money[c, age])),
            known(float(each[c, age])),
            _("yes") if table.mature[c, age] else _("no"),
        ]
        for c, month in enumerate(table.cohorts)
        for age in range(table.active.shape[1])
        if not np.isnan(table.active[c, age])
    ]


# --- repeat windows ---------------------------------------------------------------------------------------------------
def _windows(ask: Ask) -> Table:
    rows, names = _window_rows(ask, "market"), ask.names["market"]
    return _window_table("windows", _("Repeat rate by market"), _("Market"), rows, names, _("All markets"))


def _channels(ask: Ask) -> Table:
    rows, names = _window_rows(ask, "channel"), ask.names["channel"]
    title = _("Repeat rate by channel of the first order")
    return _window_table("channels", title, _("Channel"), rows, names, _("All channels"))


def _window_rows(ask: Ask, by: str) -> tuple[cohorts.Windows, ...]:
    choice = ask.choice
    first = choice.first - timedelta(weeks=OLDEST_WINDOW_WEEKS) if choice.first else None
    frame = frames.cohorts(ask.workspace, ("week", by), first, choice.last, ask.where)
    start = np.datetime64(choice.first, "D") if choice.first else None
    return cohorts.repeat_windows(frame, by, start, np.datetime64(choice.last, "D"))


def _window_table(
    key: str, title: str, place: str, found: tuple[cohorts.Windows, ...], names: Mapping[str, str], all_label: str
) -> Table:
    columns = [Column(place, "code")]
    columns += [Column(_("Within %(n)s days") % {"n": days}, "result") for days in cohorts.WINDOWS]
    rows = [[all_label if w.slice == "all" else market_label(names, w.slice), *w.results] for w in found]
    note = _(
        "Customers with a second order within so many days of the first ÷ customers for whom those days were over in "
        "the period: nobody too young is counted. Below each rate its interval (95 %) and its sample."
    )
    return Table(key, title, tuple(columns), rows, note, _("No customers are old enough in this period."))


# --- growth accounting ------------------------------------------------------------------------------------------------
def _growth_chart(months: tuple[cohorts.GrowthMonth, ...]) -> dict[str, Any] | None:
    """New, retained and resurrected customers above the line, lost ones below it."""
    if not months:
        return None
    days = [m.month for m in months]
    figure = charts.stacked_figure(
        days,
        [
            (_("Retained"), [m.retained for m in months]),
            (_("New"), [m.new for m in months]),
            (_("Back again"), [m.resurrected for m in months]),
            (_("Lost"), [-m.lost if m.is_over else float("nan") for m in months]),
        ],
    )
    figure["layout"] |= {"barmode": "relative", "yaxis": {"fw_format": "number", "zeroline": True}}
    ratio = cohorts.quick_ratio_of(months)
    return {
        "id": "growth",
        "title": _("Customers gained and lost per month"),
        "summary": _ratio_words(ratio),
        "figure": figure,
        "columns": [_("Month"), _("Active"), _("New"), _("Retained"), _("Back again"), _("Lost"), _("Quick ratio")],
        "rows": [
            [
                m.month[:7] + ("" if m.is_over else "*"),
                *(number(v) for v in (m.active, m.new, m.retained, m.resurrected)),
                number(m.lost) if m.is_over else "",
                _brief(m.quick_ratio),
            ]
            for m in reversed(months)
        ],
        "files": "growth",
    }


def _ratio_words(ratio: Result) -> str:
    if isinstance(ratio, Unavailable):
        return _("Quick ratio: %(reason)s. * month not over yet") % {"reason": reason_words(ratio)}
    found = reading(ratio)
    return _(
        "For each customer lost, %(n)s were new or came back (95 %% interval %(interval)s). * month not over yet"
    ) % {"n": number(ratio.value, 2), "interval": found.interval}


def _brief(result: Result) -> str:
    found = reading(result)
    return f"{found.text} ({found.interval})" if found.available else found.brief


def _ratio_chart(months: tuple[cohorts.GrowthMonth, ...]) -> dict[str, Any] | None:
    """The quick ratio of the months that are over from the first that has one; a month without one is a gap."""
    known = [m for m in months if isinstance(m.quick_ratio, Estimate)]
    if not known:
        return None
    found = [(m.month, m.quick_ratio) for m in months if m.is_over and m.month >= known[0].month]
    texts = [reading(r) for _month, r in found]
    figure = charts.band_figure([month for month, _r in found], [r for _m, r in found], "number", "aftersales")
    figure["layout"]["shapes"] = [
        {
            "type": "line",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "y0": 1,
            "y1": 1,
            "line": {"color": "@muted", "dash": "dot"},
        }
    ]
    return {
        "id": "quick-ratio",
        "title": _("Quick ratio per month"),
        "summary": _("(New + back again) ÷ lost customers. Above 1, the dotted line, the number of customers grows."),
        "figure": figure,
        "columns": [_("Month"), _("Quick ratio"), _("Interval (95 %)"), _("Sample")],
        "rows": [
            [m[:7], t.text, t.interval, t.sample] for (m, _r), t in reversed(list(zip(found, texts, strict=True)))
        ],
    }


def _growth(ask: Ask) -> Table:
    """The months, for the file."""
    columns = (
        Column(_("Month"), "text"), Column(_("Active")), Column(_("New")), Column(_("Retained")),
        Column(_("Back again")), Column(_("Lost")), Column(_("Quick ratio"), "result"), Column(_("Month over"), "text"),
    )  # fmt: skip
    rows: list[list[Value]] = [
        [
            m.month[:7],
            *(m.active, m.new, m.retained, m.resurrected, m.lost),
            m.quick_ratio,
            _("yes") if m.is_over else _("no"),
        ]
        for m in ask.growth
    ]
    return Table("growth", _("Customers gained and lost per month"), columns, rows)


# --- late deliveries --------------------------------------------------------------------------------------------------
Effect = aftersales.LateEffect | Unavailable


def late_effects(ask: Ask) -> list[tuple[str, Effect]]:
    """The effect over all markets ("all", first) and in each; empty without a promised first delivery."""
    choice = ask.choice
    weeks = max(choice.weeks, LATE_WEEKS) + OLDEST_WINDOW_WEEKS // 2
    first = choice.last - timedelta(weeks=weeks - 1) if choice.weeks else None
    frame = fact_frames.first_deliveries(ask.workspace, first, choice.last, ask.where)
    if frame.empty:
        return []
    sizes: pd.Series[float] = frame.groupby("market")["customers"].sum().sort_values(ascending=False)
    each = [(str(m), aftersales.late_effect(frame.loc[frame["market"] == m])) for m in sizes.index]
    return [("all", aftersales.late_effect(frame)), *(each if len(each) > 1 else [])]


def _late_words(effect: Effect) -> str:
    """What the number says, in a sentence."""
    if isinstance(effect, Unavailable):
        return ""
    if not effect.is_clear:
        return _("Whether a late first parcel changes who comes back cannot be told yet: the interval holds zero.")
    if effect.difference.value < 0:
        return _("Customers whose first parcel came late come back less often.")
    return _("Customers whose first parcel came late come back more often: look for what else they have in common.")


def _late(ask: Ask) -> Table:
    return _late_table(ask, late_effects(ask))


def _late_table(ask: Ask, effects: Sequence[tuple[str, Effect]]) -> Table:
    """Late and punctual first deliveries by market."""
    columns = (
        Column(_("Market"), "code"), Column(_("Came back after a late parcel"), "result"),
        Column(_("Came back after a punctual one"), "result"), Column(_("Difference"), "result"),
        Column(_("Repeat customers lost"), "result"),
    )  # fmt: skip
    rows: list[list[Value]] = [
        [_("All markets") if code == "all" else market_label(ask.names["market"], code), *_late_cells(effect)]
        for code, effect in effects
    ]
    note = _(
        "First orders that were promised and delivered, of at least a year, whose %(n)s days since the promised date "
        "are over: late and punctual customers are watched over the same days. Who had ordered again by the promised "
        "date is left out of both. Late by calendar date in the market. The difference compares customers of the same "
        "market and month (Mantel-Haenszel, variance by Sato 1989). Other causes of both remain possible."
    ) % {"n": aftersales.WINDOW_DAYS}
    empty = ask.unless_uncounted(_("Load orders with promised and delivered times to see what late parcels cost."))
    return Table("late", _("What a late first parcel costs"), columns, rows, note, empty)


def _late_cells(effect: Effect) -> list[Value]:
    if isinstance(effect, Unavailable):
        return [effect, effect, effect, effect]
    return [effect.late, effect.on_time, effect.difference, effect.lost]


TABLES = {"cohorts": _cohorts, "growth": _growth, "windows": _windows, "channels": _channels, "late": _late}
