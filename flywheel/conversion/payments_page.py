"""Payment methods: what markets prefer against what is offered, and how many of the orders placed with one are paid."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
from django.core.paginator import Paginator
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from engines import baskets
from engines.results import Estimate, Result, Unavailable
from flywheel.accounts.models import Workspace
from flywheel.accounts.sheets import Cell
from flywheel.accounts.templatetags.formats import reading
from flywheel.conversion.methods import KINDS, PREFERRED, Preference, canonical, name_of
from flywheel.conversion.models import OfferedMethod
from flywheel.conversion.tables import Table, limits, parts
from flywheel.diagnosis import charts
from flywheel.diagnosis.engine_pages import TREND_WEEKS, Choice, shown_day
from flywheel.diagnosis.flywheel_page import place_names
from flywheel.measures import frames

MARGINAL_SHARE = 0.005  # of a market's payments: below it a method is not taken as offered
PER_PAGE = 50
SPANS = (1, 4, 13)  # weeks that a point of the trend may sum up


def context(workspace: Workspace, choice: Choice, names: Mapping[str, str], query: Mapping[str, str]) -> dict[str, Any]:
    """Everything about payment methods on the page of experience and payment."""
    seen, offered = _methods_seen(workspace, choice), _offered(workspace)
    rows = [] if choice.market else success_rows(workspace, choice, names)
    return {
        "markets_paid": _method_gaps(workspace, choice, names, seen, offered),
        "methods": _method_rows(workspace, choice, seen, offered) if choice.market else [],
        "entries": OfferedMethod.objects.filter(workspace=workspace, market=choice.market) if choice.market else [],
        "min_share": MARGINAL_SHARE,
        "success": Paginator(rows, PER_PAGE).get_page(query.get("page")),
        "success_query": urlencode({k: v for k, v in query.items() if k != "page"}),
        "trend": _trend(workspace, choice, query.get("method", "")) if choice.market else {},
    }


# --- orders placed and paid -------------------------------------------------------------------------------------------
def success_rows(workspace: Workspace, choice: Choice, names: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Every market's methods with the orders placed and paid in the chosen weeks, the largest market and method first.

    Files tell payments that were made, not attempts: what failed shows as an order that stayed unpaid. Where no order
    of a market was ever unpaid, its shop tells no failures.
    """
    tells = _tell_failures(workspace, choice)
    frame = frames.payments(workspace, ("market", "method"), choice.first, choice.last, choice.where)
    frame = _placed(frame, ["market"])
    size = frame.groupby("market")["placed_orders"].sum().sort_values(ascending=False)
    order = {market: at for at, market in enumerate(size.index)}
    rows = [
        {
            "market": (names or {}).get(r["market"], r["market"]) or _("unknown"),
            "code": r["market"],
            "method": r["method"],
            "name": name_of(r["method"]),
            "placed": r["placed_orders"],
            "paid": r["paid_orders"],
            "success": _success(r["paid_orders"], r["placed_orders"], r["market"] in tells),
        }
        for r in frame.to_dict("records")
    ]
    return sorted(rows, key=lambda r: (order[r["code"]], -r["placed"], r["name"]))


def _tell_failures(workspace: Workspace, choice: Choice) -> set[str]:
    """The markets with an order that stayed unpaid, in any week up to the last chosen."""
    frame = frames.payments(workspace, ("market",), None, choice.last, choice.where)
    return set(frame.loc[frame["placed_orders"] > frame["paid_orders"], "market"].astype(str))


def _placed(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Orders placed and paid by `keys` and canonical method."""
    frame = frame[frame["placed_orders"] > 0]
    frame = frame.assign(method=[canonical(word) for word in frame["method"]])
    return frame.groupby([*keys, "method"], as_index=False)[["placed_orders", "paid_orders"]].sum()


def _success(paid: float, placed: float, tells_failures: bool) -> Result:
    return baskets.share(paid, placed) if tells_failures else Unavailable("no_attempt_data")


def success_table(workspace: Workspace, choice: Choice) -> Table:
    """Columns and rows of the file: orders placed and paid by market and method."""
    rows = success_rows(workspace, choice, place_names(workspace)["market"])
    columns = [
        _("Market"),
        _("Payment method"),
        _("Orders placed"),
        _("Orders paid"),
        *limits(_("Share of orders paid")),
    ]
    return columns, [[r["market"], r["name"], r["placed"], r["paid"], *parts(r["success"])] for r in rows]


# --- the weekly line of one method ------------------------------------------------------------------------------------
def _trend(workspace: Workspace, choice: Choice, asked: str) -> dict[str, Any]:
    """The chosen market's methods to choose from (`codes`), the one shown, its line or why there is none."""
    first = choice.week - timedelta(weeks=TREND_WEEKS - 1)
    frame = frames.payments(workspace, ("week", "method"), first, choice.week, choice.where)
    frame = _placed(frame, ["week"])
    sizes = frame.groupby("method")["placed_orders"].sum().sort_values(ascending=False)
    codes = [str(code) for code in sizes.index]
    if not codes:
        return {"codes": []}
    method = asked if asked in codes else codes[0]
    shown = {"codes": [(code, name_of(code)) for code in codes], "method": method}
    if choice.market not in _tell_failures(workspace, choice):
        return {**shown, "missing": Unavailable("no_attempt_data")}
    own = frame[frame["method"] == method]
    weeks, (span, results) = _weeks(own), _summed(own)
    if not any(isinstance(r, Estimate) for r in results):
        return {**shown, "missing": results[-1]}
    return {**shown, "chart": _chart(method, span, weeks, results)}


def _weeks(own: pd.DataFrame) -> list[str]:
    """The week starts from the first to the last with an order placed, none left out."""
    starts = own["week"].to_numpy().astype("datetime64[D]")
    return [str(day) for day in np.arange(starts.min(), starts.max() + 1, 7)]


def _summed(own: pd.DataFrame) -> tuple[int, list[Result]]:
    """Of the weeks summed in a point the fewest by which most points have enough orders, and the points."""
    starts = own["week"].to_numpy().astype("datetime64[D]")
    at = (starts - starts.min()).astype(np.int64) // 7
    placed, paid = (np.bincount(at, weights=own[name].to_numpy()) for name in ("placed_orders", "paid_orders"))
    for span in SPANS:
        sums = [np.convolve(values, np.ones(span))[: len(placed)] for values in (paid, placed)]
        results = [_success(float(k), float(n), tells_failures=True) for k, n in zip(*sums, strict=True)][span - 1 :]
        if 2 * sum(isinstance(r, Estimate) for r in results) > len(results):
            break
    return span, [Unavailable("too_young", 0, span)] * (len(placed) - len(results)) + results


def _chart(method: str, span: int, weeks: Sequence[str], results: Sequence[Result]) -> dict[str, Any]:
    """The line from the first known point on; a later one that is missing is a gap, and the table says why."""
    known = [at for at, r in enumerate(results) if isinstance(r, Estimate)]
    weeks, results, end = weeks[known[0] :], results[known[0] :], known[-1] - known[0]
    texts = [reading(r) for r in results]
    title = _("Share of orders paid: %(method)s") % {"method": name_of(method)}
    each = _("each week by itself") if span == 1 else _("each point over %(n)s weeks up to it") % {"n": span}
    told = {"first": texts[0].text, "start": shown_day(weeks[0]), "last": texts[end].text, "end": shown_day(weeks[end])}
    return {
        "id": "method-success",
        "title": f"{title} · {each}",
        "summary": _("From %(first)s in the week of %(start)s to %(last)s in the week of %(end)s.") % told,
        "figure": charts.band_figure(weeks, results, "percent", "conversion"),
        "columns": [_("Week of"), _("Share of orders paid"), _("Interval (95 %)"), _("Sample")],
        "rows": [[shown_day(w), t.text, t.interval, t.sample]
                 for w, t in reversed(list(zip(weeks, texts, strict=True)))],
    }  # fmt: skip


# --- preferred and offered --------------------------------------------------------------------------------------------
def _methods_seen(workspace: Workspace, choice: Choice) -> dict[str, dict[str, float]]:
    """Market -> canonical method -> payments in the chosen weeks."""
    frame = frames.payments(workspace, ("market", "method"), choice.first, choice.last, choice.where)
    seen: dict[str, dict[str, float]] = {}
    for row in frame.to_dict("records"):
        if row["method"] and row["payments"] > 0:
            of = seen.setdefault(row["market"], {})
            code = canonical(row["method"])
            of[code] = of.get(code, 0.0) + row["payments"]
    return seen


def _offered(workspace: Workspace) -> dict[tuple[str, str], bool]:
    rows = OfferedMethod.objects.filter(workspace=workspace).values_list("market", "method", "is_offered")
    return {(market, canonical(method)): is_offered for market, method, is_offered in rows}


def _is_offered(market: str, method: str, seen: Mapping[str, float], offered: Mapping[tuple[str, str], bool]) -> bool:
    """As entered; else whether a noticeable share of the payments is made with it."""
    total = sum(seen.values())
    return offered.get((market, method), total > 0 and seen.get(method, 0.0) / total >= MARGINAL_SHARE)


def _method_gaps(
    workspace: Workspace,
    choice: Choice,
    names: Mapping[str, str],
    seen: Mapping[str, Mapping[str, float]],
    offered: Mapping[tuple[str, str], bool],
) -> list[dict[str, Any]]:
    """Per market, which preferred methods are offered and which are missing; those with most missing first."""
    codes = [choice.market] if choice.market else sorted({*names, *seen} - {""})
    rows = []
    for code in codes:
        preferred = [p.method for p in PREFERRED.get(code.upper(), ())]
        has = [m for m in preferred if _is_offered(code, m, seen.get(code, {}), offered)]
        is_told = bool(seen.get(code)) or any(market == code for market, _method in offered)
        rows.append(
            {
                "code": code,
                "name": names.get(code, code),
                "preferred": len(preferred),
                "has": [name_of(m) for m in has],
                "missing": [name_of(m) for m in preferred if m not in has],
                "is_told": is_told,
            }
        )
    return sorted(rows, key=lambda r: (not r["is_told"], -len(r["missing"]), r["name"]))


def _method_rows(
    workspace: Workspace,
    choice: Choice,
    seen: Mapping[str, Mapping[str, float]],
    offered: Mapping[tuple[str, str], bool],
) -> list[dict[str, Any]]:
    """Every method of the chosen market that is preferred, seen or entered."""
    own = seen.get(choice.market, {})
    preferred = {p.method: p for p in PREFERRED.get(choice.market.upper(), ())}
    entered = {method for market, method in offered if market == choice.market}
    success = {row["method"]: row for row in success_rows(workspace, choice)}
    total = sum(own.values())
    codes = sorted(
        {*own, *preferred, *entered, *success}, key=lambda c: (-own.get(c, 0), c not in preferred, name_of(c))
    )
    return [
        {
            "code": code,
            "name": name_of(code),
            "source": _source(preferred[code]) if code in preferred else "",
            "is_preferred": code in preferred,
            "offered": _is_offered(choice.market, code, own, offered),
            "payments": own.get(code),
            "share": own[code] / total if own.get(code) else None,
            "success": success.get(code, {}).get("success"),
        }
        for code in codes
    ]


def _source(preference: Preference) -> str:
    """What is known of a preference and from where."""
    said = str(preference.figure) if preference.figure else _("widely used")
    kind = str(KINDS[preference.kind])
    if not preference.source:
        return _("%(said)s (%(kind)s)") % {"said": said, "kind": kind}
    year = str(preference.year) if preference.year else _("undated")
    words_ = {"said": said, "source": preference.source, "kind": kind, "year": year}
    return _("%(said)s (%(source)s, %(kind)s, %(year)s)") % words_


def table(workspace: Workspace, choice: Choice) -> Table:
    """Columns and rows of the export: the payment methods of the chosen market, or every market's gaps."""
    seen, offered = _methods_seen(workspace, choice), _offered(workspace)
    if choice.market:
        rows = _method_rows(workspace, choice, seen, offered)
        shown: list[list[Cell]] = [[r["name"], _yes(r["is_preferred"]), r["source"], _yes(r["offered"]), r["payments"],
                                    r["share"], *parts(r["success"])] for r in rows]  # fmt: skip
        return [_("Payment method"), _("Preferred"), _("Source"), _("Offered"), _("Payments"), _("Share of payments"),
                *limits(_("Share of orders paid"))], shown  # fmt: skip
    gaps = _method_gaps(workspace, choice, place_names(workspace)["market"], seen, offered)
    return [_("Market"), _("Preferred and offered"), _("Preferred and missing")], [
        [r["name"], ", ".join(r["has"]), ", ".join(r["missing"])] for r in gaps
    ]


def _yes(value: bool) -> str:
    return _("yes") if value else _("no")
