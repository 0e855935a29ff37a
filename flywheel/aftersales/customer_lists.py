"""The tab "Customers": whom to write to, and why; as pages and as files for the mail tool."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from flywheel.accounts.models import Workspace
from flywheel.accounts.sheets import Cell
from flywheel.aftersales import lifetime_value
from flywheel.aftersales.fitting import result_of
from flywheel.aftersales.models import CustomerScore, LifetimeFit, Replenishment
from flywheel.diagnosis.flywheel_page import place_names
from flywheel.facts.models import Customer
from flywheel.measures import raw

DUE, SLIPPING, ADVOCATES = "due", "slipping", "advocates"
PER_PAGE = 50
MOST_IN_WORKBOOK = 100_000  # above it a workbook takes a minute and half a gigabyte to write; CSV takes any number
CHUNK = 5_000  # customers whose ids are looked up at once
LISTS = {
    DUE: (
        gettext_lazy("Due for replenishment"),
        gettext_lazy(
            "Articles that the customer needs again in the next 14 days, or needed a little ago: the last purchase "
            "plus the usual time (median) between two purchases of the article. Who has probably left is not listed."
        ),
        gettext_lazy("Remind them of the article, with what is usually taken with it."),
    ),
    SLIPPING: (
        gettext_lazy("Slipping away"),
        gettext_lazy(
            "Customers with repeat orders who have been silent for longer than is usual for them: silence has taken "
            "two fifths or more of the chance that they are still there, and at least a tenth is left. Sorted by the "
            "revenue of a year that it puts at risk."
        ),
        gettext_lazy("Win them back, the most valuable first."),
    ),
    ADVOCATES: (
        gettext_lazy("Likely advocates"),
        gettext_lazy(
            "Customers with repeat orders who are not silent for longer than usual and speak well of the business: "
            "reviews of 4.5 stars or more, a score of 9 or 10, or invitations, and no bad word. Sorted by how much "
            "speaks for it."
        ),
        gettext_lazy("Ask them for a review, a picture or an invitation."),
    ),
}  # key -> name, who is on it, what to do
Row = CustomerScore | Replenishment
R = TypeVar("R")
Json = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """A list, of all markets or of one; what the address says wrongly falls back to the default."""

    key: str
    market: str = ""

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> "Asked":
        """The list and market in the address; NUL, which no database takes, is left out."""
        key = query.get("list", "")
        return cls(key if key in LISTS else DUE, query.get("market", "").replace("\0", ""))

    @property
    def query(self) -> str:
        """Market as the address says it."""
        return urlencode({"market": self.market}) if self.market else ""


def rows(workspace: Workspace, asked: Asked) -> QuerySet[Any]:
    """The list asked for, the most urgent or valuable first."""
    chosen = {"market": asked.market} if asked.market else {}
    if asked.key == DUE:
        return Replenishment.objects.filter(workspace=workspace, **chosen).order_by("due_date", "pk")
    scores = CustomerScore.objects.filter(workspace=workspace, **chosen)
    if asked.key == SLIPPING:
        return scores.filter(at_risk__gt=0).order_by("-at_risk", "pk")
    return scores.filter(praise__gt=0).order_by("-praise", "pk")


def context(workspace: Workspace, asked: Asked, page: str | None, may_see: bool) -> Json:
    """Everything of the page; customers themselves only for those who may see them."""
    state = lifetime_value.state(workspace)
    fit = state["fit"]
    missing = result_of(fit.result["ahead_orders"]) if fit and "reason" in fit.result["ahead_orders"] else None
    name, who, advice = LISTS[asked.key]
    return {
        "state": state,
        "missing": missing if asked.key != DUE else None,
        "asked": asked,
        "market": asked.market,
        "query": asked.query,
        "lists": [
            {"key": key, "name": words[0], "count": rows(workspace, Asked(key, asked.market)).count()}
            for key, words in LISTS.items()
        ],
        "name": name,
        "who": who,
        "advice": advice,
        "everyone": scored_customers(workspace, asked.market),
        "may_see": may_see,
        "page": shown(workspace, asked, page) if may_see and fit else None,
        "most": MOST_IN_WORKBOOK,
    }


def scored_customers(workspace: Workspace, market: str = "") -> int | None:
    """How many customers there are, as the fit counted them: no row is counted for a page."""
    scope = LifetimeFit.Scope.MARKET if market else LifetimeFit.Scope.ALL
    fit = LifetimeFit.objects.filter(workspace=workspace, scope=scope, code=market).first()
    return fit.customers + (fit.result["heavy"] or {}).get("accounts", 0) if fit else None


def shown(workspace: Workspace, asked: Asked, page: str | None) -> Page[Json]:
    """One page of the list, with the names of places and articles and the shops' ids."""
    found: Page[Any] = Paginator(rows(workspace, asked), PER_PAGE).get_page(page)
    places = place_names(workspace)
    ids = raw.customer_refs(workspace, [row.customer for row in found.object_list])
    articles = raw.product_names(workspace, [row.suggestion for row in found.object_list if row.suggestion])
    found.object_list = [
        {
            "row": row,
            "ids": ids.get(row.customer, ()),
            "market": places["market"].get(row.market, row.market),
            "suggestion": articles.get(row.suggestion, row.suggestion),
        }
        for row in found.object_list
    ]
    return found


# --- the file for the mail tool ---------------------------------------------------------------------------------------
def table(workspace: Workspace, asked: Asked) -> tuple[list[str], Iterator[list[Cell]]]:
    """Columns and rows of the file: ids and hashes of e-mail addresses, for the addresses themselves are never kept."""
    first = [_("Customer"), _("Customer ids of the shops"), _("E-mail hash"), _("Market")]
    last = [_("Suggested article"), _("Name of the suggestion")]
    if asked.key == DUE:
        own = [_("Article"), _("Name"), _("Bought on days"), _("Last bought"), _("Usual days between"), _("Due on"),
               _("P(alive)")]  # fmt: skip
    else:
        own = [_("Channel"), _("First order"), _("Last order"), _("Repeat orders"), _("P(alive)"),
               _("Expected orders, 12 months"), _("Expected revenue, 12 months"), _("Revenue at risk")]  # fmt: skip
    return [*first, *own, *last], _exported(workspace, asked)


def _exported(workspace: Workspace, asked: Asked) -> Iterator[list[Cell]]:
    for chunk in chunks(rows(workspace, asked).iterator(CHUNK)):
        people = [row.customer for row in chunk]
        ids, mails = raw.customer_refs(workspace, people), hashes(workspace, people)
        articles = raw.product_names(workspace, sorted({row.suggestion for row in chunk if row.suggestion}))
        for row in chunk:
            yield [
                row.customer, " ".join(ids.get(row.customer, ())), " ".join(mails.get(row.customer, ())), row.market,
                *_own(row), row.suggestion, articles.get(row.suggestion, ""),
            ]  # fmt: skip


def _own(row: Row) -> list[Cell]:
    if isinstance(row, Replenishment):
        return [row.sku, row.name, row.bought, row.last_date, row.interval_days, row.due_date, row.alive]
    return [
        row.channel,
        row.first_date,
        row.last_date,
        row.repeats,
        row.alive,
        row.orders_12,
        row.value_12,
        row.at_risk,
    ]


def hashes(workspace: Workspace, people: list[str]) -> dict[str, list[str]]:
    """Person -> the hashes of their e-mail addresses."""
    known = Customer.objects.filter(workspace=workspace, person__in=people).exclude(email_hash="")
    found: dict[str, list[str]] = {}
    for person, email_hash in known.order_by("person", "email_hash").values_list("person", "email_hash").distinct():
        found.setdefault(person, []).append(email_hash)
    same = Customer.objects.filter(workspace=workspace, email_hash__in=people, person="")
    return found | {value: [value] for value in same.values_list("email_hash", flat=True)}


def chunks(found: Iterable[R]) -> Iterator[list[R]]:
    """The rows, CHUNK at a time."""
    held: list[R] = []
    for row in found:
        held.append(row)
        if len(held) == CHUNK:
            yield held
            held = []
    if held:
        yield held
