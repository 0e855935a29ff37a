"""The tab "Lifetime value": what customers have brought, what they will, and what it costs to win them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from django.db.models import Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engines import lifetime, weekly
from engines.kpi import KPIS
from engines.lifetime import Observed
from engines.panel import sum_known
from engines.results import Estimate, Result, Unavailable
from flywheel.accounts.models import Workspace
from flywheel.accounts.sheets import Cell
from flywheel.accounts.templatetags.formats import compact_money, delta, money, number
from flywheel.aftersales.fitting import result_of
from flywheel.aftersales.models import CohortContribution, LifetimeFit
from flywheel.diagnosis import charts
from flywheel.diagnosis.engine_pages import Choice, Loaded, by_channel, load
from flywheel.diagnosis.flywheel_page import place_names
from flywheel.jobs.models import Job
from flywheel.measures import customers

Scope = LifetimeFit.Scope
JOBS = ("roll", "diagnose", "ltv")  # each starts the next
LINES = 6  # of the chart of what customers have brought, beside that of all
COHORTS, AGES = 14, 12  # of the heat map
KINDS = {
    "bg": gettext_lazy("BG/NBD: a customer may leave after any repeat order"),
    "mbg": gettext_lazy("MBG/NBD: a customer may leave after any order, the first one too"),
}
Json = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Acquired:
    """What it cost to win customers in the chosen weeks (NaN is unknown), and the KPI made of both."""

    cost: float
    customers: float
    cac: Result


def state(workspace: Workspace) -> Json:
    """Whether there are fits and of when, whether work is on its way, and whether there is anything to work on."""
    newest = LifetimeFit.objects.filter(workspace=workspace, scope=Scope.ALL).first()
    waiting = Job.objects.filter(workspace=workspace, kind__in=JOBS, state__in=(Job.State.QUEUED, Job.State.RUNNING))
    return {
        "fit": newest,
        "busy": waiting.order_by("created_at").first(),
        "has_customers": newest is not None or customers.newest_day(workspace, date.max) is not None,
    }


def context(workspace: Workspace, choice: Choice) -> Json:
    """Everything of the page."""
    found = state(workspace)
    if found["fit"] is None:
        return {"state": found}
    fits = _fits(workspace, choice)
    whole = fits[0] if fits else None
    rows = _rows(workspace, choice, fits)
    return {
        "state": found,
        "charts": [chart for chart in (_curves(workspace, choice), _cohorts(workspace, choice)) if chart],
        "rows": rows,
        "cards": _cards(workspace, rows[0]) if rows else [],
        "hold_out": _hold_out(whole),
        "heavy": whole.result["heavy"] if whole else None,
        "parameters": _parameters(fits),
        "kind": KINDS.get(whole.result["kind"]) if whole else None,
        "margin": whole.result["margin"] if whole else None,
        "discount": lifetime.DISCOUNT,
    }


def _fits(workspace: Workspace, choice: Choice) -> list[LifetimeFit]:
    """All, markets, channels; of a chosen market its own alone, for customers are not told apart by both."""
    found = LifetimeFit.objects.filter(workspace=workspace)
    if choice.market:
        return list(found.filter(scope=Scope.MARKET, code=choice.market))
    order = {Scope.ALL: 0, Scope.MARKET: 1, Scope.CHANNEL: 2}
    return sorted(found, key=lambda fit: (order[Scope(fit.scope)], -fit.customers, fit.code))


# --- the table --------------------------------------------------------------------------------------------------------
def _rows(workspace: Workspace, choice: Choice, fits: Iterable[LifetimeFit]) -> list[Json]:
    names = place_names(workspace)
    won = _acquired(workspace, choice)
    curves = {scope: _observed(workspace, scope, choice.market) for scope in Scope.values}
    unknown = Acquired(np.nan, np.nan, Unavailable("no_spend_data"))
    nothing = Observed(np.zeros(0), np.zeros(0))
    return [
        _row(fit, names, won.get((fit.scope, fit.code), unknown), curves[fit.scope].get(fit.code, nothing))
        for fit in fits
    ]


def _row(fit: LifetimeFit, names: Mapping[str, Mapping[str, str]], won: Acquired, curve: Observed) -> Json:
    ltv, cac = result_of(fit.result["ltv"]), won.cac
    hold_out = fit.result["hold_out"]
    return {
        "fit": fit,
        "scope": fit.scope,
        "name": _("All customers") if fit.scope == Scope.ALL else names[fit.scope].get(fit.code) or fit.code,
        "ltv": ltv,
        "cac": cac,
        "ratio": cac if isinstance(cac, Unavailable) else lifetime.against_cost(ltv, won.cost, won.customers),  # type: ignore[arg-type]
        "payback": _payback(curve, cac),
        "observed": _so_far(curve),
        "ahead": result_of(fit.result["ahead_value"]),
        "ahead_orders": result_of(fit.result["ahead_orders"]),
        "error": None if "reason" in hold_out else hold_out["error"],
        "hold_out_missing": result_of(hold_out) if "reason" in hold_out else None,
    }


def _payback(curve: Observed, cac: Result) -> Result:
    """The month in which what a customer has brought reaches the CAC."""
    if isinstance(cac, Unavailable):
        return cac
    if not curve.total.size:
        return Unavailable("too_young")
    month = curve.payback(cac.value)
    if month is None:
        return Unavailable("not_yet_paid_back")
    return Estimate(float(month), None, None, float(curve.customers[month - 1]), "count")


def _so_far(curve: Observed) -> Result:
    """What a customer has brought by the age of twelve months, or by the greatest that is known."""
    if not curve.total.size:
        return Unavailable("too_young")
    age = min(curve.total.size, AGES) - 1
    return Estimate(float(curve.total[age]), None, None, float(curve.customers[age]), "money_per")


def _acquired(workspace: Workspace, choice: Choice) -> dict[tuple[str, str], Acquired]:
    """(Scope, code) -> spend and new customers of the chosen weeks; '' is the code of all."""
    measured = load(workspace, choice)
    whole = _spent(measured)
    found = {(Scope.MARKET.value, code): won for code, won in whole.items() if code is not None}
    found |= {(Scope.CHANNEL.value, code): won for code, won in _spent(by_channel(measured)).items() if code}
    return found | {(Scope.ALL.value, ""): whole[None]}


def _spent(measured: Loaded) -> dict[str | None, Acquired]:
    """The panel's markets (or channels), and None for all of them."""
    panel, last, weeks = measured.panel, measured.last, measured.weeks
    cac = weekly.by_market(KPIS["cac"], panel, last, weeks)
    cost, won = (panel.window(name, last - weeks + 1, last) for name in ("cost_base", "first_orders"))
    sums = [np.append(each, sum_known(each[:, None])) for each in (cost, won)]
    codes: list[str | None] = [*panel.markets, None]
    return {code: Acquired(float(sums[0][at]), float(sums[1][at]), cac[at]) for at, code in enumerate(codes)}


# --- what was observed ------------------------------------------------------------------------------------------------
def _observed(workspace: Workspace, scope: str, market: str) -> dict[str, Observed]:
    """Code -> the curve of what a customer has brought by age."""
    keys = () if scope == Scope.ALL else (scope,)
    rows = _kept(workspace, keys, market)
    as_of = _as_of(workspace)
    codes = sorted({row[0] for row in rows})
    return {code: _curve([row[1:] for row in rows if row[0] == code], as_of) for code in codes}


def _as_of(workspace: Workspace) -> np.datetime64:
    return np.datetime64(LifetimeFit.objects.get(workspace=workspace, scope=Scope.ALL).as_of, "D")


def _kept(workspace: Workspace, keys: tuple[str, ...], market: str) -> list[tuple[Any, ...]]:
    """(code, cohort, age, customers, contribution), summed over what is not in `keys`."""
    chosen = {"market": market} if market else {}
    found = CohortContribution.objects.filter(workspace=workspace, **chosen).values(*keys, "cohort", "age")
    summed = found.annotate(active_sum=Sum("active"), brought=Sum("contribution")).order_by(*keys, "cohort", "age")
    return [
        (row[keys[0]] if keys else "", row["cohort"], row["age"], row["active_sum"], float(row["brought"]))
        for row in summed
    ]


def _curve(rows: list[tuple[Any, ...]], as_of: np.datetime64) -> Observed:
    cohort, age, active, brought = zip(*rows, strict=True)
    return lifetime.observed(
        np.array(cohort, dtype="datetime64[D]"), np.array(age), np.array(active, dtype=np.float64),
        np.array(brought, dtype=np.float64), as_of,
    )  # fmt: skip


def _curves(workspace: Workspace, choice: Choice) -> Json | None:
    """Contribution per customer by age, of all and of each large market (of a chosen one: of its channels)."""
    scope = Scope.CHANNEL if choice.market else Scope.MARKET
    places, parts = place_names(workspace), _observed(workspace, scope.value, choice.market)
    names = places[scope.value]
    whole = _observed(workspace, Scope.ALL.value, choice.market).get("")
    if whole is None or not whole.total.size:
        return None
    largest = sorted((c for c in parts if c and parts[c].total.size), key=lambda c: -parts[c].customers[0])[:LINES]
    title = places["market"].get(choice.market, choice.market) if choice.market else _("All customers")
    lines = [(title, whole), *((names.get(code) or code, parts[code]) for code in largest)]
    ages = range(max(curve.total.size for _name, curve in lines))
    currency = workspace.base_currency
    age = min(whole.total.size, AGES)
    return {
        "id": "brought",
        "title": _("What a customer has brought, by age"),
        "summary": _("%(money)s of contribution per customer by the end of month %(age)s, after refunds.")
        % {"money": money(float(whole.total[age - 1]), currency), "age": age},
        "figure": _lines_figure(lines, currency),
        "height": "tall",
        "columns": [_("Months since the first order"), *(name for name, _curve in lines), _("Customers")],
        "rows": [
            [str(a + 1), *(_at(curve, a, currency) for _name, curve in lines), number(_or_none(whole.customers, a))]
            for a in ages
        ],
    }


def _or_none(values: np.ndarray, at: int) -> float | None:
    return float(values[at]) if at < values.size else None


def _at(curve: Observed, age: int, currency: str) -> str:
    return money(_or_none(curve.total, age), currency)


def _lines_figure(lines: list[tuple[str, Observed]], currency: str) -> charts.Figure:
    drawn = [
        {"type": "scatter", "mode": "lines", "name": name, "x": list(range(1, curve.total.size + 1)),
         "y": curve.total.tolist(), "line": {"width": 2} if n else {"width": 4, "color": "@aftersales"}}
        for n, (name, curve) in enumerate(lines)
    ]  # fmt: skip
    layout = {"xaxis": {"title": {"text": _("Months since the first order")}, "type": "linear", "dtick": 3},
              "yaxis": {"fw_format": currency, "rangemode": "tozero"}}  # fmt: skip
    return {"data": drawn, "layout": layout}


def _cohorts(workspace: Workspace, choice: Choice) -> Json | None:
    """Cumulative contribution per customer, by month of the first order and age; ages not over yet stay empty."""
    rows, as_of = [row[1:] for row in _kept(workspace, (), choice.market)], _as_of(workspace)
    months = sorted({row[0] for row in rows})[-COHORTS:]
    curves = [(month, _curve([row for row in rows if row[0] == month], as_of)) for month in months]
    shown = [(month, curve) for month, curve in curves if curve.total.size]
    if not shown:
        return None
    currency = workspace.base_currency
    ages = range(min(max(curve.total.size for _m, curve in shown), AGES))
    labels = [_("%(month)s · %(n)s customers") % {"month": f"{m:%Y-%m}", "n": number(c.customers[0])} for m, c in shown]
    values = [[_or_none(curve.total, a) for a in ages] for _m, curve in shown]
    texts = [["" if v is None else compact_money(v, currency) for v in line] for line in values]
    figure = charts.heat_figure(
        labels, [str(a + 1) for a in ages], [[np.nan if v is None else v for v in line] for line in values], texts,
        "aftersales",
    )  # fmt: skip
    return {
        "id": "cohort-value",
        "title": _("Contribution per customer so far, by month of the first order"),
        "summary": _("Columns are months of age that are over for the whole cohort; each adds to the one before."),
        "figure": figure,
        "height": "tall",
        "wide": True,
        "columns": [_("First order in"), *(_("Month %(n)s") % {"n": a + 1} for a in ages)],
        "rows": [[label, *line] for label, line in zip(labels, texts, strict=True)],
    }


# --- words ------------------------------------------------------------------------------------------------------------
def _cards(workspace: Workspace, row: Json) -> list[Json]:
    definitions = (
        (_("LTV, 12 months"), row["ltv"],
         _("What a new customer will bring in twelve months: contribution after refunds, later months discounted.")),
        (_("Expected LTV : CAC"), row["ratio"],
         _("LTV of twelve months ÷ media spend per new customer of the period.")),
        (_("Payback month, after refunds"), row["payback"],
         _("The month of age in which what a customer has brought reaches the CAC of the period; 1 is the first.")),
        (_("Contribution of present customers in the next 12 months"), row["ahead"],
         _("What those who have already bought are expected to bring; the interval holds chance too.")),
    )  # fmt: skip
    return [
        {"name": name, "result": result, "definition": definition, "currency": workspace.base_currency,
         "engine": "aftersales"}
        for name, result, definition in definitions
    ]  # fmt: skip


def _hold_out(fit: LifetimeFit | None) -> Json | None:
    """How well the model foresaw the last weeks, in words."""
    if fit is None:
        return None
    found = fit.result["hold_out"]
    if "reason" in found:
        return {"missing": result_of(found)}
    forecast = found["forecast"]
    words = {"days": found["days"], "actual": number(found["actual"]), "forecast": number(forecast["value"]),
             "low": number(forecast["low"]), "high": number(forecast["high"]),
             "error": delta(found["error"]) if found["error"] is not None else "–"}  # fmt: skip
    sentence = _(
        "Fitted without the last %(days)s days, the model foresaw %(forecast)s repeat orders in them (95 %% interval "
        "%(low)s to %(high)s); %(actual)s came: an error of %(error)s."
    )
    return {"sentence": sentence % words, "covered": found["covered"]}


def _parameters(fits: list[LifetimeFit]) -> list[Json]:
    """The parameters of the first fit, as the papers name them."""
    if not fits:
        return []
    known = fits[0].result["parameters"]
    names = {"alpha": "α", "gamma": "γ", "log_likelihood": _("log-likelihood")}
    titles = {"orders": KINDS.get(fits[0].result["kind"], ""), "values": _("Gamma-Gamma: values of repeat orders")}
    return [
        {"title": titles[part], "cells": [(names.get(key, key), number(value, 4)) for key, value in cells.items()]}
        for part, cells in known.items()
    ]


# --- the file ---------------------------------------------------------------------------------------------------------
def table(workspace: Workspace, choice: Choice) -> tuple[list[str], list[list[Cell]]]:
    """Columns and rows of the file: a row per scope, every figure with its limits."""
    kept = LifetimeFit.objects.filter(workspace=workspace, scope=Scope.ALL).exists()
    columns = [
        _("Scope"), _("Code"), _("Name"), _("As of"), _("Customers"), _("With repeat orders"),
        *_limits(_("LTV, 12 months")), _("CAC"), *_limits(_("Expected LTV : CAC")), _("Payback month, after refunds"),
        _("Brought so far, per customer"), *_limits(_("Orders of present customers in the next 12 months")),
        *_limits(_("Contribution of present customers in the next 12 months")), _("Hold-out error"),
    ]  # fmt: skip
    rows = _rows(workspace, choice, _fits(workspace, choice)) if kept else []
    return columns, [_cells(row) for row in rows]


def _limits(name: str) -> list[str]:
    return [name, _("%(name)s, lower limit") % {"name": name}, _("%(name)s, upper limit") % {"name": name}]


def _cells(row: Json) -> list[Cell]:
    fit = row["fit"]
    return [
        fit.get_scope_display(), fit.code, row["name"], fit.as_of, fit.customers, fit.repeaters, *_three(row["ltv"]),
        _three(row["cac"])[0], *_three(row["ratio"]), _three(row["payback"])[0], _three(row["observed"])[0],
        *_three(row["ahead_orders"]), *_three(row["ahead"]), row["error"],
    ]  # fmt: skip


def _three(result: Result | None) -> list[float | None]:
    return [result.value, result.low, result.high] if isinstance(result, Estimate) else [None, None, None]
