"""Lifetime values fitted to a workspace's customers: all of them, those of each market, channel, and both together."""

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from hashlib import blake2b
from typing import Any

import numpy as np
import pandas as pd

from engines import lifetime, ltv
from engines.results import Estimate, Result, Unavailable
from flywheel.accounts.models import Workspace
from flywheel.aftersales.models import LifetimeFit
from flywheel.jobs import Progress
from flywheel.measures import customers

Scope = LifetimeFit.Scope
Models = tuple[ltv.OrderModel, ltv.ValueModel]
KEYS: dict[str, tuple[str, ...]] = {
    Scope.ALL: (), Scope.MARKET: ("market",), Scope.CHANNEL: ("channel",), Scope.BOTH: ("market", "channel"),
}  # fmt: skip
YEAR = 365.0  # the horizon, in the models' unit of days
HELD_BACK = 182  # days at the end that the hold-out foresees; at most a third of what there is
GONE = 0.1  # P(alive) below which nobody is won back
SILENT = 0.6  # of P(alive) right after the last order: who has less left is silent for longer than is usual for them


@dataclass(frozen=True, eq=False)
class Known:
    """The customers as of a day, those of the same persons as of the day before the hold-out, and who is left out.

    `full` and `early` have the columns of `customers.histories`; `early` also `later`, the days with orders since.
    """

    as_of: date
    full: pd.DataFrame
    early: pd.DataFrame
    held_back: int
    heavy: np.ndarray  # rows of `full`: accounts that order like businesses


def load(workspace: Workspace, as_of: date) -> Known:
    """Everything the fits need, in two statements."""
    full = customers.histories(workspace, as_of)
    age = int(_days(as_of) - full["first_day"].min()) if len(full) else 0
    held_back = min(HELD_BACK, age // 3)
    early = customers.histories(workspace, as_of - timedelta(days=held_back))
    heavy = ltv.heavy_accounts(full["repeats"].to_numpy(dtype=np.float64))
    now = pd.Series(full["repeats"].to_numpy(), index=full["customer"])[~heavy]
    early = early.assign(later=early["customer"].map(now) - early["repeats"]).dropna(subset=["later"])
    return Known(as_of, full, early, held_back, heavy)


def _days(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def _people(frame: pd.DataFrame, until: int) -> lifetime.Customers:
    """Customers as the engine takes them, in days."""
    first, last = frame["first_day"].to_numpy(dtype=np.float64), frame["last_day"].to_numpy(dtype=np.float64)
    return lifetime.Customers(
        frame["repeats"].to_numpy(dtype=np.float64), last - first, until - first, frame["mean_value"].to_numpy()
    )


SCORES = ("alive", "alive_then", "orders_12", "value_12", "wait_25", "wait_50", "wait_75")
WAITS = np.array([0.25, 0.5, 0.75])  # shares of such customers who have ordered again after so many days


def fit_all(workspace: Workspace, known: Known, progress: Progress) -> tuple[list[LifetimeFit], pd.DataFrame]:
    """The fits (not saved), and per customer SCORES, NaN where there is no model.

    A customer is scored by the own market's fit, or by that of all where the market is too small for one.
    """
    places = _places(known.full)
    pairs = sum(scope == Scope.BOTH for scope, _place in places)
    progress.step("fitting_customers", len(places))
    kind = _better_kind(known)
    scored = pd.DataFrame(np.nan, index=known.full.index, columns=list(SCORES))
    done: dict[bytes, tuple[LifetimeFit, Models | None]] = {}  # by who they are: the same customers are fitted once
    rows: list[LifetimeFit] = []
    for scope, place in places:
        held = _of(known.full, scope, place)
        who = blake2b(np.packbits(held).tobytes()).digest()
        if is_new := who not in done:
            effort = lifetime.SIMULATED // (pairs if scope == Scope.BOTH else 1)  # all pairs together cost as one fit
            done[who] = _fit(workspace, known, scope, place, held, kind, effort)
        found, models = done[who]
        rows.append(_placed(found, scope, place))
        if is_new and models and scope in {Scope.ALL, Scope.MARKET}:
            scored.loc[held] = _scores(known, held, models)
        progress.advance()
    return rows, scored


def _places(frame: pd.DataFrame) -> list[tuple[str, tuple[str, ...]]]:
    """(scope, values of its keys): all first, so that a market's own fit comes after it; what is unknown has none."""
    found = [(str(scope), place) for scope, keys in KEYS.items() for place in _values(frame, keys)]
    return [(scope, place) for scope, place in found if "" not in place]


def _values(frame: pd.DataFrame, keys: tuple[str, ...]) -> list[tuple[str, ...]]:
    distinct = frame[list(keys)].drop_duplicates()
    return sorted({tuple(map(str, row)) for row in distinct.itertuples(index=False)}) if keys else [()]


def _of(frame: pd.DataFrame, scope: str, place: tuple[str, ...]) -> np.ndarray:
    """Which rows are of a scope."""
    held = np.ones(len(frame), dtype=bool)
    for key, value in zip(KEYS[scope], place, strict=True):
        held &= (frame[key] == value).to_numpy()
    return held


def _placed(fit: LifetimeFit, scope: str, place: tuple[str, ...]) -> LifetimeFit:
    """The fit as that of a scope."""
    code, channel = (*place, "", "")[:2]
    return LifetimeFit(
        workspace=fit.workspace, scope=scope, code=code, channel=channel, as_of=fit.as_of, result=fit.result,
        customers=fit.customers, repeaters=fit.repeaters,
    )  # fmt: skip


def _better_kind(known: Known) -> ltv.Kind:
    """BG/NBD or MBG/NBD, whichever makes what was seen likelier: they have equally many parameters."""
    who = _people(known.full[~known.heavy], _days(known.as_of))
    distinct = ltv.histories(who.x, who.t_x, who.T)
    found = [ltv.fit_orders(distinct, kind) for kind in ("bg", "mbg")]
    fits = [fit for fit in found if isinstance(fit, ltv.OrderModel)]
    return max(fits, key=lambda fit: fit.log_likelihood).kind if fits else "bg"


def _fit(
    workspace: Workspace,
    known: Known,
    scope: str,
    place: tuple[str, ...],
    held: np.ndarray,
    kind: ltv.Kind,
    simulated: int,
) -> tuple[LifetimeFit, Models | None]:
    frame = known.full[held & ~known.heavy]
    who = _people(frame, _days(known.as_of))
    orders = ltv.fit_orders(ltv.histories(who.x, who.t_x, who.T), kind)
    values = ltv.fit_values(frame["valued_repeats"].to_numpy(dtype=np.float64), who.mean_value)
    columns = (frame[name].to_numpy() for name in ("net", "costed_net", "contribution", "refunded"))
    margin = lifetime.margin(*columns)
    result = {
        "kind": kind,
        "margin": margin.estimate if isinstance(margin, lifetime.Margin) else margin,
        "heavy": _heavy(known, held),
        "parameters": _parameters(orders, values),
        **_worth(orders, values, margin, who, simulated),
        "hold_out": _hold_out(known, scope, place, kind, simulated),
    }
    row = LifetimeFit(
        workspace=workspace, as_of=known.as_of, result=plain(result),
        customers=len(frame), repeaters=int((who.x > 0).sum()),
    )  # fmt: skip
    is_complete = isinstance(orders, ltv.OrderModel) and isinstance(values, ltv.ValueModel)
    return row, (orders, values) if is_complete else None  # type: ignore[return-value]


def _worth(
    orders: ltv.OrderModel | Unavailable, values: ltv.ValueModel | Unavailable,
    margin: lifetime.Margin | Unavailable, who: lifetime.Customers, simulated: int,
) -> dict[str, Any]:  # fmt: skip
    """LTV of a new customer, and what the present ones will do; or why not."""
    missing = next((found for found in (orders, values) if isinstance(found, Unavailable)), None)
    if isinstance(orders, Unavailable) or isinstance(values, Unavailable):
        return {"ltv": missing, "ahead_orders": missing, "ahead_value": missing}
    seen = float(who.T.max())
    if seen < lifetime.MIN_HISTORY * YEAR:
        young = Unavailable("too_young", seen, lifetime.MIN_HISTORY * YEAR)
        return {"ltv": young, "ahead_orders": young, "ahead_value": young}
    ahead = lifetime.forecast(orders, values, who, YEAR, simulated=simulated)
    if isinstance(margin, Unavailable):
        return {"ltv": margin, "ahead_orders": ahead.orders, "ahead_value": margin}
    worth = lifetime.lifetime_value(orders, values, margin, YEAR, seen)
    return {"ltv": worth, "ahead_orders": ahead.orders, "ahead_value": margin.of(ahead.value)}


def _parameters(
    orders: ltv.OrderModel | Unavailable, values: ltv.ValueModel | Unavailable
) -> dict[str, dict[str, float]]:
    """The fitted parameters, in days and base currency, by model."""
    found = {}
    if isinstance(orders, ltv.OrderModel):
        found["orders"] = {name: getattr(orders, name) for name in ("r", "alpha", "a", "b", "log_likelihood")}
    if isinstance(values, ltv.ValueModel):
        found["values"] = {name: getattr(values, name) for name in ("p", "q", "gamma", "log_likelihood")}
    return found


def _heavy(known: Known, held: np.ndarray) -> dict[str, float] | None:
    """How many accounts are left out, and their share of repeat orders; None when none is."""
    if not (out := known.heavy & held).any():
        return None
    repeats = known.full["repeats"].to_numpy(dtype=np.float64)
    return {"accounts": int(out.sum()), "share": float(repeats[out].sum() / repeats[held].sum())}


def _hold_out(known: Known, scope: str, place: tuple[str, ...], kind: ltv.Kind, simulated: int) -> Any:
    """The forecast of the last days from those before, against what came."""
    early = known.early[_of(known.early, scope, place)]
    if not len(early):
        return Unavailable("too_few", 0, ltv.MIN_CUSTOMERS)
    who = _people(early, _days(known.as_of) - known.held_back)
    found = lifetime.hold_out(who, early["later"].to_numpy(dtype=np.float64), float(known.held_back), kind, simulated)
    if isinstance(found, Unavailable):
        return found
    return {"forecast": found.forecast, "actual": found.actual, "error": found.error, "covered": found.is_covered,
            "days": known.held_back}  # fmt: skip


def _scores(known: Known, held: np.ndarray, models: Models) -> np.ndarray:
    frame = known.full[held]
    who = _people(frame, _days(known.as_of))
    valued = lifetime.Customers(frame["valued_repeats"].to_numpy(dtype=np.float64), who.t_x, who.T, who.mean_value)
    found = lifetime.scores(*models, ltv.histories(who.x, who.t_x, who.T), valued, YEAR)
    then = ltv.alive(models[0], who.x, who.t_x, who.t_x)
    waits = lifetime.waits(models[0], who.x, who.T, WAITS)
    return np.column_stack([found.alive, then, found.orders, found.value, *waits])


def at_risk(repeats: np.ndarray, alive: np.ndarray, then: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The revenue of a year that their silence puts at risk, of those who are slipping away.

    That of a customer who is there, times what silence has taken of the chance of it. `then`: P(alive) right after the
    last order. NaN for all others: who is as silent as usual, who has gone, who ordered once only.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        slipping = (repeats >= 1) & (alive >= GONE) & (alive < SILENT * then)
        return np.where(slipping, value / alive * (then - alive), np.nan)


def plain(data: Any) -> Any:
    """Results as JSON takes them; what is not finite as None."""
    if isinstance(data, Estimate | Unavailable):
        return plain(asdict(data))
    if isinstance(data, dict):
        return {key: plain(value) for key, value in data.items()}
    if isinstance(data, float):
        return data if np.isfinite(data) else None
    return data


def result_of(data: dict[str, Any] | None) -> Result | None:
    """The engine's result that plain data stands for."""
    if data is None:
        return None
    return Unavailable(**data) if "reason" in data else Estimate(**data)
