"""The diagnosis in words: driver and stage names, the verdict sentence, and why there is no call."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from flywheel.accounts.templatetags.formats import day, money, number, percent
from flywheel.accounts.words import ENGINES_SHORT

DRIVERS = {
    "sessions_per_spend": _("sessions per unit of spend"),
    "engaged_share": _("engaged share of sessions"),
    "view_rate": _("product view rate"),
    "cart_rate": _("add-to-cart rate"),
    "cart_view_rate": _("cart view rate"),
    "checkout_rate": _("checkout rate"),
    "attempt_rate": _("payment attempt rate"),
    "payment_rate": _("payment success"),
    "first_aov": _("order value"),
    "repeat_orders": _("repeat orders within 90 days"),
    "repeat_aov": _("value of a repeat order"),
    "kept_share": _("share of revenue kept after refunds"),
    "on_time_share": _("delivery by the promised day"),
    "first_reply": _("first replies within the agreed time"),
    "referral": _("new customers by referral"),
}

STAGES = {
    "sessions": _("Sessions"),
    "engaged_sessions": _("Engaged"),
    "product_views": _("Product view"),
    "carts": _("Added to cart"),
    "cart_views": _("Cart viewed"),
    "checkouts": _("Checkout"),
    "payment_attempts": _("Payment attempt"),
    "payments": _("Paid"),
}

BASES = {
    "own": _("own weeks of before, with season and discounts taken out"),
    "peers": _("the other markets"),
    "goal": _("the goal"),
    "none": _("no reference yet"),
}

DEVICES = {
    "mobile": pgettext_lazy("device", "mobile"),
    "desktop": pgettext_lazy("device", "desktop"),
    "tablet": pgettext_lazy("device", "tablet"),
}

NO_CALL = {
    "no_data": _("no data yet"),
    "no_orders_data": _("no order data"),
    "no_traffic_data": _("no traffic data"),
    "no_spend_data": _("no spend data"),
    "no_customer_data": _("orders name no customers"),
    "no_amount_data": _("orders have no amounts"),
    "no_cost_data": _("no cost data"),
    "no_margin": _("orders earn nothing after their costs"),
    "too_few_sessions": _("too little traffic"),
    "too_few_customers": _("too few new customers"),
    "too_young": _("no customers with twelve months of history yet"),
    "stale": _("the data is out of date"),
    "no_reference": _("too little history to compare with"),
    "at_reference": _("every driver is at its reference"),
    "nothing_stands_out": _("nothing stands out"),
    "not_sure": _("the engines are too close to tell"),
}

NEXT_STEP = {
    "no_data": _("Load orders, traffic and spend to get the first verdict."),
    "no_orders_data": _("Load orders to get a verdict."),
    "no_traffic_data": _("Load traffic (sessions per day, market and channel) to get a verdict."),
    "no_spend_data": _("Load advertising spend to get a verdict."),
    "no_customer_data": _("Load orders with a customer id, so that new and repeat customers can be told apart."),
    "no_amount_data": _("Load orders with their amounts, or the payments of the orders."),
    "no_margin": _(
        "Contribution of the last four weeks is zero or less: check the cost columns, then prices and costs."
    ),
    "no_cost_data": _("Load orders with the cost of goods, so that a customer's value can be counted."),
    "too_few_sessions": _("The verdict needs more visits in four weeks."),
    "too_few_customers": _("The verdict needs more new customers in four weeks."),
    "too_young": _("The value of a customer is observed over twelve months; older orders can be loaded."),
    "stale": _("Load the missing weeks; the verdict waits for all of traffic, spend and orders."),
    "no_reference": _("The comparison needs about half a year of weeks; older files can be loaded."),
    "at_reference": _("No engine is below what it has shown it can do. Raise the goals or test something new."),
    "nothing_stands_out": _("What is below reference is within usual variation, or too small to matter."),
    "not_sure": _("Two engines lose about the same. The table below shows both."),
}


def names_of(segments: Sequence[Mapping[str, Any]], dimension: str, names: Mapping[str, str]) -> list[str]:
    """The located values of one dimension, by their names."""
    return [
        str(names.get(s["value"]) or s["value"] or gettext("unknown")) for s in segments if s["dimension"] == dimension
    ]


def where_text(segments: Sequence[Mapping[str, Any]], names: Mapping[str, Mapping[str, str]]) -> str:
    """Where the loss sits, such as "United States · mobile"."""
    dimensions = ("market", "device", "channel", "carrier", "method")
    parts = [names_of(segments, d, names.get(d, {})) for d in dimensions]
    if not any(parts):
        return gettext("everywhere")
    return " · ".join(gettext(", ").join(part) for part in parts if part)


def verdict_sentence(verdict: Mapping[str, Any], currency: str, where: str) -> str:
    """The verdict in one sentence: engine, driver, place, money and certainty; or no call and its reason."""
    if not verdict["called"]:
        return gettext("No call this week: %(reason)s.") % {"reason": NO_CALL[verdict["reason"]]}
    words = {
        "engine": ENGINES_SHORT[verdict["engine"]],
        "driver": DRIVERS[verdict["driver"]],
        "where": where,
        "loss": money(round_money(verdict["loss"]), currency),
    }
    return gettext("%(engine)s is the weakest link: %(driver)s (%(where)s) costs about %(loss)s a week.") % words


def verdict_detail(verdict: Mapping[str, Any], currency: str) -> str:
    """How sure the call is and since when; or what is needed for one."""
    if not verdict["called"]:
        return _missing_detail(verdict)
    words = {
        "low": money(round_money(verdict["low"]), currency),
        "high": money(round_money(verdict["high"]), currency),
        "chance": _chance(verdict["chance"]),
    }
    text = gettext("90 %% interval %(low)s to %(high)s; the largest loss with a probability of %(chance)s.") % words
    if verdict["since"]:
        words = {"certainty": text, "day": _day(verdict["since"])}
        text = gettext("%(certainty)s First signal in the week of %(day)s.") % words
    if verdict.get("engine_loss", 0) > NOTABLY_MORE * verdict["loss"]:
        words = {"said": text, "total": money(round_money(verdict["engine_loss"]), currency)}
        text = gettext("%(said)s With the engine's other weak drivers and markets: %(total)s.") % words
    return text


def _missing_detail(verdict: Mapping[str, Any]) -> str:
    text = str(NEXT_STEP[verdict["reason"]])
    have, needed = verdict.get("have"), verdict.get("needed")
    if have is None or needed is None or verdict["reason"] not in _COUNTED:
        return text
    words = {"step": text, "have": number(have), "needed": number(needed)}
    return gettext("%(step)s %(have)s of %(needed)s.") % words


NOTABLY_MORE = 1.05  # an engine's loss is told beside its driver's when it is this much more
_COUNTED = {"too_few_sessions", "too_few_customers", "too_young"}


def _chance(chance: float) -> str:
    if chance > 0.99:  # 2,000 draws cannot tell 99.9 % from certainty
        return gettext("over 99 %")
    return percent(chance, 0)


def _day(text: str) -> str:
    return day(date.fromisoformat(text))


def round_money(amount: float) -> float:
    """An estimate to three significant digits: more would pretend to know."""
    return float(f"{amount:.3g}")
