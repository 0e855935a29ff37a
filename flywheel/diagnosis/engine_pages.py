"""What the engines' pages show: KPIs of the chosen weeks and market, their chart, and the tables behind it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from engines import business as measures
from engines import cohorts, conversion, market, weekly
from engines.kpi import KPIS, Kpi
from engines.panel import Panel, sum_known
from engines.results import Estimate
from flywheel.accounts.models import Workspace
from flywheel.accounts.templatetags.formats import compact, day, number, percent, reading
from flywheel.diagnosis import charts, restatements, words
from flywheel.diagnosis.flywheel_page import place_names
from flywheel.diagnosis.running import HISTORY, load_business
from flywheel.facts.calendar import last_complete_week
from flywheel.facts.models import Channel, OrderState, Rollup
from flywheel.measures import frames
from flywheel.measures.restating import Restated, restated

PERIODS = (4, 13, 26, 52, 104)
DEFAULT_WEEKS = 13
ALL = 0  # every week there is
TREND_WEEKS = 104
COHORT_MONTHS = 14
READ_BY = {
    "market": (Rollup.MARKET, Rollup.CONVERSION),
    "conversion": (Rollup.CONVERSION,),
    "aftersales": (Rollup.AFTERSALES,),
}  # the roll-ups that an engine's weekly lines are made of


@dataclass(frozen=True)
class Choice:
    """What the reader looks at: the newest week, how many weeks back (0: all), which market ('' for all)."""

    week: date
    weeks: int
    market: str
    complete: date  # the newest week that is over by the calendar

    @classmethod
    def parse(cls, query: Mapping[str, str], workspace: Workspace, week: date) -> "Choice":
        """The choice in the address; what it says wrongly falls back to the default."""
        weeks = query.get("weeks", "")
        count = int(weeks) if weeks.isdecimal() and int(weeks) in (*PERIODS, ALL) else DEFAULT_WEEKS
        code = query.get("market", "")
        return cls(week, count, code if code in frames.markets(workspace) else "", last_complete_week(workspace))

    @property
    def first(self) -> date | None:
        """The first week of the period; None for all weeks."""
        return self.week - timedelta(weeks=self.weeks - 1) if self.weeks else None

    @property
    def last(self) -> date:
        """The last week of the period; all weeks also hold what came after the newest traffic, orders and spend."""
        return self.week if self.weeks else max(self.week, self.complete)

    @property
    def where(self) -> dict[str, str]:
        """The market as a filter of measures."""
        return {"market": self.market} if self.market else {}


def choices(workspace: Workspace) -> dict[str, Any]:
    """What can be chosen: periods, and the markets that have measures."""
    names = place_names(workspace)["market"]
    labels = [(n, _("%(n)s weeks") % {"n": n}) for n in PERIODS]
    return {
        "periods": [*labels, (ALL, _("All weeks"))],
        "markets": [(code, names.get(code) or code) for code in frames.markets(workspace) if code],
    }


@dataclass(frozen=True)
class Loaded:
    """The measures behind a page: the panel of all weeks and the position of the chosen market in it."""

    panel: Panel
    market: int | None
    weeks: int  # the period's length within the panel
    restated: tuple[Restated, ...]  # of the weeks that the weekly lines show

    @property
    def last(self) -> int:
        """Position of the newest week."""
        return len(self.panel.weeks) - 1


def load(workspace: Workspace, choice: Choice) -> Loaded:
    """The panel up to the chosen week."""
    business = load_business(workspace, choice.week, facets=False, history=HISTORY if choice.weeks else None)
    span = business.weeks()
    end = np.datetime64(choice.week, "D")
    start = span[0] if span else end
    panel = measures.panel(business, min(start, end), end)
    position = panel.markets.index(choice.market) if choice.market in panel.markets else None
    shown = restated(workspace, choice.week - timedelta(weeks=TREND_WEEKS - 1), choice.week)
    return Loaded(panel, position, min(choice.weeks or len(panel.weeks), len(panel.weeks)), tuple(shown))


def kpi_cards(workspace: Workspace, engine: str, loaded: Loaded) -> list[dict[str, Any]]:
    """One card per KPI of the engine: its value over the period, the change from the period before, and its year."""
    language = get_language() or "en"
    cards = []
    for entry in (k for k in KPIS.values() if k.engine == engine):
        span = max(loaded.weeks, entry.window)
        now = weekly.result_at(entry, loaded.panel, loaded.last, loaded.market, span)
        year = range(max(loaded.last - 51, 0), loaded.last + 1)
        line = [weekly.result_at(entry, loaded.panel, p, loaded.market) for p in year]
        cards.append(
            {
                "name": entry.name.get(language),
                "definition": entry.definition.get(language),
                "result": now,
                "currency": workspace.base_currency,
                "change": _change_before(entry, loaded, span, now),
                "better": entry.direction,
                "values": [r.value if isinstance(r, Estimate) else None for r in line],
                "engine": engine,
            }
        )
    return cards


def _change_before(entry: Any, loaded: Loaded, span: int, now: Any) -> float | None:
    """Relative change from the period of the same length before; None where the data does not reach back."""
    if loaded.last - 2 * span + 1 < 0 or not isinstance(now, Estimate):
        return None
    before = weekly.result_at(entry, loaded.panel, loaded.last - span, loaded.market, span)
    return now.value / before.value - 1 if isinstance(before, Estimate) and before.value else None


def kpi_trend(workspace: Workspace, key: str, loaded: Loaded) -> dict[str, Any] | None:
    """The weekly line of one KPI with its interval, as a chart with its table; None when no week is known."""
    entry = KPIS[key]
    name = entry.name.get(get_language() or "en")
    positions = range(max(loaded.last - TREND_WEEKS + 1, 0), loaded.last + 1)
    results = [(p, weekly.result_at(entry, loaded.panel, p, loaded.market)) for p in positions]
    known = [(str(loaded.panel.weeks[p]), r) for p, r in results if isinstance(r, Estimate)]
    if not known:
        return None
    weeks, values = [w for w, _r in known], [r for _w, r in known]
    unit = {"rate": "percent", "money": workspace.base_currency}.get(entry.unit, "number")
    texts = [reading(r, workspace.base_currency) for r in values]
    return {
        "id": f"trend-{key}",
        "title": _("%(kpi)s per week") % {"kpi": name},
        "summary": _("From %(first)s in the week of %(start)s to %(last)s in the week of %(end)s.")
        % {"first": texts[0].text, "start": _day(weeks[0]), "last": texts[-1].text, "end": _day(weeks[-1])},
        "figure": charts.band_figure(
            weeks,
            [r.value for r in values],
            [r.low if r.low is not None else r.value for r in values],
            [r.high if r.high is not None else r.value for r in values],
            unit,
            entry.engine,
        ),
        "columns": [_("Week of"), name, _("Interval (95 %)"), _("Sample")],
        "rows": [
            [heading, t.text, t.interval, t.sample]
            for heading, t in reversed(list(zip(_headings(workspace, entry, loaded, weeks), texts, strict=True)))
        ],
    }


def _headings(workspace: Workspace, entry: Kpi, loaded: Loaded, weeks: list[str]) -> list[str]:
    """The weeks of a KPI's line, marked where what it is made of was restated; a line of cohorts is not."""
    rollups = () if entry.denominator.startswith("matured") else READ_BY[entry.engine]
    return _marked(workspace, loaded, weeks, rollups)


def _marked(workspace: Workspace, loaded: Loaded, weeks: list[str], rollups: Sequence[str]) -> list[str]:
    found = [r for r in loaded.restated if r.rollup in rollups]
    marks = restatements.marks(found, workspace.base_currency, of_all_markets=loaded.market is not None)
    return [restatements.heading(_day(w), marks.get(date.fromisoformat(w), "")) for w in weeks]


def _day(text: str) -> str:
    return day(date.fromisoformat(text))


def _period_sums(loaded: Loaded, names: tuple[str, ...], market_position: int | None = None) -> dict[str, float]:
    position = loaded.market if market_position is None else market_position
    sums = {}
    for name in names:
        per_market = loaded.panel.window(name, loaded.last - loaded.weeks + 1, loaded.last)
        sums[name] = float(per_market[position] if position is not None else sum_known(per_market[:, None])[0])
    return sums


def by_market(workspace: Workspace, loaded: Loaded, kpis: tuple[str, ...], counts: tuple[str, ...]) -> dict[str, Any]:
    """A table of markets: counts over the period and KPIs, largest first count first."""
    names, language = place_names(workspace)["market"], get_language() or "en"
    rows: list[dict[str, Any]] = []
    for position, code in enumerate(loaded.panel.markets):
        if loaded.market is not None and position != loaded.market:
            continue
        sums = _period_sums(loaded, counts, position)
        results = [weekly.result_at(KPIS[k], loaded.panel, loaded.last, position, loaded.weeks) for k in kpis]
        rows.append(
            {
                "code": code,
                "name": names.get(code) or code or _("unknown"),
                "counts": list(sums.values()),
                "results": results,
            }
        )
    rows.sort(key=lambda r: -float(np.nan_to_num(r["counts"][0])))
    return {"rows": rows, "kpi_names": [KPIS[k].name.get(language) for k in kpis]}


# --- market expansion -------------------------------------------------------------------------------------------------


def market_context(workspace: Workspace, choice: Choice) -> dict[str, Any]:
    """Channels and markets: what they cost and bring."""
    loaded = load(workspace, choice)
    journey = frames.conversion(workspace, ("channel",), choice.first, choice.last, choice.where)
    spend = frames.market(workspace, ("channel",), choice.first, choice.last, choice.where)
    names = place_names(workspace)["channel"]
    kinds = {c.code: c.get_kind_display() for c in Channel.objects.filter(workspace=workspace)}
    sessions = _sessions_chart(workspace, choice, loaded, names)
    rows = market.channel_mix(journey, spend)
    table = by_market(
        workspace, loaded, ("cac", "cost_per_session"), ("orders", "first_orders", "sessions", "cost_base")
    )
    every = frames.statuses(workspace, ("market",), choice.first, choice.last, choice.where)
    orders = dict(zip(every["market"], every["orders"], strict=True))
    for row in table["rows"]:
        row["all_orders"] = orders.get(row["code"])
    return {
        "cards": kpi_cards(workspace, "market", loaded),
        "charts": [c for c in (sessions, kpi_trend(workspace, "cac", loaded)) if c],
        "channels": [
            {"row": r, "name": names.get(r.channel) or _("unknown"), "kind": kinds.get(r.channel, "")} for r in rows
        ],
        "by_market": table,
    }


def _sessions_chart(
    workspace: Workspace, choice: Choice, loaded: Loaded, names: Mapping[str, str]
) -> dict[str, Any] | None:
    """Sessions per week, stacked by channel."""
    first = choice.week - timedelta(weeks=TREND_WEEKS - 1)
    frame = frames.conversion(workspace, ("week", "channel"), first, choice.week, choice.where)
    table = frame.pivot(index="week", columns="channel", values="sessions").dropna(how="all").dropna(how="all", axis=1)
    if table.empty:
        return None
    table = table[table.sum().sort_values(ascending=False).index]
    weeks = [str(w.date()) for w in table.index]
    labels = [names.get(c) or _("unknown") for c in table.columns]
    total = table.sum(axis=1)
    return {
        "id": "sessions",
        "title": _("Sessions per week, by channel"),
        "summary": _("%(n)s sessions in the week of %(day)s.")
        % {"n": compact(float(total.iloc[-1])), "day": _day(weeks[-1])},
        "figure": charts.stacked_figure(
            weeks, [(n, table[c].tolist()) for n, c in zip(labels, table.columns, strict=True)]
        ),
        "columns": [_("Week of"), *labels],
        "rows": [
            [heading, *(number(v) for v in row)]
            for heading, row in zip(
                _marked(workspace, loaded, weeks, [Rollup.CONVERSION])[::-1], table.to_numpy()[::-1], strict=True
            )
        ],
    }


# --- conversion -------------------------------------------------------------------------------------------------------


def conversion_context(workspace: Workspace, choice: Choice) -> dict[str, Any]:
    """The journey, where it loses, and which orders count."""
    loaded = load(workspace, choice)
    first, last, where = choice.first, choice.last, choice.where
    payments = frames.payments(workspace, ("method",), first, last, where)
    return {
        "cards": kpi_cards(workspace, "conversion", loaded),
        "charts": [c for c in (_funnel_chart(loaded), kpi_trend(workspace, "cvr", loaded)) if c],
        "devices": _devices(workspace, choice),
        "by_market": by_market(workspace, loaded, ("cvr", "payment_rate", "aov"), ("orders", "sessions")),
        "statuses": _statuses(workspace, choice),
        "payments": payments.sort_values("payments", ascending=False).to_dict("records"),
        "payments_total": {k: float(payments[k].sum()) for k in ("payments", "amount_base")},
    }


def _funnel_chart(loaded: Loaded) -> dict[str, Any] | None:
    steps = conversion.funnel(_period_sums(loaded, conversion.STAGES))
    if not steps:
        return None
    names = [str(words.STAGES[s.key]) for s in steps]
    texts = [
        f"{number(s.count)} · {percent(s.total_rate.value, 1)}" if s.total_rate else number(s.count) for s in steps
    ]
    worst = min(steps[1:], key=lambda s: s.step_rate.value if s.step_rate else 1, default=None)
    summary = ""
    if worst is not None and worst.step_rate is not None:
        summary = _("The largest share is lost before “%(stage)s”: %(rate)s go on.") % {
            "stage": words.STAGES[worst.key],
            "rate": percent(worst.step_rate.value, 1),
        }
    return {
        "id": "funnel",
        "title": _("From session to payment"),
        "summary": summary,
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


def _devices(workspace: Workspace, choice: Choice) -> list[dict[str, Any]]:
    """Conversion per device; devices without sessions are left out."""
    frame = frames.conversion(workspace, ("device",), choice.first, choice.last, choice.where)
    rows = []
    for record in (
        frame.loc[(frame["sessions"] > 0) & (frame["device"] != "")]
        .sort_values("sessions", ascending=False)
        .to_dict("records")
    ):
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


# --- after-sales ------------------------------------------------------------------------------------------------------


def aftersales_context(workspace: Workspace, choice: Choice) -> dict[str, Any]:
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


ENGINE_CONTEXTS: dict[str, Callable[[Workspace, Choice], dict[str, Any]]] = {
    "market": market_context,
    "conversion": conversion_context,
    "aftersales": aftersales_context,
}
