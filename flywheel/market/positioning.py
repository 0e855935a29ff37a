"""The positioning map: competitors' newest offers and our own on two attributes, and where demand is unserved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
from django.http import QueryDict
from django.utils.translation import gettext as _

from engines import positioning as engine
from engines.positioning import Map
from engines.results import Unavailable
from flywheel.accounts.models import Workspace
from flywheel.accounts.sheets import Cell
from flywheel.accounts.templatetags.formats import day, number, percent
from flywheel.diagnosis.market_names import Names
from flywheel.facts.models import CompetitorOffer
from flywheel.market import figures
from flywheel.market.models import OwnOffer

PRICE = "price"  # the axis that every offer may have beside its attributes
MOST_OFFERS = 2_000  # the newest; a map of more is a cloud
SHOWN_OPENINGS = 3
OFFERS_LISTED = 200


@dataclass(frozen=True)
class Axes:
    """What the reader looks at: a market ('' for all) and two attributes."""

    market: str
    x: str
    y: str
    names: tuple[str, ...]  # of all attributes, the price first
    markets: tuple[str, ...]

    @classmethod
    def parse(cls, query: QueryDict, offers: Sequence[CompetitorOffer]) -> "Axes":
        """The choice in the address; what it says wrongly falls back."""
        names = (PRICE, *_attributes(offers))
        markets = tuple(sorted({o.market for o in offers}))
        x = query.get("x") if query.get("x") in names else PRICE
        others = [name for name in names if name != x]
        y = query.get("y") if query.get("y") in others else (others[0] if others else PRICE)
        market = query.get("market", "")
        return cls(market if market in markets else "", str(x), str(y), names, markets)


def attributes(workspace: Workspace) -> list[str]:
    """The attributes that competitors' offers are scored on, sorted."""
    return _attributes(newest_offers(workspace))


def _attributes(offers: Sequence[CompetitorOffer]) -> list[str]:
    return sorted({name for offer in offers for name in (offer.attributes or {})})


def newest_offers(workspace: Workspace) -> list[CompetitorOffer]:
    """Each competitor's offer in each market as it was last seen."""
    seen = CompetitorOffer.objects.filter(workspace=workspace).order_by("market", "name", "-seen_on", "-pk")
    newest = CompetitorOffer.objects.filter(pk__in=seen.distinct("market", "name").values("pk"))
    return list(newest.order_by("-seen_on", "market", "name")[:MOST_OFFERS])


def own_offers(workspace: Workspace, market: str) -> list[OwnOffer]:
    """Our own offers that stand on the map of a market: those of the market, and those made for all."""
    own = OwnOffer.objects.filter(workspace=workspace)
    return list(own.filter(market__in=("", market)) if market else own)


def context(workspace: Workspace, query: QueryDict) -> dict[str, Any]:
    """The map with its tables, or why there is none."""
    offers = newest_offers(workspace)
    axes = Axes.parse(query, offers)
    shown = [o for o in offers if not axes.market or o.market == axes.market]
    own = own_offers(workspace, axes.market)
    names = Names(workspace)
    found = _map(axes, shown)
    labels = {name: axis_label(name) for name in axes.names}
    result: dict[str, Any] = {
        "axes": axes,
        "axis_choices": [(name, labels[name]) for name in axes.names],
        "market_choices": [(code, names[code]) for code in axes.markets],
        "offers": [_line(o, axes, names) for o in shown[:OFFERS_LISTED]],
        "offer_count": len(shown),
        "x_label": labels[axes.x],
        "y_label": labels[axes.y],
        "has_offers": bool(offers),
    }
    if isinstance(found, Unavailable):
        return result | {"unavailable": found}
    return result | {"chart": _chart(axes, found, shown, own, labels), "openings": openings(found)}


def axis_label(name: str) -> str:
    """An axis in words."""
    return _("Price index (ours: 100)") if name == PRICE else name


def _map(axes: Axes, offers: Sequence[CompetitorOffer]) -> Map | Unavailable:
    x, y = (np.array([_at(o, name) for o in offers]) for name in (axes.x, axes.y))
    reviews = np.array([nan if o.reviews is None else float(o.reviews) for o in offers])
    return engine.position(x, y, reviews)


def _at(offer: CompetitorOffer | OwnOffer, name: str) -> float:
    """An offer's place on an axis; NaN when it is not known."""
    value = offer.price_index if name == PRICE else (offer.attributes or {}).get(name)
    return nan if value is None else float(value)


def openings(found: Map) -> list[dict[str, str]]:
    """The emptiest demanded cells, in words."""
    return [
        {
            "x": _range(cell.x),
            "y": _range(cell.y),
            "demand": percent(cell.demand, 1),
            "supply": percent(cell.supply, 1),
            "gap": percent(cell.gap, 1),
        }
        for cell in found.openings[:SHOWN_OPENINGS]
    ]


def _range(edges: tuple[float, float]) -> str:
    return _("%(low)s to %(high)s") % {"low": number(edges[0], 1), "high": number(edges[1], 1)}


def _line(offer: CompetitorOffer, axes: Axes, names: Mapping[str, str]) -> dict[str, str]:
    places = [_at(offer, axes.x), _at(offer, axes.y)]
    x, y = (number(value, 1) for value in places)
    reviews = number(offer.reviews) if offer.reviews is not None else "–"
    return {
        "name": offer.name,
        "market": names[offer.market],
        "seen": day(offer.seen_on),
        "x": x,
        "y": y,
        "reviews": reviews,
    }


def _chart(
    axes: Axes, found: Map, offers: Sequence[CompetitorOffer], own: Sequence[OwnOffer], labels: Mapping[str, str]
) -> dict[str, Any]:
    """The map: cells by unserved demand, competitors and ourselves on top."""
    side = len(found.x_edges) - 1
    gaps = [[cell.gap for cell in found.cells[row * side : (row + 1) * side]] for row in range(len(found.y_edges) - 1)]
    groups = [(_("Competitors"), "slate", _points(offers, axes)), (_("Our offer"), "danger", _points(own, axes))]
    x_range = _wide(found.x_edges.tolist(), [x for _name, _tone, points in groups for _label, x, _y in points])
    y_range = _wide(found.y_edges.tolist(), [y for _name, _tone, points in groups for _label, _x, y in points])
    figure = figures.map_figure(
        found.x_edges.tolist(), found.y_edges.tolist(), gaps, groups, (labels[axes.x], labels[axes.y])
    )
    figure["layout"]["xaxis"]["range"], figure["layout"]["yaxis"]["range"] = x_range, y_range
    return {
        "id": "positioning-map",
        "title": _("%(x)s and %(y)s") % {"x": labels[axes.x], "y": labels[axes.y]},
        "summary": _summary(found),
        "figure": figure,
        "columns": [labels[axes.x], labels[axes.y], _("Share of demand"), _("Share of supply"), _("Offers")],
        "rows": [
            [_range(c.x), _range(c.y), percent(c.demand, 1), percent(c.supply, 1), str(c.offers)] for c in found.cells
        ],
        "height": "tall",
    }


def _points(offers: Sequence[CompetitorOffer | OwnOffer], axes: Axes) -> list[tuple[str, float, float]]:
    placed = [(o.name, _at(o, axes.x), _at(o, axes.y)) for o in offers]
    return [point for point in placed if not np.isnan(point[1:]).any()]


def _wide(edges: list[float], values: Sequence[float]) -> list[float]:
    """The range of an axis, so that our own offer is on the map wherever it stands."""
    low, high = min([edges[0], *values]), max([edges[-1], *values])
    margin = 0.03 * (high - low)
    return [low - margin, high + margin]


def _summary(found: Map) -> str:
    shown = openings(found)
    if not shown:
        return _("Where buyers are, offers are too: no empty place is asked for more than it is served.")
    return _(
        "The emptiest place that is asked for: %(x)s across, %(y)s up, with %(demand)s of demand "
        "and %(supply)s of supply."
    ) % {k: shown[0][k] for k in ("x", "y", "demand", "supply")}


def table(workspace: Workspace, query: QueryDict) -> tuple[list[str], list[list[Cell]]]:
    """Every offer on the map, competitors' and own, with all its attributes."""
    offers = newest_offers(workspace)
    axes = Axes.parse(query, offers)
    shown = [o for o in offers if not axes.market or o.market == axes.market]
    names, attribute_names = Names(workspace), [n for n in axes.names if n != PRICE]
    columns = [_("Offer"), _("Whose"), _("Market"), _("Seen on"), _("Price index"), _("Reviews"), *attribute_names]
    rows: list[list[Cell]] = [
        [o.name, _("competitor"), names[o.market], o.seen_on, o.price_index, o.reviews, *_scores(o, attribute_names)]
        for o in shown
    ]
    for own in own_offers(workspace, axes.market):
        market = names[own.market] if own.market else _("all")
        rows.append([own.name, _("own"), market, None, own.price_index, None, *_scores(own, attribute_names)])
    return columns, rows


def _scores(offer: CompetitorOffer | OwnOffer, names: Sequence[str]) -> list[Cell]:
    return [(offer.attributes or {}).get(name) for name in names]
