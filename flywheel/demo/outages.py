"""Rows that never came: what a feed that broke, or is late, leaves out of the tables."""

import numpy as np
import pandas as pd

from flywheel.demo.calendar import Calendar
from flywheel.demo.world import Outage, World

DAY_OF = {
    "traffic": "date",
    "spend": "date",
    "orders": "ordered_at",
    "refunds": "refunded_at",
    "reviews": "reviewed_at",
    "tickets": "opened_at",
}  # the tables that can have holes, and the column that tells the day of a row


def without_outages(world: World, calendar: Calendar, tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The tables without the rows of the world's outages."""
    for outage in world.outages:
        tables = tables | {outage.kind: _without(calendar, tables, outage)}
    return tables


def _without(calendar: Calendar, tables: dict[str, pd.DataFrame], outage: Outage) -> pd.DataFrame:
    frame = tables[outage.kind]
    day = frame[DAY_OF[outage.kind]]
    naive = day.dt.tz_localize(None) if day.dt.tz is not None else day
    week = (naive.to_numpy().astype("datetime64[D]") - np.datetime64(calendar.first, "D")).astype(np.int64) // 7
    first = outage.onset_week if outage.onset_week >= 0 else calendar.weeks + outage.onset_week
    gone = (week >= first) & (week < first + outage.weeks)
    if outage.market:
        gone &= _markets(tables, frame) == outage.market
    return frame.loc[~gone].reset_index(drop=True)


def _markets(tables: dict[str, pd.DataFrame], frame: pd.DataFrame) -> np.ndarray:
    """The market of each row: its own, else its order's."""
    if "market" in frame:
        return frame["market"].to_numpy()
    return frame["order_id"].map(tables["orders"].set_index("order_id")["market"]).to_numpy()
