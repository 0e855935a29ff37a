"""Restated weeks in words: when, and what moved."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from flywheel.accounts.figures import Figure
from flywheel.accounts.templatetags.formats import day, money, number
from flywheel.measures.restating import Restated

MONEY = frozenset({"cost_base", "net_base", "refund_base"})
MOVED: dict[str, str | Promise] = {
    "orders": gettext_lazy("%(before)s → %(after)s orders"),
    "net_base": gettext_lazy("%(before)s → %(after)s net revenue"),
    "first_orders": gettext_lazy("%(before)s → %(after)s first orders"),
    "sessions": gettext_lazy("%(before)s → %(after)s sessions"),
    "cost_base": gettext_lazy("%(before)s → %(after)s advertising spend"),
    "clicks": gettext_lazy("%(before)s → %(after)s clicks"),
    "deliveries": gettext_lazy("%(before)s → %(after)s deliveries"),
    "refunds": gettext_lazy("%(before)s → %(after)s refunds"),
    "refund_base": gettext_lazy("%(before)s → %(after)s refunded"),
    "reviews": gettext_lazy("%(before)s → %(after)s reviews"),
    "tickets": gettext_lazy("%(before)s → %(after)s tickets"),
}
ORDER = ("conversion", "aftersales", "market")  # roll-ups as a reader asks for them: orders and revenue first


class Heading(Figure):
    """A row's heading with a remark on it, for `_chart.html`."""

    __slots__ = ("mark",)
    mark: str


def heading(text: str, mark: str) -> Heading:
    """A row's heading; `mark` may be empty."""
    made = Heading(text, getattr(text, "value", None))
    made.mark = mark
    return made


def marks(
    found: Iterable[Restated], currency: str, of_all_markets: bool = False, known_until: datetime | None = None
) -> dict[date, str]:
    """One remark per restated week, such as "restated 12 Nov 2026: 112 → 118 orders".

    `of_all_markets`: the figures beside it are one market's, the remark's are not. `known_until`: when the figures
    beside it were worked out, where that may have been before a restatement.
    """
    by_week: dict[date, list[Restated]] = defaultdict(list)
    for one in sorted(found, key=lambda one: ORDER.index(one.rollup)):
        by_week[one.week].append(one)
    return {week: _remark(of_week, currency, of_all_markets, known_until) for week, of_week in by_week.items()}


def _remark(found: list[Restated], currency: str, of_all_markets: bool, known_until: datetime | None) -> str:
    at = max(one.at for one in found)
    text = _("restated %(day)s: %(moved)s")
    if known_until and at > known_until:
        text = _("restated %(day)s, after this page was worked out: %(moved)s")
    moved = pgettext("between two changes", ", ").join(part for one in found for part in _parts(one, currency))
    if not moved:
        moved = _("the totals stay, their parts moved")
    elif of_all_markets:
        moved = _("%(moved)s in all markets together") % {"moved": moved}
    return text % {"day": day(at), "moved": moved}


def _parts(one: Restated, currency: str) -> list[str]:
    """What moved by as much as can be seen in whole units."""
    parts = []
    for name, (before, after) in one.moved.items():
        texts = [money(value, currency) if name in MONEY else number(value) for value in (before, after)]
        if texts[0] != texts[1]:
            parts.append(str(MOVED[name]) % {"before": texts[0], "after": texts[1]})
    return parts
