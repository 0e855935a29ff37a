"""Runs the engines on a workspace's measures and keeps what they say."""

import json
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils import timezone

from engines import diagnosis, weekly
from engines.business import WEEKS_30, WEEKS_365, Business, panel
from engines.panel import Panel
from flywheel.accounts.models import Workspace
from flywheel.diagnosis.models import Diagnosis
from flywheel.facts.calendar import last_complete_week
from flywheel.facts.models import Engine
from flywheel.measures import frames

HISTORY = timedelta(weeks=3 * 52)  # what the diagnosis reads, and the cohorts that come of age in it
SHOWN = timedelta(weeks=2 * 52 + 13)  # weeks of the longest line, and a period before it
SETTLING = timedelta(hours=1)  # from the first diagnosis of a week until it stands as published
LACKING = frozenset(diagnosis.NO_CALL_REASONS) - {"at_reference", "nothing_stands_out", "not_sure", "no_margin"}
DIGITS = 10  # significant digits kept of a figure, so that equal data gives equal results on any machine


def load_business(
    workspace: Workspace, last: date, facets: bool = True, history: timedelta | None = HISTORY, channels: bool = True
) -> Business:
    """The workspace's weekly measures of `history` (None: all) up to the week `last`.

    With `facets`, the journey per device, deliveries per carrier and orders per payment method too. Cohorts
    reach further back, to those who come of age in `history`.
    Without `channels`, what is after the sale is summed over them, which is enough for everything but their table.
    """
    first, keys = last - history if history else None, ("week", "market", "channel")
    summed = keys if channels else keys[:2]
    older = first - timedelta(weeks=WEEKS_365) if first else None
    follow = first - timedelta(weeks=WEEKS_30) if first else None
    recent = max(first, last - SHOWN) if first else None
    return Business(
        conversion=frames.conversion(workspace, (*keys, "device") if facets else keys, first, last),
        market=frames.market(workspace, keys, first, last),
        aftersales=frames.aftersales(workspace, (*summed, "carrier") if facets else summed, first, last),
        cohorts=frames.cohorts(workspace, summed, older, last),
        channel_kinds=frames.channel_kinds(workspace),
        followups=frames.followups(workspace, summed, follow, last),
        durations=frames.durations(workspace, recent, last),
        investments=frames.investments(workspace, Engine.MARKET, last),
        **({"payments": frames.payments(workspace, ("week", "market", "method"), first, last)} if facets else {}),
        agreed_reply_minutes=60 * workspace.agreed_reply_hours,
    )


def newest_week(workspace: Workspace, now: datetime | None = None) -> date | None:
    """The newest complete week with traffic, orders or spend; None when there is none."""
    return frames.newest_week(workspace, last_complete_week(workspace, now))


def diagnose_week(workspace: Workspace, week: date, now: datetime | None = None) -> Diagnosis:
    """Compute the week's diagnosis and keep it: the first is what is published, a different later one a revision.

    While it settles, a row is replaced instead: Monday's files come one by one, and none of the verdicts on the way
    is what the team means by "published".
    """
    now = now or timezone.now()
    with transaction.atomic():
        Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)  # runs of one workspace queue up
        result, kpis = _compute(workspace, week, now)
        newest = Diagnosis.objects.filter(workspace=workspace, week=week).first()
        if newest and newest.result == result and newest.kpis == kpis:
            return newest
        row = newest if newest and _is_settling(newest, now) else Diagnosis(workspace=workspace, week=week)
        if row is not newest:
            row.revision, row.computed_at = (newest.revision + 1 if newest else 0), now
        row.result, row.kpis = result, kpis
        row.save()
        return row


def _is_settling(row: Diagnosis, now: datetime) -> bool:
    """Whether the row may still be replaced: it is young, or it could say nothing for lack of data."""
    return now - row.computed_at < SETTLING or row.result["verdict"]["reason"] in LACKING


def _compute(workspace: Workspace, week: date, now: datetime | None) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    business = load_business(workspace, week)
    start = np.datetime64(week, "D")
    found = diagnosis.diagnose(business, start, np.datetime64(last_complete_week(workspace, now), "D"))
    span = business.weeks()
    if span is None or span[0] > start:
        return _plain(found.as_data() | {"coverage": {}}), []
    measures = panel(business, span[0], start)
    result = found.as_data() | {"coverage": _coverage(measures)}
    return _plain(result), _plain([r.as_data() for r in weekly.review(measures)])


COVERED = {"orders": "orders", "sessions": "traffic", "cost_base": "spend", "deliveries": "deliveries",
           "reviews": "reviews", "refunds": "refunds"}  # fmt: skip


def _coverage(measures: Panel) -> dict[str, str]:
    """Kind of data -> the newest week in which any of it is known; '' when there is none."""
    ends = {}
    for measure, kind in COVERED.items():
        known = np.flatnonzero((measures[measure] > 0).any(axis=1))
        ends[kind] = str(measures.weeks[known[-1]]) if known.size else ""
    return ends


def _plain(data: Any) -> Any:
    """Data as it comes back from the database: JSON types only, figures rounded to DIGITS, NaN as None."""
    return json.loads(json.dumps(_rounded(data), cls=DjangoJSONEncoder))


def _rounded(data: Any) -> Any:
    if isinstance(data, dict):
        return {k: _rounded(v) for k, v in data.items()}
    if isinstance(data, list | tuple):
        return [_rounded(v) for v in data]
    if isinstance(data, float | np.floating):
        return None if np.isnan(data) else float(f"{data:.{DIGITS}g}")
    return data
