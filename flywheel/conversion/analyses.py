"""What is worked out of raw facts by a job and kept: baskets, order values, profiles.

One run is about one period and all markets at once. Results are plain data, as the pages and exports read them.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, is_dataclass
from datetime import date, timedelta
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils import timezone

from engines import baskets, profiles
from engines.results import Unavailable
from flywheel.accounts.models import Workspace
from flywheel.conversion.models import Analysis
from flywheel.diagnosis.engine_pages import DEFAULT_WEEKS, Choice
from flywheel.jobs.models import Job
from flywheel.measures import raw

Kind = Analysis.Kind
Json = dict[str, Any]
JOB = "conversion_analyses"
ALL = ""  # the market that stands for all of them
PAIRS = 300  # kept, the surest first
FIRST_DAY = date(1990, 1, 1)


def kept(workspace: Workspace, kind: str, choice: Choice, market: str | None = None) -> Analysis | None:
    """What is kept for the chosen market (or another) and number of weeks."""
    of = choice.market if market is None else market
    return Analysis.objects.filter(workspace=workspace, kind=kind, market=of, weeks=choice.weeks).first()


def kept_markets(workspace: Workspace, kind: str, weeks: int) -> dict[str, Json]:
    """Market -> what is kept of it for a number of weeks; '' is all markets."""
    found = Analysis.objects.filter(workspace=workspace, kind=kind, weeks=weeks).order_by("market")
    return dict(found.values_list("market", "result"))


def market_currencies(workspace: Workspace) -> dict[str, str]:
    """Market -> the currency of most of its orders, as the kept order values tell; the longest period counts last."""
    found = Analysis.objects.filter(workspace=workspace, kind=Kind.VALUES).exclude(market=ALL).order_by("weeks")
    return {market: code for market, code in found.values_list("market", "result__currency") if code}


def periods(workspace: Workspace) -> list[int]:
    """The numbers of weeks to work out: the default, and those that were asked for before."""
    asked = Analysis.objects.filter(workspace=workspace).exclude(kind=Kind.PROFILES).values_list("weeks", flat=True)
    return sorted({DEFAULT_WEEKS, *asked.distinct()})


def compute(workspace: Workspace, week: date, weeks: int) -> dict[tuple[str, str], Json]:
    """(kind, market) -> result, for the `weeks` weeks (0: all) up to `week`; profiles are of all weeks."""
    first = week - timedelta(weeks=weeks - 1) if weeks else FIRST_DAY
    makers: dict[str, Callable[[Workspace, date, date], dict[str, Json]]] = {
        Kind.BASKETS: _baskets,
        Kind.VALUES: _values,
    }
    nothing: dict[tuple[str, str], Json] = {(kind, ALL): {} for kind in makers}  # so that "none" is told from "not yet"
    found = {(k, m): result for k, make in makers.items() for m, result in make(workspace, first, week).items()}
    return {key: plain(result) for key, result in (nothing | found).items()}


def store(workspace: Workspace, week: date, weeks: int, results: dict[tuple[str, str], Json]) -> None:
    """Keep results in place of those there were; markets that have none any more are dropped."""
    now = timezone.now()
    rows = [
        Analysis(workspace=workspace, kind=k, market=m, weeks=weeks, week=week, result=result, computed_at=now)
        for (k, m), result in results.items()
    ]
    with transaction.atomic():
        kinds = {kind for kind, _market in results}
        Analysis.objects.filter(workspace=workspace, weeks=weeks, kind__in=kinds).delete()
        Analysis.objects.bulk_create(rows)


def plain(data: Any) -> Any:
    """Data as it comes back from the database: JSON types only, what is not finite as None."""
    return json.loads(json.dumps(_finite(data), cls=DjangoJSONEncoder))


def _finite(data: Any) -> Any:
    if is_dataclass(data) and not isinstance(data, type):
        return _finite(asdict(data))
    if isinstance(data, dict):
        return {k: _finite(v) for k, v in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(v) for v in data]
    if isinstance(data, np.generic):
        return _finite(data.item())
    return None if isinstance(data, float) and not isfinite(data) else data


def _by_market(frame: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """All markets together, then each that is known."""
    if len(frame):
        yield ALL, frame
        for market, rows in frame.groupby("market"):
            if market:
                yield str(market), rows


# --- baskets ----------------------------------------------------------------------------------------------------------
def _baskets(workspace: Workspace, first: date, last: date) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for item in ("sku", "category"):
        for market, rows in _by_market(raw.baskets(workspace, first, last, item)):
            table = [(items, float(n)) for items, n in zip(rows["items"], rows["count"], strict=True)]
            found.setdefault(market, {})[item] = baskets.pairs(table, PAIRS)
    names = raw.product_names(workspace, sorted(_skus(found)))
    return {market: {**result, "names": {s: names[s] for s in _skus({"": result}) if s in names}}
            for market, result in found.items()}  # fmt: skip


def _skus(found: dict[str, Json]) -> set[str]:
    listed = (r.get("sku") for r in found.values())
    return {sku for p in listed if isinstance(p, tuple) for pair in p for sku in (pair.first, pair.second)}


# --- order values -----------------------------------------------------------------------------------------------------
def _values(workspace: Workspace, first: date, last: date) -> dict[str, Json]:
    sums = raw.order_spread(workspace, first, last)
    groups = {market: rows for market, rows in _by_market(sums) if rows["orders"].sum() > 0}
    if not groups:
        return {}
    main = {m: rows.iloc[int(rows["local_orders"].to_numpy().argmax())] for m, rows in groups.items() if m != ALL}
    upper = float(np.nan_to_num(_base_p99(sums)))
    widths = [(m, str(r["currency"]), baskets.bin_width(float(r["local_p99"]))) for m, r in main.items()
              if r["local_p99"] > 0]  # fmt: skip
    base_width = baskets.bin_width(upper) if upper > 0 else 1.0
    bins = raw.order_bins(workspace, first, last, widths, base_width)
    size = {m: (width, currency) for m, currency, width in widths} | {ALL: (base_width, workspace.base_currency)}
    return {market: _histogram(bins, market, *size[market]) for market in groups if market in size}


def _base_p99(sums: pd.DataFrame) -> float:
    """About the 99th percentile of all orders in base currency: mean and spread tell enough for a bin's width."""
    n, total = float(sums["orders"].sum()), float(sums["net"].sum())
    squares = float(sums["net_squares"].sum())
    return total / n + 3 * max(squares / n - (total / n) ** 2, 0.0) ** 0.5 if n else 0.0


def _histogram(bins: pd.DataFrame, market: str, width: float, currency: str) -> Json:
    own = bins[bins["market"].isna()] if market == ALL else bins[bins["market"] == market]
    table = own[["bin", "count", "sum", "shipping"]].to_numpy(dtype=np.float64)
    rows = {int(b): (n, total, float(np.nan_to_num(paid))) for b, n, total, paid in _merged(table)}
    return {
        "currency": currency,
        "histogram": baskets.Histogram.of(width, rows),
        "knows_shipping": bool(np.isfinite(table[:, 3]).any()),
    }


def _merged(table: np.ndarray) -> np.ndarray:
    """Bins below zero are the first, those far beyond the 99th percentile one."""
    table = table.copy()
    table[:, 0] = np.clip(table[:, 0], 0, 2 * baskets.BINS)
    numbers = np.unique(table[:, 0])
    return np.array([[number, *np.nansum(table[table[:, 0] == number, 1:], axis=0)] for number in numbers])


# --- profiles ---------------------------------------------------------------------------------------------------------
def profiled(workspace: Workspace, last: date) -> tuple[pd.DataFrame, profiles.Profiles | Unavailable]:
    """Customers with a known revenue up to the day `last`, and their profiles row by row."""
    frame = raw.customers(workspace, last)
    frame = frame[frame["priced"].astype(bool)].reset_index(drop=True)
    days = (np.datetime64(last, "D") - frame["last_date"].to_numpy().astype("datetime64[D]")).astype(np.float64)
    found = profiles.profile(days, frame["orders"].to_numpy(), frame["revenue"].to_numpy())
    return frame.assign(days=days), found


def profile_result(frame: pd.DataFrame, found: profiles.Profiles | Unavailable) -> Json:
    """The segments of the customers, summed up as the page shows them; or why there are none."""
    if isinstance(found, Unavailable):
        return plain({"missing": found})
    frame = frame.assign(segment=[profiles.SEGMENTS[s] for s in found.segment], r=found.recency,
                         value=(found.frequency + found.money + 1) // 2)  # fmt: skip
    return plain({
        "customers": len(frame),
        "cells": _cells(frame, ["segment", "market", "channel"]),
        "grid": _cells(frame, ["r", "value"]),
        "ranges": found.ranges,
    })  # fmt: skip


def _cells(frame: pd.DataFrame, keys: list[str]) -> list[Json]:
    grouped = frame.groupby(keys, sort=True).agg(
        customers=("customer", "size"), orders=("orders", "sum"), revenue=("revenue", "sum"),
        squares=("revenue", lambda values: float((values**2).sum())),
    )  # fmt: skip
    return [{str(k): v for k, v in row.items()} for row in grouped.reset_index().to_dict("records")]


# --- what the pages ask -----------------------------------------------------------------------------------------------
def state(workspace: Workspace, kind: str, choice: Choice) -> Json:
    """What is kept for the choice: `result` ({} for nothing), the weeks it is about, and whether it was worked out.

    `done`: the period was worked out, so an empty result means that there is no data; `busy`: a job is at it.
    """
    found = kept(workspace, kind, choice)
    whole = found or kept(workspace, kind, choice, ALL)
    return {
        "result": found.result if found else {},
        "done": whole is not None,
        "busy": is_busy(workspace),
        "weeks": choice.weeks,
        "week": whole.week if whole else None,
        "first": whole.week - timedelta(weeks=choice.weeks - 1) if whole and choice.weeks else None,
        "computed_at": whole.computed_at if whole else None,
    }


def is_busy(workspace: Workspace) -> bool:
    """Whether the job is waiting or at work."""
    under_way = (Job.State.QUEUED, Job.State.RUNNING)
    return Job.objects.filter(workspace=workspace, kind=JOB, state__in=under_way).exists()
