"""The overview of the market engine: what channels and markets cost and bring."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _

from engines import channels
from engines.kpi import KPIS
from flywheel.accounts.models import Workspace
from flywheel.accounts.templatetags.formats import compact, number
from flywheel.diagnosis import charts
from flywheel.diagnosis.engine_pages import (
    TREND_WEEKS,
    Choice,
    Loaded,
    by_channel,
    by_market,
    cards_of,
    kpi_cards,
    kpi_trend,
    load,
    marked,
    shown_day,
)
from flywheel.diagnosis.flywheel_page import place_names
from flywheel.facts.models import Channel, Rollup
from flywheel.measures import frames

CLICKS = ("ctr", "cpc")  # beside the headlines


def overview(workspace: Workspace, choice: Choice) -> dict[str, Any]:
    """Channels and markets: what they cost and bring."""
    loaded = load(workspace, choice)
    names = place_names(workspace)["channel"]
    kinds = {c.code: c.get_kind_display() for c in Channel.objects.filter(workspace=workspace)}
    sessions = _sessions_chart(workspace, choice, loaded, names)
    mix = channels.mix(by_channel(loaded).panel, loaded.weeks)
    table = by_market(
        workspace, loaded, ("cac", "cost_per_session"), ("orders", "first_orders", "sessions", "cost_base")
    )
    every = frames.statuses(workspace, ("market",), choice.first, choice.last, choice.where)
    orders = dict(zip(every["market"], every["orders"], strict=True))
    for row in table["rows"]:
        row["all_orders"] = orders.get(row["code"])
    return {
        "cards": [*kpi_cards(workspace, "market", loaded), *cards_of(workspace, [KPIS[key] for key in CLICKS], loaded)],
        "charts": [c for c in (sessions, kpi_trend(workspace, "cac", loaded)) if c],
        "channels": [
            {"row": r, "name": names.get(r.channel) or _("unknown"), "kind": kinds.get(r.channel, "")}
            for r in mix.channels
        ],
        "by_market": table,
    }


def _sessions_chart(
    workspace: Workspace, choice: Choice, loaded: Loaded, names: Mapping[str, str]
) -> dict[str, Any] | None:
    """Sessions per week, stacked by channel."""
    first = choice.week - timedelta(weeks=TREND_WEEKS - 1)
    frame = frames.conversion(workspace, ("week", "channel"), first, choice.week, choice.where)
    table = frame.pivot(index="week", columns="channel", values="sessions").dropna(how="all").dropna(how="all", axis=1)
    if table.empty:
        return None
    table = table[table.sum().sort_values(ascending=False).index]
    weeks = [str(w.date()) for w in table.index]
    labels = [names.get(c) or _("unknown") for c in table.columns]
    total = table.sum(axis=1)
    return {
        "id": "sessions",
        "title": _("Sessions per week, by channel"),
        "summary": _("%(n)s sessions in the week of %(day)s.")
        % {"n": compact(float(total.iloc[-1])), "day": shown_day(weeks[-1])},
        "figure": charts.stacked_figure(
            weeks, [(n, table[c].tolist()) for n, c in zip(labels, table.columns, strict=True)]
        ),
        "columns": [_("Week of"), *labels],
        "rows": [
            [heading, *(number(v) for v in row)]
            for heading, row in zip(
                marked(workspace, loaded, weeks, [Rollup.CONVERSION])[::-1], table.to_numpy()[::-1], strict=True
            )
        ],
    }
