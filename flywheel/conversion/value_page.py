"""Order value: its KPIs, the spread of orders against free-shipping thresholds, and what is bought together."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from engines import baskets
from engines.baskets import Histogram
from engines.kpi import KPIS
from flywheel.accounts.models import Workspace
from flywheel.accounts.sheets import Cell
from flywheel.accounts.templatetags.formats import money, number, percent
from flywheel.conversion import analyses, figures
from flywheel.conversion.analyses import Kind
from flywheel.conversion.models import FreeShipping
from flywheel.conversion.tables import Table, limits, parts
from flywheel.diagnosis.engine_pages import Choice, by_market, cards_of, load
from flywheel.diagnosis.flywheel_page import place_names
from flywheel.measures import frames

FIGURES = ("aov", "first_aov", "units_per_order", "attach_rate", "discount_rate")
MOVED = (0.1, 0.2, 0.3, 0.5)  # assumptions to choose from: of those near a threshold, who would reach it
DEFAULT_MOVED = 0.2
ITEMS = ("sku", "category")
PAIRS_SHOWN = 15  # on this page; all of them have a page of their own
BARS = 40  # of the chart; the histogram itself is finer


def context(workspace: Workspace, choice: Choice, query: Mapping[str, str], may_edit: bool) -> dict[str, Any]:
    """Everything of the page."""
    state = analyses.state(workspace, Kind.VALUES, choice)
    pairs = analyses.state(workspace, Kind.BASKETS, choice)
    item = query.get("item", "") if query.get("item") in ITEMS else "sku"
    moved = moved_share(query.get("moved", ""))
    values = analyses.kept_markets(workspace, Kind.VALUES, choice.weeks)
    own, loaded = thresholds(workspace), load(workspace, choice)
    return {
        "may_edit": may_edit,
        "state": state,
        "cards": cards_of(workspace, [KPIS[key] for key in FIGURES], loaded),
        "by_market": by_market(workspace, loaded, FIGURES, ("orders",)),
        "chart": _chart(state["result"], own.get(choice.market)) if state["result"] else None,
        "moved": moved,
        "moves": MOVED,
        "thresholds": threshold_rows(workspace, choice, values, moved),
        "candidates": _candidate_rows(workspace, choice, state["result"], own.get(choice.market), moved),
        "currency": state["result"].get("currency", workspace.base_currency),
        "near": baskets.NEAR,
        "item": item,
        "pairs_state": pairs,
        "pairs": _pairs(pairs["result"], item),
        "pairs_shown": PAIRS_SHOWN,
    }


def moved_share(text: str) -> float:
    """The assumption in the address; the default where it is none of MOVED."""
    return next((share for share in MOVED if str(share) == text), DEFAULT_MOVED)


def thresholds(workspace: Workspace) -> dict[str, FreeShipping]:
    """Market -> its threshold."""
    return {row.market: row for row in FreeShipping.objects.filter(workspace=workspace)}


# --- the spread of order values ---------------------------------------------------------------------------------------
def _chart(result: Mapping[str, Any], own: FreeShipping | None) -> dict[str, Any] | None:
    spread = histogram(result)
    if spread.orders <= 0:
        return None
    currency, width = result["currency"], spread.width * max(len(_shown(spread)) // BARS, 1)
    edges, counts = _coarse(spread, width)
    marks = (
        [(_("Free shipping from %(amount)s") % {"amount": money(float(own.amount), currency)}, float(own.amount))]
        if own
        else []
    )
    middle = spread.quantile(0.5)
    return {
        "id": "order-values",
        "title": _("Orders by value"),
        "summary": _("Half of the orders are below %(value)s.") % {"value": money(middle, currency)},
        "figure": figures.histogram(edges, counts, currency, width, marks),
        "columns": [_("Order value"), _("Orders"), _("Share")],
        "rows": [
            [
                f"{money(edge, currency)} – {money(edge + width, currency)}",
                number(count),
                percent(count / spread.orders, 1),
            ]
            for edge, count in zip(edges, counts, strict=True)
        ],
    }


def histogram(result: Mapping[str, Any]) -> Histogram:
    """The kept histogram."""
    kept = result["histogram"]
    return Histogram(kept["width"], tuple(kept["counts"]), tuple(kept["sums"]), tuple(kept["shipping"]))


def _shown(spread: Histogram) -> tuple[float, ...]:
    """The bins up to the 99th percentile."""
    return spread.counts[: int(spread.quantile(0.99) / spread.width) + 1]


def _coarse(spread: Histogram, width: float) -> tuple[list[float], list[float]]:
    step, cells = round(width / spread.width), _shown(spread)
    edges = [at * spread.width for at in range(0, len(cells), step)]
    return edges, [sum(cells[at : at + step]) for at in range(0, len(cells), step)]


# --- thresholds -------------------------------------------------------------------------------------------------------
def threshold_rows(
    workspace: Workspace, choice: Choice, values: Mapping[str, Any], moved: float
) -> list[dict[str, Any]]:
    """Every market's threshold against its orders; markets without one too, so that one can be entered.

    A threshold in another currency than the market's orders (`other_currency`) is not set against them.
    """
    markets, own, margin = place_names(workspace)["market"], thresholds(workspace), margins(workspace, choice)
    rows = []
    for code in sorted({*(c for c in values if c), *own}):
        if choice.market not in ("", code):
            continue
        kept, entry = values.get(code) or {}, own.get(code)
        currency = kept.get("currency", "")
        is_other = bool(entry and currency and entry.currency and entry.currency != currency)
        row = {"code": code, "name": markets.get(code, code), "entry": entry, "currency": currency,
               "other_currency": is_other}  # fmt: skip
        if entry and kept and not is_other:
            row |= _against(kept, float(entry.amount), moved, margin.get(code))
        rows.append(row)
    return rows


def _against(kept: Mapping[str, Any], amount: float, moved: float, margin: float | None) -> dict[str, Any]:
    """A threshold against the kept orders (`found`), and its effect on contribution where all of it is known."""
    found = baskets.threshold(histogram(kept), amount, moved)
    knows_shipping = bool(kept.get("knows_shipping"))
    earned = baskets.effect(found, margin) if knows_shipping and margin is not None else None
    return {"found": found, "knows_shipping": knows_shipping, "margin": margin, "effect": earned}


def margins(workspace: Workspace, choice: Choice) -> dict[str, float]:
    """Market -> contribution margin (of net revenue) of its orders with known costs in the chosen weeks."""
    frame = frames.conversion(workspace, ("market",), choice.first, choice.last, choice.where)
    known = frame[(frame["costed_net_base"] > 0) & frame["contribution_base"].notna()]
    return {str(r["market"]): float(r["contribution_base"] / r["costed_net_base"]) for r in known.to_dict("records")}


def _candidate_rows(
    workspace: Workspace, choice: Choice, result: Mapping[str, Any], own: FreeShipping | None, moved: float
) -> list[dict[str, Any]]:
    """Round thresholds of the chosen market other than its own; none where no market is chosen."""
    if not result or not choice.market:
        return []
    margin, taken = margins(workspace, choice).get(choice.market), float(own.amount) if own else None
    amounts = [amount for amount in baskets.candidates(histogram(result)) if amount != taken]
    return [_against(result, amount, moved, margin) for amount in amounts]


def thresholds_table(workspace: Workspace, choice: Choice, query: Mapping[str, str]) -> Table:
    """Columns and rows of the export of thresholds, under the assumption in the address."""
    moved = moved_share(query.get("moved", ""))
    values = analyses.kept_markets(workspace, Kind.VALUES, choice.weeks)
    rows = [r for r in threshold_rows(workspace, choice, values, moved) if r["entry"]]
    return _threshold_columns(), [
        [r["name"], r["entry"].currency, r["entry"].amount, *_threshold_cells(r, moved)] for r in rows
    ]


def candidates_table(workspace: Workspace, choice: Choice, query: Mapping[str, str]) -> Table:
    """Columns and rows of the file: what other thresholds would do in the chosen market."""
    moved = moved_share(query.get("moved", ""))
    result = analyses.state(workspace, Kind.VALUES, choice)["result"]
    rows = _candidate_rows(workspace, choice, result, thresholds(workspace).get(choice.market), moved)
    market = place_names(workspace)["market"].get(choice.market, choice.market)
    return _threshold_columns(), [[market, result["currency"], row["found"].value, *_threshold_cells(row, moved)]
                                  for row in rows]  # fmt: skip


def _threshold_columns() -> list[str]:
    return [_("Market"), _("Currency"), _("Threshold"), *limits(_("Orders that reach it"))[:3],
            *limits(_("Near below"))[:3], _("Orders"), _("They lack on average"), _("Assumed share"),
            _("More goods sold"), _("Shipping not charged"), _("Contribution margin"),
            _("Effect on contribution")]  # fmt: skip


def _threshold_cells(row: Mapping[str, Any], moved: float) -> list[Cell]:
    if "found" not in row:
        return []
    found = row["found"]
    shares = [*parts(found.reached)[:3], *parts(found.near)[:3]]
    shipping = found.shipping if row["knows_shipping"] else None
    return [*shares, found.reached.n, found.missing, moved, found.gain, shipping, row["margin"], row["effect"]]


# --- bought together --------------------------------------------------------------------------------------------------
def _pairs(result: Mapping[str, Any], item: str) -> dict[str, Any]:
    """The kept pairs of products or categories, or why there are none."""
    found = result.get(item)
    if isinstance(found, dict):
        return {"missing": found, "rows": []}
    titles = result.get("names", {})
    rows = [{**pair, "first_name": titles.get(pair["first"], ""), "second_name": titles.get(pair["second"], "")}
            for pair in found or []]  # fmt: skip
    return {"missing": None, "rows": rows}


def values_table(workspace: Workspace, choice: Choice) -> Table:
    """Columns and rows of the export of KPIs by market."""
    table = by_market(workspace, load(workspace, choice), FIGURES, ("orders",))
    heads = [part for name in table["kpi_names"] for part in limits(name)]
    rows = [[row["name"], *row["counts"], *(part for r in row["results"] for part in parts(r))]
            for row in table["rows"]]  # fmt: skip
    return [_("Market"), _("Counted orders"), *heads], rows
