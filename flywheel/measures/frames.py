"""The one door from the database to DataFrames.

Every frame has its key columns first, then its measures. Dtypes: weeks and months `datetime64[s]` (the first day),
other keys `str` ('' is unknown), counts and money `float64` with NaN for unknown; money in base currency.

As stored (`by=None`) a row is a slice of the measure table and NaN means that no fact of the slice told the value:
a device with sessions but without orders has NaN orders. Grouped (`by=("week", "market")`) sums skip NaN, and

- a group with nothing to skip stays NaN: traffic is unknown, not zero, where no traffic came in;
- with "week" in `by` every week of the table's span is there for every group, holes included;
- the columns named below (ORDERS to SPEND, and all of the cohorts) are zero, not unknown, where their kind of fact
  is missing from a group in a week between the first and the last in which the workspace knows that column (without
  weeks: when it knows it at all in the weeks asked for). A shop or an advertising account that reports at all has
  nothing to report for a market without orders or spend.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from django.db import connection, models

from flywheel.accounts.models import Workspace
from flywheel.facts.models import Channel
from flywheel.measures.models import (
    AftersalesWeek,
    CohortMonth,
    CohortWeek,
    ConversionWeek,
    DurationWeek,
    FollowUpWeek,
    MarketWeek,
    PaymentWeek,
    StatusWeek,
)

Keys = Sequence[str]
Where = Mapping[str, str | Sequence[str]]
Bound = tuple[np.datetime64, np.datetime64]

ORDERS = (
    "orders",
    "identified_orders",
    "first_orders",
    "priced_orders",
    "net_base",
    "net_squares",
    "first_priced_orders",
    "first_net_base",
    "first_net_squares",
    "costed_orders",
    "costed_net_base",
    "contribution_base",
    "discount_orders",
    "unit_orders",
    "basket_orders",
)
DELIVERIES = ("deliveries", "delivery_days", "promised_deliveries", "late_by_time", "late_by_date")
REVIEWS = ("reviews", "rating_sum", "rating_squares", "media_known", "media_reviews")
TICKETS = ("tickets", "proactive_known", "proactive_tickets", "csat_ratings", "csat_good")
REFUNDS = ("refunds", "refund_base")
ANSWERS = ("survey_answers", "promoters", "passives", "detractors")
INVITATIONS = ("invitations",)
REFERRED = ("referred_first_orders",)
FOLLOWED = (
    ("followed_deliveries",),
    ("followed_orders",),
    ("followed_customers",),
    ("reviewed_deliveries",),
    ("returned_deliveries",),
    ("contacted_orders",),
    ("contacted_customers",),
    ("answered_tickets", "reply_minutes"),
    ("campaign_sent",),
)
ROWS = "rows"  # how many stored rows a group has; never handed out
SPEND = (ROWS, "cost_base", "impressions", "clicks")
COHORT = tuple(f.name for f in CohortWeek._meta.concrete_fields if f.null)


@dataclass(frozen=True, slots=True)
class _Table:
    """A measure table.

    `zeros`: families of columns that are zero where their kind of fact is missing. The first of a family is the
    count of its facts: NaN says that there are none. ROWS is that count where every row of the table is one.
    """

    model: type[models.Model]
    keys: tuple[str, ...]
    measures: tuple[str, ...]
    zeros: tuple[tuple[str, ...], ...] = ()

    @property
    def name(self) -> str:
        return str(self.model._meta.db_table)

    @property
    def time(self) -> str:
        """The column that `first` and `last` bound."""
        return self.keys[0]


def _table(model: type[models.Model], *keys: str, zeros: tuple[tuple[str, ...], ...] = ()) -> _Table:
    columns = [f.attname for f in model._meta.concrete_fields if not f.primary_key and f.attname != "workspace_id"]
    return _Table(model, keys, tuple(c for c in columns if c not in keys), zeros)


_CONVERSION = _table(ConversionWeek, "week", "market", "channel", "device", zeros=(ORDERS,))
_MARKET = _table(MarketWeek, "week", "market", "channel", "campaign", zeros=(SPEND,))
_AFTERSALES = _table(
    AftersalesWeek,
    "week",
    "market",
    "channel",
    "carrier",
    zeros=(DELIVERIES, REVIEWS, TICKETS, REFUNDS, ANSWERS, INVITATIONS, REFERRED),
)
_FOLLOWUPS = _table(FollowUpWeek, "week", "market", "channel", "carrier", zeros=FOLLOWED)
_DURATIONS = _Table(DurationWeek, ("week", "market", "carrier", "what"), ())
_COHORTS = _table(CohortWeek, "week", "market", "channel", zeros=(COHORT,))
_COHORT_MONTHS = _table(CohortMonth, "cohort", "month", "market", "channel")
_PAYMENTS = _table(PaymentWeek, "week", "market", "method")
_STATUSES = _table(StatusWeek, "week", "market", "status", "state")
_DATES = frozenset({"week", "cohort", "month"})


def market(
    workspace: Workspace,
    by: Keys | None = None,
    first: date | None = None,
    last: date | None = None,
    where: Where | None = None,
) -> pd.DataFrame:
    """Advertising. Keys week, market, channel, campaign; measures of MarketWeek.

    `where`: key -> the code, or the codes, to keep. Raises ValueError for a key that is not the table's.
    """
    return _frame(_MARKET, workspace, by, first, last, where)


def conversion(
    workspace: Workspace,
    by: Keys | None = None,
    first: date | None = None,
    last: date | None = None,
    where: Where | None = None,
) -> pd.DataFrame:
    """The journey and the counted orders. Keys week, market, channel, device; measures of ConversionWeek."""
    return _frame(_CONVERSION, workspace, by, first, last, where)


def aftersales(
    workspace: Workspace,
    by: Keys | None = None,
    first: date | None = None,
    last: date | None = None,
    where: Where | None = None,
) -> pd.DataFrame:
    """Deliveries, reviews, tickets, refunds, answers, invitations. Keys week, market, channel, carrier."""
    return _frame(_AFTERSALES, workspace, by, first, last, where)


def followups(
    workspace: Workspace,
    by: Keys | None = None,
    first: date | None = None,
    last: date | None = None,
    where: Where | None = None,
) -> pd.DataFrame:
    """What follows deliveries, orders, tickets and campaigns, in their week. Keys week, market, channel, carrier."""
    return _frame(_FOLLOWUPS, workspace, by, first, last, where)


def durations(
    workspace: Workspace, first: date | None = None, last: date | None = None, where: Where | None = None
) -> pd.DataFrame:
    """How long deliveries and first replies took: columns week, market, carrier, what, counts.

    `counts` are bytes that `engines.durations.unpack` reads. Replies have no carrier.
    """
    _check_keys(_DURATIONS, where or {})
    condition, params = _condition(_DURATIONS, workspace, first, last, where)
    keys = ", ".join(["week - DATE 'epoch'", *_DURATIONS.keys[1:]])
    rows = _fetch(f"SELECT {keys}, counts FROM {_DURATIONS.name} WHERE {condition}", params)  # noqa: S608
    return _columns([row[:-1] for row in rows], _DURATIONS.keys, ()).assign(counts=[bytes(row[-1]) for row in rows])


def cohorts(
    workspace: Workspace,
    by: Keys | None = None,
    first: date | None = None,
    last: date | None = None,
    where: Where | None = None,
) -> pd.DataFrame:
    """Customers by first order. Keys week (of the first order), market, channel; measures of CohortWeek.

    A window of N days is complete only for weeks that ended N days ago: younger ones are the reader's to leave out.
    """
    return _frame(_COHORTS, workspace, by, first, last, where)


def cohort_months(
    workspace: Workspace,
    by: Keys | None = None,
    first: date | None = None,
    last: date | None = None,
    where: Where | None = None,
) -> pd.DataFrame:
    """Active customers. Keys cohort (month of first order), month (of activity), market, channel.

    `first` and `last` bound the cohort. A customer is active in many months, so add customers over markets and
    channels, never over months.
    """
    return _frame(_COHORT_MONTHS, workspace, by, first, last, where)


def payments(
    workspace: Workspace,
    by: Keys | None = None,
    first: date | None = None,
    last: date | None = None,
    where: Where | None = None,
) -> pd.DataFrame:
    """Payments, and orders placed and paid, by method. Keys week (of the order), market, method."""
    return _frame(_PAYMENTS, workspace, by, first, last, where)


def statuses(
    workspace: Workspace,
    by: Keys | None = None,
    first: date | None = None,
    last: date | None = None,
    where: Where | None = None,
) -> pd.DataFrame:
    """Every order, counted or not. Keys week, market, status (the source's word), state; measure orders."""
    return _frame(_STATUSES, workspace, by, first, last, where)


def investments(workspace: Workspace, engine: str, last: date | None = None) -> pd.DataFrame:
    """What was put into an engine, by month: columns month, market ('' for all), kind, amount_base."""
    sql = """
        SELECT month - DATE 'epoch', market, kind, CAST(SUM(amount_base) AS double precision) FROM facts_investment
        WHERE workspace_id = %s AND engine = %s AND month <= %s GROUP BY month, market, kind ORDER BY 1, 2, 3"""
    rows = _fetch(sql, [workspace.pk, engine, last or date.max])
    return _columns(rows, ("month", "market", "kind"), ("amount_base",))


def channel_kinds(workspace: Workspace) -> dict[str, str]:
    """Channel code -> kind ('' when not known)."""
    return dict(Channel.objects.filter(workspace=workspace).values_list("code", "kind"))


def newest_week(workspace: Workspace, last: date) -> date | None:
    """The newest week up to `last` with sessions, orders or spend above zero; None when there is none."""
    sql = f"""
        SELECT GREATEST(
            (SELECT MAX(week) FROM {_CONVERSION.name}
                WHERE workspace_id = %(workspace)s AND week <= %(last)s AND (sessions > 0 OR orders > 0)),
            (SELECT MAX(week) FROM {_MARKET.name}
                WHERE workspace_id = %(workspace)s AND week <= %(last)s AND cost_base > 0))"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, {"workspace": workspace.pk, "last": last})
        return cursor.fetchone()[0]


def markets(workspace: Workspace) -> list[str]:
    """The codes of the markets that have weekly measures, sorted ('' is unknown)."""
    tables = (_MARKET, _CONVERSION, _AFTERSALES, _COHORTS, _FOLLOWUPS)
    parts = " UNION ".join(f"SELECT market FROM {table.name} WHERE workspace_id = %s" for table in tables)  # noqa: S608
    return sorted(str(code) for (code,) in _fetch(parts, [workspace.pk] * len(tables)))


def _frame(
    table: _Table, workspace: Workspace, by: Keys | None, first: date | None, last: date | None, where: Where | None
) -> pd.DataFrame:
    keys = table.keys if by is None else tuple(by)
    _check_keys(table, (*keys, *(where or {})))
    condition, params = _condition(table, workspace, first, last, where)
    if by is None or not table.zeros:
        rows = _fetch(_select(table, keys, condition, grouped=by is not None), params)
        return _packed_columns(rows, keys, table.measures)
    rows = _fetch(_select(table, keys, condition, grouped=True, count=True), params)
    frame = _packed_columns(rows, keys, (*table.measures, ROWS))
    bounds = _bounds(table, workspace, first, last, None if where else frame)
    return _completed(frame, table, keys, bounds, first, last)


def of_rows(kind: str, stored: pd.DataFrame, by: Keys) -> pd.DataFrame:
    """What the function named `kind` gives for `by`, made of all rows of its measure table instead of the database's.

    `stored`: keys and measures as these frames have them. For rows that another engine than Postgres has rolled up.
    """
    table = {"market": _MARKET, "conversion": _CONVERSION, "aftersales": _AFTERSALES, "followups": _FOLLOWUPS,
             "cohorts": _COHORTS, "payments": _PAYMENTS}[kind]  # fmt: skip
    _check_keys(table, by)
    groups = stored.groupby(list(by))
    frame = groups[list(table.measures)].sum(min_count=1).assign(**{ROWS: groups.size().astype(float)}).reset_index()
    spans = {name: _ends(_days(frame, table.time)[_is_known(frame, name)]) for family in table.zeros for name in family}
    spans = {"": _ends(_days(frame, table.time))} | spans
    bounds: dict[str, Bound] = {
        name: (np.datetime64(start, "s"), np.datetime64(end, "s"))
        for name, (start, end) in spans.items()
        if start is not None and end is not None and name != ROWS
    }
    return _completed(frame, table, by, bounds, None, None) if table.zeros else frame.drop(columns=ROWS)


def _days(frame: pd.DataFrame, time: str) -> np.ndarray:
    return frame[time].to_numpy().astype("datetime64[D]")


def _completed(
    frame: pd.DataFrame, table: _Table, keys: Keys, bounds: dict[str, Bound], first: date | None, last: date | None
) -> pd.DataFrame:
    """A grouped frame with the weeks and the zeros that its sums do not show."""
    if table.time in keys:
        weeks = _weeks(bounds[""], first, last) if bounds else np.array([], dtype="datetime64[s]")
        frame = _with_every_week(frame, keys, table.time, weeks)
    return _with_zeros(frame, table, bounds).drop(columns=ROWS)


def _check_keys(table: _Table, keys: Iterable[str]) -> None:
    """Keys become SQL: nothing but the table's own columns passes (and so S608 is silenced below)."""
    if unknown := [key for key in keys if key not in table.keys]:
        raise ValueError(f"{table.name} has no key {unknown[0]!r}; it has {', '.join(table.keys)}")


def _condition(
    table: _Table, workspace: Workspace, first: date | None, last: date | None, where: Where | None
) -> tuple[str, list[object]]:
    parts: list[tuple[str, object]] = [("workspace_id = %s", workspace.pk)]
    if first:
        parts.append((f"{table.time} >= %s", first))
    if last:
        parts.append((f"{table.time} <= %s", last))
    for key, codes in (where or {}).items():
        parts.append((f"{key} = ANY(%s)", [codes] if isinstance(codes, str) else list(codes)))
    return " AND ".join(sql for sql, _ in parts), [value for _, value in parts]


def _select(table: _Table, keys: Keys, condition: str, grouped: bool, count: bool = False) -> str:
    """Keys, and all measures as the binary form of one array: a large frame arrives in a third of the time."""
    numbers = [f"CAST({m} AS double precision)" for m in table.measures]
    sums = [f"COALESCE({f'SUM({number})' if grouped else number}, 'NaN')" for number in numbers]
    sums += ["COALESCE(CAST(NULLIF(COUNT(*), 0) AS double precision), 'NaN')"] if count else []
    packed = f"array_send(ARRAY[{', '.join(sums)}]::double precision[])"
    listed, shown = ", ".join(keys), [f"{key} - DATE 'epoch'" if key in _DATES else key for key in keys]
    group = f" GROUP BY {listed}" if grouped and keys else ""
    order = f" ORDER BY {listed}" if keys else ""
    return f"SELECT {', '.join([*shown, packed])} FROM {table.name} WHERE {condition}{group}{order}"  # noqa: S608


def _fetch(sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def _packed_columns(rows: list[tuple[Any, ...]], keys: Keys, measures: Keys) -> pd.DataFrame:
    """Rows of keys and a packed array of measures to columns."""
    cell = np.dtype([("length", ">i4"), ("value", ">f8")])
    row = np.dtype([("head", "V20"), ("cells", cell, (len(measures),))])
    values = np.frombuffer(b"".join([r[-1] for r in rows]), dtype=row)["cells"]["value"].astype(np.float64)
    frame = _columns([r[:-1] for r in rows], keys, ())
    return pd.concat([frame, pd.DataFrame(values, columns=list(measures), index=frame.index)], axis=1)


def _columns(rows: list[tuple[Any, ...]], keys: Keys, measures: Keys) -> pd.DataFrame:
    """Rows to columns, whole columns at a time; dates come as days since 1970, None becomes NaN."""
    names = (*keys, *measures)
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return pd.DataFrame(
        {name: _column(name, values, name in measures) for name, values in zip(names, columns, strict=True)},
        index=pd.RangeIndex(len(rows)),
    )


def _column(name: str, values: Sequence[Any], is_measure: bool) -> Any:
    if is_measure:
        return np.array(values, dtype=np.float64)
    if name in _DATES:
        return np.array(values, dtype="datetime64[D]").astype("datetime64[s]")
    return pd.array(values, dtype="str")


def _bounds(
    table: _Table, workspace: Workspace, first: date | None, last: date | None, inside: pd.DataFrame | None
) -> dict[str, Bound]:
    """Column -> the first and last week in which the workspace knows it; "" -> the span of the whole table.

    A column whose weeks do not meet `first` to `last` is left out. `inside`: all that is known of the weeks asked for,
    so that only the others have to be looked through.
    """
    names = [name for family in table.zeros for name in family if name != ROWS]
    if inside is None or table.time not in inside:
        spans = _known_weeks(table, ["", *names], "workspace_id = %s", [workspace.pk])
    else:
        weeks = inside[table.time].to_numpy().astype("datetime64[D]")
        spans = {name: _ends(weeks[_is_known(inside, name)]) for name in ("", *names)}
        open_ended = [name for name, ends in spans.items() if not _reaches(ends, first, last)]
        outside = f"workspace_id = %s AND ({table.time} < %s OR {table.time} > %s)"
        bounds = [workspace.pk, first or date.min, last or date.max]
        others = _known_weeks(table, open_ended, outside, bounds) if open_ended else {}
        spans |= {name: _joined(spans[name], ends) for name, ends in others.items()}
    return {
        name: (np.datetime64(start, "s"), np.datetime64(end, "s"))
        for name, (start, end) in spans.items()
        if start is not None and end is not None and start <= (last or date.max) and end >= (first or date.min)
    }


Ends = tuple[date | None, date | None]


def _known_weeks(table: _Table, names: Keys, condition: str, params: Sequence[Any]) -> dict[str, Ends]:
    """Column ("" for the table) -> its first and last week among the rows of the condition."""
    weeks = [f"CASE WHEN {name} IS NOT NULL THEN {table.time} END" if name else table.time for name in names]
    sql = ", ".join(f"MIN({week}), MAX({week})" for week in weeks)
    (row,) = _fetch(f"SELECT {sql} FROM {table.name} WHERE {condition}", params)  # noqa: S608
    return dict(zip(names, zip(row[::2], row[1::2], strict=True), strict=True))


def _is_known(frame: pd.DataFrame, name: str) -> np.ndarray:
    return frame[name].notna().to_numpy() if name else np.ones(len(frame), dtype=bool)


def _ends(weeks: np.ndarray) -> Ends:
    return (weeks.min().item(), weeks.max().item()) if len(weeks) else (None, None)


def _reaches(ends: Ends, first: date | None, last: date | None) -> bool:
    """Whether a span covers all weeks from `first` to `last`, so that what is known outside changes nothing."""
    start, end = ends
    if start is None or end is None:
        return False
    return (first is None or (start - first).days < 7) and (last is None or (last - end).days < 7)


def _joined(one: Ends, other: Ends) -> Ends:
    """The span that holds both."""
    found = [day for day in (*one, *other) if day is not None]
    return (min(found), max(found)) if found else (None, None)


def _weeks(bound: Bound, first: date | None, last: date | None) -> np.ndarray:
    """The week starts of `bound` that lie in `first` to `last`."""
    weeks = np.arange(bound[0], bound[1] + np.timedelta64(1, "s"), np.timedelta64(7 * 86_400, "s"))
    low, high = np.datetime64(first or date.min, "s"), np.datetime64(last or date.max, "s")
    return weeks[(weeks >= low) & (weeks <= high)]


def _with_every_week(frame: pd.DataFrame, keys: Keys, time: str, weeks: np.ndarray) -> pd.DataFrame:
    """The frame with a row for each of `weeks` in each of its groups."""
    if frame.empty:
        return frame
    others = [key for key in keys if key != time]
    grid = pd.DataFrame({time: weeks})
    if others:
        grid = grid.merge(frame[others].drop_duplicates(), how="cross")
    return grid[list(keys)].merge(frame, how="left", on=list(keys)).sort_values(list(keys), ignore_index=True)


def _with_zeros(frame: pd.DataFrame, table: _Table, bounds: dict[str, Bound]) -> pd.DataFrame:
    for head, *others in table.zeros:
        missing = frame[head].isna().to_numpy()
        for name in (head, *others):  # ROWS has no bounds
            if name in bounds:
                frame.loc[missing & _within(frame, table, bounds[name]), name] = 0.0
    return frame


def _within(frame: pd.DataFrame, table: _Table, bound: Bound) -> np.ndarray:
    if table.time not in frame:
        return np.ones(len(frame), dtype=bool)
    weeks = frame[table.time].to_numpy()
    return (weeks >= bound[0]) & (weeks <= bound[1])
