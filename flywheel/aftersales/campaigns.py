"""The campaigns page: what mailings to customers bring, and what they add to what would have come anyway.

Of the mail tool's own counts here; of campaigns from our own lists, by our own orders, in `list_campaigns`.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from engines import aftersales
from engines.kpi import KPIS
from engines.results import Estimate, Unavailable
from flywheel.accounts.templatetags.formats import reading
from flywheel.aftersales import list_campaigns
from flywheel.aftersales.asking import Ask
from flywheel.aftersales.kpi_tables import market_label
from flywheel.aftersales.tables import Column, Table, Value, known
from flywheel.diagnosis.engine_pages import cards_of, kpi_trend, shown_day
from flywheel.measures import fact_frames

NAMED = 2  # markets that are told by name
CARDS = ("campaign_order_rate", "repeat_rate_90")


def context(ask: Ask) -> dict[str, Any]:
    """The page."""
    frame = _frame(ask)
    found = aftersales.programme(frame)
    chart = kpi_trend(ask.workspace, "campaign_order_rate", ask.loaded)
    return {
        **list_campaigns.context(ask),
        "programme": found,
        "cards": cards_of(ask.workspace, [KPIS[key] for key in CARDS], ask.loaded),
        "lift_words": _lift_words(found),
        "charts": [chart] if chart else [],
        "tables": [_table(ask, frame)] if found.mailings else [],
    }


def _frame(ask: Ask) -> pd.DataFrame:
    choice = ask.choice
    return fact_frames.campaigns(ask.workspace, choice.first, choice.last, choice.where)


def _lift_words(found: aftersales.Programme) -> str:
    """What the hold-outs say, in a sentence; empty where there is nothing to say it from."""
    lift = found.lift
    if isinstance(lift, Unavailable) or isinstance(found.extra_orders, Unavailable):
        return ""
    if not _is_clear(lift):
        return _("Whether the mailings bring orders that would not have come anyway cannot be told yet.")
    words = reading(found.extra_orders)
    told = {"n": words.text, "interval": words.interval}
    if lift.value > 0:
        return _("The mailings brought %(n)s orders that would not have come anyway (%(interval)s).") % told
    return _("Those who got the mailings ordered less than those held out (%(n)s orders, %(interval)s).") % told


def _is_clear(result: Estimate) -> bool:
    return result.low is not None and result.high is not None and (result.low > 0 or result.high < 0)


def _mailings(ask: Ask) -> Table:
    return _table(ask, _frame(ask))


def _table(ask: Ask, frame: pd.DataFrame) -> Table:
    """A row per mailing, newest first."""
    columns = (
        Column(_("Name of the mailing"), "code"), Column(_("Sent on"), "text"), Column(_("Messages sent")),
        Column(_("Opened"), "result"), Column(_("Clicked"), "result"), Column(_("Ordered"), "result"),
        Column(_("Lift"), "result"), Column(_("Extra orders"), "result"), Column(_("Held out")),
        Column(_("Unsubscribed"), "result"), Column(_("Revenue"), "money"), Column(_("Markets"), "text"),
    )  # fmt: skip
    rows = [_row(m, ask.names["market"]) for m in aftersales.mailings(frame)]
    note = _(
        "Rates are shares of the messages sent. Lift: order rate of those who got the message minus that of those held "
        "out, each market with its own hold-out (one market: Newcombe's interval; several: Mantel-Haenszel, variance "
        "by Sato 1989). It holds only where both are counted alike, orders without a click included."
    )
    return Table("mailings", _("Mailings"), columns, rows, note)


def _row(mailing: aftersales.Mailing, names: Mapping[str, str]) -> list[Value]:
    c = mailing.counts
    return [
        mailing.name or mailing.key.partition("/")[2],
        shown_day(mailing.sent_on),
        known(c["sent"]),
        mailing.opened,
        mailing.clicked,
        mailing.ordered,
        mailing.lift,
        mailing.extra_orders,
        known(c["held_out"]),
        mailing.unsubscribed,
        known(c["revenue_base"]),
        _places(mailing.markets, names),
    ]


def _places(codes: tuple[str, ...], names: Mapping[str, str]) -> str:
    """The markets by name, or how many there are; a mailing without any went to all."""
    told = [market_label(names, code) for code in codes if code]
    if len(told) > NAMED:
        return ngettext("%(n)s market", "%(n)s markets", len(told)) % {"n": len(told)}
    return ", ".join(told) or _("All markets")


TABLES = {"mailings": _mailings, "own": list_campaigns.table}
