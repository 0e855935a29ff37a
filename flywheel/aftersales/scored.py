"""Every customer with what the model expects of them: one page at a time out of a million, and all of them as a file.

A page is told by the row that it comes after or before (keyset), never by a number of rows to skip or to count.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import BooleanField, F, Func, Q, QuerySet, Value
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from flywheel.accounts.models import Workspace
from flywheel.accounts.sheets import Cell
from flywheel.aftersales import lifetime_value
from flywheel.aftersales.customer_lists import CHUNK, MOST_IN_WORKBOOK, chunks, hashes, scored_customers
from flywheel.aftersales.fitting import GONE, result_of
from flywheel.aftersales.models import BY_ALIVE, BY_VALUE, CustomerScore
from flywheel.diagnosis.flywheel_page import place_names
from flywheel.measures import raw

PER_PAGE = 50
LONGEST_ID = 200  # characters of an id that is looked for
SORTS = {
    "value": (gettext_lazy("Highest expected revenue first"), BY_VALUE),
    "alive": (gettext_lazy("Highest P(alive) first"), BY_ALIVE),
    "last": (gettext_lazy("Newest last order first"), F("last_date")),
}
GROUPS = {
    "again": (gettext_lazy("With repeat orders"), Q(repeats__gt=0)),
    "once": (gettext_lazy("One order so far"), Q(repeats=0)),
    "slipping": (gettext_lazy("Slipping away"), Q(at_risk__gt=0)),
    "advocates": (gettext_lazy("Likely advocates"), Q(praise__gt=0)),
    "gone": (gettext_lazy("Probably gone (P(alive) below 10 %)"), Q(alive__lt=GONE)),
}
Json = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """What the address asks for; what it says wrongly falls back to the default.

    `text` is a customer's id, whole; `after` and `before` are the row that a page begins after or ends before.
    """

    text: str = ""
    market: str = ""
    group: str = ""
    sort: str = "value"
    after: int = 0
    before: int = 0

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> "Asked":
        """Of the address; NUL, which no database takes, is left out."""
        text, market, group, sort = (
            query.get(name, "").replace("\0", "").strip() for name in ("q", "market", "group", "sort")
        )
        return cls(
            text[:LONGEST_ID], market, group if group in GROUPS else "", sort if sort in SORTS else "value",
            _row_number(query.get("after", "")), _row_number(query.get("before", "")),
        )  # fmt: skip

    @property
    def query(self) -> str:
        """The filter and order as the address says them, without the page."""
        told = {"q": self.text, "market": self.market, "group": self.group, "sort": self.sort}
        return urlencode({name: value for name, value in told.items() if value})

    @property
    def is_filtered(self) -> bool:
        """Whether not all customers are asked for."""
        return bool(self.text or self.market or self.group)


def _row_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


def rows(workspace: Workspace, asked: Asked) -> QuerySet[CustomerScore]:
    """The customers of the filter, in no order."""
    found = CustomerScore.objects.filter(workspace=workspace)
    if asked.market:
        found = found.filter(market=asked.market)
    if asked.group:
        found = found.filter(GROUPS[asked.group][1])
    if asked.text:
        found = found.filter(customer__in=[asked.text, *raw.customers_of_ref(workspace, asked.text)])
    return found


def context(workspace: Workspace, asked: Asked, may_see: bool) -> Json:
    """Everything of the page; customers themselves only for those who may see them."""
    state = lifetime_value.state(workspace)
    fit = state["fit"]
    missing = result_of(fit.result["ahead_orders"]) if fit and "reason" in fit.result["ahead_orders"] else None
    return {
        "state": state,
        "missing": missing,
        "asked": asked,
        "market": asked.market,
        "query": asked.query,
        "sorts": [(key, words) for key, (words, _by) in SORTS.items()],
        "groups": [(key, words) for key, (words, _which) in GROUPS.items()],
        "customers": None if asked.group or asked.text else scored_customers(workspace, asked.market),
        "may_see": may_see,
        "page": shown(workspace, asked) if may_see and fit else None,
        "most": MOST_IN_WORKBOOK,
    }


# --- a page -----------------------------------------------------------------------------------------------------------
def shown(workspace: Workspace, asked: Asked) -> Json:
    """One page: rows with names of places and the shops' ids, and the rows that its neighbours are told by."""
    found, has_before, has_after = _page(workspace, asked)
    places = place_names(workspace)["market"]
    ids = raw.customer_refs(workspace, [row.customer for row in found])
    return {
        "rows": [
            {"row": row, "ids": ids.get(row.customer, ()), "market": places.get(row.market, row.market)}
            for row in found
        ],
        "before": found[0].pk if found and has_before else None,
        "after": found[-1].pk if found and has_after else None,
    }


def _page(workspace: Workspace, asked: Asked) -> tuple[list[Any], bool, bool]:
    """The rows of a page, and whether there are any before and after them."""
    by = SORTS[asked.sort][1]
    anchor = CustomerScore.objects.filter(workspace=workspace, pk=asked.before or asked.after).annotate(key=by).first()
    is_back = bool(anchor and asked.before)
    found = rows(workspace, asked).annotate(key=by).order_by(*(("key", "pk") if is_back else ("-key", "-pk")))
    if anchor is not None:
        found = found.filter(_beyond(by, anchor, ">" if is_back else "<"))
    held: list[Any] = list(found[: PER_PAGE + 1])
    is_more, held = len(held) > PER_PAGE, held[:PER_PAGE]
    return (held[::-1], is_more, True) if is_back else (held, anchor is not None, is_more)


def _beyond(by: Any, anchor: CustomerScore, side: str) -> Func:
    """Rows on one `side` of a row in the order of (`by`, number): a comparison of rows, which an index answers."""
    here = Func(by, F("pk"), function="ROW")
    there = Func(Value(anchor.key), Value(anchor.pk), function="ROW")  # type: ignore[attr-defined]
    return Func(here, there, template="%(expressions)s", arg_joiner=f" {side} ", output_field=BooleanField())


# --- the file ---------------------------------------------------------------------------------------------------------
def is_too_long(workspace: Workspace, asked: Asked) -> bool:
    """Whether there are more rows than a workbook takes."""
    return rows(workspace, asked)[: MOST_IN_WORKBOOK + 1].count() > MOST_IN_WORKBOOK


def table(workspace: Workspace, asked: Asked) -> tuple[list[str], Iterator[list[Cell]]]:
    """Columns and rows of the file: ids and hashes of e-mail addresses, for the addresses themselves are never kept."""
    columns = [
        _("Customer"), _("Customer ids of the shops"), _("E-mail hash"), _("Market"), _("Channel"), _("First order"),
        _("Last order"), _("Repeat orders"), _("P(alive)"), _("Expected orders, 12 months"),
        _("Expected revenue, 12 months"), _("Next order from"), _("Next order, median"), _("Next order until"),
    ]  # fmt: skip
    return columns, _exported(workspace, asked)


def _exported(workspace: Workspace, asked: Asked) -> Iterator[list[Cell]]:
    by = SORTS[asked.sort][1]
    found = rows(workspace, asked).annotate(key=by).order_by("-key", "-pk")
    for chunk in chunks(found.iterator(CHUNK)):
        people = [row.customer for row in chunk]
        ids, mails = raw.customer_refs(workspace, people), hashes(workspace, people)
        for row in chunk:
            yield [
                row.customer, " ".join(ids.get(row.customer, ())), " ".join(mails.get(row.customer, ())), row.market,
                row.channel, row.first_date, row.last_date, row.repeats, row.alive, row.orders_12, row.value_12,
                row.next_from, row.next_middle, row.next_until,
            ]  # fmt: skip
