"""A simulated business of tests/businesses.py stored as a workspace's weekly measures."""

import numpy as np
import pandas as pd
from django.db import connection, models

from engines.business import Business
from flywheel.accounts.models import Workspace
from flywheel.facts.models import Channel, Market
from flywheel.measures.models import AftersalesWeek, CohortMonth, CohortWeek, ConversionWeek, MarketWeek


def store(workspace: Workspace, business: Business) -> None:
    """Replace the workspace's weekly measures by the business's."""
    for code in business.markets():
        Market.objects.get_or_create(workspace=workspace, code=code)
    for code, kind in business.channel_kinds.items():
        Channel.objects.get_or_create(workspace=workspace, code=code, defaults={"kind": kind})
    _fill(workspace, MarketWeek, business.market)
    _fill(workspace, ConversionWeek, business.conversion)
    _fill(workspace, AftersalesWeek, business.aftersales)
    _fill(workspace, CohortWeek, business.cohorts)
    _fill(workspace, CohortMonth, _months(business.cohorts))


def _fill(workspace: Workspace, model: type[models.Model], frame: pd.DataFrame) -> None:
    names = {f.name for f in model._meta.concrete_fields}
    columns = ["workspace_id", *(c for c in frame.columns if c in names)]
    table = model._meta.db_table
    lines = _text(frame, columns[1:]).splitlines()
    text = "".join(f"{workspace.pk},{line}\n" for line in lines)
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE workspace_id = %s", [workspace.pk])
        with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT csv)") as copy:
            copy.write(text)


_written: dict[int, tuple[pd.DataFrame, str]] = {}  # id of a frame -> the frame, so that it stays, and its text


def _text(frame: pd.DataFrame, columns: list[str]) -> str:
    """The frame as CSV, made once; counts without decimals, as integer columns want them."""
    if id(frame) not in _written:
        text = frame[columns].to_csv(index=False, header=False, date_format="%Y-%m-%d", float_format="%.4f")
        _written[id(frame)] = frame, text.replace(".0000", "")
    return _written[id(frame)][1]


_months_of: dict[int, tuple[pd.DataFrame, pd.DataFrame]] = {}


def _months(cohorts: pd.DataFrame) -> pd.DataFrame:
    if id(cohorts) not in _months_of:
        _months_of[id(cohorts)] = cohorts, _counted_months(cohorts)
    return _months_of[id(cohorts)][1]


def _counted_months(cohorts: pd.DataFrame) -> pd.DataFrame:
    """First months and the month after, a fifth of the customers active again."""
    months = cohorts["week"].to_numpy().astype("datetime64[M]")
    rows = cohorts.assign(cohort=months).groupby(["cohort", "market", "channel"], as_index=False)["customers"].sum()
    own = rows.assign(month=rows["cohort"], orders=rows["customers"], net_base=60 * rows["customers"])
    following = rows["cohort"].to_numpy().astype("datetime64[M]") + np.timedelta64(1, "M")
    again = rows.assign(month=following, customers=(rows["customers"] / 5).round())
    return pd.concat([own, again.assign(orders=again["customers"], net_base=60 * again["customers"])]).astype(
        {"cohort": "datetime64[s]", "month": "datetime64[s]"}
    )
