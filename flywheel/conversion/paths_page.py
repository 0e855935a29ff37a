"""The journey's paths and the times between its steps: what single sessions did, beside the period to compare with.

Read from the kept counts of sessions, for the market, channel, device and weeks of the page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd
from django.utils.translation import gettext as _

from engines import conversion, differences, paths
from engines.paths import Flow, PathMap, Point
from engines.results import Result, Unavailable
from flywheel.accounts.models import Workspace
from flywheel.accounts.sheets import Cell
from flywheel.accounts.templatetags.formats import number
from flywheel.conversion import analyses, path_flow
from flywheel.conversion.journeys import Span
from flywheel.conversion.tables import Table, limits, parts
from flywheel.conversion.words import touch_point
from flywheel.diagnosis.engine_pages import Choice
from flywheel.measures import sessions

TOP_FLOWS = 20  # on the page; the file holds all
Where = Mapping[str, str]
Rows = list[dict[str, Any]]


def context(workspace: Workspace, choice: Choice, where: Where, other: Span | None) -> dict[str, Any]:
    """The path map with its flow chart and tables, or why there is none; `other`: the weeks to compare with."""
    state, (now, then) = _state(workspace, choice), maps(workspace, choice, where, other)
    if isinstance(now, Unavailable):
        return {**state, "missing": now if now.n else None, "ready": bool(now.n)}
    exits = max(now.points, key=lambda point: point.exits)
    told = {"point": touch_point(exits.key), "n": number(exits.exits), "all": number(now.sessions)}
    flows = flow_rows(now, then)
    return {
        **state,
        "ready": True,
        "points": point_rows(now, then),
        "flows": flows[:TOP_FLOWS],
        "left_out": max(len(flows) - TOP_FLOWS, 0),
        "times": time_rows(workspace, choice, where, other),
        "sessions": now.sessions,
        "then": then,
        "other": other,
        "flow": path_flow.lay_out(asdict(now)),
        "summary": _("Most sessions end at “%(point)s”: %(n)s of %(all)s.") % told,
        "share_paid": now.paid / now.sessions,
    }


def _state(workspace: Workspace, choice: Choice) -> dict[str, Any]:
    """Of when the counts are and of which sessions; in the words of a kept analysis (`_kept.html`)."""
    found = sessions.counted(workspace)
    return {
        "done": found is not None,
        "busy": analyses.is_busy(workspace),
        "weeks": choice.weeks,
        "week": choice.last,
        "first": choice.first,
        "computed_at": found.began_at if found else None,
        "one_in": found.one_in if found else 1,
    }


def maps(
    workspace: Workspace, choice: Choice, where: Where, other: Span | None
) -> tuple[PathMap | Unavailable, PathMap | Unavailable | None]:
    """The map of the chosen weeks, and of the others by the same touch points; None where there are no others."""
    now = paths.path_map(_moves(workspace, (choice.first, choice.last), where), always=conversion.STAGES)
    if other is None or isinstance(now, Unavailable):
        return now, None
    return now, paths.path_map(_moves(workspace, other, where), top=0, always=[point.key for point in now.points])


def _moves(workspace: Workspace, span: Span, where: Where) -> list[tuple[str, str, float, float]]:
    frame = sessions.moves(workspace, *span, where)
    return list(frame.itertuples(index=False, name=None))


def point_rows(now: PathMap, then: PathMap | Unavailable | None) -> Rows:
    """Touch points by visits, each with the other period's (`then`) and how its exit rate differs."""
    earlier = {point.key: point for point in then.points} if isinstance(then, PathMap) else {}
    return [{"point": p, "then": earlier.get(p.key), "change": _exits_changed(p, earlier.get(p.key))}
            for p in now.points]  # fmt: skip


def _exits_changed(now: Point, then: Point | None) -> Result | None:
    return differences.of_rates(now.exits, now.visits, then.exits, then.visits) if then else None


def flow_rows(now: PathMap, then: PathMap | Unavailable | None) -> Rows:
    """Flows, the largest first, each with the other period's and how its share of all that left differs."""
    earlier = {(f.source, f.target): f for f in then.flows} if isinstance(then, PathMap) else {}
    return [{"flow": f, "then": earlier.get((f.source, f.target)), "change": _share_changed(f, earlier)}
            for f in now.flows]  # fmt: skip


def _share_changed(now: Flow, earlier: Mapping[tuple[str, str], Flow]) -> Result | None:
    then = earlier.get((now.source, now.target))
    if then is None:
        return None
    return differences.of_rates(now.count, now.count / now.share, then.count, then.count / then.share)


def time_rows(workspace: Workspace, choice: Choice, where: Where, other: Span | None) -> Rows:
    """Every pair of steps that sessions reached both of: how long it took, in the other period too."""
    now = sessions.step_times(workspace, choice.first, choice.last, where)
    then = sessions.step_times(workspace, *other, where) if other else now[:0]
    pairs = [(source, target, _bins(now, source, target)) for source, target in sessions.GAPS]
    return [_time_row(source, target, bins, _bins(then, source, target)) for source, target, bins in pairs if bins]


def _bins(frame: pd.DataFrame, source: str, target: str) -> dict[int, float]:
    own = frame[(frame["source"] == source) & (frame["target"] == target)]
    return {int(number_): float(n) for number_, n in zip(own["bin"], own["count"], strict=True)}


def _time_row(source: str, target: str, now: Mapping[int, float], then: Mapping[int, float]) -> dict[str, Any]:
    return {
        "source": source,
        "target": target,
        "n": sum(now.values()),
        "p50": paths.percentile(now, 0.5),
        "p90": paths.percentile(now, 0.9),
        "then_n": sum(then.values()),
        "then_p50": paths.percentile(then, 0.5) if then else None,
        "then_p90": paths.percentile(then, 0.9) if then else None,
    }


# --- files ------------------------------------------------------------------------------------------------------------
def points_table(workspace: Workspace, choice: Choice, where: Where, other: Span | None) -> Table:
    """Touch points and exits."""
    now, then = maps(workspace, choice, where, other)
    columns = [_("Touch point"), _("Visits"), _("Sessions begun there"), _("Sessions ended there"),
               *limits(_("Exit rate"))]  # fmt: skip
    others = [*limits(_("Exit rate, compared period")), *limits(_("Change"))[:3]] if other else []
    rows: list[list[Cell]] = []
    for row in [] if isinstance(now, Unavailable) else point_rows(now, then):
        p, before = row["point"], row["then"]
        own: list[Cell] = [touch_point(p.key), p.visits, p.entries, p.exits, *parts(p.exit_rate)]
        rows.append(own + (_compared(before.exit_rate if before else None, row["change"]) if other else []))
    return columns + others, rows


def _compared(then: Result | None, change: Result | None) -> list[Cell]:
    return [*parts(then), *parts(change)[:3]]


def flows_table(workspace: Workspace, choice: Choice, where: Where, other: Span | None) -> Table:
    """All flows from one touch point to the next."""
    now, then = maps(workspace, choice, where, other)
    columns = [_("From touch point"), _("To touch point"), _("Times"), _("Of all that left"), _("In paid sessions")]
    others = [_("Times, compared period"), _("Of all that left, compared period"), *limits(_("Change"))[:3]]
    rows: list[list[Cell]] = []
    for row in [] if isinstance(now, Unavailable) else flow_rows(now, then):
        f, before = row["flow"], row["then"]
        own: list[Cell] = [touch_point(f.source), touch_point(f.target), f.count, f.share, f.paid]
        beside: Sequence[Cell] = [before.count, before.share] if before else [None, None]
        rows.append(own + ([*beside, *parts(row["change"])[:3]] if other else []))
    return columns + (others if other else []), rows


def times_table(workspace: Workspace, choice: Choice, where: Where, other: Span | None) -> Table:
    """Time between steps, in seconds."""
    names = [_("Median (seconds)"), _("90 % are faster than (seconds)")]
    columns = [_("From step"), _("To step"), _("Sessions"), *(part for name in names for part in limits(name)[:3])]
    thens = [_("%(name)s, compared period") % {"name": name} for name in names]
    others = [_("Sessions, compared period"), *(part for name in thens for part in limits(name)[:3])]
    rows: list[list[Cell]] = []
    for row in time_rows(workspace, choice, where, other):
        own: list[Cell] = [touch_point(row["source"]), touch_point(row["target"]), row["n"]]
        own += [*parts(row["p50"])[:3], *parts(row["p90"])[:3]]
        beside: list[Cell] = [row["then_n"], *parts(row["then_p50"])[:3], *parts(row["then_p90"])[:3]]
        rows.append(own + (beside if other else []))
    return columns + (others if other else []), rows
