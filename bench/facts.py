"""A simulated business's tables as facts, rolled up by the product's own SQL on DuckDB, as the engines read them.

What intake, its calendar and the database make of a file is made here in numpy: dates in the workspace's and in the
market's zone, weeks, amounts in the base currency, first orders. No row passes that the product would not have.
"""

import duckdb
import numpy as np
import pandas as pd

from engines import durations, rollups
from engines.business import Business
from flywheel.demo.world import World
from flywheel.measures import frames

STATES = {"processing": "open", "shipped": "shipped", "delivered": "delivered", "returned": "returned"}
DAY = np.timedelta64(1, "D")
FIRST, LAST = "1970-01-05", "2100-01-04"
MONEY = "DECIMAL(18, 4)"
Tables = dict[str, pd.DataFrame]


def business_of(world: World, tables: Tables) -> Business:
    """The weekly measures of `tables` (as `flywheel.demo.generate.core_tables` gives them), like `load_business`."""
    with duckdb.connect(config={"threads": 1}) as database:
        _load(database, world, tables)
        rolled = {name: _rolled(database, name) for name in _NAMES}
    keys = ["week", "market", "channel"]
    return Business(
        conversion=frames.of_rows("conversion", rolled["conversion"], [*keys, "device"]),
        market=frames.of_rows("market", rolled["market"], keys),
        aftersales=frames.of_rows("aftersales", rolled["aftersales"], [*keys, "carrier"]),
        cohorts=frames.of_rows("cohorts", rolled["cohorts"], keys),
        channel_kinds={channel.code: channel.kind for channel in world.channels},
        followups=frames.of_rows("followups", rolled["followups"], keys),
        durations=_packed(rolled["durations"]),
        payments=frames.of_rows("payments", rolled["payments"], ["week", "market", "method"]),
    )


_NAMES = ("market", "conversion", "payments", "aftersales", "followups", "cohorts", "durations")
_KEYS = frozenset({"week", "market", "channel", "device", "carrier", "campaign", "method", "what"})


def _rolled(database: duckdb.DuckDBPyConnection, name: str) -> pd.DataFrame:
    """The rows of the roll-up's measure table, with the dtypes of `flywheel.measures.frames`."""
    values = {"workspace": 1, "first": FIRST, "last": LAST}
    frame = database.execute(_typed(rollups.rewrite(name, "duckdb")), values).df().drop(columns="workspace_id")
    counted = {column: np.float64 for column in frame if column not in _KEYS}
    texts = {column: "str" for column in frame if column in _KEYS - {"week"}}
    return frame.astype(counted | texts | {"week": "datetime64[s]"})


def _typed(sql: str) -> str:
    """Dates as parameters come as text."""
    return sql.replace("$first", "CAST($first AS DATE)").replace("$last", "CAST($last AS DATE)")


def _packed(rows: pd.DataFrame) -> pd.DataFrame:
    """Histograms as `engines.durations.unpack` reads them: one row per week, market, carrier and what."""
    rows = rows.sort_values("bucket", kind="stable")
    pairs = rows[["bucket", "facts"]].to_numpy().astype(">i4")
    keys = ["week", "market", "carrier", "what"]
    groups = rows.reset_index(drop=True).groupby(keys, sort=True).indices
    found = pd.DataFrame(list(groups), columns=keys).assign(counts=[pairs[at].tobytes() for at in groups.values()])
    return found.astype({"week": "datetime64[s]", "market": "str", "carrier": "str", "what": "str"})


# --- facts ------------------------------------------------------------------------------------------------------------
def _load(database: duckdb.DuckDBPyConnection, world: World, tables: Tables) -> None:
    orders = _orders(world, tables["orders"])
    facts = {
        "order": orders,
        "firstorder": _first_orders(orders),
        "orderline": _no_lines(),
        "payment": _payments(orders),
        "refund": _refunds(world, orders, tables["refunds"]),
        "review": _reviews(world, orders, tables["reviews"]),
        "ticket": _tickets(world, orders, tables["tickets"]),
        "traffic": _traffic(tables["traffic"]),
        "spend": _spend(world, tables["spend"]),
        "referral": _referrals(orders),
    }
    for name, frame in facts.items():
        database.register("given", frame)
        database.execute(f"CREATE TABLE facts_{name} AS SELECT * REPLACE ({_casts(frame)}) FROM given")
        database.unregister("given")
    for name, columns in _EMPTY.items():
        database.execute(f"CREATE TABLE facts_{name} ({columns})")


def _casts(frame: pd.DataFrame) -> str:
    """Exact types for what the roll-ups add up or compare: days as dates, amounts as decimals."""
    parts = ["CAST(workspace_id AS BIGINT) AS workspace_id"]
    parts += [f"CAST({c} AS DATE) AS {c}" for c in frame if _is_day(str(c))]
    parts += [f"CAST({c} AS {MONEY}) AS {c}" for c in frame if str(c) in _AMOUNTS]
    return ", ".join(parts)


_AMOUNTS = frozenset(
    (
        "gross",
        "discount",
        "fx_rate",
        "net_base",
        "contribution_base",
        "amount_base",
        "cost_base",
        "reply_minutes",
        "delivery_days",
        "days_after_order",
        "rating",
        "csat",
    )
)


def _is_day(name: str) -> bool:
    return name.endswith(("_date", "week", "month")) or name.startswith("due_")


_SESSION = "sessions engaged_sessions product_views carts cart_views checkouts payment_attempts payments"
_EMPTY = {
    "session": "workspace_id BIGINT, week DATE, market TEXT, channel TEXT, device TEXT, "
    + ", ".join(f"{name} BIGINT" for name in _SESSION.split()),
    "surveyanswer": "workspace_id BIGINT, week DATE, market TEXT, channel TEXT, carrier TEXT, score BIGINT",
    "customercampaign": "workspace_id BIGINT, week DATE, market TEXT, channel TEXT, sent BIGINT, opened BIGINT, "
    "clicked BIGINT, ordered BIGINT",
}  # kinds of facts that the diagnosis does not read, or that come as traffic instead


def _no_lines() -> pd.DataFrame:
    return pd.DataFrame({"workspace_id": [0], "source_id": [0], "order_ref": [""], "sku": [""], "quantity": [0]})


def _orders(world: World, told: pd.DataFrame) -> pd.DataFrame:
    units = told["currency"].map({m.currency: m.units_per_base for m in world.markets}).to_numpy(dtype=np.float64)
    zones = {market.code: market.time_zone for market in world.markets}
    day = _local(told["ordered_at"], world.time_zone)
    net = told["gross"] - told["discount"]
    cost = told["cogs"] + told["fulfilment_cost"] + told["payment_cost"]
    delivered, promised = (_local_of(told, name, zones) for name in ("delivered_at", "promised_at"))
    took = (told["delivered_at"] - told["ordered_at"]).dt.total_seconds().to_numpy()
    state = told["status"].map(STATES).fillna("cancelled").astype(object)
    return pd.DataFrame(
        {
            "workspace_id": 1,
            "source_id": 1,
            "id": np.arange(1, len(told) + 1),
            "external_id": told["order_id"],
            "customer": told["customer_id"],
            "market": told["market"],
            "channel": told["channel"],
            "device": told["device"],
            "carrier": told["carrier"],
            "payment_method": told["payment_method"],
            "state": state,
            "counts": state != "cancelled",
            "ordered_at": told["ordered_at"].dt.tz_localize(None),
            "order_date": day,
            "week": _week(day),
            "month": day.astype("datetime64[M]").astype("datetime64[D]"),
            "units": told["units"],
            "gross": told["gross"],
            "discount": told["discount"],
            "fx_rate": 1 / units,
            "net_base": (net / units).round(4),
            "contribution_base": ((net - cost) / units).round(4),
            "promised_at": told["promised_at"].dt.tz_localize(None),
            "delivered_at": told["delivered_at"].dt.tz_localize(None),
            "promised_date": promised,
            "delivered_date": delivered,
            "delivered_week": _week(_local(told["delivered_at"], world.time_zone)),
            "delivery_days": (took / 86_400).round(4),
            "delivery_bucket": _bucket(took / 60, durations.DELIVERY),
        }
    )


def _local(moments: pd.Series, zone: str) -> np.ndarray:
    """The day of each moment on a wall calendar in `zone`, NaT where it is not known."""
    return np.asarray(moments.dt.tz_convert(zone).dt.tz_localize(None).to_numpy().astype("datetime64[D]"))


def _local_of(told: pd.DataFrame, name: str, zones: dict[str, str]) -> np.ndarray:
    """As `_local`, in the zone of each row's market."""
    found = np.full(len(told), np.datetime64("NaT"), dtype="datetime64[D]")
    codes, markets = pd.factorize(told["market"])
    for at, market in enumerate(markets):
        here, zone = np.flatnonzero(codes == at), zones[market]
        found[here] = _local(told[name].iloc[here], zone)
    return found


def _week(day: np.ndarray) -> np.ndarray:
    """The Monday of each day."""
    return np.asarray(day - ((day.astype(np.int64) + 3) % 7) * DAY)


def _bucket(minutes: np.ndarray, edges: durations.Edges) -> np.ndarray:
    known = np.nan_to_num(minutes, nan=0.0)
    at = np.clip(np.searchsorted(edges, np.floor(known), side="right") - 1, 0, len(edges) - 1)
    return np.asarray(edges[at])


def _first_orders(orders: pd.DataFrame) -> pd.DataFrame:
    counted = orders.loc[orders["counts"]].sort_values(["ordered_at", "id"], kind="stable")
    place = counted.groupby("customer").cumcount()
    first = counted.loc[place == 0]
    second = counted.loc[place == 1].set_index("customer")["order_date"]
    day = first["order_date"].to_numpy().astype("datetime64[D]")
    due = {f"due_{n}": day + n * DAY for n in (30, 60, 90, 180, 365)}
    kept = first[["workspace_id", "customer", "ordered_at", "order_date", "week", "month", "market", "channel"]]
    return kept.assign(order_id=first["id"], second_date=first["customer"].map(second), **due)


def _payments(orders: pd.DataFrame) -> pd.DataFrame:
    kept = orders.loc[orders["counts"]]
    return pd.DataFrame(
        {
            "workspace_id": 1,
            "order_week": kept["week"],
            "market": kept["market"],
            "method": kept["payment_method"],
            "amount_base": kept["net_base"],
        }
    )


def _children(orders: pd.DataFrame, refs: pd.Series) -> pd.DataFrame:
    """What a record has of its order."""
    parents = orders.set_index("external_id").loc[refs]
    columns = {"id": "order_id", "week": "order_week", "market": "market", "channel": "channel", "carrier": "carrier"}
    found = parents[list(columns)].rename(columns=columns).reset_index(names="order_ref")
    return found.assign(workspace_id=1, ordered_at=parents["ordered_at"].to_numpy(), fx=parents["fx_rate"].to_numpy())


def _refunds(world: World, orders: pd.DataFrame, told: pd.DataFrame) -> pd.DataFrame:
    parents = _children(orders, told["order_id"])
    amount = (told["amount"].to_numpy() * parents.pop("fx").to_numpy()).round(4)
    day = _local(told["refunded_at"], world.time_zone)
    return parents.assign(refund_date=day, week=_week(day), amount_base=amount)


def _reviews(world: World, orders: pd.DataFrame, told: pd.DataFrame) -> pd.DataFrame:
    parents = _children(orders, told["order_id"])
    week = _week(_local(told["reviewed_at"], world.time_zone))
    return parents.assign(week=week, rating=told["rating"].to_numpy(), has_media=told["has_media"].to_numpy())


def _tickets(world: World, orders: pd.DataFrame, told: pd.DataFrame) -> pd.DataFrame:
    parents = _children(orders, told["order_id"])
    waited = (told["first_reply_at"] - told["opened_at"]).dt.total_seconds().to_numpy() / 60
    opened = told["opened_at"].dt.tz_localize(None).to_numpy()
    after = (opened - parents["ordered_at"].to_numpy()) / np.timedelta64(1, "s") / 86_400
    return parents.assign(
        week=_week(_local(told["opened_at"], world.time_zone)),
        opened_at=opened,
        first_reply_at=told["first_reply_at"].dt.tz_localize(None).to_numpy(),
        reply_minutes=waited.round(4),
        reply_bucket=_bucket(waited, durations.REPLY),
        days_after_order=after.round(4),
        proactive=told["proactive"].to_numpy(),
        csat=told["csat"].to_numpy(),
    )


def _traffic(told: pd.DataFrame) -> pd.DataFrame:
    """The traffic of a week as one row: its days are never read."""
    day = told["date"].to_numpy().astype("datetime64[D]")
    keys = {name: told[name].astype("category") for name in ("market", "channel", "device")}
    rows = told.drop(columns="date").assign(week=_week(day), **keys)
    weeks = rows.groupby(["week", *keys], observed=True, sort=False).sum().reset_index()
    return weeks.astype(dict.fromkeys(keys, object)).assign(workspace_id=1)


def _spend(world: World, told: pd.DataFrame) -> pd.DataFrame:
    units = {m.currency: m.units_per_base for m in world.markets} | {world.base_currency: 1.0}
    day = told["date"].to_numpy().astype("datetime64[D]")
    base = (told["cost"] / told["currency"].map(units).astype(float)).round(4)
    return told.drop(columns="date").assign(workspace_id=1, week=_week(day), cost_base=base)


def _referrals(orders: pd.DataFrame) -> pd.DataFrame:
    """The invitations that became orders."""
    came = orders.loc[(orders["channel"] == "referral") & orders["counts"]]
    known = came[["workspace_id", "week", "market", "channel", "carrier"]]
    return known.assign(order_id=came["id"], order_week=came["week"], order_ref=came["external_id"])
