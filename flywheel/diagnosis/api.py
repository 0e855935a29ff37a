"""KPIs and verdicts over HTTP: what the pages show, as numbers."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

import numpy as np
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from ninja import Path, Query, Router, Schema

from engines import business as measures
from engines import weekly
from engines.kpi import KPIS, METHODS, Kpi, Words
from engines.results import Estimate, Result, Unavailable
from flywheel.accounts.api import METRICS_READ, REFUSALS, ApiError, KeyAuth, Refusal, answer
from flywheel.accounts.models import Workspace
from flywheel.accounts.words import reason_words
from flywheel.diagnosis import words
from flywheel.diagnosis.flywheel_page import place_names
from flywheel.diagnosis.models import Diagnosis
from flywheel.diagnosis.running import load_business
from flywheel.measures.api import ChannelCode, FirstDay, LastDay, MarketCode, check_places, span

MOST_WEEKS = 520  # of one answer: ten years
KPI = _(
    "Each week's value with its 95 % interval and sample size n, or the reason why there is none. A week of a KPI "
    "with a longer window sums the weeks of that window."
)
VERDICTS = _(
    "The verdict of each week as it was published, newest first, and as it stands now where later data has changed it."
)
BEFORE = _("Only weeks before this day: the last week of the answer before, to go on from there.")
router = Router()


class InBoth(Schema):
    """A text in both languages."""

    en: str
    zh: str


class KpiEntry(Schema):
    """What a KPI is."""

    key: str
    engine: Literal["market", "conversion", "aftersales"]
    name: InBoth
    definition: InBoth
    formula: str
    interval: InBoth
    source: InBoth
    owner: InBoth
    unit: Literal[
        "rate", "count", "number", "money", "money_per", "days", "hours", "months", "stars", "points", "index", "ratio"
    ]
    better: Literal["up", "down"]
    window_weeks: int
    needed: float
    headline: bool


class Kpis(Schema):
    """Every KPI there is."""

    kpis: list[KpiEntry]


class Missing(Schema):
    """Why there is no value, with how many observations there are and how many it takes."""

    reason: str
    message: str
    n: float | None
    needed: float | None


class KpiWeek(Schema):
    """One week. Either value or unavailable is null; a plain count has no interval."""

    week: date
    value: float | None
    low: float | None
    high: float | None
    n: float | None
    unavailable: Missing | None


class KpiWeeks(Schema):
    """The weeks of one KPI, oldest first."""

    key: str
    unit: str
    currency: str
    market: str
    channel: str
    weeks: list[KpiWeek]


class Segment(Schema):
    """Where the loss sits, and how much of it."""

    dimension: str
    value: str
    share: float


class Verdict(Schema):
    """The weakest link, or why none is named. Money per week in the base currency, 90 % interval low to high."""

    called: bool
    reason: str
    engine: str
    driver: str
    market: str
    segments: list[Segment]
    since: str
    loss: float | None
    low: float | None
    high: float | None
    engine_loss: float | None
    chance: float | None
    have: float | None
    needed: float | None
    text: str


class WeekVerdict(Schema):
    """A week's verdict as published; `now` where it has been restated since."""

    week: date
    published_at: datetime
    published: Verdict
    restated_at: datetime | None
    now: Verdict | None


class Verdicts(Schema):
    """Verdicts, newest week first."""

    currency: str
    verdicts: list[WeekVerdict]


# --- KPIs -----------------------------------------------------------------------------------------------------------
@router.get(
    "/kpis",
    auth=KeyAuth(METRICS_READ),
    response={200: Kpis, **REFUSALS},
    operation_id="list_kpis",
    openapi_extra={"summary": _("All KPIs"), "description": _("Each KPI with its unit and what it means.")},
    tags=["metrics"],
)
def kpis(request: HttpRequest) -> HttpResponse:
    """The registry."""
    return answer({"kpis": [_entry(entry) for entry in KPIS.values()]})


def _entry(entry: Kpi) -> dict[str, Any]:
    return {
        "key": entry.key,
        "engine": entry.engine,
        "name": _both(entry.name),
        "definition": _both(entry.definition),
        "formula": entry.formula,
        "interval": _both(METHODS[entry.shape]),
        "source": _both(entry.source),
        "owner": _both(entry.owner),
        "unit": entry.unit,
        "better": entry.direction,
        "window_weeks": entry.window,
        "needed": entry.min_n,
        "headline": entry.headline,
    }


def _both(text: Words) -> dict[str, str]:
    return {"en": text.en, "zh": text.zh}


@router.get(
    "/kpis/{key}",
    auth=KeyAuth(METRICS_READ),
    response={200: KpiWeeks, **REFUSALS, 404: Refusal},
    operation_id="get_kpi",
    openapi_extra={"summary": _("The weeks of a KPI"), "description": KPI},
    tags=["metrics"],
)
def kpi(
    request: HttpRequest,
    key: Annotated[str, Path(description=", ".join(KPIS))],
    first: FirstDay = None,
    last: LastDay = None,
    market: MarketCode = "",
    channel: ChannelCode = "",
) -> HttpResponse:
    """A KPI's weekly results, for one market or channel or all."""
    workspace: Workspace = request.auth.workspace  # type: ignore[attr-defined]
    if key not in KPIS:
        raise ApiError(404, "kpi", _("There is no such KPI: see the list at /api/v1/kpis."))
    check_places(workspace, market, channel)
    start, end = span(workspace, first, last)
    if (end - start).days > 7 * MOST_WEEKS:
        raise ApiError(422, "span", _("Ask for at most ten years at a time."))
    results = _results(workspace, KPIS[key], start, end, market, channel)
    told = {"key": key, "unit": KPIS[key].unit, "currency": workspace.base_currency, "market": market,
            "channel": channel, "weeks": [_week(week, result) for week, result in results]}  # fmt: skip
    return answer(told)


def _results(
    workspace: Workspace, entry: Kpi, start: date, end: date, market: str, channel: str
) -> list[tuple[str, Result]]:
    """The KPI in each week from `start` to `end` that the business has measures for, by the engines' own sums."""
    history = max(end - start, timedelta(0)) + timedelta(weeks=entry.window)
    business = load_business(workspace, end, facets=False, history=history, channels=bool(channel))
    business = business.of_channel(channel) if channel else business
    known = business.weeks()
    first, final = np.datetime64(start, "D"), np.datetime64(end, "D")
    if known is None or final < max(first, known[0]):
        return []
    panel = measures.panel(business, known[0], final)
    if market and market not in panel.markets:
        return []
    position = panel.markets.index(market) if market else None
    ends = [at for at, week in enumerate(panel.weeks) if week >= first]
    weeks = [str(panel.weeks[at]) for at in ends]
    if channel and not entry.is_by_channel:
        return [(week, Unavailable("not_by_channel")) for week in weeks]
    return list(zip(weeks, weekly.series(entry, panel, ends, position).results(), strict=True))


def _week(week: str, result: Result) -> dict[str, Any]:
    if isinstance(result, Estimate):
        known = {"value": result.value, "low": result.low, "high": result.high, "n": result.n}
        return {"week": week, **known, "unavailable": None}
    why = {"reason": result.reason, "message": reason_words(result), "n": result.n, "needed": result.needed}
    return {"week": week, **dict.fromkeys(("value", "low", "high", "n")), "unavailable": why}


# --- verdicts -------------------------------------------------------------------------------------------------------
@router.get(
    "/verdicts",
    auth=KeyAuth(METRICS_READ),
    response={200: Verdicts, **REFUSALS},
    operation_id="list_verdicts",
    openapi_extra={"summary": _("Verdicts"), "description": VERDICTS},
    tags=["metrics"],
)
def verdicts(
    request: HttpRequest,
    before: Annotated[date | None, Query(description=BEFORE)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 52,
) -> HttpResponse:
    """The published verdicts."""
    workspace: Workspace = request.auth.workspace  # type: ignore[attr-defined]
    known = Diagnosis.objects.filter(workspace=workspace)
    if before:
        known = known.filter(week__lt=before)
    weeks = list(known.filter(revision=0).order_by("-week").values_list("week", flat=True)[:limit])
    names = place_names(workspace)
    by_week: dict[date, list[Diagnosis]] = {week: [] for week in weeks}
    for row in known.filter(week__in=weeks).order_by("revision"):
        by_week[row.week].append(row)
    told = [_week_verdict(rows, workspace.base_currency, names) for rows in by_week.values()]
    return answer({"currency": workspace.base_currency, "verdicts": told})


def _week_verdict(rows: Sequence[Diagnosis], currency: str, names: dict[str, dict[str, str]]) -> dict[str, Any]:
    """What the first row of a week says, and the last where there are several."""
    published, newest = rows[0], rows[-1]
    restated = newest is not published
    return {
        "week": published.week,
        "published_at": published.computed_at,
        "published": _verdict(published, currency, names),
        "restated_at": newest.computed_at if restated else None,
        "now": _verdict(newest, currency, names) if restated else None,
    }


def _verdict(row: Diagnosis, currency: str, names: dict[str, dict[str, str]]) -> dict[str, Any]:
    """The verdict's own fields; money and chance only where there is a call, as they are zero elsewhere."""
    kept = row.result["verdict"]
    figures = {name: kept.get(name) if kept["called"] else None for name in _FIGURES}
    said = {name: kept.get(name) for name in _SAID}
    text = words.verdict_sentence(kept, currency, words.where_text(kept["segments"], names))
    return {"called": kept["called"], **said, "segments": kept["segments"], **figures, "text": text}


_FIGURES = ("loss", "low", "high", "engine_loss", "chance")
_SAID = ("reason", "engine", "driver", "market", "since", "have", "needed")
