"""Everything that is bought together: searched, sorted, paged, and as a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from engines.baskets import FALSE_SHARE, MAX_ITEMS, MIN_TOGETHER
from flywheel.accounts.models import Workspace
from flywheel.accounts.sheets import Cell
from flywheel.conversion import analyses
from flywheel.conversion.analyses import PAIRS, Kind
from flywheel.conversion.tables import Table
from flywheel.diagnosis.engine_pages import Choice

PER_PAGE = 25
LONGEST_SEARCH = 100
ITEMS = {"sku": gettext_lazy("Products"), "category": gettext_lazy("Categories")}
SORTS = {
    "lift": gettext_lazy("The surest first"),
    "together": gettext_lazy("The most orders first"),
    "confidence": gettext_lazy("The likeliest to follow first"),
}
Json = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """What the address asks for; what it says wrongly falls back to the default."""

    item: str
    words: str
    sort: str

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> "Asked":
        """The item, the words searched for and the order of rows."""
        item, sort = query.get("item", ""), query.get("sort", "")
        words = query.get("q", "").replace("\0", "").strip()[:LONGEST_SEARCH]
        return cls(item if item in ITEMS else "sku", words, sort if sort in SORTS else "lift")

    @property
    def query(self) -> dict[str, str]:
        """The address's parts that say it again."""
        return {"item": self.item, "q": self.words, "sort": self.sort}


def context(workspace: Workspace, choice: Choice, query: Mapping[str, str]) -> dict[str, Any]:
    """Everything of the page."""
    asked = Asked.parse(query)
    state = analyses.state(workspace, Kind.BASKETS, choice)
    found = state["result"].get(asked.item)
    address = {"market": choice.market, "weeks": str(choice.weeks), **asked.query}
    return {
        "state": state,
        "asked": asked,
        "items": ITEMS.items(),
        "sorts": SORTS.items(),
        "missing": found if isinstance(found, dict) else None,
        "kept": len(found) if isinstance(found, list) else 0,
        "page": Paginator(rows(state["result"], asked), PER_PAGE).get_page(query.get("page")),
        "query": urlencode({k: v for k, v in address.items() if v}),
        "rules": {"together": MIN_TOGETHER, "items": MAX_ITEMS, "false": FALSE_SHARE, "most": PAIRS},
    }


def rows(result: Json, asked: Asked) -> list[Json]:
    """The kept pairs that hold all words searched for, in any of their ids and names, sorted as asked."""
    found = result.get(asked.item)
    if not isinstance(found, list):
        return []
    titles = result.get("names", {})
    named = [{**p, "first_name": titles.get(p["first"], ""), "second_name": titles.get(p["second"], "")} for p in found]
    words = asked.words.casefold().split()
    held = [row for row in named if all(word in _text(row) for word in words)]
    return sorted(held, key=_ORDERS[asked.sort])


def _text(row: Json) -> str:
    return "\n".join(row[key] for key in ("first", "first_name", "second", "second_name")).casefold()


_ORDERS = {
    "lift": lambda row: -row["lift"]["low"],
    "together": lambda row: -row["together"],
    "confidence": lambda row: -max(row["to_second"]["value"], row["to_first"]["value"]),
}  # sorting is stable: equals stay in the kept order, the surest first


def table(workspace: Workspace, choice: Choice, query: Mapping[str, str]) -> Table:
    """Columns and rows of the file: all pairs that the address asks for."""
    state = analyses.state(workspace, Kind.BASKETS, choice)
    first, second = pgettext("of a pair", "First"), pgettext("of a pair", "Second")
    counts = [_("Orders with both"), _("Orders with the first"), _("Orders with the second"), _("Orders"), _("Support")]
    estimates = (_("Second, where first"), _("First, where second"), _("Lift"))
    names = [first, _("Name of the first"), second, _("Name of the second")]
    columns = [*names, *counts, *(head for name in estimates for head in _with_limits(name)), "p"]
    return columns, [_cells(row) for row in rows(state["result"], Asked.parse(query))]


def _with_limits(name: str) -> list[str]:
    return [name, _("%(name)s, lower limit") % {"name": name}, _("%(name)s, upper limit") % {"name": name}]


def _cells(row: Json) -> list[Cell]:
    names = ("first", "first_name", "second", "second_name", "together", "with_first", "with_second", "n", "support")
    estimates = (row[key][part] for key in ("to_second", "to_first", "lift") for part in ("value", "low", "high"))
    return [*(row[name] for name in names), *estimates, row["p_value"]]
