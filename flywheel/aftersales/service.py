"""The service page: promises kept, how long parcels and replies take, contacts and their reasons."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from django.utils.translation import gettext as _

from engines import durations
from engines.aftersales import rate
from engines.kpi import KPIS, figures
from engines.kpis.entry import MIN_ORDERS
from engines.panel import Array
from engines.results import Estimate, Result, Unavailable
from flywheel.accounts.models import Workspace
from flywheel.aftersales.asking import Ask
from flywheel.aftersales.kpi_tables import kpi_table, market_label
from flywheel.aftersales.tables import Column, Table, Value, known
from flywheel.diagnosis.engine_pages import Choice, cards_of, kpi_trend
from flywheel.measures import fact_frames, frames

CARDS = (
    "on_time",
    "delivery_days_p50",
    "first_reply_p50",
    "contact_rate",
    "proactive_share",
    "csat",
    "nps",
    "return_rate",
)
TRENDS = ("on_time", "first_reply_p90", "contact_rate", "csat", "nps", "return_rate")
TIMES = ("delivery_days_p50", "delivery_days_p90", "first_reply_p50", "first_reply_p90", "reply_within")
CARE = ("contact_rate", "first_contact", "proactive_share", "csat", "nps", "return_rate", "refund_rate")


def context(ask: Ask) -> dict[str, Any]:
    """The page."""
    drawn = (kpi_trend(ask.workspace, key, ask.loaded) for key in TRENDS)
    return {
        "cards": cards_of(ask.workspace, [KPIS[key] for key in CARDS], ask.loaded),
        "charts": [chart for chart in drawn if chart],
        "tables": [make(ask) for make in TABLES.values()],
    }


# --- promises ---------------------------------------------------------------------------------------------------------
def _promises(ask: Ask) -> Table:
    words = ("promises", _("Promises kept by market"), _("Market"))
    return promise_table(ask.workspace, ask.choice, "market", ask.names["market"], words)


def _carriers(ask: Ask) -> Table:
    words = ("carriers", _("Promises kept by carrier"), _("Carrier"))
    return promise_table(ask.workspace, ask.choice, "carrier", {}, words)


def promise_table(
    workspace: Workspace, choice: Choice, by: str, names: Mapping[str, str], words: tuple[str, str, str]
) -> Table:
    """Deliveries and promises by market or carrier, both ways of counting late; `words`: key, title, first heading."""
    key, title, place = words
    frame = frames.aftersales(workspace, (by,), choice.first, choice.last, choice.where)
    frame = frame.loc[frame["deliveries"] > 0].sort_values("deliveries", ascending=False)
    codes = frame[by].astype(str).tolist()
    took = _percentiles(_lengths(workspace, choice, by), codes)
    rows = [
        _promise_row(market_label(names, code), r, taken)
        for code, (_i, r), taken in zip(codes, frame.iterrows(), took[1:], strict=True)
    ]
    if len(rows) > 1:
        rows.insert(0, _promise_row(_("All deliveries"), frame.drop(columns=by).sum(min_count=1), took[0]))
    columns = (
        Column(place, "code"), Column(_("Deliveries")), Column(_("Mean days"), digits=2),
        Column(_("Days, median"), "result"), Column(_("Days, 90th percentile"), "result"), Column(_("With a promise")),
        Column(_("Late by calendar date")), Column(_("On time by calendar date"), "result"),
        Column(_("Late by time stamp")), Column(_("On time by time stamp"), "result"),
    )  # fmt: skip
    note = _(
        "Counted in the week of delivery. The KPI counts by calendar date in the market: a parcel that comes on the "
        "promised day is on time."
    )
    return Table(key, title, columns, rows, note, _("No deliveries in this period."))


def _lengths(workspace: Workspace, choice: Choice, by: str) -> Mapping[str, Array]:
    """Market or carrier -> how many deliveries took how long, by the buckets of `durations.DELIVERY`."""
    where = {**choice.where, "what": "delivery"}
    frame = frames.durations(workspace, choice.first, choice.last, where)
    at, buckets, counts = durations.unpack(frame["counts"].tolist())
    codes, place = np.unique(frame[by].to_numpy(dtype=str), return_inverse=True)
    found = np.zeros((len(codes), durations.DELIVERY.size))
    np.add.at(found, (place[at], durations.places(buckets, durations.DELIVERY)), counts)
    return dict(zip(codes.tolist(), found, strict=True))


def _percentiles(lengths: Mapping[str, Array], codes: Sequence[str]) -> list[tuple[Result, Result]]:
    """Median and 90th percentile in days, as the KPIs have them: of all first, then of each code."""
    none = np.full(durations.DELIVERY.size, np.nan)
    each = [lengths.get(code, none) for code in codes]
    sums = {"delivery_durations": np.array([np.sum([*lengths.values()], axis=0) if lengths else none, *each])}
    middle, upper = (figures(KPIS[key], sums).results() for key in ("delivery_days_p50", "delivery_days_p90"))
    return list(zip(middle, upper, strict=True))


def _promise_row(name: str, sums: "pd.Series[float]", took: tuple[Result, Result]) -> list[Value]:
    promised = float(sums["promised_deliveries"])
    late_by_date, late_by_time = float(sums["late_by_date"]), float(sums["late_by_time"])
    return [
        name,
        float(sums["deliveries"]),
        known(round(float(sums["delivery_days"] / sums["deliveries"]), 2)),
        *took,
        known(promised),
        known(late_by_date),
        rate(promised - late_by_date, promised, MIN_ORDERS, "no_delivery_data"),
        known(late_by_time),
        rate(promised - late_by_time, promised, MIN_ORDERS, "no_delivery_data"),
    ]


# --- times and care ---------------------------------------------------------------------------------------------------
def _times(ask: Ask) -> Table:
    note = _(
        "Median: half of the deliveries or replies stay within it; 90th percentile: nine in ten do. Replies are first "
        "replies by a human to tickets that customers opened."
    )
    counted = ("deliveries", _("Deliveries"))
    return kpi_table(ask, "times", _("Delivery and reply times"), counted, TIMES, note)


def _care(ask: Ask) -> Table:
    note = _("Intervals are of 95 %. Unanswered requests for a rating do not count.")
    return kpi_table(ask, "care", _("Service by market"), ("orders", _("Orders")), CARE, note)


# --- reasons ----------------------------------------------------------------------------------------------------------
def _reasons(ask: Ask) -> Table:
    choice = ask.choice
    frame = fact_frames.ticket_reasons(ask.workspace, choice.first, choice.last, choice.where)
    total = float(frame["tickets"].sum())
    columns = (
        Column(_("Reason"), "code"), Column(_("Tickets")), Column(_("Share"), "share"),
        Column(_("Proactive share"), "result"), Column(_("CSAT"), "result"),
        Column(_("Mean hours to first reply"), digits=1),
    )  # fmt: skip
    rows = [_reason_row(r, total) for r in frame.to_dict("records")]
    note = _(
        "Reasons as the help desk names them. The mean of hours is of first human replies to tickets of customers."
    )
    empty = ask.unless_uncounted(_("No tickets in this period."))
    return Table("reasons", _("Reasons of tickets"), columns, rows, note, empty)


def _reason_row(sums: Mapping[Any, Any], total: float) -> list[Value]:
    replies = float(sums["replies"])
    return [
        str(sums["reason"]) or _("not told"),
        float(sums["tickets"]),
        float(sums["tickets"]) / total,
        _told(float(sums["proactive"]), float(sums["proactive_known"]), "no_ticket_data"),
        _told(float(sums["csat_good"]), float(sums["csat_ratings"]), "no_survey_data"),
        round(float(sums["reply_minutes"]) / 60 / replies, 1) if replies else None,
    ]


def _told(hits: float, trials: float, reason: str) -> Estimate | Unavailable:
    return rate(hits, trials if trials else np.nan, MIN_ORDERS, reason)


TABLES = {"promises": _promises, "carriers": _carriers, "times": _times, "care": _care, "reasons": _reasons}
