"""Words for what the engines say in keys: reasons why there is no figure, and the engines' names."""

from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from engines.results import Unavailable

REASONS = {
    "no_traffic_data": _("no traffic data"),
    "not_measured": _("the traffic data does not count this step"),
    "no_spend_data": _("no spend data"),
    "no_orders_data": _("no order data"),
    "no_customer_data": _("no customer data"),
    "no_delivery_data": _("no delivery data"),
    "no_review_data": _("no review data"),
    "no_refund_data": _("no refund data"),
    "no_cost_data": _("no cost data"),
    "no_media_data": _("no data on photos and videos of reviews"),
    "no_return_data": _("no data on returns"),
    "no_discount_data": _("no discount data"),
    "no_unit_data": _("no data on units and products"),
    "no_ticket_data": _("no ticket data"),
    "no_reply_data": _("no data on first replies"),
    "no_survey_data": _("no survey answers"),
    "no_invitation_data": _("no referral data"),
    "no_referral_channel": _("no channel of the kind “referral”"),
    "no_campaign_data": _("no data on campaigns to customers"),
    "no_holdout": _("no hold-out group"),
    "entry_not_known": _("sold in since before the data begins"),
    "more_than_all": _("the counts contradict each other: more did it than there were"),
    "grows_by_itself": _("every customer may bring another one or more, so there is no end to it"),
    "no_investment_data": _("no investments entered for these weeks"),
    "not_by_channel": _("not known by channel"),
    "not_paid_back": _("not paid back within 12 months"),
    "no_demand_data": _("too few offers with a number of reviews"),
    "no_spend_now": _("no spend in the last weeks"),
    "nothing_spent": _("nothing was spent"),
    "no_attempt_data": _("the shop tells no failed payments"),
    "not_worked_out": _("not worked out yet"),
    "no_convergence": _("the model finds no best fit to these customers"),
    "not_yet_paid_back": _("not paid back so far"),
    "too_early": _("too early to tell"),
    "too_few": _("too few observations"),
    "too_few_channels": _("too few channels with a curve"),
    "too_few_markets": _("too few markets"),
    "too_few_offers": _("too few offers"),
    "too_few_weeks": _("too few weeks"),
    "too_little_covered": _("too little is known of this market"),
    "too_steady": _("spend hardly varies, so its effect cannot be told"),
    "too_young": _("too recent to count"),
    "values_all_equal": _("all repeat orders are worth the same"),
    "values_too_spread": _("order values differ too much for a mean"),
}

ENGINES = {
    "market": _("Market expansion engine"),
    "conversion": _("Customer conversion engine"),
    "aftersales": _("After-sales engine"),
}

ENGINES_SHORT = {
    "market": _("Market expansion"),
    "conversion": _("Customer conversion"),
    "aftersales": _("After-sales"),
}

# said by Django's password check, whose own Chinese has an older wording only: named here, it is in our catalogue
SHORT_PASSWORD = ngettext_lazy(
    "This password is too short. It must contain at least %d character.",
    "This password is too short. It must contain at least %d characters.",
    0,
)

ENGINE_ICONS = {"market": "world", "conversion": "shopping-cart", "aftersales": "heart-handshake"}


def reason_words(missing: Unavailable) -> str:
    """Why a figure is missing, such as "no traffic data" or "too few observations (7 of 30 needed)"."""
    words = str(REASONS.get(missing.reason, missing.reason))
    if missing.n is not None and missing.needed is not None:
        counts = {"n": f"{missing.n:,.0f}", "needed": f"{missing.needed:,.0f}"}
        return gettext("%(words)s (%(n)s of %(needed)s needed)") % {"words": words, **counts}
    if missing.n is not None:
        return gettext("%(words)s (%(n)s so far)") % {"words": words, "n": f"{missing.n:,.0f}"}
    return words
