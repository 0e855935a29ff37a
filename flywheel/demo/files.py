"""The demo business on disk: files as its shop, analytics and help desk would export them."""

import dataclasses
import datetime as dt
import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from flywheel.demo import browsing
from flywheel.demo.calendar import build_calendar
from flywheel.demo.generate import generate
from flywheel.demo.goods import Rates
from flywheel.demo.norrsken import demo_world
from flywheel.demo.unpaid import unpaid_orders
from flywheel.demo.world import World
from flywheel.facts import currency

FILES = (
    "customers",
    "orders",
    "unpaid_orders",
    "order_lines",
    "payments",
    "refunds",
    "traffic",
    "events",
    "spend",
    "reviews",
    "tickets",
    "survey_answers",
    "referrals",
    "campaigns",
    "page_experience",
    "investments",
)
KIND_OF = {"unpaid_orders": "orders"}  # where a file has another name than its kind
FASTEST = 1  # of gzip: the files are read once


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What a demo business is made from; the same recipe gives the same files."""

    orders: int
    seed: int
    planted: bool
    until: dt.date

    @property
    def world(self) -> World:
        """The business it describes."""
        return demo_world(self.orders, self.planted)


def write_files(folder: Path, recipe: Recipe) -> Iterator[tuple[str, Path]]:
    """Write every file, (kind, path) by (kind, path), in the order in which they are best loaded."""
    frames = generate(recipe.world, recipe.seed, recipe.until, market_rates(recipe.world, recipe.until))
    frames["unpaid_orders"] = unpaid_orders(frames["orders"], frames["traffic"], recipe.seed)
    frames["traffic"], frames["events"] = browsing.split(recipe.world, frames["traffic"], recipe.until, recipe.seed)
    for name in FILES:
        path = folder / f"{name}.csv.gz"
        _write_whole(path, gzip.compress(csv_bytes(frames.pop(name)), FASTEST, mtime=0))
        yield KIND_OF.get(name, name), path


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """The frame as CSV; moments in UTC with a Z, dates as dates, unknown cells empty."""
    texts = {str(name): _time_texts(frame[name]) for name in frame.select_dtypes(["datetime", "datetimetz"])}
    return frame.assign(**texts).to_csv(index=False, lineterminator="\n").encode()


def _time_texts(times: pd.Series) -> np.ndarray:
    if times.dt.tz is None:
        return np.datetime_as_string(times.to_numpy(), unit="D").astype(object)
    moments = times.dt.tz_localize(None).to_numpy().astype("datetime64[s]")
    texts = np.datetime_as_string(moments, unit="s", timezone="UTC").astype(object)
    texts[np.isnat(moments)] = ""
    return texts


def market_rates(world: World, until: dt.date) -> Rates:
    """Real exchange rates per day of the world, as the loaded facts will be converted at."""
    days = build_calendar(world, until).dates()
    codes = {market.currency for market in world.markets} | {market.ad_currency for market in world.markets}
    result = {}
    for code in sorted(codes - {world.base_currency}):
        texts = currency.rates([code] * len(days), days, world.base_currency).texts
        result[code] = 1 / np.array([float(text) for text in texts])
    return result


def last_day_with_rates() -> dt.date:
    """The last day on which every currency still has a rate."""
    return currency.last_day().astype("datetime64[D]").item() + dt.timedelta(days=currency.MAX_TAIL_DAYS)


def _write_whole(path: Path, content: bytes) -> None:
    """The file is there whole or not at all, whatever happens."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    os.replace(partial, path)
