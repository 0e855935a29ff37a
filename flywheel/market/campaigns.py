"""Advertising campaigns over the chosen weeks and market: sorted, paged, and as a file."""

from collections.abc import Mapping
from math import inf, isnan
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engines import campaigns as engine
from engines.campaigns import Campaign
from engines.kpi import KPIS
from engines.results import Estimate, Result
from flywheel.accounts.models import Workspace
from flywheel.accounts.sheets import Cell
from flywheel.diagnosis.engine_pages import Choice, cards_of, kpi_trend, load
from flywheel.diagnosis.flywheel_page import place_names
from flywheel.measures import frames

PER_PAGE = 25
SORTS = {
    "spend": gettext_lazy("Highest spend first"),
    "clicks": gettext_lazy("Most clicks first"),
    "ctr": gettext_lazy("Highest CTR first"),
    "cpc": gettext_lazy("Lowest CPC first"),
    "name": gettext_lazy("By name"),
}


def context(workspace: Workspace, choice: Choice, query: Mapping[str, str]) -> dict[str, Any]:
    """Cards and lines of CTR and CPC, and a page of the campaigns."""
    loaded = load(workspace, choice)
    found, together = _found(workspace, choice)
    sort = _sort(query)
    page = Paginator(_sorted(found, sort), PER_PAGE).get_page(query.get("page"))
    names = _names(workspace)
    trends = (kpi_trend(workspace, key, loaded) for key in engine.RATES)
    return {
        "cards": cards_of(workspace, [KPIS[key] for key in engine.RATES], loaded),
        "charts": [chart for chart in trends if chart],
        "page": page,
        "rows": [(row, names.get(row.channel) or _("unknown")) for row in page],
        "together": together,
        "sorts": SORTS.items(),
        "sort": sort,
        "query": f"{choice.query}&{urlencode({'sort': sort})}",
    }


def _found(workspace: Workspace, choice: Choice) -> tuple[tuple[Campaign, ...], Campaign | None]:
    return engine.campaigns(frames.market(workspace, ("channel", "campaign"), choice.first, choice.last, choice.where))


def _names(workspace: Workspace) -> dict[str, str]:
    return {code: name or code for code, name in place_names(workspace)["channel"].items()}


def _sort(query: Mapping[str, str]) -> str:
    asked = query.get("sort", "")
    return asked if asked in SORTS else "spend"


def _sorted(found: tuple[Campaign, ...], sort: str) -> list[Campaign]:
    """As asked, by name where equal; what is not known comes last."""
    named = sorted(found, key=lambda c: (c.campaign.casefold(), c.channel))
    return named if sort == "name" else sorted(named, key=_ORDERS[sort])


def _largest(number: float) -> float:
    return inf if isnan(number) else -number


_ORDERS = {
    "spend": lambda c: _largest(c.cost_base),
    "clicks": lambda c: _largest(c.clicks),
    "ctr": lambda c: -c.ctr.value if isinstance(c.ctr, Estimate) else inf,
    "cpc": lambda c: c.cpc.value if isinstance(c.cpc, Estimate) else inf,
}


# --- export -----------------------------------------------------------------------------------------------------------
def table(workspace: Workspace, choice: Choice, query: Mapping[str, str]) -> tuple[list[str], list[list[Cell]]]:
    """A row per campaign, in the order of the page."""
    columns = [_("Campaign"), _("Channel"), _("Spend"), _("Impressions"), _("Clicks"), _("Share of spend")]
    for name in ("CTR", "CPC"):
        columns += [name, _("%(name)s, lower limit") % {"name": name}, _("%(name)s, upper limit") % {"name": name}]
    found, _together = _found(workspace, choice)
    names = _names(workspace)
    return columns, [_exported(row, names) for row in _sorted(found, _sort(query))]


def _exported(row: Campaign, names: Mapping[str, str]) -> list[Cell]:
    cells: list[Cell] = [row.campaign, names.get(row.channel) or _("unknown")]
    cells += [row.cost_base, row.impressions, row.clicks, row.share]
    return [*cells, *_limits(row.ctr), *_limits(row.cpc)]


def _limits(result: Result) -> list[Cell]:
    return [result.value, result.low, result.high] if isinstance(result, Estimate) else [None, None, None]
