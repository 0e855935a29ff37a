"""The market engine: what each channel costs and brings."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from engines import kpi
from engines.results import Result


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """One channel over a period; amounts in base currency, NaN where not known. `share` is of all first orders."""

    channel: str
    cost_base: float
    sessions: float
    first_orders: float
    net_base: float
    share: float
    cost_per_session: Result
    cac: Result
    cvr: Result


def channel_mix(conversion: pd.DataFrame, market: pd.DataFrame) -> tuple[ChannelRow, ...]:
    """Channels by first orders, largest first, from long frames with a column channel and the measures."""
    journey = conversion.groupby("channel", observed=True)[list(_JOURNEY)].sum(min_count=1)
    spend = market.groupby("channel", observed=True)[["cost_base"]].sum(min_count=1)
    table = journey.join(spend, how="outer")
    first = table["first_orders"].sum()
    rows = [_row(str(channel), sums, float(first)) for channel, sums in table.iterrows()]
    return tuple(sorted(rows, key=lambda r: (-np.nan_to_num(r.first_orders), r.channel)))


_JOURNEY = ("sessions", "orders", "first_orders", "net_base")


def _row(channel: str, sums: pd.Series, first_orders: float) -> ChannelRow:
    values = {str(k): float(v) for k, v in sums.items()}
    values["paid_sessions"] = values["sessions"]
    values["tracked_orders"] = values["orders"]
    return ChannelRow(
        channel,
        values["cost_base"],
        values["sessions"],
        values["first_orders"],
        values["net_base"],
        values["first_orders"] / first_orders if first_orders > 0 else float("nan"),
        kpi.compute(kpi.KPIS["cost_per_session"], values),
        kpi.compute(kpi.KPIS["cac"], values),
        kpi.compute(kpi.KPIS["cvr"], values),
    )
