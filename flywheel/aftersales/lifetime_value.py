"""The tab "Lifetime value": what customers have brought, what they will, and what it costs to win them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from django.db.models import Q, Sum
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from engines import business, lifetime, ltv, weekly
from engines.kpi import KPIS
from engines.lifetime import Observed
from engines.results import Estimate, Result, Unavailable
from flywheel.accounts.models import Workspace
from flywheel.accounts.sheets import Cell
from flywheel.accounts.templatetags.formats import compact_money, delta, money, number
from flywheel.accounts.words import reason_words
from flywheel.aftersales.fitting import KEYS, result_of
from flywheel.aftersales.models import CohortContribution, LifetimeFit
from flywheel.aftersales.standing import LTV, standing
from flywheel.diagnosis import charts
from flywheel.diagnosis.engine_pages import Choice, Loaded, by_channel, by_channel_in_market, cards_of, load
from flywheel.diagnosis.flywheel_page import place_names
from flywheel.measures import customers

Scope = LifetimeFit.Scope
LINES = 6  # of the chart of what customers have brought, beside that of all
COHORTS, AGES = 14, 12  # of the heat map
KINDS = {
    "bg": gettext_lazy("BG/NBD: a customer may leave after any repeat order"),
    "mbg": gettext_lazy("MBG/NBD: a customer may leave after any order, the first one too"),
}
OBSERVED = ("ltv_12m", "ltv_cac", "payback_months")  # the KPIs of what customers have brought
Json = dict[str, Any]
Keys = tuple[str, ...]  # names of keys, or their values


def state(workspace: Workspace) -> Json:
    """Whether there are fits, of when, whether data has changed since or work is on its way; else if there is any."""
    newest = LifetimeFit.objects.filter(workspace=workspace, scope=Scope.ALL).first()
    found = standing(workspace, LTV, newest.computed_at if newest else None, newest.as_of if newest else None)
    return {
        "fit": newest,
        "busy": found.busy,
        "is_stale": found.is_stale,
        "has_customers": newest is not None or customers.any_known(workspace),
    }


def context(workspace: Workspace, choice: Choice, channel: str = "") -> Json:
    """Everything of the page."""
    found = state(workspace)
    if found["fit"] is None:
        return {"state": found}
    day = np.datetime64(found["fit"].as_of, "D")
    measured = load(workspace, choice, channels=True)
    fits = _fits(workspace, choice.market, channel)
    rows, is_pair = _rows(workspace, measured, fits), bool(choice.market and channel)
    whole = _told(rows, is_pair)
    fit = whole["fit"] if whole else None
    return {
        "state": found,
        "charts": [drawn for make in (_curves, _cohorts) if (drawn := make(workspace, choice, channel, day))],
        "rows": [row for row in rows if row is whole or not is_pair or row["scope"] != Scope.ALL],
        "observed": [] if channel else cards_of(workspace, [KPIS[key] for key in OBSERVED], measured),
        "instead": _instead(rows, whole) if is_pair and whole else "",
        "payback_name": _payback_name(),
        "cards": _cards(workspace, whole) if whole else [],
        "hold_out": _hold_out(fit),
        "heavy": fit.result["heavy"] if fit else None,
        "parameters": _parameters(fit),
        "kind": KINDS.get(fit.result["kind"]) if fit else None,
        "margin": _margin(fit),
        "discount": lifetime.DISCOUNT,
    }


def _margin(fit: LifetimeFit | None) -> Estimate | None:
    """The margin with its interval; None where there is none, or where an older fit kept the number alone."""
    kept = fit.result["margin"] if fit else None
    found = result_of(kept) if isinstance(kept, dict) else None
    return found if isinstance(found, Estimate) else None


def _fits(workspace: Workspace, market: str, channel: str, of_all: bool = False) -> list[LifetimeFit]:
    """What the choice is about first, then its parts: of all each market and channel, of a market its channels.

    Of a channel in a market what holds it: that market, that channel, all. `of_all`: channels in markets too.
    """
    found = LifetimeFit.objects.filter(workspace=workspace)
    if market and channel:
        kept = Q(scope=Scope.BOTH, code=market, channel=channel) | Q(scope=Scope.ALL)
        found = found.filter(kept | Q(scope=Scope.MARKET, code=market) | Q(scope=Scope.CHANNEL, code=channel))
    elif market:
        found = found.filter(scope__in=(Scope.MARKET, Scope.BOTH), code=market)
    elif channel:
        found = found.filter(Q(scope=Scope.CHANNEL, code=channel) | Q(scope=Scope.BOTH, channel=channel))
    elif not of_all:
        found = found.exclude(scope=Scope.BOTH)
    order = [Scope.ALL, Scope.MARKET, Scope.CHANNEL, Scope.BOTH]
    order = [Scope.BOTH, Scope.MARKET, Scope.CHANNEL, Scope.ALL] if market and channel else order
    return sorted(found, key=lambda fit: (order.index(Scope(fit.scope)), -fit.customers, fit.code, fit.channel))


def _told(rows: list[Json], is_pair: bool) -> Json | None:
    """The row that the figures of the page are of: the first, or what holds a channel in a market without a fit.

    That is its market before all, as every customer is scored by the own market's fit.
    """
    if not is_pair:
        return rows[0] if rows else None
    fitted = (row for row in rows if row["scope"] != Scope.CHANNEL and _is_fitted(row["fit"]))
    return next(fitted, rows[0])


def _is_fitted(fit: LifetimeFit) -> bool:
    """Whether the models could be fitted; what a customer is worth may be unknown all the same, for want of costs."""
    return "reason" not in fit.result["ahead_orders"]


def _instead(rows: list[Json], whole: Json) -> str:
    """Why a channel in a market has no figures of its own, and whose are shown; empty where it has."""
    own = rows[0] if rows[0]["scope"] == Scope.BOTH else None
    if whole is own:
        return ""
    why = own["ahead_orders"] if own else Unavailable("too_few", 0, ltv.MIN_CUSTOMERS)
    words = {"why": reason_words(why), "by": whole["name"]}
    return _("No forecast for this channel in this market: %(why)s. Figures and model are those of: %(by)s.") % words


# --- the table --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Won:
    """What the customers of a place have cost, and when they have paid it back: the KPIs of the chosen weeks."""

    cac: Result
    payback: Result


def _rows(workspace: Workspace, measured: Loaded, fits: list[LifetimeFit]) -> list[Json]:
    names = place_names(workspace)
    scopes = sorted({fit.scope for fit in fits})
    won = _won(measured, fits)
    curves = {scope: _observed(workspace, np.datetime64(fits[0].as_of, "D"), KEYS[scope]) for scope in scopes}
    unknown = Won(*2 * (Unavailable("no_spend_data"),))
    nothing = Observed(np.zeros(0), np.zeros(0), np.zeros(0))
    return [
        _row(fit, _name(names, fit), won.get((fit.scope, fit.place), unknown),
             curves[fit.scope].get(fit.place, nothing))
        for fit in fits
    ]  # fmt: skip


def _name(names: Mapping[str, Mapping[str, str]], fit: LifetimeFit) -> str:
    """Whose customers: "Germany", "Google", or "Germany · Google"."""
    parts = [names[key].get(code) or code for key, code in zip(KEYS[fit.scope], fit.place, strict=True)]
    return " · ".join(parts) or _("All customers")


def _row(fit: LifetimeFit, name: str, won: Won, curve: Observed) -> Json:
    ltv: Result = result_of(fit.result["ltv"])  # type: ignore[assignment]
    hold_out = fit.result["hold_out"]
    return {
        "fit": fit,
        "scope": fit.scope,
        "name": name,
        "ltv": ltv,
        "cac": won.cac,
        "ratio": lifetime.against_cost(ltv, won.cac),
        "payback": won.payback,
        "observed": _so_far(curve),
        "reached": _reached(curve, won.cac),
        "ahead": result_of(fit.result["ahead_value"]),
        "ahead_orders": result_of(fit.result["ahead_orders"]),
        "error": None if "reason" in hold_out else hold_out["error"],
        "hold_out_missing": result_of(hold_out) if "reason" in hold_out else None,
    }


def _reached(curve: Observed, cac: Result) -> Result:
    """The month whose end finds the curve of all cohorts at the CAC, which it can tell of the youngest business.

    There is none where nothing was spent. The KPI Payback is of those customers alone whose twelve months are over.
    """
    if isinstance(cac, Unavailable):
        return cac
    if cac.value <= 0:
        return Unavailable("nothing_spent")
    if not curve.total.size:
        return Unavailable("too_young")
    month = curve.payback(cac.value)
    if month is None:
        return Unavailable("not_yet_paid_back")
    error = cac.value / np.sqrt(cac.n) if cac.n else np.nan  # new customers are a Poisson count
    low, high = curve.payback_range(cac.value, float(error))
    return Estimate(float(month), _float(low), _float(high), float(curve.customers[month - 1]), "count")


def _float(month: int | None) -> float | None:
    return None if month is None else float(month)


def _so_far(curve: Observed) -> Result:
    """What a customer has brought by the age of twelve months, or by the greatest that is known."""
    return curve.at(min(curve.total.size, AGES) - 1) if curve.total.size else Unavailable("too_young")


def _won(measured: Loaded, fits: list[LifetimeFit]) -> dict[tuple[str, Keys], Won]:
    """(Scope, values of its keys) -> the KPIs of the chosen weeks; a panel for all places of a scope."""
    whole, channels = _kpis(measured), _kpis(_channels(measured))
    found: dict[tuple[str, Keys], Won] = {(Scope.ALL.value, ()): whole[None]}
    found |= {(Scope.MARKET.value, (code,)): won for code, won in whole.items() if code is not None}
    found |= {(Scope.CHANNEL.value, (code,)): won for code, won in channels.items() if code is not None}
    pairs = [fit.place for fit in fits if fit.scope == Scope.BOTH]
    inside = _kpis(by_channel_in_market(measured)) if pairs else {}
    codes = {pair: business.place(*pair) for pair in pairs}
    found |= {(Scope.BOTH.value, pair): inside[code] for pair, code in codes.items() if code in inside}
    return found


def _channels(measured: Loaded) -> Loaded:
    """The channels of all markets."""
    return by_channel(replace(measured, choice=replace(measured.choice, market="")))


def _kpis(measured: Loaded) -> dict[str | None, Won]:
    """The KPIs of the panel's markets (or channels), and None for all of them."""
    entries = (KPIS["cac"], KPIS["payback_months"])
    spans = (max(measured.weeks, entry.window) for entry in entries)
    found = (
        weekly.by_market(entry, measured.panel, measured.last, span).results()
        for entry, span in zip(entries, spans, strict=True)
    )
    return dict(zip([*measured.panel.markets, None], map(Won, *found), strict=True))


# --- what was observed ------------------------------------------------------------------------------------------------
def _observed(
    workspace: Workspace, as_of: np.datetime64, keys: Keys, market: str = "", channel: str = ""
) -> dict[Keys, Observed]:
    """Values of the keys -> the curve of what a customer has brought by age, of a market or channel where asked for."""
    rows: dict[Keys, list[tuple[Any, ...]]] = {}
    for place, *row in _kept(workspace, keys, market, channel):
        rows.setdefault(place, []).append(tuple(row))
    return {place: _curve(found, as_of) for place, found in rows.items()}


def _kept(workspace: Workspace, keys: Keys, market: str, channel: str) -> list[tuple[Any, ...]]:
    """(place, cohort, age, customers, contribution, squares), summed over what is not in `keys`."""
    chosen = {key: code for key, code in (("market", market), ("channel", channel)) if code}
    found = CohortContribution.objects.filter(workspace=workspace, **chosen).values(*keys, "cohort", "age")
    summed = found.annotate(active_sum=Sum("active"), brought=Sum("contribution"), squared=Sum("squares"))
    return [
        (tuple(row[key] for key in keys), row["cohort"], row["age"], row["active_sum"], float(row["brought"]),
         np.nan if row["squared"] is None else row["squared"])
        for row in summed.order_by(*keys, "cohort", "age")
    ]  # fmt: skip


def _curve(rows: list[tuple[Any, ...]], as_of: np.datetime64) -> Observed:
    cohort, age, *sums = zip(*rows, strict=True)
    active, brought, squares = (np.array(column, dtype=np.float64) for column in sums)
    return lifetime.observed(np.array(cohort, dtype="datetime64[D]"), np.array(age), active, brought, squares, as_of)


def _curves(workspace: Workspace, choice: Choice, channel: str, as_of: np.datetime64) -> Json | None:
    """Contribution per customer by age, of all and of each large market (of a chosen one: of its channels)."""
    key = "channel" if choice.market else "market"
    parts = {} if choice.market and channel else _observed(workspace, as_of, (key,), choice.market, channel)
    whole = _observed(workspace, as_of, (), choice.market, channel).get(())
    if whole is None or not whole.total.size:
        return None
    names = place_names(workspace)
    largest = sorted((p for p in parts if p[0] and parts[p].total.size), key=lambda p: -parts[p].customers[0])[:LINES]
    chosen = [names[k].get(code) or code for k, code in (("market", choice.market), ("channel", channel)) if code]
    title = " · ".join(chosen) or _("All customers")
    lines = [(title, whole), *((names[key].get(code) or code, parts[(code,)]) for (code,) in largest)]
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


def _cohorts(workspace: Workspace, choice: Choice, channel: str, as_of: np.datetime64) -> Json | None:
    """Cumulative contribution per customer, by month of the first order and age; ages not over yet stay empty."""
    rows = [row[1:] for row in _kept(workspace, (), choice.market, channel)]
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


def _parameters(fit: LifetimeFit | None) -> list[Json]:
    """The parameters of the fit, as the papers name them."""
    if fit is None:
        return []
    known = fit.result["parameters"]
    names = {"alpha": "α", "gamma": "γ", "log_likelihood": _("log-likelihood")}
    titles = {"orders": KINDS.get(fit.result["kind"], ""), "values": _("Gamma-Gamma: values of repeat orders")}
    return [
        {"title": titles[part], "cells": [(names.get(key, key), number(value, 4)) for key, value in cells.items()]}
        for part, cells in known.items()
    ]


# --- the file ---------------------------------------------------------------------------------------------------------
def table(workspace: Workspace, choice: Choice, channel: str = "") -> tuple[list[str], list[list[Cell]]]:
    """Columns and rows of the file: a row per scope, every figure with its limits."""
    kept = LifetimeFit.objects.filter(workspace=workspace, scope=Scope.ALL).exists()
    fits = _fits(workspace, choice.market, channel, of_all=True) if kept else []
    columns = [
        _("Scope"), _("Code"), _("Name"), _("As of"), _("Customers"), _("With repeat orders"),
        *_limits(_("LTV, 12 months")), _("CAC"), *_limits(_("Expected LTV : CAC")), *_limits(_payback_name()),
        *_limits(_("Brought so far, per customer")), *_limits(_("Month by which that reaches the CAC")),
        *_limits(_("Orders of present customers in the next 12 months")),
        *_limits(_("Contribution of present customers in the next 12 months")), _("Hold-out error"),
    ]  # fmt: skip
    rows = _rows(workspace, load(workspace, choice, channels=True), fits) if kept else []
    return columns, [_cells(row) for row in rows]


def _payback_name() -> str:
    return KPIS["payback_months"].name.get(get_language() or "en")


def _limits(name: str) -> list[str]:
    return [name, _("%(name)s, lower limit") % {"name": name}, _("%(name)s, upper limit") % {"name": name}]


def _cells(row: Json) -> list[Cell]:
    fit = row["fit"]
    return [
        fit.get_scope_display(), " · ".join(fit.place), row["name"], fit.as_of, fit.customers, fit.repeaters,
        *_three(row["ltv"]), _three(row["cac"])[0], *_three(row["ratio"]), *_three(row["payback"]),
        *_three(row["observed"]), *_three(row["reached"]),
        *_three(row["ahead_orders"]), *_three(row["ahead"]), row["error"],
    ]  # fmt: skip


def _three(result: Result | None) -> list[float | None]:
    return [result.value, result.low, result.high] if isinstance(result, Estimate) else [None, None, None]
