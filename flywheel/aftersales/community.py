"""The community page: reviews, what customers bring by inviting others, and how well word of mouth sells."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _

from engines import aftersales, weekly
from engines.business import REFERRAL, WEEKS_14
from engines.kpi import KPIS
from engines.results import Result, Unavailable
from flywheel.accounts.models import Workspace
from flywheel.accounts.templatetags.formats import number, percent, reading
from flywheel.aftersales.asking import ADVOCATES, Ask
from flywheel.aftersales.kpi_tables import kpi_table, span_of, sum_over
from flywheel.aftersales.tables import Column, Table, Value, known
from flywheel.diagnosis.engine_pages import Loaded, cards_of, kpi_trend, period_sums
from flywheel.measures import fact_frames, frames

CARDS = ("review_rate", "rating", "media_share", "referral_k", "word_of_mouth_lift", "nps")
TRENDS = ("review_rate", "rating", "media_share", "referral_k")
INVITING = ("invitations_per_customer", "referral_conversion", "referral_k")


def context(ask: Ask) -> dict[str, Any]:
    """The page."""
    drawn = (kpi_trend(ask.workspace, key, ask.loaded) for key in TRENDS)
    spoken = word_of_mouth(ask.workspace, ask.loaded)
    return {
        "cards": cards_of(ask.workspace, [KPIS[key] for key in CARDS], ask.loaded),
        "charts": [chart for chart in drawn if chart],
        "referrals": _referrals(ask.loaded),
        "spoken": spoken,
        "spoken_words": _spoken_words(spoken),
        "advocates": _advocates_in_words(ask),
        "tables": [make(ask) for make in TABLES.values()],
    }


# --- reviews ----------------------------------------------------------------------------------------------------------
def _reviews(ask: Ask) -> Table:
    note = _(
        "Review rate: of deliveries whose 14 days ended in the period. Rating and photos: of the period's own reviews."
    )
    kpis = ("review_rate", "rating", "media_share")
    return kpi_table(ask, "reviews", _("Reviews by market"), ("reviews", _("Reviews")), kpis, note)


def _categories(ask: Ask) -> Table:
    choice, wait = ask.choice, timedelta(weeks=WEEKS_14)
    first = choice.first - wait if choice.first else None
    frame = fact_frames.category_deliveries(ask.workspace, first, choice.last - wait, choice.where)
    columns = (
        Column(_("Category"), "code"), Column(_("Deliveries")), Column(_("Reviews")),
        Column(_("Review rate"), "result"), Column(_("Rating"), "result"), Column(_("With photo or video"), "result"),
    )  # fmt: skip
    rows: list[list[Value]] = [
        [c.category, c.deliveries, known(c.reviews), c.review_rate, c.rating, c.media_share]
        for c in aftersales.category_reviews(frame)
    ]
    note = _(
        "Deliveries whose 14 days ended in the period and their reviews to date. An order with several categories "
        "counts in each; a review is of the whole order."
    )
    empty = ask.unless_uncounted(_("Load order lines with categories to see reviews by category."))
    return Table("categories", _("Reviews by product category"), columns, rows, note, empty)


# --- invitations ------------------------------------------------------------------------------------------------------
def _referrals(loaded: Loaded) -> dict[str, Any]:
    """Invitations per customer × conversion = K, and what it makes of the customers who come from elsewhere."""
    span = span_of(loaded, "referral_k")
    found = {key: weekly.result_at(KPIS[key], loaded.panel, loaded.last, loaded.market, span) for key in INVITING}
    elsewhere = sum_over(loaded, "first_orders", span) - sum_over(loaded, "referred_first_orders", span)
    customers, factor = aftersales.all_rounds(found["referral_k"], elsewhere)
    return {**found, "elsewhere": elsewhere, "customers": customers, "factor": factor, "weeks": span}


def _inviting(ask: Ask) -> Table:
    note = _("Over the period, 13 weeks at least. K = invitations per new customer × conversion of invitations.")
    counted = ("invitations", _("Invitations"))
    return kpi_table(ask, "invitations", _("Invitations by market"), counted, INVITING, note)


def _advocates(ask: Ask) -> Table:
    frame = ask.referrers
    columns = (Column(_("Customer"), "code"), Column(_("Invitations")), Column(_("New customers")))
    rows: list[list[Value]] = [
        [str(r["referrer"]), float(r["invitations"]), float(r["new_customers"])] for r in frame.to_dict("records")
    ]
    note = _("Who invited in the period, those who brought most new customers first; at most %(n)s.") % {"n": ADVOCATES}
    empty = ask.unless_uncounted(_("Load referrals to see who recommends you."))
    return Table("advocates", _("Advocates"), columns, rows, note, empty)


def _advocates_in_words(ask: Ask) -> str:
    frame = ask.referrers
    if frame.empty:
        return ""
    everybody, bringers = float(frame["everybody"].iloc[0]), float(frame["bringers"].iloc[0])
    counts = {"n": number(everybody), "m": number(bringers), "share": percent(bringers / everybody, 1)}
    return _("%(n)s customers invited others, and %(m)s of them (%(share)s) brought a new customer.") % counts


# --- word of mouth ----------------------------------------------------------------------------------------------------
def word_of_mouth(workspace: Workspace, loaded: Loaded) -> aftersales.Comparison:
    """Conversion of sessions that came by referral against that of channels that spend."""
    names = ("referral_orders", "paid_orders", "referral_sessions", "paid_sessions")
    sums = period_sums(loaded, names)
    has_channel = REFERRAL in frames.channel_kinds(workspace).values()
    reasons = ("no_traffic_data" if has_channel else "no_referral_channel", "no_spend_data")
    orders, sessions = [sums[n] for n in names[:2]], [sums[n] for n in names[2:]]
    return aftersales.compared(orders, sessions, reasons)


def _spoken_words(spoken: aftersales.Comparison) -> str:
    gap = spoken.difference
    if isinstance(gap, Unavailable):
        return ""
    if gap.low is not None and gap.low > 0:
        return _("Word of mouth sells better than advertising: its visits convert more often.")
    if gap.high is not None and gap.high < 0:
        return _("Word of mouth sells worse than advertising: look at where invitations lead.")
    return _("Word of mouth and advertising convert about alike: the interval holds zero.")


def _spoken(ask: Ask) -> Table:
    spoken = word_of_mouth(ask.workspace, ask.loaded)
    names = ("referral_sessions", "referral_orders", "paid_sessions", "paid_orders")
    sums = period_sums(ask.loaded, names)
    columns = (Column(_("Visits"), "text"), Column(_("Sessions")), Column(_("Orders")), Column(_("CVR"), "result"))
    rows: list[list[Value]] = [
        _spoken_row(_("By recommendation"), sums, names[:2], spoken.first),
        _spoken_row(_("From paid channels"), sums, names[2:], spoken.second),
    ]
    gap = reading(spoken.difference)
    note = _("Difference: %(gap)s (95 %% interval %(interval)s, Newcombe). Sessions and orders of the period.") % {
        "gap": gap.text,
        "interval": gap.interval or "–",
    }
    return Table("word-of-mouth", _("Word of mouth against advertising"), columns, rows, note)


def _spoken_row(name: str, sums: Mapping[str, float], names: tuple[str, ...], result: Result) -> list[Value]:
    return [name, *(known(sums[n]) for n in names), result]


TABLES = {
    "reviews": _reviews,
    "categories": _categories,
    "invitations": _inviting,
    "advocates": _advocates,
    "word-of-mouth": _spoken,
}
