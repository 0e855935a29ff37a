"""The journey: two periods side by side, segments, what is lost in orders and money, paths, pain points."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from engines import conversion, kpi
from engines.conversion import STAGES, Change, Loss, Step
from engines.results import Estimate, Result
from flywheel.accounts.models import Workspace
from flywheel.accounts.sheets import Cell
from flywheel.accounts.templatetags.formats import number, percent
from flywheel.conversion import figures, paths_page
from flywheel.conversion.journeys import Journey, Span, journey
from flywheel.conversion.models import PainPoint
from flywheel.conversion.tables import Table, limits, parts
from flywheel.conversion.words import COMPARISONS
from flywheel.diagnosis import words
from flywheel.diagnosis.engine_pages import Choice
from flywheel.diagnosis.flywheel_page import place_names
from flywheel.facts.calendar import FIRST_YEAR
from flywheel.measures import frames

YEAR = timedelta(weeks=52)  # the same weekdays
TOP_SEGMENTS = 15
POINTS_PER_PAGE = 50
DIMENSIONS = ("market", "channel", "device")
Names = Mapping[str, Mapping[str, str]]  # dimension -> code -> name


@dataclass(frozen=True)
class View:
    """What the reader looks at beyond market and weeks: channel, device, and the period to compare with."""

    choice: Choice
    channel: str
    device: str
    compare: str
    other: Span | None

    @classmethod
    def parse(cls, query: Mapping[str, str], names: Names, choice: Choice) -> "View":
        """The view in the address; what it says wrongly falls back to the default."""
        channel, device = query.get("channel", ""), query.get("device", "")
        asked = query.get("compare", "")
        compare = asked if asked in COMPARISONS else "before"
        return cls(
            choice,
            channel if channel in names["channel"] else "",
            device if device in words.DEVICES else "",
            compare,
            _other(compare, choice, query),
        )

    @property
    def where(self) -> dict[str, str]:
        """The segment as a filter of measures."""
        chosen = {"market": self.choice.market, "channel": self.channel, "device": self.device}
        return {key: value for key, value in chosen.items() if value}

    @property
    def span(self) -> Span:
        """First and last week looked at."""
        return self.choice.first, self.choice.last


def _other(compare: str, choice: Choice, query: Mapping[str, str]) -> Span | None:
    """The weeks to compare with; None where there are none."""
    if compare == "other":
        first, last = (_week(query.get(name, ""), choice.week) for name in ("from", "to"))
        return (first, last) if first and last and first <= last else None
    if choice.first is None or compare == "none":
        return None
    back = YEAR if compare == "year" else timedelta(weeks=choice.weeks)
    return choice.first - back, choice.last - back


def _week(text: str, anchor: date) -> date | None:
    """The start of the week that holds a day in ISO form; weeks start on `anchor`'s weekday."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day - timedelta(days=(day - anchor).days % 7) if day.year >= FIRST_YEAR else None


def context(workspace: Workspace, choice: Choice, query: Mapping[str, str], may_edit: bool) -> dict[str, Any]:
    """Everything of the page."""
    names = place_names(workspace)
    view = View.parse(query, names, choice)
    told = _told(workspace, view)
    return {
        "view": view,
        "channels": sorted(names["channel"].items(), key=lambda pair: pair[1]),
        "devices": list(words.DEVICES.items()),
        "comparisons": list(COMPARISONS.items()),
        "aov": told.aov,
        "changes": _named(told.changes),
        "has_other": bool(told.earlier),
        "losses": _named(told.losses),
        "chart": _chart(told.steps, told.earlier),
        "left_out": told.now.left_out,
        "segments": _segments(view, told.now, told.then, names),
        "paths": paths_page.context(workspace, choice, view.where, view.other),
        "pain": pain_points(workspace, choice, names, query),
        "may_edit": may_edit,
    }


@dataclass(frozen=True, eq=False)
class Told:
    """The view's journey and that of the weeks to compare with, their steps, and what is lost before each."""

    now: Journey
    then: Journey | None
    aov: Result
    steps: tuple[Step, ...]
    earlier: tuple[Step, ...]
    changes: tuple[Change, ...]
    losses: tuple[Loss, ...]


def _told(workspace: Workspace, view: View) -> Told:
    found = journey(workspace, view.span, view.where)
    other = journey(workspace, view.other, view.where, found.stages) if view.other else None
    now, then = found.sums()[0], other.sums()[0] if other else {}
    aov = order_value(now)
    steps, earlier = conversion.funnel(now), conversion.funnel(then)
    changes = conversion.compared(steps, earlier, aov)
    return Told(found, other, aov, steps, earlier, changes, conversion.losses(steps, aov))


def order_value(row: Mapping[str, float]) -> Result:
    """The mean value of the row's orders, as the KPI has it, or why there is none."""
    entry = kpi.KPIS["aov"]
    return kpi.compute(entry, {measure: row[measure] for measure in entry.measures})


def _named(steps: Any) -> list[dict[str, Any]]:
    return [{"name": words.STAGES[step.key], "step": step} for step in steps]


def _chart(steps: tuple[Step, ...], earlier: tuple[Step, ...]) -> dict[str, Any] | None:
    if not steps:
        return None
    other = {s.key: _share(s) for s in earlier}
    shares = [_share(s) for s in steps]
    labels = [f"{number(s.count)} · {percent(share, 2)}" for s, share in zip(steps, shares, strict=True)]
    names = [str(words.STAGES[s.key]) for s in steps]
    return {
        "id": "journey",
        "title": _("Share of sessions that reach each step"),
        "summary": worst_words(steps),
        "height": "tall",
        "figure": figures.two_funnels(names, shares, [other.get(s.key) for s in steps], labels),
        "columns": [_("Step"), _("This period"), *([_("Compared with")] if earlier else [])],
        "rows": [
            [name, percent(share, 2), *([percent(other.get(s.key), 2)] if earlier else [])]
            for name, share, s in zip(names, shares, steps, strict=True)
        ],
    }


def _share(step: Step) -> float | None:
    """The share of all sessions that reached a step, to draw; None where it has none."""
    if step.total_rate is None:
        return 1.0
    return step.total_rate.value if isinstance(step.total_rate, Estimate) else None


def worst_words(steps: tuple[Step, ...]) -> str:
    """Which step loses the largest share, of those that have one, in a sentence; '' where there is none."""
    rates = [(s.step_rate.value, s.key) for s in steps if isinstance(s.step_rate, Estimate)]
    if not rates:
        return ""
    rate, key = min(rates, key=lambda pair: pair[0])
    words_ = {"stage": words.STAGES[key], "rate": percent(rate, 1)}
    return _("The largest share is lost before “%(stage)s”: %(rate)s go on.") % words_


# --- segments ---------------------------------------------------------------------------------------------------------
def _segments(view: View, now: Journey, then: Journey | None, names: Names) -> list[dict[str, Any]]:
    """The dimensions that are not chosen already, without those that have no sessions."""
    found = (_segment(now, then, d, names[d]) for d in DIMENSIONS if d not in view.where)
    return [segment for segment in found if segment["rows"]]


def _segment(now: Journey, then: Journey | None, dimension: str, names: Mapping[str, str]) -> dict[str, Any]:
    """One dimension's values by sessions, each with its steps and its total rate beside the other period's."""
    rows = [r for r in now.sums((dimension,)) if r["sessions"] > 0]
    rows.sort(key=lambda r: -r["sessions"])
    others = then.sums((dimension,)) if then else []
    earlier = {r[dimension]: conversion.funnel(r) for r in others}
    shown = [_segment_row(row, row[dimension], names, earlier) for row in rows[:TOP_SEGMENTS]]
    stages = [key for key in STAGES[1:] if any(key in row["rates"] for row in shown)]
    for row in shown:
        row["cells"] = [row["rates"].get(key) for key in stages]
    return {
        "key": dimension,
        "title": {"market": _("By market"), "channel": _("By channel"), "device": _("By device")}[dimension],
        "stages": [words.STAGES[key] for key in stages],
        "rows": shown,
        "left_out": max(len(rows) - TOP_SEGMENTS, 0),
    }


def _segment_row(
    row: Mapping[str, Any], code: str, names: Mapping[str, str], earlier: Mapping[str, tuple[Step, ...]]
) -> dict[str, Any]:
    steps = conversion.funnel(row)
    aov = order_value(row)
    last = conversion.compared(steps, earlier.get(code, ()), aov)[-1]
    money = [loss.money for loss in conversion.losses(steps, aov)]
    return {
        "code": code,
        "name": names.get(code) or code or _("unknown"),
        "sessions": row["sessions"],
        "rates": {s.key: s.step_rate for s in steps[1:]},
        "total": last.now.total_rate,
        "change": last.total_change,
        "worst": max((m.value for m in money if isinstance(m, Estimate)), default=None),
    }


# --- pain points ------------------------------------------------------------------------------------------------------
def pain_points(workspace: Workspace, choice: Choice, names: Names, query: Mapping[str, str]) -> dict[str, Any]:
    """A page of the pain points, open ones first, each with what its step loses in the chosen weeks."""
    shown = Paginator(_points(workspace, choice), POINTS_PER_PAGE).get_page(query.get("page"))
    asked = urlencode({key: value for key, value in query.items() if key != "page"})
    return {"rows": _pain_rows(workspace, choice, names, shown), "page": shown, "query": asked}


def _points(workspace: Workspace, choice: Choice) -> QuerySet[PainPoint]:
    """The pain points of the chosen market and of all."""
    found = PainPoint.objects.filter(workspace=workspace)
    return found.filter(market__in=(choice.market, "")) if choice.market else found


def _pain_rows(workspace: Workspace, choice: Choice, names: Names, points: Iterable[PainPoint]) -> list[dict[str, Any]]:
    """Each point with what is lost before its step, in its market and on its device."""
    told = journey(workspace, (choice.first, choice.last), choice.where)
    lost = cache(lambda market, device: _lost(told, market, device))  # many points share both
    return [
        {
            "point": point,
            "market": names["market"].get(point.market, point.market),
            "device": names["device"].get(point.device, point.device),
            "loss": lost(point.market, point.device).get(point.step),
        }
        for point in points
    ]


def _lost(told: Journey, market: str, device: str) -> dict[str, Loss]:
    """Step -> what is lost before it."""
    keep = np.ones(len(told.frame), dtype=bool)
    for column, value in (("market", market), ("device", device)):
        if value:
            keep &= (told.frame[column] == value).to_numpy()
    (row,) = told.sums(keep=keep)
    return {loss.key: loss for loss in conversion.losses(conversion.funnel(row), order_value(row))}


# --- files ------------------------------------------------------------------------------------------------------------
def steps_table(workspace: Workspace, view: View) -> Table:
    """Columns and rows of the file: every step's rates, beside the other period's, and what is lost before it."""
    told = _told(workspace, view)
    columns = [_("Step"), _("Sessions"), *limits(_("Of the step before")), *limits(_("Of all sessions"))]
    if told.earlier:
        before = _("Of the step before, compared period")
        columns += [_("Sessions, compared period"), *limits(before), *limits(_("Change"))[:3]]
        columns += [*limits(_("Change of the share of all"))[:3], *limits(_("What the change brings"))[:3]]
    columns += [_("Sessions lost"), _("Of those who went on, paid"), _("Orders lost"), _("Money lost")]
    lost = {loss.key: loss for loss in told.losses}
    return columns, [[*_step_cells(change, bool(told.earlier)), *_loss_cells(lost.get(change.key))]
                     for change in told.changes]  # fmt: skip


def _step_cells(change: Change, has_other: bool) -> list[Cell]:
    now, then = change.now, change.then
    own: list[Cell] = [str(words.STAGES[change.key]), now.count, *parts(now.step_rate), *parts(now.total_rate)]
    if not has_other:
        return own
    brings = parts(change.money if change.step_change else None)[:3]
    beside: list[Cell] = [then.count if then else None, *parts(then.step_rate if then else None)]
    return [*own, *beside, *parts(change.step_change)[:3], *parts(change.total_change)[:3], *brings]


def _loss_cells(loss: Loss | None) -> list[Cell]:
    return [loss.sessions, loss.onward, loss.orders, parts(loss.money)[0]] if loss else [None] * 4


def pain_table(workspace: Workspace, choice: Choice) -> Table:
    """Columns and rows of the file: all pain points of the chosen market."""
    columns = [pgettext("pain point", "What is wrong"), _("Evidence"), _("Lost before"), _("Market"), _("Device"),
               _("Owner"), _("Status"), _("Solved on"), _("Sessions lost"), _("Of those who went on, paid"),
               _("Orders lost"), _("At stake")]  # fmt: skip
    rows: list[list[Cell]] = []
    for row in _pain_rows(workspace, choice, place_names(workspace), _points(workspace, choice)):
        p = row["point"]
        places = [row["market"] or _("All markets"), row["device"] or _("All devices")]
        rows.append([p.text, p.evidence, p.get_step_display(), *places, p.owner, p.get_status_display(), p.solved_on,
                     *_loss_cells(row["loss"])])  # fmt: skip
    return columns, rows


def table(workspace: Workspace, view: View) -> Table:
    """Columns and rows of the export: every market, channel and device with both periods' counts."""
    counts = [_counts(workspace, span, view.where) for span in (view.span, view.other) if span]
    frame = counts[0].join(counts[1].add_suffix("_then"), how="outer") if len(counts) > 1 else counts[0]
    stages = [str(words.STAGES[key]) for key in STAGES]
    then = [_("%(stage)s, compared period") % {"stage": stage} for stage in stages] if len(counts) > 1 else []
    rows = [[*keys, *(float(v) for v in values)] for keys, values in zip(frame.index, frame.to_numpy(), strict=True)]
    return [_("Market"), _("Channel"), _("Device"), *stages, *then], rows


def _counts(workspace: Workspace, span: Span, where: Mapping[str, str]) -> pd.DataFrame:
    frame = frames.conversion(workspace, DIMENSIONS, *span, where)
    return frame[[*DIMENSIONS, *STAGES]].set_index(list(DIMENSIONS))
