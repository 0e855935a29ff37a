"""Weekly measures over HTTP, as the pages read them."""

import base64
import binascii
from bisect import bisect_right
from collections.abc import Callable
from datetime import date, timedelta
from typing import Annotated, Any

import orjson
import pandas as pd
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from ninja import Query, Router, Schema

from flywheel.accounts.api import METRICS_READ, REFUSALS, ApiError, KeyAuth, Refusal, answer
from flywheel.accounts.models import Workspace
from flywheel.facts.calendar import FIRST_YEAR, LAST_YEAR, last_complete_week, week_start
from flywheel.facts.models import Channel, Market
from flywheel.facts.models.upkeep import Rollup
from flywheel.measures import frames

WEEKS = 52  # read where the address names no first day
MOST_ROWS = 5_000  # of one answer
KEYS = ("week", "market", "channel")
TEXT = r"^[^\x00-\x1f]*$"  # what a database takes and a person means
_FRAMES: dict[str, Callable[..., pd.DataFrame]] = {
    Rollup.MARKET: frames.market,
    Rollup.CONVERSION: frames.conversion,
    Rollup.AFTERSALES: frames.aftersales,
    Rollup.COHORTS: frames.cohorts,
}
FIRST_DAY = _("Weeks from the one that holds this day; by default a year back.")
LAST_DAY = _("Weeks up to the one that holds this day; by default, and at most, the newest that is over.")
MARKET = _("The code of one market; all without it.")
CHANNEL = _("The code of one channel; all without it.")
CURSOR = _("The value of next in the answer before: goes on where that ended.")
MEASURES = _(
    "Weekly sums per market and channel. Numbers are JSON numbers of double precision, as the KPIs use them: money in "
    "the base currency, to its four stored decimals up to 900 billion; null is not known, which is not zero."
)
router = Router()

FirstDay = Annotated[date | None, Query(alias="from", description=FIRST_DAY)]
LastDay = Annotated[date | None, Query(alias="to", description=LAST_DAY)]
MarketCode = Annotated[str, Query(max_length=60, pattern=TEXT, description=MARKET)]
ChannelCode = Annotated[str, Query(max_length=60, pattern=TEXT, description=CHANNEL)]


class Weeks(Schema):
    """A page of weekly sums; `next` is null on the last one."""

    rollup: str
    currency: str
    rows: list[dict[str, str | float | None]]
    next: str | None


def span(workspace: Workspace, first: date | None, last: date | None) -> tuple[date, date]:
    """The first and last week that are asked for, none that is still running. Raises ApiError for odd years."""
    for day in (first, last):
        if day and not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise ApiError(422, "year", _("Ask for days in the years 1990 to 2100."))
    end = last_complete_week(workspace)
    if last:
        end = min(end, week_start(last, workspace.first_weekday))
    start = week_start(first, workspace.first_weekday) if first else end - timedelta(weeks=WEEKS - 1)
    return start, end


def check_places(workspace: Workspace, market: str, channel: str) -> dict[str, str]:
    """The filter of measures for a market and a channel ('' for all). Raises ApiError for one that is not known."""
    if market and not Market.objects.filter(workspace=workspace, code=market).exists():
        raise ApiError(404, "market", _("This workspace has no such market."))
    if channel and not Channel.objects.filter(workspace=workspace, code=channel).exists():
        raise ApiError(404, "channel", _("This workspace has no such channel."))
    return {key: code for key, code in (("market", market), ("channel", channel)) if code}


@router.get(
    "/measures/{rollup}",
    auth=KeyAuth(METRICS_READ),
    response={200: Weeks, **REFUSALS, 404: Refusal},
    operation_id="get_measures",
    openapi_extra={"summary": _("Weekly measures"), "description": MEASURES},
    tags=["metrics"],
)
def measures(
    request: HttpRequest,
    rollup: Rollup,
    first: FirstDay = None,
    last: LastDay = None,
    market: MarketCode = "",
    channel: ChannelCode = "",
    limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 1_000,
    cursor: Annotated[str, Query(max_length=1_000, description=CURSOR)] = "",
) -> HttpResponse:
    """A roll-up's sums per week, market and channel, in that order."""
    workspace: Workspace = request.auth.workspace  # type: ignore[attr-defined]
    where = check_places(workspace, market, channel)
    start, end = span(workspace, first, last)
    rows = _rows(_FRAMES[rollup](workspace, KEYS, start, end, where))
    begin = bisect_right(rows, _after(cursor), key=_key) if cursor else 0
    page = rows[begin : begin + limit]
    more = begin + limit < len(rows)
    told = {
        "rollup": rollup,
        "currency": workspace.base_currency,
        "rows": page,
        "next": _cursor(page) if more else None,
    }
    return answer(told)


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The frame's rows in the order of their keys, weeks as dates; NaN becomes null on the way out."""
    weeks = frame["week"].dt.strftime("%Y-%m-%d")
    return sorted(frame.assign(week=weeks).to_dict("records"), key=_key)  # type: ignore[arg-type]


def _key(row: dict[str, Any]) -> list[str]:
    return [str(row[name]) for name in KEYS]


def _cursor(page: list[dict[str, Any]]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(_key(page[-1]))).decode()


def _after(cursor: str) -> list[str]:
    """The keys in a cursor; raises ApiError for one that no answer gave."""
    try:
        keys = orjson.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (binascii.Error, ValueError):
        keys = None
    if not isinstance(keys, list) or len(keys) != len(KEYS) or not all(isinstance(key, str) for key in keys):
        raise ApiError(422, "cursor", _("This cursor is not one of an answer before."))
    return keys
