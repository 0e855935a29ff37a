"""What the flywheel page shows, from one kept diagnosis: no engine runs when the page is opened."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from engines.diagnosis import STALE_WEEKS
from engines.kpi import KPIS, Kpi
from flywheel.accounts.models import Workspace
from flywheel.accounts.templatetags.formats import compact, compact_money, day, money, percent, reading
from flywheel.accounts.words import ENGINES_SHORT
from flywheel.diagnosis import restatements, words
from flywheel.diagnosis.models import Diagnosis
from flywheel.diagnosis.running import LACKING, SETTLING
from flywheel.facts.models import Channel, Market
from flywheel.measures.restating import restated

Json = Mapping[str, Any]
TOP_DRIVERS = 8
FIXED_COLUMNS = 5  # of the weekly review, beside its weeks: name, year, two changes, signal
ENGINES = ("market", "conversion", "aftersales")

COVERAGE = {
    "orders": gettext_lazy("Orders"),
    "traffic": gettext_lazy("Traffic"),
    "spend": gettext_lazy("Spend"),
    "deliveries": gettext_lazy("Deliveries"),
    "reviews": gettext_lazy("Reviews"),
    "refunds": gettext_lazy("Refunds"),
}


def flywheel_context(workspace: Workspace, diagnosis: Diagnosis, complete: date | None = None) -> dict[str, Any]:
    """The page's context. `complete`: the newest complete week by the calendar, when the page is about now.

    A verdict whose data has fallen behind the calendar since it was made is shown as out of date.
    """
    result = diagnosis.result
    verdict = _of_today(result["verdict"], diagnosis.week, complete)
    names = place_names(workspace)
    rows = {r["key"]: r for r in diagnosis.kpis}
    sentence, detail = _told(workspace, verdict, names)
    weeks = _week_headings(workspace, diagnosis, recent_weeks(diagnosis.week, rows), is_now=complete is not None)
    return {
        "diagnosis": diagnosis,
        "verdict": verdict,
        "sentence": sentence,
        "detail": detail,
        "needs_data": verdict["reason"] in LACKING,
        "published": _published(workspace, diagnosis, names, sentence),
        "wheel_state": wheel_state(workspace, {**result, "verdict": verdict}, rows),
        "engines": engine_rows(result),
        "drivers": driver_rows(result, names["market"]),
        "left_out": [names["market"].get(code) or code or _("unknown") for code in result.get("left_out", [])],
        "groups": kpi_groups(rows),
        "recent_weeks": weeks,
        "restated": any(week.mark for week in weeks),
        "columns": len(weeks) + FIXED_COLUMNS,
        "sources": trust_strip(result["coverage"], complete or diagnosis.week),
        "until": _last_day(complete or diagnosis.week),
        "last_day": _last_day(diagnosis.week),
        **week_links(workspace, diagnosis),
    }


def _of_today(verdict: Json, week: date, complete: date | None) -> Json:
    """The verdict, or "out of date" when newer complete weeks have gone by without data."""
    if complete is None or (complete - week).days // 7 <= STALE_WEEKS or verdict["reason"] in LACKING:
        return verdict
    return {**verdict, "called": False, "reason": "stale", "have": None, "needed": None, "engine": "", "driver": ""}


def _told(workspace: Workspace, verdict: Json, names: Mapping[str, Mapping[str, str]]) -> tuple[str, str]:
    """The verdict's sentence and what is said below it."""
    where = words.where_text(verdict["segments"], names)
    currency = workspace.base_currency
    return words.verdict_sentence(verdict, currency, where), words.verdict_detail(verdict, currency)


def _published(
    workspace: Workspace, diagnosis: Diagnosis, names: Mapping[str, Mapping[str, str]], sentence: str
) -> str:
    """What the week's verdict first said, when it has been restated since and says something else now."""
    if not diagnosis.revision:
        return ""
    first = Diagnosis.objects.filter(workspace=workspace, week=diagnosis.week).order_by("revision")[0]
    told = _told(workspace, first.result["verdict"], names)[0]
    return told if told != sentence else ""


def place_names(workspace: Workspace) -> dict[str, dict[str, str]]:
    """Names of markets, channels and devices by code."""
    return {
        "market": {m.code: str(m) for m in Market.objects.filter(workspace=workspace)},
        "channel": {c.code: str(c) for c in Channel.objects.filter(workspace=workspace)},
        "device": {k: str(v) for k, v in words.DEVICES.items()},
        "carrier": {},
    }


def engine_rows(result: Json) -> list[dict[str, Any]]:
    """Opportunity and attainment per engine, in the flywheel's order, named."""
    return [{**e, **_rounded(e), "name": ENGINES_SHORT[e["key"]]} for e in result["engines"]]


def _rounded(row: Json) -> dict[str, float]:
    """A row's money to the digits it deserves, the same in the sentence and in the tables."""
    return {k: words.round_money(row[k]) for k in ("opportunity", "low", "high")}


def driver_rows(result: Json, markets: Mapping[str, str]) -> list[dict[str, Any]]:
    """The drivers whose gap is established, most valuable first."""
    weak = [d for d in result["drivers"] if d["established"] and d["opportunity"] > 0][:TOP_DRIVERS]
    return [
        {
            **d,
            **_rounded(d),
            "name": words.DRIVERS[d["key"]],
            "market_name": markets.get(d["market"]) or d["market"] or _("unknown"),
            "basis_name": words.BASES[d["basis"]],
            "unit": _UNITS.get(d["key"], "rate"),
        }
        for d in weak
    ]


_UNITS = {
    "sessions_per_spend": "ratio",
    "first_aov": "money",
    "repeat_aov": "money",
    "repeat_orders": "ratio",
    "referral": "ratio",
}


def kpi_groups(rows: Mapping[str, Json]) -> list[dict[str, Any]]:
    """The KPI table's rows by engine, with names and definitions in the reader's language."""
    groups = []
    for engine in ENGINES:
        entries = [_kpi_row(k, rows[k.key]) for k in KPIS.values() if k.engine == engine and k.key in rows]
        if entries:
            groups.append({"engine": engine, "name": ENGINES_SHORT[engine], "rows": entries})
    return groups


def _kpi_row(entry: Kpi, row: Json) -> dict[str, Any]:
    language = get_language() or "en"
    return {
        **row,
        "name": entry.name.get(language),
        "definition": entry.definition.get(language),
        "source": entry.source.get(language),
        "owner": entry.owner.get(language),
        "better": entry.direction,
        "latest": row["recent"][-1],
        "is_known": any("value" in r for r in row["recent"]),
        "signal_is_good": row["signal"] == (1 if entry.direction == "up" else -1),
    }


def recent_weeks(last: date, rows: Mapping[str, Json]) -> list[date]:
    """The weeks of the KPI table's columns, oldest first."""
    count = max((len(r["recent"]) for r in rows.values()), default=0)
    return [last - timedelta(weeks=n) for n in reversed(range(count))]


@dataclass(frozen=True)
class WeekHeading:
    """A week of the table's columns, and how it was restated ('' when it was not)."""

    week: date
    mark: str


def _week_headings(workspace: Workspace, diagnosis: Diagnosis, weeks: list[date], is_now: bool) -> list[WeekHeading]:
    """The columns' weeks with their marks; an older page tells which restatements its figures do not know yet."""
    if not weeks:
        return []
    known_until = None if is_now else diagnosis.computed_at + SETTLING
    found = restated(workspace, weeks[0], weeks[-1])
    marks = restatements.marks(found, workspace.base_currency, known_until=known_until)
    return [WeekHeading(week, marks.get(week, "")) for week in weeks]


def trust_strip(coverage: Mapping[str, str], last: date) -> list[dict[str, str]]:
    """How far each kind of data reaches, for the strip on top; told only where it is not up to `last`."""
    strip = []
    for kind, name in COVERAGE.items():
        end = coverage.get(kind, "")
        state = "missing" if not end else ("ok" if date.fromisoformat(end) >= last else "late")
        told = (
            ""
            if state == "ok"
            else _("to %(day)s") % {"day": day(_last_day(date.fromisoformat(end)))}
            if end
            else _("not loaded")
        )
        strip.append({"name": str(name), "text": told, "state": state})
    return strip


def _last_day(week: date) -> date:
    return week + timedelta(days=6)


def week_links(workspace: Workspace, diagnosis: Diagnosis) -> dict[str, date | None]:
    """The neighbouring weeks that have a diagnosis."""
    kept = Diagnosis.objects.filter(workspace=workspace).values_list("week", flat=True)
    return {
        "previous_week": kept.filter(week__lt=diagnosis.week).order_by("-week").first(),
        "next_week": kept.filter(week__gt=diagnosis.week).order_by("week").first(),
    }


# --- the wheel --------------------------------------------------------------------------------------------------------


def wheel_state(workspace: Workspace, result: Json, rows: Mapping[str, Json]) -> dict[str, Any]:
    """The drawn flywheel: engines with attainment and a leading figure, hand-offs with flow and quality, the value."""
    weakest = result["verdict"]["engine"] if result["verdict"]["called"] else ""
    attained = {e["key"]: e["attainment"] for e in result["engines"]}
    leading = {"market": "cac", "conversion": "cvr", "aftersales": "repeat_rate_90"}
    engines = [
        {
            "key": e,
            "name": str(ENGINES_SHORT[e]),
            "attainment": attained.get(e),
            "value_text": _figure(rows, leading[e], workspace.base_currency),
            "is_weakest": e == weakest,
        }
        for e in ENGINES
    ]
    return {"engines": engines, "links": _links(rows, result), "centre": _centre(workspace, result)}


def _figure(rows: Mapping[str, Json], key: str, currency: str) -> str:
    """A KPI's short name and latest figure; its reason when there is none."""
    if key not in rows:
        return ""
    name = KPIS[key].name.get(get_language() or "en")
    return _("%(kpi)s %(figure)s") % {"kpi": name, "figure": reading(rows[key]["recent"][-1], currency).text}


def _latest(rows: Mapping[str, Json], key: str) -> Json | None:
    result = rows[key]["recent"][-1] if key in rows else None
    return result if result is not None and "value" in result else None


def _links(rows: Mapping[str, Json], result: Json) -> list[dict[str, Any]]:
    return [
        _link("market", "conversion", _engaged_text(rows)),
        _link("conversion", "aftersales", _customers_text(rows, result)),
        _link("aftersales", "market", _referral_text(rows, result)),
    ]


def _link(source: str, target: str, texts: tuple[str, str]) -> dict[str, Any]:
    return {"source": source, "target": target, "flow_text": texts[0], "quality_text": texts[1], "is_weakest": False}


def _engaged_text(rows: Mapping[str, Json]) -> tuple[str, str]:
    sessions, share = _latest(rows, "sessions"), _latest(rows, "engaged_share")
    flow = _("%(n)s sessions a week") % {"n": compact(sessions["value"])} if sessions else _("Sessions unknown")
    return flow, _("%(share)s engaged") % {"share": percent(share["value"], 1)} if share else ""


def _customers_text(rows: Mapping[str, Json], result: Json) -> tuple[str, str]:
    promise = _latest(rows, "on_time")
    first = result["first_orders"]
    flow = _("%(n)s new customers a week") % {"n": compact(first)} if first else _("New customers unknown")
    return flow, _("%(share)s delivered on promise") % {"share": percent(promise["value"], 1)} if promise else ""


def _referral_text(rows: Mapping[str, Json], result: Json) -> tuple[str, str]:
    referral, rating = result["referral"], _latest(rows, "rating")
    flow = (
        _("%(n)s referred per 100 customers a year") % {"n": compact(100 * referral)}
        if referral  # without a referral channel nothing is known of it
        else _("Word of mouth unknown")
    )
    return flow, _("%(stars)s of 5 stars") % {"stars": f"{rating['value']:.2f}"} if rating else ""


def _centre(workspace: Workspace, result: Json) -> dict[str, str]:
    if result["value"] is None:
        return {"headline": "–", "caption": _("value per week not known yet")}
    headline = compact_money(result["value"], workspace.base_currency)
    low, high = (money(words.round_money(result[k]), workspace.base_currency) for k in ("value_low", "value_high"))
    return {"headline": headline, "caption": _("value per week"), "interval": f"{low} – {high}"}
